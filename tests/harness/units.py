# SPDX-License-Identifier: MIT
"""Unit tests: each cmocka program runs once, each test in it counts."""

import os
import re
import subprocess
from pathlib import Path

from . import places
from .report import Job, Result

TIME_LIMIT = 300

# A line of the Test Anything Protocol, as cmocka prints it, with the remarks that follow it.
TAP = re.compile(r"^(ok|not ok) \d+ (- |# SKIP )(.+)\n((?:# .*\n)*)", re.M)


def read_tap(text, program, log):
    results = []
    for verdict, mark, name, remarks in TAP.findall(text):
        full = f"unit/{program}/{name}"
        if mark == "# SKIP ":
            results.append(Result(full, "SKIP", 0.0, reason="skips itself"))
        elif verdict == "ok":
            results.append(Result(full, "PASS", 0.0))
        else:
            seen = " / ".join(line[2:] for line in remarks.splitlines()[:3])
            results.append(Result(full, "FAIL", 0.0, expected="every assertion to hold", seen=seen, log=log))
    return results


def last_words(text):
    """Why a program ended early."""
    sanitizer = re.search(r"^.*(?:runtime error|ERROR: AddressSanitizer).*$", text, re.M)
    return sanitizer[0] if sanitizer else (text.strip().splitlines() or ["no output"])[-1]


def run_program(program):
    stem = Path(program).name
    log = places.LOGS / f"unit-{stem}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run([str(places.REPO / program)], cwd=places.REPO, text=True, timeout=TIME_LIMIT,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"})
    except FileNotFoundError:
        return [Result(f"unit/{stem}", "FAIL", 0.0, expected="a built program", seen="none")]
    log.write_text(done.stdout)
    results = read_tap(done.stdout, stem, str(log))
    planned = sum(int(count) for count in re.findall(r"^1\.\.(\d+)$", done.stdout, re.M))
    failed = any(result.status == "FAIL" for result in results)
    if planned == 0 or planned != len(results) or (done.returncode != 0 and not failed):
        results.append(Result(f"unit/{stem}", "FAIL", 0.0, expected="all its tests to run to the end",
                              seen=f"status {done.returncode}: {last_words(done.stdout)}", log=str(log)))
    return results


def jobs():
    return [Job(f"unit/{Path(program).name}", lambda program=program: run_program(program))
            for program in places.make_variable("UNIT_TESTS")]
