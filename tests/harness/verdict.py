# SPDX-License-Identifier: MIT
"""What a conformance guest prints, read back.

    GUEST <guest> CASES <n>
    CASE <name> BEGIN
    CASE <name> PASS
    CASE <name> FAIL expected <what> seen <what> (<detail>)
    CASE <name> SKIP <reason>
    GUEST <guest> DONE pass=<n> fail=<n> skip=<n>

Each on a line of its own, perhaps behind a prefix such as "(d0) "; lines of the hypervisor may come
between.
"""

import re
from dataclasses import dataclass

CASE = re.compile(r"\bCASE (\S+) (BEGIN|PASS|FAIL|SKIP)\b ?(.*)")
COUNT = re.compile(r"\bGUEST (\S+) CASES (\d+)")
DONE = re.compile(r"\bGUEST (\S+) DONE pass=(\d+) fail=(\d+) skip=(\d+)")


@dataclass
class Verdict:
    name: str
    status: str         # PASS, FAIL or SKIP
    detail: str
    seconds: float


def read(lines, ended):
    """The verdicts among a machine's console lines, and what is wrong with the run ("": nothing).

    A case that began and has no verdict failed. The run is wrong without its first or last line,
    when their numbers are not those of the cases, when a case comes twice, or when the machine did
    not end by a reset.
    """
    verdicts, begun = {}, {}
    announced = done = None
    wrong = []
    for line in lines:
        if found := CASE.search(line.text):
            name, status, detail = found.groups()
            if status == "BEGIN":
                begun[name] = line.seconds
            elif name in verdicts:
                wrong.append(f"two verdicts on {name}")
            else:
                started = begun.get(name, line.seconds)
                verdicts[name] = Verdict(name, status, detail, line.seconds - started)
        elif found := COUNT.search(line.text):
            announced = int(found[2])
        elif found := DONE.search(line.text):
            done = {"PASS": int(found[2]), "FAIL": int(found[3]), "SKIP": int(found[4])}

    counted = {s: sum(v.status == s for v in verdicts.values()) for s in ("PASS", "FAIL", "SKIP")}
    for name in begun:
        if name not in verdicts:
            verdicts[name] = Verdict(name, "FAIL", f"expected a verdict, seen none ({ended})", 0.0)
    if announced is None:
        wrong.append("no GUEST ... CASES line")
    elif announced != sum(counted.values()):
        wrong.append(f"{announced} cases announced, {sum(counted.values())} verdicts seen")
    if done is None:
        wrong.append("no GUEST ... DONE line")
    elif done != counted:
        wrong.append(f"the guest's summary {done} is not what was seen: {counted}")
    if ended != "reset":
        wrong.append(f"expected to end by a reset, seen: {ended}")
    return list(verdicts.values()), "; ".join(wrong)
