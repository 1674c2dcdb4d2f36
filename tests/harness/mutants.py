# SPDX-License-Identifier: MIT
"""Mutants: faults that somebody could put into the hypervisor, each of which a test must catch.

tests/mutants/*.mutants list them, a file a room:

    mutant put-forgotten
    what   an entry that goes keeps its reference
    file   hypervisor/mm/pt_entry.h
     lines of that file, exactly, each behind a blank; those that the mutant
    -lacks
    +and those that it has instead
    test   unit/mm_types
    test   conformance/conf-mmu/mmu_*

The lines with a blank or a minus must stand in the file exactly once. The tests are tried in turn
until one fails: a program of tests/unit (unit/NAME) or tests/fuzz (fuzz/NAME), those cases of a
conformance guest, on Pavane, that a pattern names, or a look at the machine code (code/sysret).
tests/mutants/run tries them all.
"""

from dataclasses import dataclass, field
from functools import partial

from . import places
from .report import Job, check

FOLDER = places.REPO / "tests" / "mutants"


class Wrong(Exception):
    """A list of mutants, or a mutant, makes no sense."""


@dataclass
class Mutant:
    name: str
    room: str               # the list that it is in
    what: str = ""
    file: str = ""
    old: list = field(default_factory=list)
    new: list = field(default_factory=list)
    tests: list = field(default_factory=list)

    def applied(self, text):
        """The file's text with the fault in it."""
        old, new = ("".join(line + "\n" for line in lines) for lines in (self.old, self.new))
        # Whole lines only: what stands before the first must be the end of another.
        places_of_old = ("\n" + text).count("\n" + old)
        if places_of_old != 1:
            raise Wrong(f"its lines stand in {self.file} {places_of_old} times, not once")
        return ("\n" + text).replace("\n" + old, "\n" + new)[1:]

    def take(self, key, value):
        """One line of the list."""
        if key == "test":
            self.tests.append(value)
        elif key in ("what", "file"):
            setattr(self, key, value)
        else:
            raise Wrong(f"{self.room}: {self.name}: what is '{key}'?")

    def take_line(self, mark, line):
        if mark in " -":
            self.old.append(line)
        if mark in " +":
            self.new.append(line)


def read_list(path):
    mutants = []
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        key, _, value = line.partition(" ")
        if key == "mutant":
            mutants.append(Mutant(value.strip(), path.stem))
        elif not mutants:
            raise Wrong(f"{path.name} begins without a mutant")
        elif line[0] in " +-":
            mutants[-1].take_line(line[0], line[1:])
        else:
            mutants[-1].take(key, value.strip())
    return mutants


def read_all():
    mutants = [mutant for path in sorted(FOLDER.glob("*.mutants")) for mutant in read_list(path)]
    names = [mutant.name for mutant in mutants]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Wrong(f"two mutants of one name: {', '.join(sorted(twice))}")
    return mutants


def check_applies(mutant):
    """A mutant that no longer fits the source tests nothing."""
    try:
        mutant.applied((places.REPO / mutant.file).read_text())
        fits = "fits"
    except (Wrong, OSError) as wrong:
        fits = str(wrong)
    check(fits == "fits" and mutant.what and mutant.tests and mutant.old != mutant.new,
          "a mutant that fits its source, with a test to catch it", fits)


def jobs():
    """For `make test`: that all mutants still fit."""
    return [Job(f"mutants/{mutant.name} applies", partial(check_applies, mutant))
            for mutant in read_all()]
