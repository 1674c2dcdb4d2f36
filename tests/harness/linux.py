# SPDX-License-Identifier: MIT
"""Debian's Linux, as Debian builds it, is the first domain: it must boot, pass its own cases, and
end the machine.

The cases are tests/linux, packed with busybox into an initramfs; they give their verdicts as
conformance guests do. The same on real Xen shows that the cases are right.
"""

import secrets
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import partial

from . import places, verdict
from .machine import Machine, Spec
from .report import Job, Result, check

KERNEL = places.CACHE / "linux" / "vmlinux"
BUSYBOX = places.CACHE / "busybox" / "bin" / "busybox"
SOURCES = places.REPO / "tests" / "linux"
PROBE = places.BUILD / "tests" / "linux" / "probe"

ARGUMENTS = "earlyprintk=xen console=hvc0 loglevel=7 rdinit=/init"
# A boot takes ten seconds and the cases as much, on a machine that does nothing else.
TIME_LIMIT = 1200


@dataclass
class Row:
    name: str
    spec: dict = field(default_factory=dict)
    end: str = "reboot"                 # what is asked of Linux
    ended: str = "reset"                # what a Machine calls that


ROWS = [
    Row("512 MiB", {"mem": 512}),
    Row("512 MiB, Intel, guarded against L1TF, pc, power-off",
        {"mem": 512, "machine": "pc", "vendor": "intel", "append": "pv-l1tf=dom0"},
        "poweroff", "power-off"),
    Row("4 CPUs, power-off", {"cpus": 4, "mem": 512}, "poweroff", "power-off"),
    Row("6 GiB, pc", {"mem": 6144, "machine": "pc"}),
    Row("4 CPUs, 6 GiB, Intel", {"cpus": 4, "mem": 6144, "vendor": "intel"}),
    Row("2 CPUs, on Xen", {"hypervisor": "xen", "cpus": 2, "mem": 768}),
]


def initramfs():
    """Packs what Linux runs; returns the archive."""
    archive = places.BUILD / "tests" / "linux" / "initramfs.cpio"
    files = [f"{script}={SOURCES / script}" for script in ("init", "log.sh", "cases.sh", "load.sh")]
    files += [f"bin/busybox={BUSYBOX}", f"bin/probe={PROBE}"]
    with tempfile.TemporaryDirectory() as empty:
        subprocess.run([places.REPO / "scripts" / "mkinitramfs", archive, empty, *files,
                        "dev/", "proc/", "sys/", "scratch/"], check=True)
    return str(archive)


def spec_of(row, archive, token, script):
    spec = Spec(guest=str(KERNEL), ramdisk=archive, **row.spec)
    # Linux takes a mem= for itself.
    spec.guest_args = (f"{ARGUMENTS} token={token} run={script} cpus={spec.cpus} "
                       f"memory={spec.mem} end={row.end}")
    return spec


def run_row(row, archive):
    """Every case is a test; the row itself is one more, of the boot and of the end."""
    token = secrets.token_hex(8)
    with Machine(spec_of(row, archive, token, "cases.sh"), f"linux-{row.name}",
                 TIME_LIMIT) as machine:
        machine.wait_for_end()
    log = machine.log_path
    said = any(line.text == f"token {token}" for line in machine.lines)
    check(said, f"the line 'token {token}'", f"none ({machine.ended})", log)
    ended = "reset" if machine.ended == row.ended else f"{machine.ended}, not {row.ended}"
    verdicts, wrong = verdict.read(machine.lines, ended)
    results = [Result(f"linux/{v.name} [{row.name}]", v.status, v.seconds, "the case to pass",
                      v.detail, str(log), v.detail) for v in verdicts]
    results.append(Result(f"linux/boot and end [{row.name}]", "FAIL" if wrong else "PASS",
                          machine.seconds - sum(v.seconds for v in verdicts),
                          "all verdicts and the right end", wrong, str(log)))
    return results


def jobs():
    archive = initramfs()
    return [Job(f"linux/{row.name}", partial(run_row, row, archive)) for row in ROWS]
