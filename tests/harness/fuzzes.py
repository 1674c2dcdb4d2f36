# SPDX-License-Identifier: MIT
"""The fuzz guest (docs/fuzzing.md): it must survive its own calls, each operation must succeed at
least once or say why it can't, Pavane's audit must find nothing wrong, and one and the same seed
must give nearly the same results on Xen, call by call, but for DIFFERENCES.

The results are compared by the hashes of episodes. Those that differ are run once more on both,
with a line for each call: of each the first call that differs is looked up. What comes after it in
the episode starts from another state, and is not compared.
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

# The seed that both hypervisors get, and how far; and that of the long runs, unless FUZZ_SEED says
# another. New seeds are for `make soak`.
SEED, COMPARED = 1, 20_000
LONG_SEED, CALLS, SECONDS = 770259563, 1_000_000, 60

# At most so many of a hundred episodes may differ at all, and so many without an explanation: that
# there are such is an open question (docs/fuzzing.md).
MOST_DIFFERENT, MOST_UNEXPLAINED = 28, 6

# Results that are no errors of the interface: the guest shows a grant's status, and faults, as
# numbers of its own (tests/guest/fuzz).
REFUSED = range(-0x20010, -0x20000)
ERROR = range(-4096, 0)
ANY = None

# (operation, Xen's result, Pavane's, why). A result is a number, ANY, or a set.
# docs/fuzzing.md says which of these are understood.
DIFFERENCES = [
    (r"grant_table_op\.(copy|map_grant_ref|unmap_grant_ref)", REFUSED, REFUSED,
     "of several things that are wrong with it, each names the one that it looks at first"),
    (r"mmuext_op\..*", ERROR, ERROR,
     "DOMID_IO and DOMID_XEN: Xen has domains of these names, without frames that would do; and "
     "counts that reach over the end of the address space: Xen begins, Pavane does not"),
    (r"mmu_update\..*", ERROR, ERROR, "the same"),
]


def explained(name, xen, pavane):
    return any(re.fullmatch(row[0], name) and matches(row[1], xen) and matches(row[2], pavane)
               for row in DIFFERENCES)


def matches(wanted, result):
    return wanted is ANY or (result in wanted if isinstance(wanted, (set, range))
                             else result == wanted)


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


def hashes(lines):
    """Episode by episode."""
    found = (re.search(r"H (\d+) ([0-9a-f]+)$", line) for line in lines)
    return {int(match[1]): match[2] for match in found if match}



CALL = re.compile(r"C (\d+)\.(\d+) ([\w.]+).* = (-?\d+) \(")


def calls(lines):
    """episode -> [(operation, result)], of a run with log=on."""
    found = {}
    for line in lines:
        if match := CALL.search(line):
            found.setdefault(int(match[1]), {})[int(match[2])] = (match[3], int(match[4]))
    return found


def first_difference(xen, pavane):
    """(index, operation, Xen's result, Pavane's) or None."""
    for index in sorted(set(xen) & set(pavane)):
        if xen[index] != pavane[index]:
            return index, xen[index][0], xen[index][1], pavane[index][1]
    return None


def unexplained(seed, episodes):
    """Runs these again on both, and looks at the first call of each that differs."""
    wrong = []
    for start in range(0, len(episodes), 40):
        some = episodes[start:start + 40]
        arguments = f"seed={seed} forget=on log=on only={','.join(map(str, some))}"
        seen = {hypervisor: calls(run(f"again-{start}", hypervisor, arguments)[0])
                for hypervisor in ("xen", "pavane")}
        for episode in some:
            found = first_difference(seen["xen"].get(episode, {}), seen["pavane"].get(episode, {}))
            if found and not explained(*found[1:]):
                wrong.append(f"{episode}.{found[0]} {found[1]}: Xen {found[2]}, Pavane {found[3]}")
    return wrong


def compare(seed, amount):
    arguments = f"seed={seed} calls={amount} forget=on"
    lines, log = run("compare", "pavane", arguments)
    pavane = hashes(lines)
    xen = hashes(run("compare", "xen", arguments)[0])
    check(len(pavane) == len(xen) and len(xen) * 256 >= amount, "as many episodes on both",
          f"{len(pavane)} on Pavane, {len(xen)} on Xen", log)
    different = [episode for episode in xen if xen[episode] != pavane[episode]]
    wrong = unexplained(seed, different)
    check(len(wrong) * 100 <= MOST_UNEXPLAINED * len(xen),
          f"seed {seed}: at most {MOST_UNEXPLAINED} of 100 episodes that differ unexplained", wrong,
          log)
    check(len(different) * 100 <= MOST_DIFFERENT * len(xen),
          f"at most {MOST_DIFFERENT} of 100 episodes to differ", f"{len(different)} of {len(xen)}",
          log)


def jobs():
    seed = int(os.environ.get("FUZZ_SEED") or LONG_SEED)
    length = f"calls={CALLS} seconds={SECONDS}"
    return [
        Job(f"fuzz/seed {SEED} on both hypervisors", partial(compare, SEED, COMPARED)),
        Job(f"fuzz/1 vCPU, seed {seed}", partial(survive, "one", f"seed={seed} {length}", 2)),
        Job(f"fuzz/2 vCPUs, seed {seed}",
            partial(survive, "two", f"seed={seed} vcpus=2 {length}", 2)),
    ]
