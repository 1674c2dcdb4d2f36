# SPDX-License-Identifier: MIT
"""The benchmark as a test: no operation may take more instructions on Pavane than on Xen."""

import json
import subprocess

from . import places
from .report import Job, Mismatch, Result

TABLE = places.BUILD / "bench.json"
MAX_RATIO = 1.0


def judge(row):
    name = f"bench/{row['name']}"
    log = str(places.LOGS / "bench.log")
    if not row["pavane"] or not row["xen"]:
        return Result(name, "FAIL", 0.0, expected="a figure on both hypervisors", seen=str(row), log=log)
    if row["ratio"] > MAX_RATIO:
        return Result(name, "FAIL", 0.0, expected=f"at most {MAX_RATIO * row['xen']:.0f} instructions",
                      seen=str(row["pavane"]), log=log)
    return Result(name, "PASS", 0.0)


def run_bench():
    TABLE.unlink(missing_ok=True)
    log = places.LOGS / "bench.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["make", "--no-print-directory", "bench"], cwd=places.REPO, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          env=places.clean_environment())
    log.write_text(done.stdout)
    if done.returncode != 0 or not TABLE.exists():
        raise Mismatch("make bench to write its table", f"status {done.returncode}", log)
    rows = json.loads(TABLE.read_text())
    if not rows:
        raise Mismatch("rows in the table", "none", log)
    return [judge(row) for row in rows]


def jobs():
    return [Job("bench/run", run_bench)]
