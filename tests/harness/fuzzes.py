# SPDX-License-Identifier: MIT
"""The fuzz guest (docs/fuzzing.md): it must survive its own calls, each operation must succeed at
least once or say why it can't, Pavane's audit must find nothing wrong, and one and the same seed
must give the same results on Xen, call by call, but for DIFFERENCES.
"""

import os
import re
from functools import partial

from . import places
from .machine import ConsoleError, Machine, Spec
from .report import Job, check
from .session import AUDIT_GOOD

# As much memory for the guest on either hypervisor, and no more to be had.
MEMORY = {"pavane": "dom0_mem=128M", "xen": "dom0_mem=128M,max:128M"}

# The seeds that both hypervisors get, and how many calls of each; and the seed of the long runs,
# unless FUZZ_SEED says another. New seeds are for `make soak`.
SEEDS, COMPARED = range(1, 11), 20_000
LONG_SEED, CALLS, SECONDS = 770259563, 1_000_000, 60

# (operation, Xen's result, Pavane's, why): the only differences that there may be. What comes after
# one in its episode starts from another state and is not compared.
DIFFERENCES = []


def explained(name, xen, pavane):
    return any((name, xen, pavane) == row[:3] for row in DIFFERENCES)


def run(name, hypervisor, arguments, cpus=2, limit=900):
    """The console's lines of one run; the machine must end by the guest's reboot."""
    spec = Spec(hypervisor=hypervisor, guest=str(places.BUILD / "guests" / "fuzz.elf"),
                guest_args=arguments, append=MEMORY[hypervisor], cpus=cpus)
    with Machine(spec, f"fuzz/{name}-{hypervisor}", limit) as machine:
        try:
            machine.expect(r"FUZZ DONE")
        except ConsoleError as wrong:
            text = machine.lines[-1].text if machine.lines else ""
            check(False, "the guest to come to its end", f"{wrong}; last line: {text}",
                  machine.log_path)
    return [line.text for line in machine.lines], machine.log_path


def judge(lines, log):
    """The guest's own verdict, and the audit's."""
    wrong = [line for line in lines if "FUZZ WRONG" in line]
    check(not wrong, "each operation to succeed somewhere, or never", wrong, log)
    said = [line for line in lines if "audit: " in line]
    check(len(said) == 1 and re.search(AUDIT_GOOD, said[0]), "an audit that finds nothing wrong",
          said, log)


def survive(name, arguments, cpus):
    lines, log = run(name, "pavane", arguments, cpus, limit=1200)
    judge(lines, log)


RESULTS = re.compile(r"R (\d+)\.(\d+)((?: \d+(?:=-\d+)?)+)$")
OPERATION = re.compile(r"OP (\S+) ok=")
KEPT = re.compile(r"K \d+ \d+$")


def results(lines):
    """episode -> [(operation, result)], of a run with results=on."""
    names = [match[1] for match in map(OPERATION.search, lines) if match]
    episodes = {}
    for match in filter(None, map(RESULTS.search, lines)):
        calls = episodes.setdefault(int(match[1]), [])
        assert len(calls) == int(match[2]), "a line of the console is missing"
        for text in match[3].split():
            number, _, result = text.partition("=")
            calls.append((names[int(number)], int(result or 0)))
    return episodes


def first_difference(xen, pavane):
    """(index, operation, Xen's result, Pavane's) or None."""
    for index, (theirs, ours) in enumerate(zip(xen, pavane, strict=True)):
        if theirs != ours:
            return index, theirs[0], theirs[1], ours[1]
    return None


def compare(seed):
    arguments = f"seed={seed} calls={COMPARED} compare=on results=on"
    lines, log = run(f"compare-{seed}", "pavane", arguments)
    pavane = results(lines)
    theirs, _ = run(f"compare-{seed}", "xen", arguments)
    xen = results(theirs)
    check(pavane.keys() == xen.keys() and sum(map(len, xen.values())) >= COMPARED,
          "as many episodes on both", f"{len(pavane)} on Pavane, {len(xen)} on Xen", log)
    kept = [line for line in lines + theirs if KEPT.search(line)]
    check(not kept, "no frame to be kept in a use that the guest can't end", kept, log)
    found = [(episode, *difference) for episode in sorted(xen)
             if (difference := first_difference(xen[episode], pavane[episode]))]
    wrong = [f"{episode}.{index} {name}: Xen {theirs}, Pavane {ours}"
             for episode, index, name, theirs, ours in found if not explained(name, theirs, ours)]
    check(not wrong, f"seed {seed}: the same results", wrong, log)


def jobs():
    seed = int(os.environ.get("FUZZ_SEED") or LONG_SEED)
    length = f"calls={CALLS} seconds={SECONDS}"
    return [
        *[Job(f"fuzz/seed {seed} on both hypervisors", partial(compare, seed)) for seed in SEEDS],
        Job(f"fuzz/1 vCPU, seed {seed}", partial(survive, "one", f"seed={seed} {length}", 2)),
        Job(f"fuzz/2 vCPUs, seed {seed}",
            partial(survive, "two", f"seed={seed} vcpus=2 {length}", 2)),
    ]
