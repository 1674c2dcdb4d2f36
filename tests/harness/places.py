# SPDX-License-Identifier: MIT
"""Where things are: the repository, its build folder, the cache of set-up, and the two QEMUs."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BUILD = REPO / os.environ.get("BUILD", "build")
LOGS = BUILD / "logs"
CACHE = Path(os.environ.get("PAVANE_CACHE")
             or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pavane")

PAVANE = BUILD / "pavane"
XEN = CACHE / "xen-4.17" / "xen.elf"
GRUB = CACHE / "grub"
GRUB_LIBRARIES = GRUB / "lib" / "x86_64-linux-gnu"      # those that a system without GRUB may lack
OVMF = Path("/usr/share/ovmf/OVMF.fd")

# In continuous integration nothing may be skipped because the machine is not set up as it could be.
IN_CI = os.environ.get("CI") == "true"

# The first QEMU whose emulation of ring 3 honours SMAP; an older one is shown a CPU without it.
SMAP_WORKS = (9, 1)


@functools.cache
def qemu_version(program):
    """(major, minor) of a QEMU program; (0, 0) where there is none."""
    try:
        text = subprocess.run([program, "--version"], capture_output=True, text=True,
                              check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return (0, 0)
    found = re.search(r"version (\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def system_qemu():
    """The installed QEMU, which `make run` and the benchmarks use."""
    return shutil.which("qemu-system-x86_64") or "qemu-system-x86_64"


@functools.cache
def test_qemu():
    """The QEMU for tests: one with SMAP where there is one."""
    unpacked = str(CACHE / "qemu-10" / "usr" / "bin" / "qemu-system-x86_64")
    for program in (system_qemu(), unpacked):
        if qemu_version(program) >= SMAP_WORKS:
            return program
    return system_qemu()


def has_smap(program):
    return qemu_version(program) >= SMAP_WORKS
