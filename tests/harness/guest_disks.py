# SPDX-License-Identifier: MIT
"""Guests' disks from the toolstack's side: their nodes in the store, who may have which, and guests
that are ended in the middle of their disk's work.
"""

import random
import re
import struct
import tempfile
from functools import partial
from pathlib import Path

from . import places
from .report import Job, check
from .session import Session
from .sessions import config, unchanged

ONE = "/etc/xen/one.cfg"
SPEC = {"ramdisk": str(places.BUILD / "tests" / "initramfs.cpio")}

# The nodes of a guest with a disk, after it has connected: where, the permissions, and for each
# node the pattern of its value. N is the guest, V its disk, U its UUID.
VBD_COPIED = {
    "frontend": "/local/domain/N/device/vbd/V", "frontend-id": "N", "online": "1", "removable": "0",
    "bootable": "1", "dev": "xvda", "type": "phy", "mode": "w", "device-type": "disk",
    "discard-enable": "1", "specification": "xen", "params": "/dev/vda",
    "physical-device": "[0-9a-f]+:[0-9a-f]+", "physical-device-path": "/dev/vda",
    "hotplug-status": "connected",
}
CONSOLE_COPIED = {"frontend": "/local/domain/N/console", "frontend-id": "N", "online": "1",
                  "protocol": "vt100", "state": "1"}
NODES = [
    ("/libxl/N", "n0", {"": "", "type": "pv", "config": ONE, "device": "", "device/vbd": "",
                        "device/console": ""}),
    ("/libxl/N/device/vbd/V", "n0",
     {"": "", "backend": "/local/domain/0/backend/vbd/N/V", "state": "1", **VBD_COPIED}),
    ("/libxl/N/device/console/0", "n0",
     {"": "", "backend": "/local/domain/0/backend/console/N/0", **CONSOLE_COPIED}),
    ("/local/domain/0/backend", "n0",
     {"": "", "vbd": "", "vbd/N": "", "console": "", "console/N": ""}),
    ("/local/domain/0/backend/vbd/N/V", "n0 rN",
     {"": "", **VBD_COPIED, "state": "4", "sectors": "18432", "sector-size": "512", "info": "0",
      "feature-.*": "[01]"}),
    ("/local/domain/0/backend/console/N/0", "n0 rN", {"": "", **CONSOLE_COPIED}),
    ("/local/domain/N", "n0 rN",
     {"": "", "vm": "/vm/U", "name": "one", "domid": "N", "cpu": "", "cpu/0": "",
      "cpu/0/availability": "online", "memory": "", "memory/static-max": "32768",
      "memory/target": "32768", "memory/videoram": "0", "store": "", "store/port": r"\d+",
      "store/ring-ref": r"\d+", "device": "", "device/suspend": "", "device/vbd": "",
      "control": "", "control/platform-feature-xs_reset_watches": "1"}),
    ("/local/domain/N", "nN",
     {"data": "", "drivers": "", "feature": "", "attr": "", "error": "", "control/shutdown": "",
      "control/feature-poweroff": "1", "control/feature-reboot": "1", "control/feature-suspend": "",
      "control/sysrq": "", "device/suspend/event-channel": ""}),
    ("/local/domain/N/console", "n0 rN",
     {"": "", "backend": "/local/domain/0/backend/console/N/0", "type": "xenconsoled",
      "output": "pty", "limit": "1048576", "port": r"\d+", "ring-ref": r"\d+",
      "tty": r"/dev/pts/\d+"}),
    ("/local/domain/N/console", "nN r0", {"backend-id": "0"}),
    ("/local/domain/N/device/vbd/V", "nN r0",
     {"": "", "backend": "/local/domain/0/backend/vbd/N/V", "backend-id": "0", "state": "4",
      "virtual-device": "V", "device-type": "disk", "trusted": "1", "protocol": "x86_64-abi",
      "ring-ref": r"\d+", "event-channel": r"\d+"}),
    ("/vm/U", "n0 rN",
     {"": "", "name": "one", "uuid": "U", "start_time": r"\d+\.\d\d", "image": "",
      "image/ostype": "linux", "image/kernel": "/boot/pv-kernel", "image/cmdline": "token=none",
      "image/ramdisk": "/boot/guest.cpio"}),
]


def tree(session):
    """The store: path -> its value in quotes and its permissions."""
    lines = session.must("tree").lines
    return dict(line.split(" = ", 1) for line in lines)


def expected_nodes(domid, uuid):
    """(pattern of the path, of the rest of the line) for each node, or kind of node."""
    def put(text):
        for letter, value in (("N", domid), ("V", "51712"), ("U", uuid)):
            text = re.sub(rf"(?<![A-Za-z]){letter}(?![A-Za-z])|(?<=\b[nr]){letter}\b", value, text)
        return text

    return [(put(f"{base}/{name}".rstrip("/")), put(f'"{value}" {permissions}'))
            for base, permissions, names in NODES for name, value in names.items()]


def nodes(hypervisor):
    """All nodes that a guest gets, no others, and none when it is gone."""
    with Session(hypervisor, f"nodes-{hypervisor}", **SPEC) as session:
        log = session.machine.log_path
        session.boot()
        before = tree(session)
        session.must(f"xl-lite create {ONE}")
        session.at_console("one", "cat /mnt/token")
        seen = {path: rest for path, rest in tree(session).items() if path not in before}
        domid = session.domains()["one"].split()[1]
        uuid = seen.get(f"/local/domain/{domid}/vm", '"/vm/?"').split('"')[1][len("/vm/"):]
        for path, rest in expected_nodes(domid, uuid):
            found = [name for name in seen if re.fullmatch(path, name)]
            check(found, f"a node {path}", "none", log)
            for name in found:
                check(re.fullmatch(rest, seen[name]), f"{name} = {rest}", seen[name], log)
                del seen[name]
        check(set(seen) == {"/libxl", "/vm"}, "no other nodes", sorted(seen), log)
        session.must("xl-lite destroy one")
        after = tree(session)
        check({**before, "/libxl": '"" n0', "/vm": '"" n0'} == after,
              "the nodes that there were before", sorted(set(after.items()) - set(before.items())),
              log)


def disk(*texts):
    return "[ " + ", ".join(f'"phy:{text}"' for text in texts) + " ]"


def sharing(hypervisor):
    """One writer or many readers, also when a disk is mounted here; a refusal leaves nothing."""
    guest = {"ramdisk": '"/boot/guest.cpio"', "memory": "32"}
    with Session(hypervisor, f"sharing-{hypervisor}", **SPEC) as session:
        session.boot()
        free = session.free_pages()
        session.must(f"xl-lite create {ONE}")
        with_one, nodes_with_one = session.free_pages(), tree(session)
        refused = [
            (disk("/dev/vda,xvda,w"), r"/dev/vda: domain \d+ has it and may write"),
            (disk("/dev/vda,xvda,r"), r"/dev/vda: domain \d+ has it and may write"),
            (disk("/dev/vdb,xvda,w", "/dev/vda,xvdb,r"), r"/dev/vda: domain \d+ has it"),
            (disk("/dev/vdb,xvda,w", "/dev/vdb,xvdb,w"), r"/dev/vdb: it is xvda as well"),
            (disk("/dev/vdb,xvda,w", "/dev/vdb,xvdb,r"), r"/dev/vdb: it is xvda as well"),
            (disk("/dev/vdb,xvda,r", "/dev/vdb,xvda,r"), r"two disks have the same name"),
        ]
        for disks, line in refused:
            config(session, {**guest, "disk": disks})
            session.must_fail("xl-lite create t.cfg", line)
        unchanged(session, with_one, ["one"])
        # What the guest itself changes meanwhile is no concern of the refusals.
        check(set(tree(session)) == set(nodes_with_one), "the same nodes as before",
              sorted(set(tree(session)) ^ set(nodes_with_one)), session.machine.log_path)
        read_together(session, guest)
        mounted_here(session)
        session.must("xl-lite destroy one")
        unchanged(session, free)


def read_together(session, guest):
    """Two guests, and the second under two names, read one disk; nobody writes it meanwhile."""
    word = session.disks["two"].word
    for name, disks in (("two", disk("/dev/vdb,xvda,r")),
                        ("three", disk("/dev/vdb,xvda,r", "/dev/vdb,xvdb,r"))):
        config(session, {**guest, "name": f'"{name}"', "disk": disks})
        session.must("xl-lite create t.cfg")
    config(session, {"disk": disk("/dev/vdb,xvda,w")})
    session.must_fail("xl-lite create t.cfg", r"/dev/vdb: domain \d+ has it, to read")
    for name in ("two", "three"):
        answer = session.at_console(name, "cat /mnt/token")
        check(answer.lines == [word], f"guest {name} to read {word}", answer.lines,
              session.machine.log_path)
        answer = session.at_console(name, "keep nothing")
        check(answer.status, f"guest {name} not to write", answer, session.machine.log_path)
    session.must("xl-lite destroy two")
    session.must_fail("xl-lite create t.cfg", r"/dev/vdb: domain \d+ has it, to read")
    session.must("xl-lite destroy three")
    session.must("xl-lite create t.cfg")
    session.must("xl-lite destroy good")


def mounted_here(session):
    session.must("mkdir -p /disk; mount -t ext2 /dev/vdb /disk")
    config(session, {"disk": disk("/dev/vdb,xvda,w")})
    session.must_fail("xl-lite create t.cfg", r"/dev/vdb: it is mounted here, on /disk")
    config(session, {"disk": disk("/dev/vdb,xvda,r")})
    session.must("xl-lite create t.cfg")
    session.must("xl-lite destroy good")
    session.must("umount /disk")


# How often, on a disk of how much, that does how much a second: what is under way at a moment, 32
# requests of 44 KiB, then takes a third of a second, so whenever the guest is ended, it is ended in
# the middle of that.
ROUNDS = 20
BUSY_BYTES, BUSY_RATE = 4 << 20, 4 << 20
SECTOR = 512

# The good guest reads a piece of its disk for ever, compares it, and counts.
READER = (': > ~/count; : > ~/bad; '
          'one() { dd if=/dev/xvda bs=64k count=8 2>/dev/null | sha256sum; }; first=$(one); '
          '(while [ "$(one)" = "$first" ]; do echo >> ~/count; done; echo wrong >> ~/bad) & true')


class BusyDisk:
    """A raw disk that answers slowly."""

    def __init__(self, folder):
        self.path = Path(folder) / "busy.img"
        self.path.write_bytes(bytes(BUSY_BYTES))

    def options(self):
        return ["-drive", f"id=busy,file={self.path},format=raw,if=none,"
                          f"throttling.bps-total={BUSY_RATE}",
                "-device", "virtio-blk-pci,disable-legacy=on,drive=busy"]

    def marks(self, log):
        """Who wrote the sectors; each is whole, and what that guest meant to write there."""
        found, data = set(), self.path.read_bytes()
        for sector in range(BUSY_BYTES // SECTOR):
            words = struct.unpack("<64Q", data[sector * SECTOR:(sector + 1) * SECTOR])
            check(len(set(words)) == 1 and (not words[0] or words[0] & 0xffffffff == sector),
                  f"sector {sector} as a guest wrote it", hex(words[0]), log)
            found.add(words[0] >> 32)
        return found - {0}


def count(session):
    """How often the good guest has read so far; nothing that it read was wrong."""
    answer = session.at_console("one", "wc -l < ~/count; cat ~/bad")
    check(answer.lines and answer.lines[0].isdigit() and "wrong" not in answer.lines,
          "the good guest to read on, and the same", answer.lines, session.machine.log_path)
    return int(answer.lines[0])


def end_in_the_middle(session, number):
    """A guest is created, keeps the disk busy, and is destroyed after a while."""
    log = f"/var/log/xen/console/guest-busy{number}.log"
    config(session, {"name": f'"busy{number}"', "kernel": '"/boot/busy-disk"',
                     "extra": f'"mark={number}"', "disk": disk("/dev/vdc,xvda,w")})
    session.must("xl-lite create t.cfg")
    session.must(f"until grep -q 'under way' {log}; do sleep 0.02; done")
    session.must(f"sleep 0.{random.randrange(100):02}; xl-lite destroy busy{number}")
    last = session.must(f"grep 'under way' {log} | tail -n 1").text
    check(re.match(r"busy-disk: \d+ answers, 0 wrong, 32 under way", last),
          "32 requests under way when it ended, and none answered wrong", last,
          session.machine.log_path)


def busy_guests(hypervisor):
    with tempfile.TemporaryDirectory() as folder:
        busy = BusyDisk(folder)
        with Session(hypervisor, f"busy-guests-{hypervisor}", more_disks=busy.options(),
                     **SPEC) as session:
            session.boot()
            if hypervisor == "xen":
                # Its list of the control domain's mappings grows to the most that there ever were.
                end_in_the_middle(session, 0)
            free = session.free_pages()
            session.must(f"xl-lite create {ONE}")
            session.at_console("one", READER)
            with_one, reads = session.free_pages(), count(session)
            for number in range(1, ROUNDS + 1):
                end_in_the_middle(session, number)
                unchanged(session, with_one, ["one"])
                session.audit()
                before, reads = reads, count(session)
                check(reads > before, "the good guest to read meanwhile", f"{before}, {reads}",
                      session.machine.log_path)
            session.must("xl-lite destroy one")
            unchanged(session, free)
            session.power_off()
            log = session.machine.log_path
        marks = busy.marks(log)
        check(marks and marks <= set(range(1, ROUNDS + 1)),
              "writes of these guests, and of nobody else", marks, log)


def jobs():
    return [Job(f"session/{name} [{hypervisor}]", partial(run, hypervisor))
            for hypervisor in ("pavane", "xen")
            for name, run in (("disk nodes", nodes), ("shared disks", sharing),
                              ("busy guests", busy_guests))]
