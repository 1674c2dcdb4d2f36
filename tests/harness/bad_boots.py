# SPDX-License-Identifier: MIT
"""Boots that must fail well: one clear line with the thing and the reason, then halt or reboot.

The bad images are made from the real guest, so that each has just one thing wrong with it.
"""

import re
import struct
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from . import places
from .boots import default_guest
from .machine import Machine, Spec
from .report import Job, check

# How the line that ends a boot begins.
FATAL = r"\bboot: "

# Offsets in an ELF64 header, and in one of its program and section headers.
E_CLASS, E_MACHINE, E_ENTRY, E_PHOFF, E_SHOFF = 4, 18, 24, 32, 40
E_PHENTSIZE, E_PHNUM, E_SHENTSIZE, E_SHNUM = 54, 56, 58, 60
P_TYPE, P_OFFSET, P_FILESZ, P_MEMSZ = 0, 8, 32, 40
SH_TYPE = 4
PT_NULL, PT_LOAD, PT_NOTE, SHT_NULL, SHT_NOTE = 0, 1, 4, 0, 7
EM_AARCH64 = 183


def table(elf, offset, size, count):
    """The offsets of the program or section headers."""
    start, = struct.unpack_from("<Q", elf, offset)
    step, = struct.unpack_from("<H", elf, size)
    number, = struct.unpack_from("<H", elf, count)
    return [start + i * step for i in range(number)]


def segments(elf, kind):
    return [at for at in table(elf, E_PHOFF, E_PHENTSIZE, E_PHNUM)
            if struct.unpack_from("<I", elf, at + P_TYPE)[0] == kind]


def without_notes(elf):
    for at in segments(elf, PT_NOTE):
        struct.pack_into("<I", elf, at + P_TYPE, PT_NULL)
    for at in table(elf, E_SHOFF, E_SHENTSIZE, E_SHNUM):
        if struct.unpack_from("<I", elf, at + SH_TYPE)[0] == SHT_NOTE:
            struct.pack_into("<I", elf, at + SH_TYPE, SHT_NULL)
    return elf


def with_field(form, offset, value):
    """Changes a field of the ELF header."""
    def change(elf):
        struct.pack_into(form, elf, offset, value)
        return elf
    return change


def with_segment_field(offset, value):
    """Changes a field of the first segment to be loaded."""
    def change(elf):
        struct.pack_into("<Q", elf, segments(elf, PT_LOAD)[0] + offset, value)
        return elf
    return change


@dataclass
class BadBoot:
    name: str
    line: str                           # what the one line must match, after "boot: "
    change: object = None               # makes the module bad; none: the guest as it is
    spec: dict = field(default_factory=dict)
    ramdisk_mib: int = 0


BAD_BOOTS = [
    BadBoot("empty module", r"module.*(empty|truncated|short)", lambda elf: b""),
    BadBoot("cut in its header", r"(truncated|short)", lambda elf: elf[:40]),
    BadBoot("cut in its segments", r"(truncated|short|beyond)", lambda elf: elf[:len(elf) // 4]),
    BadBoot("not an ELF", r"not an ELF", lambda elf: b"#!/bin/sh\n" * 1000),
    BadBoot("32-bit ELF", r"(32-bit|not .*64-bit)", with_field("<B", E_CLASS, 1)),
    BadBoot("another architecture", r"x86-64", with_field("<H", E_MACHINE, EM_AARCH64)),
    BadBoot("no notes", r"note", without_notes),
    BadBoot("program headers beyond the file", r"header", with_field("<Q", E_PHOFF, 1 << 40)),
    BadBoot("entry not in the kernel", r"entry", with_field("<Q", E_ENTRY, 0x1000)),
    BadBoot("segment beyond the file", r"(truncated|beyond|outside)",
            with_segment_field(P_OFFSET, 1 << 40)),
    BadBoot("segment larger in the file than in memory", r"segment",
            with_segment_field(P_MEMSZ, 1)),
    BadBoot("segment larger than memory", r"(fit|memory|large)",
            with_segment_field(P_MEMSZ, 1 << 40)),
    BadBoot("ramdisk that does not fit", r"ramdisk.*fit",
            ramdisk_mib=150, spec={"append": "dom0_mem=64M"}),
    BadBoot("too little memory", r"memory", spec={"mem": 8}),
]


def module_for(bad):
    """Writes the module of a row; returns its path."""
    if bad.change is None:
        return default_guest()
    path = places.BUILD / "bad" / (re.sub(r"\W+", "-", bad.name) + ".elf")
    path.parent.mkdir(parents=True, exist_ok=True)
    check(Path(default_guest()).exists(), "a default guest to spoil", "none")
    path.write_bytes(bad.change(bytearray(Path(default_guest()).read_bytes())))
    return str(path)


def ramdisk_for(bad):
    if not bad.ramdisk_mib:
        return ""
    path = places.BUILD / "bad" / f"ramdisk-{bad.ramdisk_mib}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.truncate(bad.ramdisk_mib << 20)
    return str(path)


def run_bad(bad, noreboot):
    spec = Spec(guest=module_for(bad), ramdisk=ramdisk_for(bad), **bad.spec)
    if noreboot:
        spec.append = f"{spec.append} noreboot".strip()
    with Machine(spec, f"bad-{bad.name}{'-noreboot' if noreboot else ''}") as machine:
        halted = noreboot and machine.wait_for_halt(FATAL)
        if not noreboot:
            machine.wait_for_end()
    log = machine.log_path
    fatal = [line.text for line in machine.lines if re.search(FATAL, line.text)]
    check(len(fatal) == 1 and re.search(FATAL + ".*" + bad.line, fatal[0], re.IGNORECASE),
          f"one line that matches '{FATAL}.*{bad.line}'",
          fatal or f"none, the machine: {machine.ended or 'not halted'}", log)
    if noreboot:
        check(halted, "every CPU halted", machine.ended, log)
    else:
        check(machine.ended == "reset", "a reset", machine.ended, log)


def jobs():
    return [Job(f"bad boot/{bad.name}{', noreboot' if noreboot else ''}",
                partial(run_bad, bad, noreboot))
            for bad in BAD_BOOTS for noreboot in (True, False)]
