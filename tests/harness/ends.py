# SPDX-License-Identifier: MIT
"""The rest of the conformance suite: cases that end the domain, the proof that the kit can fail,
and the table of cells.

A case of the guest conf-end passes when it began, gave no verdict, and the hypervisor said that the
domain crashed and then reset the machine, or what else the case is to bring about. The guest
conf-broken must fail in just the ways that BROKEN lists.
"""

import os
import sys
from functools import partial

from . import places, verdict
from .conformance import hypervisors, title
from .machine import TIME_LIMIT, ConsoleError, Machine, Spec, boot
from .report import Job, check

sys.path.insert(0, str(places.REPO / "tests" / "conformance"))
import table                                            # noqa: E402

END, BROKEN_GUEST, MMU_GUEST = "conf-end", "conf-broken", "conf-mmu"
EMULATE_GUEST = "conf-emulate"

# Xen then waits five seconds before the reset, which is not worth waiting for.
CRASHED = {"pavane": r"domain 0 (has )?crashed", "xen": r"Hardware Dom0 crashed: rebooting machine"}

# Cases that end the domain in another way: what the hypervisor says, and how the machine ends.
OTHERWISE = {"end_last_down": ({"pavane": r"domain 0 has powered off",
                                "xen": r"Hardware Dom0 halted: halting machine"}, "power-off"),
             "end_acpi": ({"pavane": r"domain 0 has powered off",
                           "xen": r"Entering ACPI S5 state"}, "power-off"),
             "end_watchdog": ({"pavane": r"domain 0 has crashed",
                               "xen": r"Hardware Dom0 shutdown: watchdog rebooting machine"},
                              "reset")}

# The verdicts that conf-broken must get.
BROKEN = {"broken_value": "FAIL", "broken_fault": "FAIL", "broken_worst": "FAIL",
          "broken_empty": "FAIL", "broken_skip": "SKIP", "broken_crash": "FAIL"}


def image(guest):
    return str(places.BUILD / "guests" / f"{guest}.elf")


def run_end(case, hypervisor, limit=TIME_LIMIT):
    spec = Spec(hypervisor=hypervisor, guest=image(END), guest_args=f"case={case}")
    said, end = OTHERWISE.get(case, (CRASHED, "reset"))
    with Machine(spec, f"conformance/{END}-{case}-{title(hypervisor)}", limit) as machine:
        try:
            machine.expect(said.get(hypervisor, said["xen"]))
        except ConsoleError as wrong:
            check(False, "the hypervisor says how the domain ended", wrong, machine.log_path)
        if hypervisor == "pavane":
            machine.wait_for_end()
            check(machine.ended == end, f"a {end}", machine.ended, machine.log_path)
    lines = [line.text.split("CASE ", 1)[1] for line in machine.lines
             if f"CASE {case} " in line.text]
    check(lines == [f"{case} BEGIN"], f"{case} BEGIN and no verdict", lines, machine.log_path)


def run_broken(hypervisor):
    """One boot for each case, since one of them ends its boot."""
    for case, expected in BROKEN.items():
        machine = boot(f"conformance/{BROKEN_GUEST}-{case}-{title(hypervisor)}",
                       hypervisor=hypervisor, guest=image(BROKEN_GUEST),
                       guest_args=f"case={case}")
        cases, wrong = verdict.read(machine.lines, machine.ended)
        seen = {v.name: v.status for v in cases}
        check(seen == {case: expected}, {case: expected}, seen, machine.log_path)
        check(bool(wrong) == (case == "broken_crash"), "a complete run, but for the crash", wrong,
              machine.log_path)


def run_guarded(hypervisor):
    """The cases of absent entries, in a domain that Pavane guards against L1TF."""
    machine = boot(f"conformance/{MMU_GUEST}-guarded", hypervisor=hypervisor, vendor="intel",
                   append="pv-l1tf=dom0", guest=image(MMU_GUEST),
                   guest_args="case=absent_* l1tf=checked")
    cases, wrong = verdict.read(machine.lines, machine.ended)
    seen = {v.name: v.status for v in cases}
    check(not wrong and seen and set(seen.values()) == {"PASS"}, "all cases to pass",
          wrong or seen, machine.log_path)


def run_other_port(hypervisor):
    """The hypervisor's console, on the second serial port, is hidden there."""
    machine = boot(f"conformance/{EMULATE_GUEST}-com2", hypervisor=hypervisor, com=2,
                   append="com1=115200,8n1,0x2f8", guest=image(EMULATE_GUEST),
                   guest_args="case=ports_owned com=2")
    cases, wrong = verdict.read(machine.lines, machine.ended)
    seen = {v.name: v.status for v in cases}
    check(not wrong and seen == {"ports_owned": "PASS"}, "ports_owned to pass", wrong or seen,
          machine.log_path)


def run_bounded(hypervisor):
    """The cases of how late events come, where the clock counts instructions."""
    machine = boot(f"conformance/{MMU_GUEST}-bounded-{title(hypervisor)}",
                   hypervisor=hypervisor, qemu="run", icount=True, guest=image(MMU_GUEST),
                   guest_args="case=latency_* icount=1")
    cases, wrong = verdict.read(machine.lines, machine.ended)
    seen = {v.name: v.status for v in cases}
    check(not wrong and seen and set(seen.values()) == {"PASS"}, "all cases to pass",
          wrong or seen, machine.log_path)


def check_table():
    wrong = table.check()
    check(not wrong, "a table of cells that is complete and up to date", "; ".join(wrong))


def jobs():
    ends = [case.name for case in table.read_cases()[0] if case.guest == END]
    jobs = [Job(f"conformance/{END}/{case} [{title(hypervisor)}]",
                partial(run_end, case, hypervisor))
            for case in ends for hypervisor in hypervisors()]
    # The kit itself is the same on both.
    jobs.append(Job("conformance/the kit can fail", partial(run_broken, hypervisors()[0])))
    jobs += [Job(f"conformance/long work lets events through [{title(hypervisor)}]",
                 partial(run_bounded, hypervisor)) for hypervisor in hypervisors()]
    if "pavane" in hypervisors():
        jobs.append(Job("conformance/a domain guarded against L1TF [pavane]",
                        partial(run_guarded, "pavane")))
        jobs.append(Job("conformance/a console on the second port is hidden [pavane]",
                        partial(run_other_port, "pavane")))
    if not os.environ.get("HYPERVISOR"):
        jobs.append(Job("conformance/table", check_table))
    return jobs
