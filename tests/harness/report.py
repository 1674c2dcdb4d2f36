# SPDX-License-Identifier: MIT
"""Tests as values: jobs that yield results, run two at a time, and the report at the end.

A job is one thing to do, such as a boot; it may decide several tests. It returns a list of Results,
or None for "the one test named like me passed", or raises Mismatch or Skipped. Any other exception
is a failure of that test too, so that nothing ends the run early.

Each job prints a line, and below it those of its tests that failed or were skipped; with V=1 each
test has its line. What failed is said again at the end, so that the last lines tell all.
"""

import os
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from . import places

WORKERS = 2
SLOWEST = 10


@dataclass
class Result:
    name: str
    status: str             # PASS, FAIL or SKIP
    seconds: float
    expected: str = ""      # FAIL
    seen: str = ""          # FAIL
    log: str = ""           # FAIL: where to read on
    reason: str = ""        # SKIP


@dataclass
class Job:
    name: str
    run: object             # a function of no arguments
    alone: bool = False     # measures time, or needs the whole machine


class Mismatch(Exception):
    """A test failed."""

    def __init__(self, expected, seen, log=""):
        super().__init__(f"expected {expected}, seen {seen}")
        self.expected, self.seen, self.log = str(expected), str(seen), str(log)


class Skipped(Exception):
    """A test cannot run here; the text says why."""


def check(good, expected, seen, log=""):
    if not good:
        raise Mismatch(expected, seen, log)


def perform(job):
    """Runs one job; whatever happens becomes results."""
    start = time.monotonic()

    def single(status, **more):
        return [Result(job.name, status, time.monotonic() - start, **more)]

    try:
        results = job.run()
    except Mismatch as wrong:
        return single("FAIL", expected=wrong.expected, seen=wrong.seen, log=wrong.log)
    except Skipped as skipped:
        return single("SKIP", reason=str(skipped))
    except Exception as wrong:              # noqa: BLE001: one broken test must not end all others
        return single("FAIL", expected="the test itself to run", seen=origin(wrong))
    return single("PASS") if results is None else results


def origin(wrong):
    """What an unexpected exception says, and the last place in these tests on its way."""
    frames = [frame for frame in traceback.extract_tb(wrong.__traceback__)
              if frame.filename.startswith(str(places.REPO))]
    where = f"{relative(frames[-1].filename)}:{frames[-1].lineno}: " if frames else ""
    return f"{where}{type(wrong).__name__}: {wrong}"


class Report:
    def __init__(self):
        self.results = []
        self._verbose = os.environ.get("V", "0") not in ("", "0")

    def run(self, jobs):
        """Runs jobs two at a time, then, one by one, those that want to be alone."""
        with ThreadPoolExecutor(WORKERS) as pool:
            waiting = {pool.submit(perform, job): job for job in jobs if not job.alone}
            try:
                for done in as_completed(waiting):
                    self._add(waiting[done], done.result())
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        for job in jobs:
            if job.alone:
                self._add(job, perform(job))

    def _add(self, job, results):
        self.results += results
        if self._verbose or len(results) == 1:
            told = results
        else:
            told = [result for result in results if result.status != "PASS"]
            passed = len(results) - len(told)
            if passed:
                line("PASS", max(result.seconds for result in results), job.name,
                     f"{passed} passed")
        for result in told:
            line(result.status, result.seconds, result.name, result.reason)
            if result.status == "FAIL":
                describe(result)

    def count(self, status):
        return sum(result.status == status for result in self.results)

    def close(self):
        """Prints the end of the report; returns the exit status."""
        failures = [result for result in self.results if result.status == "FAIL"]
        if failures:
            print("\nFailed:")
            for result in failures:
                print(f"  {result.name}")
                describe(result)
        print(f"\nThe {SLOWEST} slowest:")
        for result in sorted(self.results, key=lambda r: -r.seconds)[:SLOWEST]:
            print(f"  {result.seconds:6.1f} s  {result.name}")
        skipped = self.count("SKIP")
        print(f"\n{self.count('PASS')} passed, {len(failures)} failed"
              + (f", {skipped} skipped" if skipped else ""), flush=True)
        return 1 if failures or not self.results else 0


def line(status, seconds, name, remark):
    print(f"{status}  {seconds:6.1f} s  {name}{'  (' + remark + ')' if remark else ''}", flush=True)


def describe(result):
    print(f"      expected: {result.expected}\n      seen:     {result.seen}")
    if result.log:
        print(f"      log:      {relative(result.log)}", flush=True)


def relative(path):
    text = str(path)
    return text.removeprefix(str(places.REPO) + "/")
