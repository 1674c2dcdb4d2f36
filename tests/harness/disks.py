# SPDX-License-Identifier: MIT
"""Disks that the control domain drives itself: virtio disks of the machine, raw and with ext2.

Each disk's contents are made for the run. What the control domain reads is compared with the image
on this machine, and what it writes is looked for in the image after the end.
"""

import hashlib
import random
import secrets
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from .report import Job, check
from .session import Session

SECTOR = 512
RAW_BYTES = 1 << 20
BIG_BYTES = 300_000
MKE2FS = "/sbin/mke2fs"


def drives(disks):
    """QEMU's options for image files, in order; (path, read-only)."""
    options = []
    for number, (path, readonly) in enumerate(disks):
        options += ["-drive", f"id=disk{number},file={path},format=raw,if=none,"
                              f"readonly={'on' if readonly else 'off'}",
                    "-device", f"virtio-blk-pci,disable-legacy=on,drive=disk{number}"]
    return options


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Disks:
    """Images in a folder: an ext2 one that is read-only, and two raw ones."""

    def __init__(self, folder):
        self.token, self.big = secrets.token_hex(8), random.randbytes(BIG_BYTES)
        tree = folder / "tree"
        (tree / "sub").mkdir(parents=True)
        (tree / "token").write_text(self.token + "\n")
        (tree / "sub" / "big").write_bytes(self.big)
        (tree / "link").symlink_to("sub/big")
        self.ext2, self.source, self.target = (folder / name for name in ("e", "s", "t"))
        subprocess.run([MKE2FS, "-q", "-t", "ext2", "-b", "1024", "-d", tree, self.ext2, "4M"],
                       check=True, capture_output=True)
        self.source.write_bytes(random.randbytes(RAW_BYTES))
        self.target.write_bytes(bytes(RAW_BYTES))

    def options(self):
        return drives([(self.ext2, True), (self.source, False), (self.target, False)])


def answers(session, command, *expected):
    said = session.must(command).lines
    check(said == list(expected), f"`{command}` to say {list(expected)}", said,
          session.machine.log_path)


def read_ext2(session, disks):
    session.must("mkdir /disk; mount -t ext2 /dev/vda /disk")
    answers(session, "cat /disk/token", disks.token)
    answers(session, "sha256sum < /disk/sub/big", f"{sha256(disks.big)}  -")
    answers(session, "sha256sum < /disk/link", f"{sha256(disks.big)}  -")
    session.must_fail("touch /disk/new", "Read-only file system")
    session.must("umount /disk")
    session.must_fail("cat /disk/token", "No such file")


def use_raw(session, disks):
    """Whole sectors, and pieces that are none; to the end of the disk and not behind it."""
    answers(session, "sha256sum < /dev/vdb", f"{sha256(disks.source.read_bytes())}  -")
    answers(session, "blockdev --getsize64 /dev/vdb", str(RAW_BYTES))
    session.must_fail("mount -t ext2 /dev/vdb /disk || false", "Invalid argument")
    session.must_fail("echo x > /dev/vda", "not permitted")
    session.must_fail("mount -t ext2 /dev/vdx /disk || false", "Block device required")
    session.must("dd if=/dev/vdb of=/dev/vdc bs=4096 count=64 2>/dev/null")
    session.must("dd if=/dev/vdb of=/dev/vdc bs=777 count=99 skip=500 seek=500 2>/dev/null")
    session.must(f"dd if=/dev/vdb of=/dev/vdc bs=7 count=1 skip={RAW_BYTES // 7 - 1} "
                 f"seek={RAW_BYTES // 7 - 1} 2>/dev/null")
    session.must_fail(f"dd if=/dev/zero of=/dev/vdc bs={SECTOR} seek={RAW_BYTES // SECTOR} "
                      "count=1 2>&1 | grep -o 'No space.*'; false", "No space left on device")
    session.must("sync")


def expected_target(source):
    expected = bytearray(RAW_BYTES)
    last = RAW_BYTES // 7 - 1
    for start, end in ((0, 64 * 4096), (500 * 777, 599 * 777), (7 * last, 7 * last + 7)):
        expected[start:end] = source[start:end]
    return bytes(expected)


def use_disks(hypervisor):
    with tempfile.TemporaryDirectory() as folder:
        disks = Disks(Path(folder))
        source = disks.source.read_bytes()
        with Session(hypervisor, f"disks-{hypervisor}", extra=disks.options()) as session:
            session.boot()
            read_ext2(session, disks)
            use_raw(session, disks)
            session.control.type("reboot\r")
            session.machine.wait_for_end()
            ended, log = session.machine.ended, session.machine.log_path
        check(ended == "reset", "an end by reset", ended, log)
        check(disks.source.read_bytes() == source, "the disk that was read to be as it was",
              "other bytes", log)
        check(disks.target.read_bytes() == expected_target(source),
              "what was written in the image, and nothing else", "other bytes", log)


def jobs():
    return [Job(f"disks/raw and ext2 [{hypervisor}]", partial(use_disks, hypervisor))
            for hypervisor in ("pavane", "xen")]
