#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tests/conformance/table.py [--write]: which cells of the ABI have a conformance case.

Reads the cells (tests/conformance/cells) and the cases (tests/guest/conf-*/*.c), and checks that
every case names known cells only, that docs/conformance.md is what they make, and that there are no
more empty cells than tests/conformance/empty allows. --write brings the last two up to date; it
never raises the number.
"""

import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
CELLS = REPO / "tests/conformance/cells"
EMPTY = REPO / "tests/conformance/empty"
REPORT = REPO / "docs/conformance.md"

# Its cases must fail, and cover nothing.
SELF_CHECK = "conf-broken"

STRINGS = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
CASE = re.compile(r"^CASE\((\w+),\s*" + STRINGS + r",\s*" + STRINGS + r"\)", re.M)
ANY_CASE = re.compile(r"^CASE\(", re.M)
DIFFERENCE = re.compile(r"\bEXPECT_(?:FAULT_)?ON\([^;]*?" + STRINGS + r"\);", re.S)


@dataclass
class Case:
    guest: str
    name: str
    title: str
    cells: list
    differences: list


def text_of(strings):
    """The C string literals that follow each other, as one text."""
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', strings)).replace('\\"', '"')


def read_cells():
    """{heading: {subject: [cell]}} in the file's order."""
    headings, now = {}, None
    for line in CELLS.read_text().splitlines():
        if line.startswith("["):
            now = headings.setdefault(line.strip("[]"), {})
        elif line and line[0] not in "#!":
            subject, *cells = line.split()
            now.setdefault(subject, []).extend(cells)
    return headings


def read_reasons():
    """{cell: why no case can show it}, of the lines "! subject cell...: why"."""
    reasons = {}
    for line in CELLS.read_text().splitlines():
        if line.startswith("!"):
            what, _, why = line[1:].partition(": ")
            subject, *cells = what.split()
            reasons.update({f"{subject}:{cell}": why for cell in cells})
    return reasons


def read_cases():
    cases, wrong = [], []
    for path in sorted(REPO.glob("tests/guest/conf-*/*.c")):
        if path.parent.name == SELF_CHECK:
            continue
        source = path.read_text()
        found = list(CASE.finditer(source))
        if len(found) != len(ANY_CASE.findall(source)):
            wrong.append(f"{path.relative_to(REPO)}: a CASE whose title or cells are no strings")
        ends = [match.start() for match in found[1:]] + [len(source)]
        for match, end in zip(found, ends):
            differences = [text_of(m[1]) for m in DIFFERENCE.finditer(source[match.end():end])]
            cases.append(Case(path.parent.name, match[1], text_of(match[2]),
                              text_of(match[3]).split(), differences))
    return cases, wrong


def make_report(headings, covered, cases, empty, reasons):
    total = sum(len(cells) for subjects in headings.values() for cells in subjects.values())
    out = ["# Conformance: what the ABI promises, and the cases that check it", "",
           "Made by `tests/conformance/table.py --write`; do not edit.",
           "The cases run on Pavane and on Xen 4.17: `make conformance`.", "",
           f"{len(cases)} cases; {total} cells, {total - len(empty) - len(reasons)} of them with a "
           f"case, {len(reasons)} that no case can show, {len(empty)} empty.",
           "Grants, devices, and what only a toolstack calls have no cells yet.", ""]
    for heading, subjects in headings.items():
        out += [f"## {heading}", "", "| subject | cell | cases |", "|---|---|---|"]
        for subject, cells in subjects.items():
            for cell in cells:
                names = ", ".join(covered[f"{subject}:{cell}"])
                names = names or reasons.get(f"{subject}:{cell}", "**none**")
                out.append(f"| {subject} | {cell} | {names} |")
        out.append("")
    out += ["## Empty cells", ""] + [f"- {cell}" for cell in empty] + [""]
    out += ["## Where Pavane and Xen differ", "",
            "The case asserts what each does; behind the colon stands why.", ""]
    out += [f"- {case.name} ({case.guest}): {why}" for case in cases for why in case.differences]
    out += ["", "## Cases", ""]
    for guest in sorted({case.guest for case in cases}):
        out += [f"### {guest}", ""]
        out += [f"- {case.name}: {case.title}" for case in cases if case.guest == guest]
        out.append("")
    return "\n".join(out)


def examine():
    """(what is wrong, the report, the empty cells)."""
    headings = read_cells()
    known = [f"{subject}:{cell}" for subjects in headings.values()
             for subject, cells in subjects.items() for cell in cells]
    cases, wrong = read_cases()
    twice = sorted({cell for cell in known if known.count(cell) > 1})
    wrong += [f"cell {cell} is listed twice" for cell in twice]
    covered, names = defaultdict(list), set()
    for case in cases:
        if case.name in names:
            wrong.append(f"two cases are called {case.name}")
        names.add(case.name)
        for cell in case.cells:
            covered[cell].append(case.name)
            if cell not in known:
                wrong.append(f"{case.guest}/{case.name} names the unknown cell {cell}")
    reasons = read_reasons()
    wrong += [f"cell {cell} has a case, and a reason to have none" for cell in reasons
              if covered[cell]]
    wrong += [f"a reason for the unknown cell {cell}" for cell in reasons if cell not in known]
    empty = [cell for cell in known if not covered[cell] and cell not in reasons]
    return wrong, make_report(headings, covered, cases, empty, reasons), empty


def check():
    """What is wrong, as lines."""
    wrong, report, empty = examine()
    allowed = int(EMPTY.read_text())
    if len(empty) > allowed:
        wrong.append(f"{len(empty)} cells are empty, {allowed} were: {' '.join(empty)}")
    elif len(empty) < allowed:
        wrong.append(f"{len(empty)} cells are empty, {EMPTY.name} says {allowed}: use --write")
    if not REPORT.exists() or REPORT.read_text() != report:
        wrong.append(f"{REPORT.relative_to(REPO)} is not up to date: use --write")
    return wrong


def write():
    _, report, empty = examine()
    allowed = int(EMPTY.read_text()) if EMPTY.exists() else len(empty)
    EMPTY.write_text(f"{min(allowed, len(empty))}\n")
    REPORT.write_text(report)


def main():
    if sys.argv[1:] == ["--write"]:
        write()
    elif sys.argv[1:]:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    wrong = check()
    print("\n".join(wrong) or "every case names known cells; the report is up to date")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
