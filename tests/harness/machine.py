# SPDX-License-Identifier: MIT
"""A machine in QEMU: started from a Spec, read line by line over its serial console, ended in time.

    with Machine(Spec(hypervisor="xen", guest="build/guests/hello.elf"), "hello") as machine:
        machine.expect(r"token (\\w+)")
        machine.wait_for_end()
    machine.ended   # "power-off", "reset", "triple fault", "time-out", "stopped" or QEMU's failure

boot() does all that in one call. The rules: a machine always has a time limit, and ends with its
Machine, by its own process id. What it printed is in `lines`, with the second at which each line
came, and in a log file that a failure can name.
"""

import json
import os
import re
import selectors
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field

from . import places

# A boot that works takes seconds. This limit, as all others here, is for what hangs: it is
# generous, since the host may be slow, or busy with other things, which must not decide a test.
TIME_LIMIT = 600

# For an answer of QEMU itself, in seconds.
ANSWER_LIMIT = 120

# Eager: TCG executes a guest's XSAVE and XRSTOR while CR0.TS is set, where a processor raises #NM.
# On AMD, Xen waits for that #NM to load the vCPU's registers, and so the guest's go astray.
XEN_OPTIONS = ("com1=115200,8n1 console=com1 loglvl=all guest_loglvl=all gnttab=max-ver:1 "
               "spec-ctrl=eager-fpu")
PAVANE_OPTIONS = "com1=115200"

VENDORS = {
    "amd": "",                  # what `-cpu max` is under TCG
    "intel": ",vendor=GenuineIntel,family=6,model=94,stepping=3",
}

# Under -icount the TSC counts instructions; with the clock fixed too, every run is the same.
ICOUNT = ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm"]


@dataclass
class Spec:
    """What to boot: by the firmware the `iso`, if one is given; else by QEMU the hypervisor."""
    hypervisor: str = "pavane"      # "pavane", "xen" or the path of an image
    guest: str = ""                 # module 1; empty: none, the hypervisor has its embedded default
    guest_args: str = ""
    ramdisk: str = ""               # module 2
    append: str = ""                # more options for the hypervisor
    machine: str = "q35"            # or "pc"
    cpus: int = 1
    mem: int = 256                  # MiB
    vendor: str = "amd"             # or "intel"
    qemu: str = "test"              # "test", or "run" for the installed one
    icount: bool = False
    com: int = 1                    # the serial port that is the console: 1 or 2
    iso: str = ""
    uefi: bool = False
    extra: list = field(default_factory=list)

    def program(self):
        return places.test_qemu() if self.qemu == "test" else places.system_qemu()

    def image(self):
        known = {"pavane": places.PAVANE, "xen": places.XEN}
        return str(known.get(self.hypervisor, self.hypervisor))

    def options(self):
        """The hypervisor's command line. An image of the user's own gets Xen's options."""
        base = PAVANE_OPTIONS if self.hypervisor == "pavane" else XEN_OPTIONS
        return f"{base} {self.append}".strip()

    def command(self):
        cpu = "max" + ("" if places.has_smap(self.program()) else ",-smap") + VENDORS[self.vendor]
        command = [self.program(), "-nodefaults", "-no-user-config", "-no-reboot",
                   "-display", "none", "-M", self.machine, "-cpu", cpu,
                   "-smp", str(self.cpus), "-m", str(self.mem),
                   "-chardev", "stdio,id=com1,signal=off"]
        command += ["-serial", "null"] * (self.com - 1) + ["-serial", "chardev:com1"]
        if self.icount:
            command += ICOUNT
        if self.uefi:
            command += ["-bios", str(places.OVMF)]
        if self.iso:
            return command + ["-cdrom", self.iso, "-boot", "d"] + self.extra
        command += ["-kernel", self.image(), "-append", self.options()]
        modules = [f"{self.guest} {self.guest_args}".strip()] if self.guest else []
        modules += [str(self.ramdisk)] if self.ramdisk else []
        if modules:
            # A comma separates modules; one inside a module's arguments is written twice.
            command += ["-initrd", ",".join(module.replace(",", ",,") for module in modules)]
        return command + self.extra


@dataclass
class Line:
    seconds: float      # since the machine was started
    text: str


class ConsoleError(Exception):
    """An awaited line did not come."""


class Machine:
    def __init__(self, spec, name, limit=TIME_LIMIT):
        self.spec = spec
        self.lines = []
        self.ended = ""
        self.seconds = 0.0
        self.log_path = places.LOGS / (re.sub(r"[^\w.+-]+", "_", name) + ".log")
        self._limit = limit
        self._partial = b""
        self._looked = 0            # lines that expect() has passed

    # Start and end.

    def __enter__(self):
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._resets = self.log_path.with_suffix(".resets")
        self._log = open(self.log_path, "wb")
        ours, theirs = socket.socketpair()
        command = self.spec.command() + [
            "-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control",
            "-d", "cpu_reset", "-D", str(self._resets)]
        # `timeout` ends QEMU even if this program is killed before it can.
        command = ["timeout", "--kill-after=5", str(self._limit + 30)] + command
        self._log.write((" ".join(f"'{w}'" if " " in w else w for w in command) + "\n\n").encode())
        self._log.flush()           # QEMU's own messages follow
        self._start = time.monotonic()
        with theirs:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
                pass_fds=[theirs.fileno()], start_new_session=True)
        self._qmp = Monitor(ours)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ, self._read_console)
        self._selector.register(ours, selectors.EVENT_READ, self._read_monitor)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends the machine if it still runs."""
        if self._process.poll() is None:
            self.ended = self.ended or "stopped"
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdout.closed:
            return
        self.seconds = time.monotonic() - self._start
        self._process.stdin.close()
        self._process.stdout.close()
        self._selector.close()
        self._qmp.close()
        self._log.close()

    # The console.

    def send(self, text):
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def expect(self, pattern, limit=None):
        """Waits for a line that the pattern matches; looks only at lines after the last match."""
        deadline = self._start + (limit or self._limit)
        while True:
            while self._looked < len(self.lines):
                found = re.search(pattern, self.lines[self._looked].text)
                self._looked += 1
                if found:
                    return found
            if self.ended or not self._step(deadline):
                raise ConsoleError(f"no line matches {pattern!r} ({self.ended or 'time-out'})")

    def expect_prompt(self, text, limit):
        """Waits, at most that many seconds, until the line that is being written ends so. One of
        those that expect() has not passed may have it, too: others may write behind a prompt."""
        deadline = time.monotonic() + limit
        while not (clean(self._partial).endswith(text)
                   or any(text in line.text for line in self.lines[self._looked:])):
            if self.ended or not self._step(deadline):
                raise ConsoleError(f"no prompt {text!r} ({self.ended or 'time-out'})")

    def pass_all(self):
        """What has come is passed: expect() and expect_prompt() look at what comes from now on."""
        self._looked = len(self.lines)

    def now(self):
        """Seconds since the machine was started."""
        return time.monotonic() - self._start

    def passed(self):
        """How many lines expect() has passed; the last one is that which matched."""
        return self._looked

    def wait_for_end(self):
        """Reads until the machine ends by itself or its time is up."""
        while not self.ended and self._step(self._start + self._limit):
            pass
        self.ended = self.ended or "time-out"
        self.stop()

    def wait_for_halt(self, pattern):
        """Waits for a line, then until every CPU halts. False: it ended, or its time is up."""
        try:
            self.expect(pattern)
        except ConsoleError:
            return False
        deadline = self._start + self._limit
        while not self.ended and time.monotonic() < deadline:
            if self._halted():
                return True
            self._step(time.monotonic() + 0.1)
        return False

    def monitor(self, line):
        """What QEMU's monitor answers to a command."""
        return self._qmp.human(line)

    def _halted(self):
        try:
            registers = self.monitor("info registers -a")
        except TimeoutError:        # a QEMU on its way out may not answer any more
            self.ended = "triple fault" if self._triple_fault() else "QEMU hangs"
            return False
        cpus = re.findall(r"HLT=(\d)", registers)
        return bool(cpus) and set(cpus) == {"1"}

    @property
    def text(self):
        return "\n".join(line.text for line in self.lines)

    # Inside.

    def _step(self, deadline):
        """Handles what comes next. False: the time is up."""
        left = deadline - time.monotonic()
        events = self._selector.select(max(left, 0)) if left > 0 else []
        for key, _ in events:
            key.data()
        return bool(events)

    def _read_console(self):
        data = os.read(self._process.stdout.fileno(), 65536)
        if not data:
            self._selector.unregister(self._process.stdout)
            self._judge_end()
            return
        self._log.write(data)
        self._log.flush()
        now = time.monotonic() - self._start
        *whole, self._partial = (self._partial + data).split(b"\n")
        for line in whole:
            self.lines.append(Line(now, clean(line)))

    def _triple_fault(self):
        return b"Triple fault" in self._resets.read_bytes()

    def _read_monitor(self):
        if not self._qmp.receive():
            self._selector.unregister(self._qmp.socket)

    def _judge_end(self):
        """The console is closed, so QEMU is gone: why?"""
        if self._partial:
            self.lines.append(Line(time.monotonic() - self._start, clean(self._partial)))
        status = self._process.wait()
        while self._qmp.receive():
            pass
        if status != 0:
            self._log.flush()
            said = self.log_path.read_text(errors="replace").partition("\n\n")[2].split("\n")
            self.ended = f"QEMU failed with status {status}: {' '.join(said[-2:]).strip()}"
        elif self._triple_fault():
            self.ended = "triple fault"
        else:
            self.ended = {"guest-reset": "reset", "guest-shutdown": "power-off"}.get(
                self._qmp.shutdown_reason, f"ended ({self._qmp.shutdown_reason})")


class Monitor:
    """QEMU's control channel: tells why the machine ended, and shows its registers."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(ANSWER_LIMIT)
        self.shutdown_reason = None
        self._buffer = b""
        self._answers = {}          # by the id that the command carried
        self._command("qmp_capabilities")

    def close(self):
        self.socket.close()

    def receive(self):
        """Takes in what has come. False: nothing more will."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        *whole, self._buffer = (self._buffer + data).split(b"\n")
        for line in whole:
            message = json.loads(line)
            if message.get("event") == "SHUTDOWN":
                self.shutdown_reason = message["data"]["reason"]
            elif "id" in message:
                self._answers[message["id"]] = message.get("return", "")
        return bool(data)

    def human(self, line):
        """The text that QEMU's human monitor answers."""
        command = "human-monitor-command"
        self._command(command, {"command-line": line})
        while command not in self._answers:
            if not self.receive():
                return ""
        return self._answers.pop(command)

    def _command(self, name, arguments=None):
        message = {"execute": name, "id": name}
        if arguments:
            message["arguments"] = arguments
        try:
            self.socket.sendall(json.dumps(message).encode() + b"\n")
        except BrokenPipeError:
            pass                    # QEMU is gone; receive() will tell


def clean(line):
    """A console line without terminal codes and line ends."""
    text = line.decode("utf-8", "replace")
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "").replace("\0", "")


def boot(name, limit=TIME_LIMIT, **spec):
    """Boots, waits for the end, returns the ended Machine."""
    with Machine(Spec(**spec), name, limit) as machine:
        machine.wait_for_end()
    return machine
