# SPDX-License-Identifier: MIT
"""Boots that must work: machines of many kinds, each running the default guest to its end.

What is looked for is a token, made up for the run, that the guest prints from its command line, and
that what the hypervisor says of the machine's memory is what the guest got less.
"""

import re
import secrets
from dataclasses import dataclass, field
from functools import partial

from . import command, iso, places
from .machine import PAVANE_OPTIONS, Machine, Spec
from .report import Job, check

BANNER = r"^Pavane "
MEMORY = re.compile(r"memory: (\d+) KiB of (\d+) MiB kept by the hypervisor")
GUEST_MEMORY = re.compile(r"pv-kernel .*: (\d+) MiB of memory")

# What the hypervisor may keep for itself, in KiB, on a machine with so many MiB.
OVERHEAD_KIB, OVERHEAD_KIB_PER_MIB = 3 * 1024, 8
# The firmware keeps some of the memory, above all UEFI.
FIRMWARE_MIB = 32
# What of the rest is spare: at most.
SPARE_SHARE, SPARE_MIB = 16, 128
# What the hypervisor keeps, what is spare and the guest has must make the whole, but for rounding.
ROUNDING_MIB = 2

# The boot of Pavane takes at most this share of the time that Xen's takes.
BOOT_TIME_SHARE = 0.5
BOOT_TIME_RUNS = 3


@dataclass
class Boot:
    name: str
    spec: dict = field(default_factory=dict)
    lines: list = field(default_factory=list)   # patterns of further lines that must come
    cd: bool = False                            # from a CD, by GRUB and Multiboot 2
    embedded: bool = False                      # no module: the default guest inside the image
    append: str = ""                            # more options for the hypervisor
    whole: bool = True                          # the guest gets nearly all memory


BOOTS = [
    Boot("q35", {}),
    Boot("pc", {"machine": "pc"}),
    Boot("the installed QEMU", {"qemu": "run"}),
    Boot("128 MiB", {"mem": 128}),
    Boot("128 MiB, pc", {"mem": 128, "machine": "pc"}),
    Boot("6 GiB", {"mem": 6144}),
    Boot("6 GiB, pc, Intel", {"mem": 6144, "machine": "pc", "vendor": "intel"}),
    Boot("8 CPUs", {"cpus": 8}, [r"\b8 CPUs\b"]),
    Boot("8 CPUs, pc", {"cpus": 8, "machine": "pc"}, [r"\b8 CPUs\b"]),
    Boot("Intel", {"vendor": "intel"},
         [r"security: this CPU has Meltdown", r"security: this CPU has L1TF: .*not the first dom"]),
    Boot("8 CPUs, Intel", {"cpus": 8, "vendor": "intel"}, [r"\b8 CPUs\b"]),
    Boot("32 CPUs", {"cpus": 32}, [r"\b32 CPUs\b", r"32 virtual CPUs"]),
    Boot("a CPU of 2003", {"extra": ["-cpu", "qemu64,-nx"]},
         [r"security: this CPU has .*no SMEP and no SMAP"]),
    Boot("no HPET", {"extra": ["-M", "q35,hpet=off"]}, [r"measured against the PM timer"]),
    Boot("no ACPI", {"extra": ["-M", "pc,hpet=off,acpi=off"]}, [r"measured against the PIT"]),
    Boot("dom0_mem and dom0_max_vcpus", {"cpus": 4},
         [r"pv-kernel .*: 64 MiB of memory, 2 virtual CPUs"],
         append="dom0_mem=64M dom0_max_vcpus=2", whole=False),
    Boot("options that make no sense", {},
         [r"'no_such' is unknown", r"'noreboot=1' is unknown", r"'dom0_mem=many' makes no sense",
          r"'dom0_max_vcpus=0' makes no sense"],
         append="no_such noreboot=1 dom0_mem=many dom0_max_vcpus=0"),
    Boot("embedded guest", {}, embedded=True),
    Boot("Multiboot 2, BIOS", {}, cd=True),
    Boot("Multiboot 2, BIOS, pc, 6 GiB", {"machine": "pc", "mem": 6144}, cd=True),
    Boot("Multiboot 2, UEFI", {"uefi": True}, cd=True),
    Boot("Multiboot 2, UEFI, 8 CPUs, Intel", {"uefi": True, "cpus": 8, "vendor": "intel"},
         [r"\b8 CPUs\b"], cd=True),
    Boot("Multiboot 2, UEFI, 6 GiB", {"uefi": True, "mem": 6144}, cd=True),
    Boot("Multiboot 2, embedded guest", {}, cd=True, embedded=True),
]


@dataclass
class Ending:
    name: str
    exit: str                       # what the guest is told
    line: str                       # what the hypervisor says of it
    end: str                        # a Machine's end, or "halt"
    spec: dict = field(default_factory=dict)


CRASHED, POWERED_OFF = r"domain 0 has crashed", r"domain 0 has powered off"
ENDINGS = [
    Ending("reboot", "reboot", r"domain 0 asks for a reboot", "reset"),
    Ending("reboot, 8 CPUs, pc", "reboot", r"domain 0 asks for a reboot", "reset",
           {"cpus": 8, "machine": "pc"}),
    Ending("power-off", "poweroff", POWERED_OFF, "power-off"),
    Ending("power-off, pc", "poweroff", POWERED_OFF, "power-off", {"machine": "pc"}),
    Ending("power-off, 8 CPUs", "poweroff", POWERED_OFF, "power-off", {"cpus": 8}),
    Ending("power-off, noreboot", "poweroff", POWERED_OFF, "power-off", {"append": "noreboot"}),
    Ending("crash", "crash", CRASHED, "reset"),
    Ending("crash, noreboot", "crash", CRASHED, "halt", {"append": "noreboot"}),
    Ending("crash, noreboot, 8 CPUs", "crash", CRASHED, "halt", {"append": "noreboot", "cpus": 8}),
]


def default_guest():
    """The ELF of the default guest, which is also embedded in the image."""
    named = command.make_variable("DEFAULT_GUEST")
    return str(places.REPO / named[0]) if named else str(places.BUILD / "guests" / "pv-kernel.elf")


def spec_of(boot, token):
    """The machine for one row. As with Xen, what follows `--` is for the embedded guest."""
    arguments = f"token={token} exit=reboot"
    to_embedded = f"-- {arguments}" if boot.embedded else ""
    if not boot.cd:
        module = {} if boot.embedded else {"guest": default_guest(), "guest_args": arguments}
        return Spec(append=f"{boot.append} {to_embedded}".strip(), **module, **boot.spec)
    modules = [] if boot.embedded else [(default_guest(), arguments)]
    check(places.PAVANE.exists(), "the hypervisor's image", "none")
    image = iso.make(re.sub(r"\W+", "-", boot.name), places.PAVANE,
                     f"{PAVANE_OPTIONS} {boot.append} {to_embedded}", modules)
    return Spec(iso=image, **boot.spec)


def run_boot(boot):
    token = secrets.token_hex(8)
    spec = spec_of(boot, token)
    with Machine(spec, f"boot-{boot.name}") as machine:
        machine.wait_for_end()
    log = machine.log_path
    for pattern in [BANNER, *boot.lines, rf"\btoken {token}\b"]:
        found = any(re.search(pattern, line.text) for line in machine.lines)
        check(found, f"a line that matches {pattern!r}", f"none ({machine.ended})", log)
    check(machine.ended == "reset", "an end by reset", machine.ended, log)
    check_memory(machine, boot.whole)


def check_memory(machine, whole):
    """What the hypervisor keeps: a line must tell, be about this machine, true, and modest."""
    mib = machine.spec.mem
    found, guest = MEMORY.search(machine.text), GUEST_MEMORY.search(machine.text)
    check(found, f"a line that matches {MEMORY.pattern!r}", "none", machine.log_path)
    check(guest, f"a line that matches {GUEST_MEMORY.pattern!r}", "none", machine.log_path)
    kept, total, left = int(found[1]), int(found[2]), int(guest[1])
    check(mib - FIRMWARE_MIB <= total <= mib, f"about {mib} MiB of memory", total, machine.log_path)
    limit = OVERHEAD_KIB + OVERHEAD_KIB_PER_MIB * total
    check(0 < kept <= limit, f"at most {limit} KiB kept", kept, machine.log_path)
    rest = total - kept / 1024
    rest -= min(rest / SPARE_SHARE, SPARE_MIB)
    check(not whole or abs(rest - left) <= ROUNDING_MIB, f"{rest:.1f} MiB of the guest", left,
          machine.log_path)


def run_ending(ending):
    """The machine ends as its first domain did."""
    spec = Spec(guest=default_guest(), guest_args=f"exit={ending.exit}", **ending.spec)
    with Machine(spec, f"end-{ending.name}") as machine:
        halted = ending.end == "halt" and machine.wait_for_halt(ending.line)
        if ending.end != "halt":
            machine.wait_for_end()
    said = [line.text for line in machine.lines if "domain 0" in line.text]
    check(any(re.search(ending.line, text) for text in said),
          f"a line that matches {ending.line!r}", said or "none", machine.log_path)
    check(halted or machine.ended == ending.end, f"an end by {ending.end}", machine.ended,
          machine.log_path)


def seconds_to_guest(hypervisor):
    """Seconds from power-on to the guest's first line; the least of a few runs."""
    times = []
    for _ in range(BOOT_TIME_RUNS):
        token = secrets.token_hex(8)
        spec = Spec(hypervisor=hypervisor, guest=default_guest(),
                    guest_args=f"token={token} exit=reboot")
        with Machine(spec, f"boot-time-{hypervisor}") as machine:
            machine.expect(rf"\btoken {token}\b")
            times.append(next(line.seconds for line in machine.lines
                              if f"token {token}" in line.text))
    return min(times)


def boot_time():
    ours, xen = seconds_to_guest("pavane"), seconds_to_guest("xen")
    check(ours < BOOT_TIME_SHARE * xen, f"less than {BOOT_TIME_SHARE:.0%} of Xen's {xen:.2f} s",
          f"{ours:.2f} s")


def jobs():
    return ([Job(f"boot/{boot.name}", partial(run_boot, boot)) for boot in BOOTS]
            + [Job(f"end/{ending.name}", partial(run_ending, ending)) for ending in ENDINGS]
            + [Job("boot/time to the guest", boot_time, alone=True)])
