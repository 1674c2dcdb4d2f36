# SPDX-License-Identifier: MIT
"""The repository's own rules: what must not be in it, and the shape of its sources."""

import re

from . import places
from .builds import tracked
from .report import Job, check

SOURCES = (".c", ".h", ".S")
# Prose may have tables.
WIDE = (".md", "LICENSE")

# Spelled so that a rule does not find itself.
FORBIDDEN = [
    (r"(?<![\w}$\"'~.-])/(?:w[o]rk|r[o]ot|h[o]me|t[m]p)/\w", "a path of somebody's machine"),
    (r"\b(?:deb|security|snapshot|ftp)\.deb[i]an\.org", "a mirror's host name"),
    (r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b", "a note about unfinished work"),
]

# Scripts that run in a guest, whose file system is made for them: its /tmp is nobody's machine's.
IN_GUESTS = ("tests/linux/", "initramfs/")

MAX_LINES = 500
MAX_FUNCTION_LINES = 100
MAX_COLUMNS = 100


def read(file):
    """A file's lines; none of what is not a plain file."""
    path = places.REPO / file
    plain = path.is_file() and not path.is_symlink()
    return path.read_text(errors="replace").splitlines() if plain else []


def forbidden_text():
    found = [f"{file}:{number}: {what}"
             for file in tracked() for number, line in enumerate(read(file), 1)
             for pattern, what in FORBIDDEN
             if re.search(pattern, line.replace("/t" "mp/", "/") if file.startswith(IN_GUESTS)
                          else line)]
    check(not found, "none of the forbidden things in a tracked file", "; ".join(found[:10]))


def source_shape():
    found = []
    for file in tracked():
        if not file.endswith(SOURCES) or not (lines := read(file)):
            continue
        found += [f"{file}:{start}: a function of {length} lines"
                  for start, length in functions(lines) if length > MAX_FUNCTION_LINES]
        if "SPDX-License-Identifier: MIT" not in lines[0]:
            found.append(f"{file}: no licence line")
        if len(lines) > MAX_LINES:
            found.append(f"{file}: {len(lines)} lines")
        found += [f"{file}:{number}: a tab" for number, line in enumerate(lines, 1) if "\t" in line]
    check(not found, f"a licence line, at most {MAX_LINES} lines, functions of at most "
          f"{MAX_FUNCTION_LINES}, no tabs", several(found))


def functions(lines):
    """The first line and the length of each function body; its braces stand in the first column."""
    start = 0
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start:
            yield start, number - start + 1
            start = 0


def line_width():
    found = [f"{file}:{number}" for file in tracked() if not file.endswith(WIDE)
             for number, line in enumerate(read(file), 1) if len(line) > MAX_COLUMNS]
    check(not found, f"lines of at most {MAX_COLUMNS} columns", several(found))


DEFINITIONS = [re.compile(pattern) for pattern in (
    r"(?:[A-Za-z_][\w\s*]*?[\s*])?(\w+)\(",     # a C function that begins in the first column
    r"#\s*define\s+(\w+)\(",
    r"function (\w+)|(\w+):",                     # assembly's
    r"\s*def (\w+)\(",
)]


def defined_names(files):
    """Every function and macro that a source defines or declares."""
    return {name for file in files if file.endswith((*SOURCES, ".py")) for line in read(file)
            for pattern in DEFINITIONS if (match := pattern.match(line))
            for name in match.groups() if name}


def documented_functions():
    names = defined_names(tracked())
    found = [f"{file}:{number}: {name}()"
             for file in tracked() if file.endswith(".md")
             for number, line in enumerate(read(file), 1)
             for name in re.findall(r"\b([a-z_]\w+)\(\)", line) if name not in names]
    check(not found, "each function that a document names to exist", several(found))


def several(found):
    return f"{len(found)} times otherwise: " + "; ".join(found[:10])


def jobs():
    return [
        Job("hygiene/forbidden text", forbidden_text),
        Job("hygiene/shape of the sources", source_shape),
        Job("hygiene/width of the lines", line_width),
        Job("hygiene/functions that documents name", documented_functions),
    ]
