# SPDX-License-Identifier: MIT
"""The guest of docs/write-a-guest.md: the very file explained there runs on both hypervisors.

It is built with each start that the library has, and once more outside the tree, as the document
says.
"""

import re
import secrets
from functools import partial
from pathlib import Path

from . import command, places
from .machine import boot
from .report import Job, check


def run_example(guest, hypervisor):
    token = secrets.token_hex(8)
    name = Path(guest).stem
    machine = boot(f"example-{name}-{hypervisor}", hypervisor=hypervisor, guest=guest,
                   guest_args=f"token={token}")
    own = [line.text for line in machine.lines if re.match(r"hello: ", line.text)]
    check(any(re.search(rf"\b{token}\b", line) for line in own), f"a line with {token}", "none",
          machine.log_path)
    check(any("the timer rang" in line for line in own), "the timer to ring", own,
          machine.log_path)
    check(machine.ended == "reset", "a reset", machine.ended, machine.log_path)


def out_of_tree():
    """docs/write-a-guest.md quotes the example, and its commands build it; that image runs too."""
    folder = places.BUILD / "doc-guest"
    status, output, log = command.run("check-doc", ["tests/guest/hello/check-doc", folder])
    check(status == 0, "docs/write-a-guest.md to be true",
          " / ".join(output.strip().splitlines()[-3:]), log)
    run_example(str(folder / "hello.elf"), "pavane")


def jobs():
    guests = command.make_variable("EXAMPLE_GUESTS")
    if not guests:
        raise RuntimeError("the Makefile's EXAMPLE_GUESTS is empty")
    return [Job("example/out of tree", out_of_tree)] + [
        Job(f"example/{Path(guest).stem} [{hypervisor}]",
            partial(run_example, str(places.REPO / guest), hypervisor))
        for guest in guests for hypervisor in ("pavane", "xen")]
