# SPDX-License-Identifier: MIT
"""Conformance guests that need more than a boot: a ramdisk beside them, or somebody who types.

The guests of conf-start find a ramdisk whose contents they know, each in its own way. conf-input
gets a text as an option, and the same text over the serial line whenever it asks for it.
"""

import secrets
from functools import partial

from . import verdict
from .conformance import audit_of, hypervisors, run_guest, title
from .ends import image
from .library import ramdisk
from .machine import ConsoleError, Machine, Spec
from .report import Job, check

INPUT, INPUT_CASES = "conf-input", 3


def run_input(hypervisor):
    """A fresh text, typed once for each case."""
    token = secrets.token_hex(12)
    spec = Spec(hypervisor=hypervisor, guest=image(INPUT), guest_args=f"typed={token}")
    with Machine(spec, f"conformance/{INPUT}-{title(hypervisor)}") as machine:
        try:
            for _ in range(INPUT_CASES):
                machine.expect(r"input: type now")
                machine.send(token + "\r")
            machine.wait_for_end()
        except ConsoleError as wrong:
            check(False, f"{INPUT_CASES} cases that ask for input", wrong, machine.log_path)
    cases, wrong = verdict.read(machine.lines, machine.ended)
    wrong = wrong or audit_of(machine.lines, hypervisor)
    failed = [f"{case.name}: {case.status} {case.detail}" for case in cases
              if case.status != "PASS"]
    check(not wrong and not failed and len(cases) == INPUT_CASES, f"{INPUT_CASES} cases to pass",
          wrong or failed or f"{len(cases)} cases", machine.log_path)


def jobs():
    with_ramdisk = {"ramdisk": ramdisk()}
    jobs = [Job(f"conformance/{guest} [{title(hypervisor)}]",
                partial(run_guest, image(guest), hypervisor, "", with_ramdisk))
            for guest in ("conf-start", "conf-start-p2m") for hypervisor in hypervisors()]
    jobs += [Job(f"conformance/{INPUT} [{title(hypervisor)}]", partial(run_input, hypervisor))
             for hypervisor in hypervisors()]
    return jobs
