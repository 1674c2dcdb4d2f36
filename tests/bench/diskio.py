# SPDX-License-Identifier: MIT
"""What reads and writes of disks cost, in instructions: the control domain's own, and a guest's.

Boots the control domain with two disks and tests/bench/disk, which reads and writes one of them
there and then the other in a guest. Instructions are counted by tests/bench/counter, between marks
that the program sets. What QEMU moved is compared with what the programs asked for, so that a
transfer that did not reach its disk makes the run fail.
"""

import re
import statistics
import struct
import tempfile
import unittest
from pathlib import Path

from harness import places
from harness.machine import ConsoleError, Machine, Spec

FOLDER = places.BUILD / "tests" / "bench"
CONTROL = {"guest": str(places.BUILD / "guests" / "pv-kernel.elf"),
           "guest_args": "init=/bin/diskio-init",
           "ramdisk": str(FOLDER / "diskio-initramfs.cpio"), "append": "dom0_mem=96M"}

# By whom a disk is used, in the order in which the control domain finds them.
USERS = ["guest", "control"]
BLOCK, BLOCKS = 4096, 4096
SECTOR = 512            # Firmware may look at the first one.
TIME_LIMIT = 240

KIND = re.compile(r"\bDISK (control|guest) (read|write) (\d+) count=(\d+)$")
FAILED = re.compile(r"\bDISK FAILED (.+)$")
MOVED = re.compile(r"^disk-(\w+): rd_bytes=(\d+) wr_bytes=(\d+)", re.MULTILINE)

SIZES = {4096: "4 KiB", 1 << 20: "1 MiB"}
WHERE = {"control": "in the control domain", "guest": "in a guest"}
RATIO = "1 MiB read, a guest's to the control domain's own"
# What is asked of Pavane.
LIMITS = {"4 KiB read, in a guest": 35_000, RATIO: 2.5}


class DiskError(Exception):
    """The run did not get to its end, or what it says makes no sense."""


def row(where, what, size):
    return f"{SIZES[int(size)]} {what}, {WHERE[where]}"


def medians(lines, marks):
    """({name: instructions}, {user: {"read": bytes, "write": bytes}}) of lines and marks."""
    rows, asked = {}, {user: {"read": 0, "write": 0} for user in USERS}
    counts = [after - before for before, after in zip(marks[::2], marks[1::2])]
    for line in lines:
        if found := FAILED.search(line):
            raise DiskError(found[1])
        if found := KIND.search(line):
            where, what, size, number = found[1], found[2], int(found[3]), int(found[4])
            if len(counts) < number or not number:
                raise DiskError("fewer marks than transfers")
            rows[row(where, what, size)] = int(statistics.median(counts[:number]))
            asked[where][what] += number * size
            counts = counts[number:]
    if counts or len(rows) != len(USERS) * 2 * len(SIZES):
        raise DiskError("not all kinds of transfers are there")
    rows[RATIO] = round(rows[row("guest", "read", 1 << 20)] /
                        rows[row("control", "read", 1 << 20)], 2)
    return rows, asked


def moved(blockstats):
    """{user: {"read": bytes, "write": bytes}} as QEMU tells it."""
    return {user: {"read": int(read), "write": int(write)}
            for user, read, write in MOVED.findall(blockstats)}


def agrees(asked, done):
    """Whether the machine moved what programs asked it to."""
    return all(user in done and done[user]["write"] == asked[user]["write"] and
               done[user]["read"] - asked[user]["read"] in (0, SECTOR) for user in asked)


def make_image(path):
    """Each block holds its number in the first and the last word."""
    with open(path, "wb") as image:
        for number in range(BLOCKS):
            word = struct.pack("<Q", number)
            image.write(word + bytes(BLOCK - 2 * len(word)) + word)


def options(folder):
    found = ["-plugin", f"{FOLDER / 'counter.so'},out={folder}/marks"]
    for user in USERS:
        make_image(folder / user)
        found += ["-drive", f"id=disk-{user},file={folder / user},format=raw,if=none",
                  "-device", f"virtio-blk-pci,disable-legacy=on,drive=disk-{user}"]
    return found


def run(hypervisor):
    """{name: instructions}"""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = Spec(hypervisor=hypervisor, qemu="run", extra=options(folder), **CONTROL)
        stats = ""
        with Machine(spec, f"bench-disk-{hypervisor}", TIME_LIMIT) as machine:
            try:
                if machine.expect(r"\bDISK (DONE|FAILED)")[1] == "DONE":
                    stats = machine.monitor("info blockstats")
            except ConsoleError:
                pass                # medians() says what is missing
        marks = [int(mark) for mark in (folder / "marks").read_text().split()]
    try:
        rows, asked = medians([line.text for line in machine.lines], marks)
        if not agrees(asked, moved(stats)):
            raise DiskError(f"programs moved {asked}, the machine {moved(stats)}")
    except DiskError as error:
        where = f"{machine.ended}; log: {machine.log_path}"
        raise DiskError(f"{hypervisor}: {error} ({where})") from error
    return rows


def judge(rows):
    """What is wrong with a column of figures: a list of sentences."""
    wrong = []
    for name, limit in LIMITS.items():
        figure = rows.get(name)
        if figure is None:
            wrong.append(f"{name}: no figure")
        elif figure > limit:
            wrong.append(f"{name}: {figure:,}, more than {limit:,}")
    return wrong


class SelfTest(unittest.TestCase):
    LINES = [f"DISK {user} {what} {size} count=3" for user in reversed(USERS)
             for what in ("read", "write") for size in SIZES]
    MARKS = [mark for number in range(24) for mark in (1000 * number, 1000 * number + number + 9)]
    STATS = "".join(f"disk-{user}: rd_bytes=3158016 wr_bytes=3158016 rd_operations=6\r\n"
                    for user in USERS)

    def test_reads_counts(self):
        rows, asked = medians(["x"] + self.LINES, self.MARKS)
        self.assertEqual(rows["4 KiB read, in the control domain"], 10)
        self.assertEqual(rows["1 MiB write, in a guest"], 31)
        self.assertEqual(rows[RATIO], round(25 / 13, 2))
        self.assertEqual(asked, moved(self.STATS))

    def test_refuses_what_stopped(self):
        for lines, marks in ((self.LINES[:-1], self.MARKS), (self.LINES, self.MARKS[:-1]),
                             (self.LINES[:-1], self.MARKS[:-6]), (self.LINES, []), ([], []),
                             (self.LINES + ["DISK FAILED read"], self.MARKS)):
            with self.assertRaises(DiskError):
                medians(lines, marks)

    def test_compares_with_the_machine(self):
        asked, first = moved(self.STATS), "rd_bytes=3158016"
        self.assertTrue(agrees(asked, asked))
        self.assertTrue(agrees(asked, moved(self.STATS.replace(first, "rd_bytes=3158528"))))
        for other in ("rd_bytes=3158015", "rd_bytes=3162112", "rd_bytes=0"):
            self.assertFalse(agrees(asked, moved(self.STATS.replace(first, other))))
        self.assertFalse(agrees(asked, moved("")))

    def test_judges(self):
        self.assertEqual(judge(LIMITS), [])
        self.assertEqual(len(judge({name: limit + 1 for name, limit in LIMITS.items()})), 2)
        self.assertEqual(len(judge({})), 2)
