# SPDX-License-Identifier: MIT
"""Unit tests: each cmocka program runs once, each test in it counts."""

import re
import time
from functools import partial
from pathlib import Path

from . import command, places
from .report import Job, Result

# A line of the Test Anything Protocol, as cmocka prints it, with the remarks that follow it.
TAP = re.compile(r"^(ok|not ok) \d+ (- |# SKIP )(.+)\n((?:# .*\n)*)", re.M)
PLAN = re.compile(r"^1\.\.(\d+)$", re.M)


def read_tap(text, program, log):
    results = []
    for verdict, mark, name, remarks in TAP.findall(text):
        test = f"unit/{program}/{name}"
        if mark == "# SKIP ":
            results.append(Result(test, "SKIP", 0.0, reason="skips itself"))
        elif verdict == "ok":
            results.append(Result(test, "PASS", 0.0))
        else:
            seen = " / ".join(line[2:] for line in remarks.splitlines()[:3])
            results.append(Result(test, "FAIL", 0.0, "every assertion to hold", seen, log))
    return results


def last_words(text):
    """Why a program ended early."""
    sanitizer = re.search(r"^.*(?:runtime error|ERROR: AddressSanitizer).*$", text, re.M)
    return sanitizer[0] if sanitizer else (text.strip().splitlines() or ["no output"])[-1]


def run_program(program):
    """The results of its tests, and one for the program as a whole, which carries the time."""
    name = Path(program).name
    start = time.monotonic()
    status, output, log = command.run(f"unit-{name}", [places.REPO / program],
                                      CMOCKA_MESSAGE_OUTPUT="TAP")
    seconds = time.monotonic() - start
    results = read_tap(output, name, log)
    planned = sum(int(count) for count in PLAN.findall(output))
    failed = any(result.status == "FAIL" for result in results)
    if planned == 0 or planned != len(results) or (status != 0 and not failed):
        results.append(Result(f"unit/{name}", "FAIL", seconds, "all its tests to run to the end",
                              f"status {status}: {last_words(output)}", log))
    else:
        results.append(Result(f"unit/{name}", "PASS", seconds))
    return results


def jobs():
    return [Job(f"unit/{Path(program).name}", partial(run_program, program))
            for program in command.make_variable("UNIT_TESTS")]
