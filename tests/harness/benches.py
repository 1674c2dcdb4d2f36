# SPDX-License-Identifier: MIT
"""The benchmark as a test: no operation may take more instructions on Pavane than its share of
Xen's, and no disk more than is asked of it."""

import json

from bench import report

from . import command, places
from .report import Job, Result, check

TABLE = places.BUILD / "bench.json"


def judge(row, log):
    name = f"bench/{row['name']}"
    if not row["pavane"] or not row["xen"]:
        return Result(name, "FAIL", 0.0, "a figure on both hypervisors", str(row), log)
    most = report.max_ratio(row["name"]) * row["xen"]
    if row["pavane"] > most:
        limit = f"at most {most:.0f} instructions"
        return Result(name, "FAIL", 0.0, limit, str(row["pavane"]), log)
    return Result(name, "PASS", 0.0)


def run_bench():
    TABLE.unlink(missing_ok=True)
    status, _, log = command.run("bench", ["make", "--no-print-directory", "bench"])
    check(status == 0 and TABLE.exists(), "make bench to write its table", f"status {status}", log)
    rows = json.loads(TABLE.read_text())
    check(rows, "rows in the table", "none", log)
    status, _, log = command.run("bench-check", ["tests/bench/report.py", "--check"])
    targets = Result("bench/report.py --check", "PASS", 0.0) if status == 0 else Result(
        "bench/report.py --check", "FAIL", 0.0, "nothing wrong", f"status {status}", log)
    return [judge(row, log) for row in rows] + [targets]


def jobs():
    return [Job("bench/run", run_bench)]
