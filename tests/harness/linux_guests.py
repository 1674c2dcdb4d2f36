# SPDX-License-Identifier: MIT
"""Debian's Linux, as Debian builds it, as guests that the control domain makes with xl-lite.

The kernel lies with its initramfs on a disk that the control domain mounts. What a guest says on
its console is fresh: a token of this run, products, words on disks that were made for this run. Its
log must be clean, and once it is gone the hypervisor's free memory is what it was, to the page.
"""

import hashlib
import random
import re
import secrets
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from . import linux, places, verdict
from .disks import MKE2FS, drives
from .report import Job, Result, check
from .session import GUEST_PROMPT, Session, Shell

ARCHIVE = places.BUILD / "linux-initramfs.cpio"
CONFIG = places.REPO / "initramfs" / "linux" / "linux.cfg"

# For a boot to a shell, and for all cases, in seconds: five and thirty on a host with time to
# spare.
BOOT_LIMIT = 600
CASES_LIMIT = 1200

# What the kernel says first and last as it boots, as it powers off, and as it starts again.
BOOTS, INIT = r"\] Linux version \d", r"\] Run /init as init process"
ENDS = {"poweroff": r"\] reboot: (Power down|System halted)",
        "reboot": r"\] reboot: Restarting system"}

COMPLAINTS = re.search(r"^complaints='(.*)'$", (linux.SOURCES / "log.sh").read_text(), re.M)[1]


def make_disk():
    """An image with the kernel, both archives and the config; returns it."""
    image = places.BUILD / "tests" / "linux" / "guests.img"
    image.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=image.parent) as folder:
        for file, name in ((linux.KERNEL, "vmlinux"), (ARCHIVE, "initramfs.cpio"),
                           (CONFIG, "linux.cfg"), (linux.initramfs(), "cases.cpio")):
            shutil.copyfile(file, Path(folder, name))
        image.unlink(missing_ok=True)
        subprocess.run([MKE2FS, "-q", "-t", "ext2", "-b", "4096", "-d", folder, image, "128M"],
                       check=True, capture_output=True)
    return image


class Host(Session):
    """A control domain that has Linux at /mnt."""

    def __init__(self, hypervisor, name, image, **spec):
        super().__init__(hypervisor, f"linux-guest-{name}-{hypervisor}", **spec)
        self.machine.spec.extra += drives([(image, True)])

    def boot(self):
        super().boot()
        self.must("mount -t ext2 /dev/vdc /mnt")

    def configure(self, name, **settings):
        """Writes NAME.cfg; a new token every time, which is returned."""
        token = secrets.token_hex(8)
        # Typed in two parts, so that the token never stands in an echo.
        extra = (f'"console=hvc0 earlyprintk=xen token={token[:8]}\'\'{token[8:]} '
                 f'{settings.pop("extra", "")}"')
        settings = {"name": f'"{name}"', "kernel": '"/mnt/vmlinux"',
                    "ramdisk": '"/mnt/initramfs.cpio"', "memory": 128, "extra": extra, **settings}
        text = r"\n".join(f"{key}={value}" for key, value in settings.items())
        self.must(f"printf '{text}\\n' > {name}.cfg")
        return token

    def create(self, name, **settings):
        """As it boots, with its console here; until its shell has a prompt."""
        token = self.configure(name, **settings)
        self.control.type(f"xl-lite create -c {name}.cfg\r")
        deadline = self.machine.now() + BOOT_LIMIT
        for pattern in (BOOTS, INIT, rf"^this guest's token is {token}$"):
            self.machine.expect(pattern, deadline)
        Shell(self.machine, GUEST_PROMPT).await_prompt(BOOT_LIMIT)
        self.leave_console()

    def says(self, name, command, *expected):
        answer = self.at_console(name, command)
        check(answer.lines == list(expected), f"guest {name}, `{command}`: {list(expected)}",
              answer.lines, self.machine.log_path)

    def computes(self, name):
        a, b = (random.randrange(10**4, 10**5) for _ in range(2))
        self.says(name, f"echo $(({a} * {b}))", str(a * b))

    def log_is_clean(self, name):
        lines = self.at_console(name, "dmesg").lines
        check(any(re.search(INIT, line) for line in lines), f"guest {name}'s log, whole",
              lines[-3:], self.machine.log_path)
        wrong = [line for line in lines if re.search(COMPLAINTS, line)]
        check(not wrong, f"no complaint in guest {name}'s log", wrong, self.machine.log_path)

    def ends_itself(self, name, command):
        """It stays listed, shut down, until it is destroyed."""
        self.control.type(f"xl-lite console {name}\r")
        guest = Shell(self.machine, GUEST_PROMPT)
        self.machine.expect(rf"xl-lite console {name}", self.machine.now() + BOOT_LIMIT)
        self.machine.send("\r")
        guest.await_prompt()
        guest.type(f"{command}\r")
        self.machine.expect(ENDS[command], self.machine.now() + BOOT_LIMIT)
        self.leave_console()
        self.has_state(name, "---s--")

    def starts_again(self, name):
        """By the toolstack's request, with another number; until its shell has a prompt."""
        before = self.domains()[name].split()[1]
        self.must(f"xl-lite reboot {name}", BOOT_LIMIT)
        after = self.domains()[name].split()[1]
        check(after != before, f"guest {name} as a new domain", after, self.machine.log_path)
        self.control.type(f"xl-lite console {name}\r")
        deadline = self.machine.now() + BOOT_LIMIT
        for pattern in (BOOTS, INIT):
            self.machine.expect(pattern, deadline)
        Shell(self.machine, GUEST_PROMPT).await_prompt(BOOT_LIMIT)
        self.leave_console()

    def has_state(self, name, state):
        self.await_state(name, state)

    def has_free(self, free):
        now = self.free_pages()
        check(now == free, f"{free} free pages, as before", now, self.machine.log_path)


def lives(hypervisor, image):
    """Boots with and without a disk, ends of each kind: what is written stays."""
    keep = secrets.token_hex(8)
    disk = '["phy:/dev/vda,xvda,w"]'
    with Host(hypervisor, "lives", image, mem=384) as host:
        host.boot()
        free = host.free_pages()
        host.create("linux")
        host.log_is_clean("linux")
        host.must("xl-lite destroy linux")
        host.has_free(free)
        host.create("linux", disk=disk)
        host.says("linux", "cat /mnt/token", host.disks["one"].word)
        host.says("linux", f"keep {keep[:8]}''{keep[8:]}", "kept")
        host.log_is_clean("linux")
        for end in ENDS:
            host.ends_itself("linux", end)
            host.must("xl-lite destroy linux")
            host.has_free(free)
            host.create("linux", disk=disk)
            host.says("linux", "kept", keep)
        host.starts_again("linux")
        host.says("linux", "kept", keep)
        host.must("xl-lite shutdown linux", BOOT_LIMIT)
        host.has_free(free)
        host.power_off()
        kept = host.disks["one"].kept()
        check(kept == keep, f"{keep} in {host.disks['one'].path.name}", kept, host.machine.log_path)


def sizes(hypervisor, image):
    """What is too little for the kernel is said before anything is made."""
    with Host(hypervisor, "sizes", image, mem=768, cpus=2, vendor="intel") as host:
        host.boot()
        free = host.free_pages()
        host.configure("small", memory=64)
        host.must_fail("xl-lite create small.cfg", r"64 MiB are too little, .* need \d+$")
        # The config that comes with it; its disk is another here.
        token = secrets.token_hex(8)
        host.must(f"sed 's/vdc/vda/; s/none/{token[:8]}''{token[8:]}/' /mnt/linux.cfg >linux.cfg")
        host.must("xl-lite create linux.cfg")
        host.says("linux", "token", f"this guest's token is {token}")
        host.must("xl-lite destroy linux")
        for memory, vcpus in ((96, 1), (512, 3)):
            host.create("linux", memory=memory, vcpus=vcpus)
            host.says("linux", "nproc", str(vcpus))
            kib = int(host.at_console("linux", "sed -n 's/MemTotal: *//p' /proc/meminfo")
                      .text.split()[0])
            check(memory - 64 < kib / 1024 < memory, f"most of {memory} MiB", f"{kib} KiB",
                  host.machine.log_path)
            host.log_is_clean("linux")
            host.must("xl-lite destroy linux")
        host.has_free(free)


def side_by_side(hypervisor, image):
    """Two of Linux and one of pv-kernel share four CPUs; one goes with its disk at work."""
    kernel = hashlib.sha256(linux.KERNEL.read_bytes()).hexdigest()
    with Host(hypervisor, "side-by-side", image, mem=512, cpus=4) as host:
        host.boot()
        free = host.free_pages()
        host.create("writer", vcpus=2, disk='["phy:/dev/vda,xvda,w"]')
        host.create("reader", vcpus=2, disk='["phy:/dev/vdc,xvda,r"]')
        host.must("xl-lite create /etc/xen/two.cfg")
        # Past the file system's end, which is read meanwhile.
        host.says("writer", "{ while dd if=/dev/urandom of=/dev/xvda bs=4k seek=2048 count=256 "
                  "conv=notrunc,fsync 2>/dev/null; do echo again >>/run/again; done & }")
        host.says("reader", "sha256sum </mnt/vmlinux", f"{kernel}  -")
        host.says("reader", "echo 2>/dev/null >/dev/xvda || echo refused", "refused")
        for name in ("writer", "reader", "two"):
            host.computes(name)
        host.says("two", "cat /mnt/token", host.disks["two"].word)
        host.says("writer", "test -s /run/again && cat /mnt/token", host.disks["one"].word)
        host.log_is_clean("writer")
        host.must("xl-lite destroy writer")
        for name in ("reader", "two"):
            host.computes(name)
        host.log_is_clean("reader")
        for name in ("reader", "two"):
            host.must(f"xl-lite destroy {name}")
        host.has_free(free)


def cases(hypervisor, image, cpus, vendor):
    """What Linux is asked as the first domain it is asked as a guest, too."""
    label = f"{hypervisor}, {cpus} CPUs, {vendor}"
    with Host(hypervisor, f"cases-{cpus}", image, mem=448, cpus=cpus, vendor=vendor) as host:
        host.boot()
        token = host.configure("linux", ramdisk='"/mnt/cases.cpio"', memory=256, vcpus=cpus,
                               extra=f"run=cases.sh end=poweroff cpus={cpus} memory=256")
        begin = len(host.machine.lines)
        host.control.type("xl-lite create -c linux.cfg\r")
        deadline = host.machine.now() + CASES_LIMIT
        host.machine.expect(rf"^token {token}$", deadline)
        host.machine.expect("^GUEST linux DONE", deadline)
        lines = host.machine.lines[begin:]
        host.machine.expect(ENDS["poweroff"], deadline)
        host.leave_console()
        host.has_state("linux", "---s--")
        host.must("xl-lite destroy linux")
        log, seconds = str(host.machine.log_path), host.machine.now()
    verdicts, wrong = verdict.read(lines, "reset")
    results = [Result(f"linux-guest/{v.name} [{label}]", v.status, v.seconds, "the case to pass",
                      v.detail, log, v.detail) for v in verdicts]
    results.append(Result(f"linux-guest/cases [{label}]", "FAIL" if wrong else "PASS",
                          seconds - sum(v.seconds for v in verdicts), "all verdicts", wrong, log))
    return results


def jobs():
    image = make_disk()
    rows = [("cases, 2 CPUs, Intel", cases, "pavane", 2, "intel"), ("lives", lives, "pavane"),
            ("cases, 1 CPU, on Xen", cases, "xen", 1, "amd"), ("lives, on Xen", lives, "xen"),
            ("side by side", side_by_side, "pavane"), ("sizes", sizes, "pavane")]
    return [Job(f"linux-guest/{name}", partial(run, hypervisor, image, *more))
            for name, run, hypervisor, *more in rows]
