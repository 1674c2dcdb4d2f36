# SPDX-License-Identifier: MIT
"""Conformance: the same guests on Pavane and on Debian's Xen, each case on each one a test."""

import fnmatch
import functools
import os
import re
from pathlib import Path

from . import command, places, verdict
from .machine import boot
from .report import Job, Result
from .session import AUDIT_GOOD

# What the guests are told where the emulated CPU has no SMAP: cases that need it skip themselves,
# saying so.
WITHOUT_SMAP = "smap=off"

# Guests that run on other machines than the usual one: each machine's mark in the report, and what
# is different about it. A guest that is not named runs on the usual machine only.
# QEMU's devices that interrupt: by a line or a message, and by MSI-X.
DEVICES = ["-device", "edu,addr=4", "-device", "virtio-rng-pci-non-transitional,addr=5"]

USUAL = {"": {}}
INTEL = {"-intel": {"vendor": "intel"}}
MACHINES = {"conf-sched": {"": {"cpus": 3}}, "conf-event": {"": {"cpus": 2}},
            "conf-latency": {"": {"icount": True, "qemu": "run", "append": "dom0_mem=96M"}},
            "conf-cpu": USUAL | INTEL, "conf-trap": USUAL | INTEL, "conf-emulate": USUAL | INTEL,
            "conf-grant": {"": {"cpus": 2}}, "conf-device": {"": {"extra": DEVICES}},
            "conf-control": USUAL | {"-smp": {"cpus": 3}}}


def hypervisors():
    """The columns of the table: Pavane and Xen, or the one image that the user names."""
    image = os.environ.get("HYPERVISOR")
    return [str(Path(image).resolve())] if image else ["pavane", "xen"]


def title(hypervisor):
    return hypervisor if hypervisor in ("pavane", "xen") else Path(hypervisor).name


def seen_of(detail):
    """A FAIL line's two halves."""
    found = re.match(r"expected (.*) seen (.*)", detail)
    return found.groups() if found else ("PASS", detail or "FAIL")


def judge(case, name, log):
    """One case's Result."""
    if case.status == "FAIL":
        expected, seen = seen_of(case.detail)
        return Result(name, "FAIL", case.seconds, expected, seen, log)
    if case.status == "SKIP":
        if places.IN_CI and "smap" in case.detail.lower():
            return Result(name, "FAIL", case.seconds, "a QEMU with SMAP, in CI",
                          f"skipped: {case.detail}", log)
        return Result(name, "SKIP", case.seconds, reason=case.detail)
    return Result(name, "PASS", case.seconds)


def audit_of(lines, hypervisor):
    """What is wrong with Pavane's audit at the end of a guest, which Xen has not ("": nothing)."""
    said = [line.text for line in lines if "audit: " in line.text]
    if all(re.search(AUDIT_GOOD, line) for line in said) and (said or hypervisor != "pavane"):
        return ""
    return f"the audit says {said}"


def run_guest(guest, hypervisor, mark, differences, suite="conformance"):
    """Boots one guest; its cases and the run as a whole become results."""
    column = f"[{title(hypervisor)}]"
    whole = f"{suite}/{Path(guest).stem}{mark}"
    arguments = "" if places.has_smap(places.test_qemu()) else WITHOUT_SMAP
    machine = boot(f"{whole}-{title(hypervisor)}", hypervisor=hypervisor,
                   guest=str(places.REPO / guest), guest_args=arguments, **differences)
    cases, wrong = verdict.read(machine.lines, machine.ended)
    wanted = os.environ.get("CASE", "*")
    results = [judge(case, f"{whole}/{case.name} {column}", machine.log_path)
               for case in cases if fnmatch.fnmatch(case.name, wanted)]
    wrong = "; ".join(filter(None, [wrong, audit_of(machine.lines, hypervisor)]))
    # How the run went as a whole is a test of its own.
    if wrong:
        results.append(Result(f"{whole} {column}", "FAIL", machine.seconds,
                              "a complete run, ended by a reset", wrong, machine.log_path))
    else:
        results.append(Result(f"{whole} {column}", "PASS", machine.seconds))
    return results


def jobs():
    guests = command.make_variable("CONFORMANCE_GUESTS")
    if not guests:
        raise RuntimeError("the Makefile's CONFORMANCE_GUESTS is empty")
    return [Job(f"conformance/{Path(guest).stem}{mark} [{title(hypervisor)}]",
                functools.partial(run_guest, guest, hypervisor, mark, differences))
            for guest in guests
            for mark, differences in MACHINES.get(Path(guest).stem, USUAL).items()
            for hypervisor in hypervisors()]


def print_table(results):
    """Case by case, a column for each hypervisor."""
    columns = [title(hypervisor) for hypervisor in hypervisors()]
    rows = {}
    for result in results:
        found = re.fullmatch(r"conformance/(\S+) \[(.*)\]", result.name)
        if found and "/" in found[1]:
            rows.setdefault(found[1], {})[found[2]] = result.status
    width = max(map(len, rows), default=10) + 2
    print("\n" + "case".ljust(width) + "  ".join(column.ljust(8) for column in columns))
    for case in sorted(rows):
        print(case.ljust(width) + "  ".join(rows[case].get(c, "none").ljust(8) for c in columns))
