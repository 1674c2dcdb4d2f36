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
E_CLASS, E_TYPE, E_MACHINE, E_PHOFF, E_SHOFF = 4, 16, 18, 32, 40
E_PHENTSIZE, E_PHNUM, E_SHENTSIZE, E_SHNUM = 54, 56, 58, 60
P_TYPE, P_OFFSET, P_FILESZ, P_MEMSZ = 0, 8, 32, 40
ET_DYN = 3
SH_TYPE = 4
PT_NULL, PT_LOAD, PT_NOTE, SHT_NULL, SHT_NOTE = 0, 1, 4, 0, 7
EM_AARCH64 = 183

# Notes, by <xen/elfnote.h>; behind three numbers and the owner's name comes what they say.
ENTRY, HYPERCALL_PAGE, VIRT_BASE, XEN_VERSION, LOADER, INIT_P2M = 1, 2, 3, 5, 8, 15
NOTE_HEAD, OWNER = 12, b"Xen\0"


def table(elf, offset, size, count):
    """The offsets of the program or section headers."""
    start, = struct.unpack_from("<Q", elf, offset)
    step, = struct.unpack_from("<H", elf, size)
    number, = struct.unpack_from("<H", elf, count)
    return [start + i * step for i in range(number)]


def segments(elf, kind):
    return [at for at in table(elf, E_PHOFF, E_PHENTSIZE, E_PHNUM)
            if struct.unpack_from("<I", elf, at + P_TYPE)[0] == kind]


def first(kind, elf, field):
    """A field of the first segment of a kind."""
    return struct.unpack_from("<Q", elf, segments(elf, kind)[0] + field)[0]


def cut_in_last_segment(elf):
    at = segments(elf, PT_LOAD)[-1]
    return elf[:struct.unpack_from("<Q", elf, at + P_OFFSET)[0] + 1]


def with_note(kind, value):
    """Changes what a note says; text is padded to the old length."""
    def change(elf):
        at = first(PT_NOTE, elf, P_OFFSET)
        end = at + first(PT_NOTE, elf, P_FILESZ)
        while at < end:
            name, size, found = struct.unpack_from("<III", elf, at)
            body = at + NOTE_HEAD + -(-name // 4) * 4
            if found == kind and elf[at + NOTE_HEAD:at + NOTE_HEAD + name] == OWNER:
                elf[body:body + size] = value.ljust(size, b"\0")
                return elf
            at = body + -(-size // 4) * 4
        raise ValueError(f"the guest has no note {kind}")
    return change


def address(value):
    return struct.pack("<Q", value)


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
    guest: str = ""                     # another one than the default


BEYOND = r"(truncated|beyond)"
ADDRESSES = r"hypervisor's addresses"
OUTSIDE = r"outside its segments"
P2M = r"P2M"
BAD_BOOTS = [
    BadBoot("empty module", r"module.*empty", lambda elf: b""),
    BadBoot("cut in its header", r"truncated", lambda elf: elf[:40]),
    BadBoot("cut in its program headers", BEYOND, lambda elf: elf[:100]),
    BadBoot("cut in its last segment", BEYOND, cut_in_last_segment),
    BadBoot("not an ELF", r"not an ELF", lambda elf: b"#!/bin/sh\n" * 1000),
    BadBoot("32-bit ELF", r"32-bit", with_field("<B", E_CLASS, 1)),
    BadBoot("another architecture", r"x86-64", with_field("<H", E_MACHINE, EM_AARCH64)),
    BadBoot("not an executable", r"not an executable", with_field("<H", E_TYPE, ET_DYN)),
    BadBoot("no notes", r"note", without_notes),
    BadBoot("another interface", r"xen-3\.0", with_note(XEN_VERSION, b"xen-9.9")),
    BadBoot("another loader", r"loader", with_note(LOADER, b"special")),
    BadBoot("no program headers", r"program headers", with_field("<H", E_PHNUM, 0)),
    BadBoot("too many program headers", r"headers", with_field("<H", E_PHNUM, 0xffff)),
    BadBoot("program headers beyond the file", BEYOND, with_field("<Q", E_PHOFF, 1 << 40)),
    BadBoot("program headers that wrap", r"headers", with_field("<Q", E_PHOFF, (1 << 64) - 64)),
    BadBoot("entry outside", f"entry point.*{OUTSIDE}", with_note(ENTRY, address(0x1000))),
    BadBoot("hypercall page outside", f"hypercall page.*{OUTSIDE}",
            with_note(HYPERCALL_PAGE, address(0x1000))),
    BadBoot("at the hypervisor's addresses", ADDRESSES,
            with_note(VIRT_BASE, address(0xffff830000000000))),
    BadBoot("at addresses that do not exist", ADDRESSES,
            with_note(VIRT_BASE, address(0x0000900000000000))),
    BadBoot("at addresses that wrap", r"address space",
            with_note(VIRT_BASE, address(0xfffffffffffff000))),
    BadBoot("P2M at the hypervisor's addresses", P2M,
            with_note(INIT_P2M, address(0xffff880000000000 - 4096)), guest="hello-p2m"),
    BadBoot("P2M at addresses that end", P2M,
            with_note(INIT_P2M, address(0x00007ffffffff000)), guest="hello-p2m"),
    BadBoot("P2M at addresses that wrap", P2M,
            with_note(INIT_P2M, address(0xfffffffffffff000)), guest="hello-p2m"),
    BadBoot("P2M over the kernel", P2M,
            with_note(INIT_P2M, address(0xffffffff80001000)), guest="hello-p2m"),
    BadBoot("segment beyond the file", BEYOND, with_segment_field(P_OFFSET, 1 << 40)),
    BadBoot("segment larger in the file than in memory", r"segment",
            with_segment_field(P_MEMSZ, 1)),
    BadBoot("segment larger than memory", r"(fit|memory)", with_segment_field(P_MEMSZ, 1 << 29)),
    BadBoot("segment larger than any memory", r"fit", with_segment_field(P_MEMSZ, 1 << 40)),
    BadBoot("segment that wraps", r"fit", with_segment_field(P_MEMSZ, (1 << 64) - 4096)),
    BadBoot("ramdisk that does not fit", r"ramdisk.*fit",
            ramdisk_mib=150, spec={"append": "dom0_mem=64M"}),
    BadBoot("too little memory", r"memory", spec={"mem": 4}),
    BadBoot("too little for the guest", r"memory", spec={"append": "dom0_mem=1M"}),
    BadBoot("more for the guest than there is", r"memory.*dom0_mem",
            spec={"append": "dom0_mem=1G"}),
]


def module_for(bad, mark):
    """Writes the module of a row; returns its path. Each run has its own."""
    good = places.BUILD / "guests" / f"{bad.guest}.elf" if bad.guest else Path(default_guest())
    if bad.change is None:
        return str(good)
    path = places.BUILD / "bad" / (re.sub(r"\W+", "-", bad.name + mark) + ".elf")
    path.parent.mkdir(parents=True, exist_ok=True)
    check(good.exists(), f"{good.name} to spoil", "none")
    path.write_bytes(bad.change(bytearray(good.read_bytes())))
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
    mark = ", noreboot" if noreboot else ""
    spec = Spec(guest=module_for(bad, mark), ramdisk=ramdisk_for(bad), **bad.spec)
    if noreboot:
        spec.append = f"{spec.append} noreboot".strip()
    with Machine(spec, f"bad-{bad.name}{mark}") as machine:
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
