# SPDX-License-Identifier: MIT
"""Fuzz targets (tests/fuzz): a short run of each, always the same; tests/fuzz/run has long ones.

A short run must end without a finding, and must have reached each of the target's goals at least
once: what never gets past the first check tests nothing.
"""

import re
from functools import partial
from pathlib import Path

from . import command, places
from .report import Job, check

SEED = 1
RUNS = 50000
LENGTH = 300            # of an input, at most: all lengths from the first on
# Those that do more for an input.
FEWER = {"mmu": 8000, "store": 6000, "ext2": 3000, "config": 6000, "xenbus": 15000, "pci": 15000,
         "blkback": 20000}

REACHED = re.compile(r"^reached (.+): (\d+) times$", re.M)
FOUND = re.compile(r"^.*(?:does not hold|runtime error|ERROR: |SUMMARY: ).*$", re.M)
WRITTEN = re.compile(r"Test unit written to (\S+)")


def targets():
    """{name: program}"""
    return {Path(program).name: places.REPO / program
            for program in command.make_variable("FUZZ_TARGETS")}


def artifacts(name):
    """What goes before the name of a file that holds an input with a finding."""
    return f"-artifact_prefix={places.BUILD / 'fuzz' / name}-"


def finding(output):
    """A finding in one line; empty: none."""
    found, written = FOUND.search(output), WRITTEN.search(output)
    if not found and not written:
        return ""
    what = found[0].strip() if found else "a finding"
    return f"{what}; the input is {written[1]}" if written else what


def not_reached(output):
    goals = REACHED.findall(output)
    return [goal for goal, times in goals if times == "0"] if goals else ["any of its goals"]


def run_short(name):
    """What is wrong, or nothing; and the log."""
    program = places.BUILD / "fuzz" / name
    status, output, log = command.run(
        f"fuzz-{name}", [program, f"-runs={FEWER.get(name, RUNS)}", f"-seed={SEED}",
                         "-print_final_stats=0", "-len_control=0", "-timeout=300",
                         f"-max_len={LENGTH}", artifacts(name)])
    if wrong := finding(output):
        return wrong, log
    if status != 0:
        return f"status {status}: {output.strip()[-200:]}", log
    if missed := not_reached(output):
        return f"never reached: {', '.join(missed)}", log
    return "", log


def check_short(name):
    wrong, log = run_short(name)
    check(not wrong, "no finding, and all goals reached", wrong, log)


def jobs():
    return [Job(f"fuzz/{name}", partial(check_short, name)) for name in targets()]
