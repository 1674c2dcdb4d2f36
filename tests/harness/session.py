# SPDX-License-Identifier: MIT
"""A person at the control domain's shell, and at the consoles of its guests.

    with Session("pavane", "demo") as session:
        session.control.run("xl-lite list")         # -> Answer(status, lines)

What a command says is what stands between two marks, which the shell makes of words that look
different where they were typed; so an echo of what was typed never counts as an answer.
"""

import re
import secrets
import time
from dataclasses import dataclass

from . import command, places
from .machine import Machine, Spec
from .report import check

CONTROL_PROMPT, GUEST_PROMPT = "control # ", "guest # "
LEAVE = "\x1d"                  # ^], with which xl-lite console ends

# The control domain's share of the machine; the rest is for its guests.
CONTROL_MEMORY = "dom0_mem=96M"

# The guests' disks, in the order in which the control domain finds them (/dev/vda and on), and
# where `keep` in a guest writes.
DISKS = ("one", "two")
KEEP_OFFSET = 8 << 20

# What the hypervisor's audit says when all is as it should be.
AUDIT_GOOD = r"audit: \d+ frames, \d+ domains: ok$"

# What Xen says when its first domain powers off.
HALTED = r"halting machine|powering off"

INITRAMFS = "initramfs.cpio"
KERNEL = "guests/pv-kernel.elf"

# For the whole of a session, and for one answer, in seconds: generous, for the host may be busy
# with other things.
TIME_LIMIT = 2400
ANSWER_LIMIT = 300

# Between two keys, in seconds.
KEY_TIME = 0.002



@dataclass
class Answer:
    status: int
    lines: list
    seconds: float              # from the machine's start to the answer's first line, or its end

    @property
    def text(self):
        return "\n".join(self.lines)


class Shell:
    """A shell with a prompt at the other end of the serial line."""

    def __init__(self, machine, prompt):
        self.machine, self.prompt = machine, prompt

    def await_prompt(self, limit=ANSWER_LIMIT):
        self.machine.expect_prompt(self.prompt, limit)

    def run(self, command, limit=ANSWER_LIMIT):
        """Types a command and waits for the next prompt."""
        mark = secrets.token_hex(4)
        # Where this is echoed, quotes and $? stand between the parts of the marks.
        self.type(f'echo "<""{mark}"; {command}; echo ">"$?" {mark}"\r')
        begin = self._line(rf"^<{mark}$", limit)
        end = self._line(rf"^>\d+ {mark}$", limit)
        self.await_prompt(limit)
        lines = self.machine.lines[begin + 1:end]
        return Answer(int(self.machine.lines[end].text[1:].split()[0]),
                      [line.text for line in lines], (lines or self.machine.lines)[0].seconds)

    def type(self, text):
        """Key by key: the hypervisor keeps only so many until the kernel comes to take them."""
        for key in text:
            self.machine.send(key)
            time.sleep(KEY_TIME)

    def _line(self, pattern, limit):
        """The index of the next line that matches."""
        self.machine.expect(pattern, self.machine.now() + limit)
        return self.machine.passed() - 1


class Disk:
    """An image made for one session, with a word in a file that nobody else can know."""

    def __init__(self, session, name):
        self.path = places.BUILD / "disks" / f"{session}-{name}.img"
        self.word = secrets.token_hex(8)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        status, output, log = command.run(f"mkdisk-{session}-{name}", [
            str(places.REPO / "scripts" / "mkdisk"), str(self.path), self.word])
        check(status == 0, "scripts/mkdisk to make a disk", output, log)

    def options(self):
        """QEMU's."""
        name = self.path.stem
        return ["-drive", f"file={self.path},format=raw,if=none,id={name}",
                "-device", f"virtio-blk-pci,drive={name},disable-legacy=on"]

    def kept(self):
        """What a guest kept on it, read from the image."""
        with open(self.path, "rb") as image:
            image.seek(KEEP_OFFSET)
            return image.read(512).split(b"\n")[0].decode("ascii", "replace")


class Session:
    """A machine whose first domain is the control domain, with a disk for each of its guests."""

    def __init__(self, hypervisor="pavane", name="session", **spec):
        append = f"{CONTROL_MEMORY} {spec.pop('append', '')}".strip()
        self.disks = {disk: Disk(name, disk) for disk in DISKS}
        extra = [option for disk in self.disks.values() for option in disk.options()]
        extra += spec.pop("more_disks", [])
        spec = {"guest": str(places.BUILD / KERNEL), "ramdisk": str(places.BUILD / INITRAMFS),
                "extra": extra, **spec}
        self.machine = Machine(Spec(hypervisor=hypervisor, append=append, **spec), name, TIME_LIMIT)
        self.control = Shell(self.machine, CONTROL_PROMPT)

    def __enter__(self):
        self.machine.__enter__()
        return self

    def __exit__(self, *_):
        self.machine.__exit__()

    def boot(self):
        """Waits for the shell; returns the seconds since power-on."""
        self.control.await_prompt()
        return self.machine.now()

    def must(self, command, limit=ANSWER_LIMIT):
        """A command that has to succeed."""
        answer = self.control.run(command, limit)
        check(answer.status == 0, f"`{command}` to succeed",
              f"status {answer.status}: {answer.text}", self.machine.log_path)
        return answer

    def must_fail(self, command, pattern):
        """A command that has to end with status 1 after one line that matches."""
        answer = self.control.run(command)
        check(answer.status == 1, f"`{command}` to end with status 1",
              f"status {answer.status}: {answer.text}", self.machine.log_path)
        check(len(answer.lines) == 1 and re.search(pattern, answer.text),
              f"one line that matches {pattern!r}", answer.lines, self.machine.log_path)

    def at_console(self, name, command):
        """What a guest answers to a command typed on its console."""
        self.control.type(f"xl-lite console {name}\r")
        self.machine.expect(rf"xl-lite console {name}", self.machine.now() + ANSWER_LIMIT)
        guest = Shell(self.machine, GUEST_PROMPT)
        self.machine.send("\r")
        guest.await_prompt()
        answer = guest.run(command)
        self.leave_console()
        return answer

    def leave_console(self):
        """Until the control domain has a new prompt: the old one, where the console was asked for,
        may not have been passed yet, and keys that come too early are the guest's."""
        self.machine.pass_all()
        self.machine.send(LEAVE)
        self.control.await_prompt()

    def audit(self):
        """Pavane counts again all that it counts and finds nothing wrong: the line that says so."""
        if self.machine.spec.hypervisor == "xen":
            return "no audit: this is Xen"
        before = len(self.machine.lines)
        self.must("xl-lite debug-keys f")
        said = [line.text for line in self.machine.lines[before:] if "audit: " in line.text]
        check(len(said) == 1 and re.search(AUDIT_GOOD, said[0]),
              "an audit that finds nothing wrong", said, self.machine.log_path)
        return said[0].split("audit: ")[1]

    def power_off(self):
        """As a person does it. Xen leaves the switch to its first domain's ACPI, and halts."""
        self.audit()
        self.control.type("poweroff\r")
        if self.machine.spec.hypervisor == "pavane":
            self.machine.wait_for_end()
            end = self.machine.ended
        else:
            end = "power-off" if self.machine.wait_for_halt(HALTED) else self.machine.ended
        check(end == "power-off", "the machine to be off, or halted", end, self.machine.log_path)

    def domains(self):
        """name -> line of xl-lite list, without the control domain."""
        lines = self.must("xl-lite list").lines[1:]
        return {line.split()[0]: line for line in lines if not line.startswith("Domain-0 ")}

    def await_state(self, name, state):
        """Waits until a guest has that state in the list, a pattern."""
        self.must(f"until xl-lite list | grep -q '^{name} .* {state} '; do sleep 0.1; done")

    def free_pages(self):
        """The hypervisor's free memory."""
        found = re.search(r"^free_pages +: (\d+)$", self.must("xl-lite info").text, re.M)
        check(found, "xl-lite info to tell the free pages", "nothing", self.machine.log_path)
        return int(found[1])
