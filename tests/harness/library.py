# SPDX-License-Identifier: MIT
"""The guest library's own tests: guests of the conformance kit, on both hypervisors.

They run with several CPUs, and with a ramdisk whose contents a case knows.
"""

import struct
from functools import partial
from pathlib import Path

from . import command, places
from .conformance import run_guest
from .report import Job

CPUS = 3
RAMDISK_WORDS = 400_000             # some 3 MB
STEP = 0x9e3779b97f4a7c15           # word i is i times this


def ramdisk():
    path = places.BUILD / "tests" / "library-ramdisk"
    path.parent.mkdir(parents=True, exist_ok=True)
    words = (i * STEP % (1 << 64) for i in range(RAMDISK_WORDS))
    path.write_bytes(struct.pack(f"<{RAMDISK_WORDS}Q", *words))
    return str(path)


def jobs():
    machine = {"cpus": CPUS, "ramdisk": ramdisk()}
    guests = command.make_variable("LIBRARY_GUESTS")
    if not guests:
        raise RuntimeError("the Makefile's LIBRARY_GUESTS is empty")
    return [Job(f"library/{Path(guest).stem} [{hypervisor}]",
                partial(run_guest, guest, hypervisor, "", machine, suite="library"))
            for guest in guests for hypervisor in ("pavane", "xen")]
