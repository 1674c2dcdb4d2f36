#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tests/bench/report.py [pavane] [xen]: counts instructions per operation, on both by default.

Boots the benchmark guest on each hypervisor under QEMU's -icount, then the control domain, which
creates and destroys a guest several times, under -icount and without, and disks (diskio.py). Prints
a table and writes, below the build folder, bench.json (a list of {name, pavane, xen, ratio}),
bench-system.json (the same for figures of the system as a whole) and bench.svg, a chart of the
ratios.

    --check        judges what is there: fails when a row of REQUIRED is missing, when an operation
                   takes more instructions, as a share of Xen's, than it may (max_ratio), or when a
                   disk takes more than is asked of it
    --self-test    tests the reading and judging of results, without any boot
"""

import argparse
import json
import re
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import chart                                        # noqa: E402
import diskio                                       # noqa: E402
from harness import places                          # noqa: E402
from harness.machine import ConsoleError, Machine, Spec         # noqa: E402

GUEST = places.BUILD / "guests" / "bench.elf"
TABLE = places.BUILD / "bench.json"
SYSTEM_TABLE = places.BUILD / "bench-system.json"
CHART = places.BUILD / "bench.svg"

# The control domain and, in its archive, the program tests/bench/lifetime.
CONTROL = {"guest": str(places.BUILD / "guests" / "pv-kernel.elf"),
           "guest_args": "init=/bin/lifetime-init",
           "ramdisk": str(places.BUILD / "tests" / "bench" / "initramfs.cpio"),
           "append": "dom0_mem=96M"}

# QEMU counts one instruction after the other, so a run takes longer than other boots.
TIME_LIMIT = 240

TARGET_RATIO = 0.5      # what Pavane is to take of Xen's instructions; named above it
MAX_RATIO = 0.52        # a failure above it: some room, for another compiler

# What takes more and why is in docs/benchmarks.md; above these it is a failure as well.
OWN_MAX_RATIO = {
    "int80 from kernel, iret": 0.57,
    "grant map": 0.54, "grant map, read-only": 0.55, "grant map of 32, each": 0.55,
    "grant copy, 4096 from grant": 0.57, "grant copy, 4096 to grant": 0.57,
    "create a 64 MiB guest": 0.56,
}

# Rows that must be there, whatever else the guest measures.
REQUIRED = [
    "null hypercall", "unknown hypercall", "multicall of 32", "stack_switch", "set_segment_base",
    "update_descriptor", "fpu_taskswitch", "sched_op yield",
    "set_timer_op, far", "set_timer_op, +5 ms", "set_timer_op, stop",
    "event to self, port masked", "event to self, upcalls masked",
    "event to self, already pending", "event to self, upcall, iret",
    "#UD from kernel, iret", "#PF from kernel, iret", "int80 from kernel, iret",
    "#UD from user, iret", "#PF from user, iret", "int80 from user, iret",
    "SYSCALL from user, iret",
    "update_va_mapping, new frame", "update_va_mapping, new frame, INVLPG",
    "update_va_mapping, flags", "update_va_mapping, flags, INVLPG",
    "mmu_update of 1, new frame", "mmu_update of 1, flags",
    "PTE write, emulated, new frame", "PTE write, emulated, flags",
    "mmu_update of 128, new frame, per entry", "mmu_update of 128, flags, per entry",
    "pin L1, empty", "unpin L1, empty", "pin L1, 512 present", "unpin L1, 512 present",
    "new_baseptr, another root", "new_user_baseptr, another root",
    "TLB_FLUSH_LOCAL", "INVLPG_LOCAL",
    "grant map", "grant unmap", "grant copy, 4096 from grant",
    "mov from CR0, emulated", "wrmsr FS base, emulated", "clts, emulated",
]

POWER_ON = "power-on to the guest's first instructions"
LIFETIMES = {"create": "create a 64 MiB guest", "destroy": "destroy a 64 MiB guest"}
SECONDS = ", seconds"   # how the names of rows end that are not counts of instructions

START = re.compile(r"\bBENCH START tsc=(\d+)$")
ROW = re.compile(r"\bBENCH ROW (\d+) (\d+) (\d+) (\d+) (.+)$")
FAILED = re.compile(r"\bBENCH FAILED (.+)$")
DONE = re.compile(r"\bBENCH DONE rows=(\d+)$")
LIFETIME = re.compile(r"\bLIFETIME (create|destroy) tsc=(\d+) us=(\d+) min=\d+ max=\d+$")
LIFETIME_FAILED = re.compile(r"\bLIFETIME FAILED (.+)$")


class BenchError(Exception):
    """The guest did not get to its end, or printed what makes no sense."""


# ---- What the guest printed ----

def parse(lines):
    """(instructions from power-on to guest_main, {name: instructions}) from console lines."""
    start = done = None
    rows = {}
    for line in lines:
        if found := FAILED.search(line):
            raise BenchError(found[1])
        if found := START.search(line):
            start = int(found[1])
        elif found := ROW.search(line):
            median, count, name = int(found[1]), int(found[4]), found[5]
            if name in rows:
                raise BenchError(f"two rows named {name!r}")
            rows[name] = median if count == 1 else round(median / count, 1)
        elif found := DONE.search(line):
            done = int(found[1])
    if start is None or done is None:
        raise BenchError("the guest did not get from BENCH START to BENCH DONE")
    if done != len(rows) or not rows:
        raise BenchError(f"the guest printed {done} rows, {len(rows)} were read")
    return start, rows


def parse_lifetimes(lines, icount):
    """{name: figure} from console lines: instructions under -icount, seconds without."""
    rows = {}
    for line in lines:
        if found := LIFETIME_FAILED.search(line):
            raise BenchError(found[1])
        if found := LIFETIME.search(line):
            name = LIFETIMES[found[1]]
            rows.update({name: int(found[2])} if icount else
                        {name + SECONDS: round(int(found[3]) / 1e6, 3)})
    if len(rows) != len(LIFETIMES):
        raise BenchError("the control domain did not create and destroy its guests")
    return rows


def run(hypervisor):
    spec = Spec(hypervisor=hypervisor, guest=str(GUEST), qemu="run", icount=True)
    with Machine(spec, f"bench-{hypervisor}", TIME_LIMIT) as machine:
        try:
            # After a guest's panic some hypervisors run on.
            if machine.expect(r"\bBENCH (DONE|FAILED)")[1] == "DONE":
                machine.wait_for_end()
        except ConsoleError:
            pass                    # parse() says what is missing
    try:
        return parse([line.text for line in machine.lines])
    except BenchError as error:
        where = f"{machine.ended}; log: {machine.log_path}"
        raise BenchError(f"{hypervisor}: {error} ({where})") from error


def run_lifetimes(hypervisor, icount):
    spec = Spec(hypervisor=hypervisor, qemu="run", icount=icount, **CONTROL)
    name = f"bench-lifetime-{hypervisor}" + ("" if icount else "-seconds")
    with Machine(spec, name, TIME_LIMIT) as machine:
        try:
            machine.expect(r"\bLIFETIME (DONE|FAILED)")
        except ConsoleError:
            pass                    # parse_lifetimes() says what is missing
    try:
        return parse_lifetimes([line.text for line in machine.lines], icount)
    except BenchError as error:
        where = f"{machine.ended}; log: {machine.log_path}"
        raise BenchError(f"{hypervisor}: {error} ({where})") from error


# ---- Results ----

def combine(columns):
    """The list for bench.json from {hypervisor: {name: figure}}; a figure not there is None."""
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    rows = []
    for name in names:
        pavane = columns.get("pavane", {}).get(name)
        xen = columns.get("xen", {}).get(name)
        ratio = round(pavane / xen, 3) if pavane is not None and xen else None
        rows.append({"name": name, "pavane": pavane, "xen": xen, "ratio": ratio})
    return rows


def missing(rows):
    names = {row["name"] for row in rows}
    return [name for name in REQUIRED if name not in names]


def max_ratio(name):
    return OWN_MAX_RATIO.get(name, MAX_RATIO)


def judge(rows):
    """What is wrong with rows of which Xen's figures are the measure: a list of sentences."""
    wrong = []
    for row in rows:
        if row["ratio"] is None:
            wrong.append(f"{row['name']}: no figure on one of the hypervisors")
        elif row["pavane"] > max_ratio(row["name"]) * row["xen"]:
            wrong.append(f"{row['name']}: {shown(row['pavane'])}, more than "
                         f"{max_ratio(row['name'])} of Xen's {shown(row['xen'])}")
    return wrong


def above_target(rows):
    return [row for row in rows if row["ratio"] is not None and row["ratio"] > TARGET_RATIO]


def shown(figure, name=""):
    if figure is None:
        return "-"
    if name.endswith(SECONDS):
        return f"{figure:.3f}"
    if name == diskio.RATIO:
        return f"{figure:.2f}"
    return f"{figure:,.1f}" if isinstance(figure, float) else f"{figure:,}"


def print_table(rows, heading):
    width = max(len(row["name"]) for row in rows) + 2
    print(f"{heading.ljust(width)}{'Pavane':>15}{'Xen':>15}{'ratio':>8}")
    for row in rows:
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
        pavane, xen = (shown(row[column], row["name"]) for column in ("pavane", "xen"))
        print(f"{row['name'].ljust(width)}{pavane:>15}{xen:>15}{ratio:>8}")


def write_json(path, rows):
    path.write_text("[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n")


# ---- Commands ----

def system_figures(starts):
    """{hypervisor: {name: figure}} from {hypervisor: instructions to the guest's first}."""
    with ThreadPoolExecutor() as pool:
        counted = dict(zip(starts, pool.map(lambda name: run_lifetimes(name, True), starts)))
        disks = dict(zip(starts, pool.map(diskio.run, starts)))
    # Where time is measured, one after the other: they must not share a CPU.
    return {name: {POWER_ON: start, **counted[name], **run_lifetimes(name, False), **disks[name]}
            for name, start in starts.items()}


def bench(hypervisors):
    with ThreadPoolExecutor() as pool:
        results = dict(zip(hypervisors, pool.map(run, hypervisors)))
    rows = combine({name: figures for name, (_, figures) in results.items()})
    write_json(TABLE, rows)
    CHART.write_text(chart.draw(rows, TARGET_RATIO))
    print_table(rows, "instructions")
    print(flush=True)
    system = combine(system_figures({name: start for name, (start, _) in results.items()}))
    write_json(SYSTEM_TABLE, system)
    print_table(system, "system")
    written = ", ".join(str(path.relative_to(places.REPO)) for path in (TABLE, SYSTEM_TABLE, CHART))
    print(f"\nwritten: {written}")
    if absent := missing(rows):
        raise BenchError(f"rows missing: {'; '.join(absent)}")
    return 0


def check():
    if not TABLE.exists():
        print(f"no {TABLE.relative_to(places.REPO)}: run `make bench` first", file=sys.stderr)
        return 1
    rows = json.loads(TABLE.read_text())
    for row in above_target(rows):
        print(f"above {TARGET_RATIO}: {row['ratio']:.2f} {row['name']}")
    system = json.loads(SYSTEM_TABLE.read_text()) if SYSTEM_TABLE.exists() else []
    wrong = [f"{name}: missing" for name in missing(rows)]
    wrong += judge(rows) + judge([row for row in system if row["name"] in LIFETIMES.values()])
    wrong += diskio.judge({row["name"]: row["pavane"] for row in system})
    for sentence in wrong:
        print(f"FAIL {sentence}")
    print(f"{len(rows)} rows, {len(wrong)} wrong")
    return 1 if wrong else 0


class SelfTest(unittest.TestCase):
    LINES = ["(XEN) something", "(d0) BENCH START tsc=1000",
             "(d0) BENCH ROW 250 249 251 1 null hypercall",
             "BENCH ROW 1281 1281 1400 128 many, per entry", "BENCH DONE rows=2"]

    def test_reads_rows(self):
        start, rows = parse(self.LINES)
        self.assertEqual(start, 1000)
        self.assertEqual(rows, {"null hypercall": 250, "many, per entry": 10.0})

    def test_refuses_a_guest_that_stopped(self):
        for cut in (self.LINES[:-1], self.LINES[:-1] + ["BENCH DONE rows=3"], self.LINES[2:],
                    self.LINES + ["BENCH FAILED pin: -22"], self.LINES[:3] * 2 + self.LINES[3:],
                    ["BENCH START tsc=1", "BENCH DONE rows=0"]):
            with self.assertRaises(BenchError):
                parse(cut)

    LIFETIME_LINES = ["LIFETIME create tsc=900 us=1600 min=1 max=1000",
                      "LIFETIME destroy tsc=70 us=2000 min=1 max=80", "LIFETIME DONE"]

    def test_reads_lifetimes(self):
        self.assertEqual(parse_lifetimes(self.LIFETIME_LINES, True),
                         {"create a 64 MiB guest": 900, "destroy a 64 MiB guest": 70})
        self.assertEqual(parse_lifetimes(self.LIFETIME_LINES, False),
                         {"create a 64 MiB guest, seconds": 0.002,
                          "destroy a 64 MiB guest, seconds": 0.002})

    def test_refuses_a_control_domain_that_stopped(self):
        for cut in (self.LIFETIME_LINES[:1], self.LIFETIME_LINES[1:], [],
                    self.LIFETIME_LINES + ["LIFETIME FAILED create"]):
            with self.assertRaises(BenchError):
                parse_lifetimes(cut, True)

    def test_shows_figures(self):
        self.assertEqual([shown(None), shown(1234), shown(9.5), shown(0.25, "a" + SECONDS)],
                         ["-", "1,234", "9.5", "0.250"])

    def test_combines_columns(self):
        rows = combine({"pavane": {"a": 50, "c": 1}, "xen": {"a": 200, "b": 3}})
        self.assertEqual(rows, [{"name": "a", "pavane": 50, "xen": 200, "ratio": 0.25},
                                {"name": "c", "pavane": 1, "xen": None, "ratio": None},
                                {"name": "b", "pavane": None, "xen": 3, "ratio": None}])

    def test_judges(self):
        good = combine({"pavane": dict.fromkeys(REQUIRED, 52),
                        "xen": dict.fromkeys(REQUIRED, 100)})
        self.assertEqual(judge(good), [])
        self.assertEqual(missing(good), [])
        self.assertEqual(missing(good[1:]), [good[0]["name"]])
        slower = [dict(good[0], pavane=53, ratio=0.53)] + good[1:]
        self.assertEqual(len(judge(slower)), 1)
        self.assertEqual(judge([dict(slower[0], name="grant map")]), [])
        alone = [dict(good[0], pavane=None, ratio=None)] + good[1:]
        self.assertEqual(len(judge(alone)), 1)

    def test_names_rows_above_the_target(self):
        rows = combine({"pavane": {"a": 51, "b": 50}, "xen": {"a": 100, "b": 100}})
        self.assertEqual([row["name"] for row in above_target(rows)], ["a"])

    def test_draws_every_row(self):
        svg = chart.draw(combine({"pavane": {"a<b": 61}, "xen": {"a<b": 100, "c": 5}}), 0.6)
        self.assertIn("a&lt;b", svg)
        self.assertIn("0.61", svg)
        self.assertIn(">c<", svg)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hypervisors", nargs="*", metavar="pavane|xen")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.hypervisors) - {"pavane", "xen"}:
        parser.error(f"unknown: {' '.join(unknown)}")
    if options.self_test:
        tests = unittest.TestSuite(map(unittest.defaultTestLoader.loadTestsFromTestCase,
                                       (SelfTest, diskio.SelfTest)))
        return 0 if unittest.TextTestRunner().run(tests).wasSuccessful() else 1
    if options.check:
        return check()
    try:
        return bench(options.hypervisors or ["pavane", "xen"])
    except (BenchError, diskio.DiskError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
