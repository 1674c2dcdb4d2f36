# SPDX-License-Identifier: MIT
"""The guest of docs/write-a-guest.md: the very file explained there runs on both hypervisors."""

import re
import secrets
from functools import partial

from . import command, places
from .machine import boot
from .report import Job, check


def run_example(guest, hypervisor):
    token = secrets.token_hex(8)
    machine = boot(f"example-{hypervisor}", hypervisor=hypervisor, guest=str(places.REPO / guest),
                   guest_args=f"token={token}")
    own = [line.text for line in machine.lines if "ommand line" not in line.text]
    check(any(re.search(rf"\b{token}\b", line) for line in own), f"a line with {token}", "none",
          machine.log_path)
    check(machine.ended == "reset", "a reset", machine.ended, machine.log_path)


def jobs():
    guests = command.make_variable("EXAMPLE_GUEST")
    if len(guests) != 1:
        raise RuntimeError("the Makefile's EXAMPLE_GUEST does not name one guest")
    return [Job(f"example/token [{hypervisor}]",
                partial(run_example, guests[0], hypervisor))
            for hypervisor in ("pavane", "xen")]
