#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tests/bench/profile.py "ROW NAME": where the instructions of one operation go.

Boots the benchmark guest with only that row, lets it run to a sample in the middle, and steps
through the operation, instruction by instruction, by QEMU's debugger interface (interrupts stay
away meanwhile). Each address is looked up in the symbols of the hypervisor and of the guest.

    --trace     prints the way through the functions, in order, with the count at each stay
    --lines     also counts by source line (needs addr2line and the image with debug information)
    --xen       on Xen: one sum for the hypervisor, which has no symbols here

The sum is the row's figure, but for the few instructions of the empty operation that the row
leaves out, and of repeated string instructions, each step of which counts.
"""

import argparse
import bisect
import collections
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import places                          # noqa: E402
from harness.machine import Machine, Spec           # noqa: E402

GUEST = places.BUILD / "guests" / "bench.elf"
HV_DEBUG = places.BUILD / "pavane.debug"
SAMPLE = 5              # earlier samples warm up; both turns of an operation have been
TIME_LIMIT = 300
STEP_LIMIT = 1_000_000
ANSWER_LIMIT = 60
RBX, RIP = 1, 16        # numbers of registers for the debugger

# Guests use both ends of the address space but this part (slots 256 to 271 of an L4).
HV_START, HV_END = 0xffff800000000000, 0xffff880000000000


class Debugger:
    """The remote protocol of gdb, as far as stepping needs it."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(ANSWER_LIMIT)
        self._buffer = b""
        # QEMU tells single registers only to a debugger that has read its description.
        self.ask("qXfer:features:read:target.xml:0,ffb")

    def ask(self, command):
        body = command.encode()
        self.socket.sendall(b"$%s#%02x" % (body, sum(body) & 0xff))
        return self._packet()

    def _packet(self):
        while True:
            start = self._buffer.find(b"$")
            end = self._buffer.find(b"#", start)
            if start >= 0 and 0 <= end <= len(self._buffer) - 3:
                body = self._buffer[start + 1:end]
                self._buffer = self._buffer[end + 3:]
                self.socket.sendall(b"+")
                return body.decode()
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("QEMU is gone")
            self._buffer += data

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def run_to(self, addresses):
        """Runs to the first of these; there are no breakpoints when it returns."""
        for address in addresses:
            self.ask(f"Z1,{address:x},1")
        stopped = self.ask("c")
        if not stopped.startswith("T05"):
            raise EOFError(f"stopped by {stopped}")
        for address in addresses:
            self.ask(f"z1,{address:x},1")

    def step(self):
        """Runs one instruction; returns where it led."""
        self.ask("s")
        return self.register(RIP)


class Symbols:
    """Text symbols of an ELF; the name for an address is that of the last one at or below."""

    def __init__(self, elf):
        self.elf = elf
        output = subprocess.run(["nm", "-n", str(elf)], capture_output=True, text=True,
                                check=True).stdout
        found = [line.split() for line in output.splitlines()]
        found = [(int(f[0], 16), f[2]) for f in found if len(f) == 3 and f[1] in "tTwW"]
        self.addresses = [address for address, _ in found]
        self.names = [name for _, name in found]
        self.by_name = {name: address for address, name in found}

    def name(self, address):
        at = bisect.bisect_right(self.addresses, address) - 1
        return self.names[at] if at >= 0 else f"{address:#x}"

    def lines(self, addresses):
        """{address: "file:line"}"""
        asked = "\n".join(f"{address:#x}" for address in addresses)
        output = subprocess.run(["addr2line", "-e", str(self.elf)], input=asked, text=True,
                                capture_output=True, check=True).stdout
        return dict(zip(addresses, (where.split(" ")[0].removeprefix(f"{places.REPO}/")
                                    for where in output.splitlines())))


def step_through(spec, guest):
    """The address of each instruction of one sample, in order."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = f"{folder}/gdb"
        listener.bind(path)
        listener.listen()
        listener.settimeout(ANSWER_LIMIT)
        spec.extra = ["-S", "-gdb", f"unix:{path}"]
        with Machine(spec, "bench-profile", TIME_LIMIT) as machine:
            connection, _ = listener.accept()
            try:
                return record(Debugger(connection), guest)
            except (EOFError, ConnectionResetError):
                machine.wait_for_end()
                raise SystemExit(f"the guest ended: is there such a row? ({machine.log_path})")


def record(debugger, guest):
    starts = [guest.by_name[name] for name in ("bench_begin", "bench_user_begin")]
    ends = {guest.by_name[name] for name in ("bench_end", "bench_user_end")}
    nothing = {guest.by_name[name] for name in ("bench_nothing", "bench_user_nothing")}
    samples = 0
    while samples < SAMPLE:
        debugger.run_to(starts)
        samples += debugger.register(RBX) not in nothing
        at = debugger.register(RIP) if samples == SAMPLE else debugger.step()
    trace = []
    while at not in ends:
        if len(trace) == STEP_LIMIT:
            raise SystemExit(f"no end after {STEP_LIMIT} instructions")
        trace.append(at)
        at = debugger.step()
    return trace


# ---- Report ----

def stays(trace, where):
    """(function, instructions) for each stay in a function, in order."""
    found = []
    for address in trace:
        name = where(address)
        if found and found[-1][0] == name:
            found[-1][1] += 1
        else:
            found.append([name, 1])
    return found


def print_counts(counter, visits=None):
    for name, count in counter.most_common():
        times = f"  in {visits[name]} stays" if visits and visits[name] > 1 else ""
        print(f"{count:>9,}  {name}{times}")


def print_report(row, trace, hypervisor, guest, options):
    def where(address):
        if not HV_START <= address < HV_END:
            return f"guest: {guest.name(address)}"
        return hypervisor.name(address) if hypervisor else "hypervisor"

    walk = stays(trace, where)
    print(f"{row}: {len(trace):,} instructions")
    print_counts(collections.Counter(map(where, trace)),
                 collections.Counter(name for name, _ in walk))
    if options.lines and hypervisor:
        print("\nby line:")
        inside = [address for address in trace if HV_START <= address < HV_END]
        lines = hypervisor.lines(sorted(set(inside)))
        print_counts(collections.Counter(lines[address] for address in inside))
    if options.trace:
        print("\nin order:")
        for name, count in walk:
            print(f"{count:>9,}  {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("row", help="a name from the table, such as 'null hypercall'")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--lines", action="store_true")
    parser.add_argument("--xen", action="store_true")
    options = parser.parse_args()
    guest = Symbols(GUEST)
    hypervisor = None if options.xen else Symbols(HV_DEBUG)
    spec = Spec(hypervisor="xen" if options.xen else "pavane", guest=str(GUEST),
                guest_args=f"only={options.row.replace(' ', '_')}", qemu="run", icount=True)
    print_report(options.row, step_through(spec, guest), hypervisor, guest, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
