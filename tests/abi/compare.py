#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare our public headers with a reference: the Xen headers of Debian's libxen-dev.

What is compared is found, not listed: macros from the preprocessor's output, structures, unions,
enums and typedefs from the compiler's debug information. Everything that our headers define must
exist in the reference under the same name and have the same value, size, layout and signedness. A
structure of the reference may not have members that ours lacks; a union may. Exceptions stand, each
with its reason, in allow.txt, and one that is not needed is an error too.

Three views are compared, because definitions depend on macros of the includer:
    tools   -D__XEN_TOOLS__, all headers
    guest   the latest interface version; what a header shows to tools only is left out over there
    old     the oldest interface version that ours speak: constants only
"""

import argparse
import functools
import pathlib
import re
import shutil
import subprocess
import sys

LATEST, OLDEST = "0x00040e00", "0x00030209"
TOOLS_ONLY = {"domctl.h", "sysctl.h"}
NUMBER, TEXT, TYPE, FUNCTION, OTHER = "number", "text", "type", "function", "other"

# Headers of the C library that some public headers expect their includer to have included.
PRELUDE = "#include <stdint.h>\n#include <stddef.h>\n#include <string.h>\n#include <errno.h>\n"


class Failure(Exception):
    """The comparison itself could not be done."""


def run(command, text=None, check=True):
    """Run a command with text as its input; return its completed process."""
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}:\n{done.stderr}")
    return done


class Side:
    """One set of headers as one view shows it."""

    def __init__(self, name, root, headers, flags, build):
        self.name, self.root, self.build = name, pathlib.Path(root).resolve(), pathlib.Path(build)
        self.compiler = ["gcc", "-std=gnu11", f"-I{self.root}", *flags]
        self.source = PRELUDE + "".join(f"#include <xen/{header}>\n" for header in headers)
        self.macros = self.find_macros()

    def find_macros(self):
        """The macros that the root's files define: {name: (parameters or None, body)}."""
        listing = run([*self.compiler, "-E", "-dD", "-x", "c", "-"], self.source).stdout
        home = (self.root / "xen").resolve()
        inside, here, macros, seen = False, None, {}, set()
        for line in listing.splitlines():
            if marker := re.match(r'# \d+ "([^"]*)"', line):
                here = pathlib.Path(marker[1]).resolve()
                inside = home in here.parents
                seen.add(here)
            elif match := re.match(r"#define (\w+)(\([^)]*\))? ?(.*)", line):
                if inside:
                    parameters = match[2] and re.findall(r"[\w.]+", match[2])
                    macros[match[1]] = (parameters, " ".join(match[3].split()))
            elif match := re.match(r"#undef (\w+)", line):
                macros.pop(match[1], None)
        strangers = [path for path in seen
                     if path.parent.name in ("xen", "public") and home not in path.parents]
        if strangers or not any(home in path.parents for path in seen):
            raise Failure(f"{self.name}: not only files under {home} were included: {strangers}")
        return macros

    def accepted(self, lines):
        """Which of some declarations, one per line of C, compile behind the headers.

        The compiler reports an unknown name only once, so the survivors are tried again until
        none is refused.
        """
        first = self.source.count("\n") + 1
        good = [True] * len(lines)
        while True:
            text = "\n".join(line if ok else "" for line, ok in zip(lines, good))
            done = run([*self.compiler, "-fsyntax-only", "-w", "-fmax-errors=0",
                        "-ftrack-macro-expansion=0", "-x", "c", "-"],
                       f"{self.source}{text}\n", check=False)
            if done.returncode == 0:
                return good
            numbers = re.findall(r"^<stdin>:(\d+):\d+: error", done.stderr, re.M)
            bad = {int(number) - first for number in numbers}
            if not bad or min(bad) < 0:
                raise Failure(f"{self.name}: {done.stderr}")
            for number in bad:
                good[number] = False

    def values(self, expressions):
        """Print constants from a program: {name: "value, size in bytes, signedness"}."""
        if not expressions:
            return {}
        program = self.source + "#include <stdio.h>\nint main(void)\n{\n" + "".join(
            f'printf("{name}\\t%lld, %d bytes, %s\\n", (long long)({code}), (int)sizeof({code}),\n'
            f'((__typeof__(({code}) + 0))-1 < 0) ? "signed" : "unsigned");\n'
            for name, code in expressions.items()) + "return 0;\n}\n"
        binary = self.build / f"values-{self.name}"
        run([*self.compiler, "-w", "-x", "c", "-", "-o", str(binary)], program)
        return dict(line.split("\t") for line in run([str(binary)]).stdout.splitlines())

    @functools.cache
    def constants(self):
        """Every macro as {name: (kind, description)}."""
        result = {}
        plain = [name for name, (parameters, body) in self.macros.items()
                 if parameters is None and body]
        calls = {name: f"{name}({', '.join(str(3 + i) for i in range(len(p)))})"
                 for name, (p, _) in self.macros.items() if p}
        codes = {**{name: name for name in plain}, **calls}
        names = list(codes)
        good = self.accepted([f"enum {{ abi_{n} = !(({codes[n]}) | 0) }};" for n in names])
        numbers = {n: codes[n] for n, ok in zip(names, good) if ok}
        for name, value in self.values(numbers).items():
            result[name] = (NUMBER, value)
        rest = [n for n in plain if n not in numbers]
        texts = self.accepted([f'static const char abi_{n}[] = "" {n};' for n in rest])
        types = self.accepted([f"typedef {n} abi_{n}; extern abi_{n} *abi_x_{n};" for n in rest])
        for name, is_text, is_type in zip(rest, texts, types):
            body = self.macros[name][1]
            if is_text:
                result[name] = (TEXT, self.preprocessed(name))
            else:
                result[name] = (TYPE if is_type else OTHER, body)
        for name, (parameters, body) in self.macros.items():
            if name not in result and parameters is not None:
                result[name] = (FUNCTION, f"{len(parameters)} parameters")
            elif name not in result:
                result[name] = (OTHER, body)
        return result

    def preprocessed(self, name):
        """A macro fully expanded, adjacent string literals joined."""
        text = run([*self.compiler, "-E", "-P", "-x", "c", "-"],
                   self.source + f"abi_marker {name}\n").stdout
        body = text[text.rindex("abi_marker") + len("abi_marker"):]
        return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', body))

    @functools.cache
    def layouts(self):
        """Types and members that the headers define; those of the C library are left out."""
        def compiled(name, source):
            target = self.build / f"{name}-{self.name}.o"
            run([*self.compiler, "-w", "-g", "-gdwarf-4", "-fno-eliminate-unused-debug-types",
                 "-c", "-x", "c", "-", "-o", str(target)], source)
            info = run(["readelf", "--debug-dump=info", "-W", str(target)]).stdout
            return Dwarf(info).everything()

        foreign, _ = compiled("prelude", PRELUDE)
        types, members = compiled("layout", self.source)
        return {name: value for name, value in types.items() if name not in foreign}, members


class Dwarf:
    """The types of one object file, read from readelf's text."""

    def __init__(self, info):
        self.entries = {}
        self.parse(info)

    def parse(self, info):
        """Build the tree of entries: {offset: {"tag", "children", attributes...}}."""
        stack, entry = [], None
        for line in info.splitlines():
            if match := re.match(r" <(\d+)><(\w+)>: [^(]*(?:\(DW_TAG_(\w+)\))?", line):
                depth, offset, tag = int(match[1]), match[2], match[3]
                entry = {"tag": tag, "children": [], "offset": offset}
                if tag is None:
                    continue
                self.entries[offset] = entry
                del stack[depth:]
                if stack:
                    stack[-1]["children"].append(entry)
                stack.append(entry)
            elif match := re.match(r"\s+<\w+>\s+DW_AT_(\w+)\s*: (?:\([^)]*\):? ?)*(.*)", line):
                entry[match[1]] = match[2].strip()

    def everything(self):
        """Types and enumerators {name: description}; members {path: (description, choice?)}."""
        kinds = {"structure_type": "struct", "union_type": "union",
                 "enumeration_type": "enum", "typedef": "typedef"}
        types, members = {}, {}
        for entry in (child for unit in self.entries.values() if unit["tag"] == "compile_unit"
                      for child in unit["children"]):
            if entry["tag"] in kinds and "name" in entry and "declaration" not in entry:
                name = f"{kinds[entry['tag']]} {entry['name']}"
                types[name] = self.describe(entry)
                for path, description, choice in self.members(entry):
                    members[name + path] = (description, choice)
            if entry["tag"] == "enumeration_type":
                for item in entry["children"]:
                    types[f"enumerator {item['name']}"] = str(int(item["const_value"], 0))
        return types, members

    def target(self, entry):
        """The entry that DW_AT_type points to, or None for void."""
        if "type" not in entry:
            return None
        return self.entries[re.search(r"0x([0-9a-f]+)", entry["type"])[1]]

    def strip(self, entry):
        """A type without typedefs and qualifiers."""
        while entry is not None and entry["tag"] in ("typedef", "const_type", "volatile_type"):
            entry = self.target(entry)
        return entry

    def size(self, entry):
        """Bytes of a type."""
        entry = self.strip(entry)
        if entry is None:
            return 0
        if entry["tag"] == "array_type":
            product = self.size(self.target(entry))
            for bound in self.bounds(entry):
                product *= bound
            return product
        return int(entry.get("byte_size", "0"), 0)

    @staticmethod
    def bounds(entry):
        """Elements in each dimension of an array; 0 for one without a length."""
        return [int(c["upper_bound"], 0) + 1 if re.match(r"\d", c.get("upper_bound", "")) else 0
                for c in entry["children"] if c["tag"] == "subrange_type"]

    def describe(self, entry):
        """A type in words: what a program sees of it, names of typedefs aside."""
        constant = entry is not None and entry["tag"] == "const_type"
        entry = self.strip(entry)
        if entry is None:
            text = "void"
        elif entry["tag"] == "base_type":
            sign = "unsigned" if "unsigned" in entry["encoding"] else "signed"
            text = "char" if entry["name"] == "char" else sign
        elif entry["tag"] == "enumeration_type":
            text = "enum"
        elif entry["tag"] == "pointer_type":
            pointee = self.target(entry)
            bare = self.strip(pointee)
            mark = "const " if pointee is not None and pointee["tag"] == "const_type" else ""
            if bare is not None and bare["tag"] in ("structure_type", "union_type"):
                text = f"pointer to {mark}{bare.get('name', 'unnamed')}"
            else:
                text = f"pointer to {mark}{self.describe(bare)}"
        elif entry["tag"] == "array_type":
            text = f"array {self.bounds(entry)} of {self.describe(self.target(entry))}"
        elif entry["tag"] in ("structure_type", "union_type"):
            text = entry["tag"].split("_")[0]
        else:
            text = entry["tag"]
        return ("const " if constant else "") + f"{text}, {self.size(entry)} bytes"

    def members(self, entry, prefix="", base=0):
        """Every member, through nested types: (path, description, one of a union's choices?)."""
        entry = self.strip(entry)
        while entry is not None and entry["tag"] == "array_type":
            entry = self.strip(self.target(entry))
        if entry is None or entry["tag"] not in ("structure_type", "union_type"):
            return
        choice = entry["tag"] == "union_type"
        for member in (c for c in entry["children"] if c["tag"] == "member"):
            offset = base + int(member.get("data_member_location", "0").split()[0], 0)
            kind = self.target(member)
            if "name" in member:
                path = f"{prefix}.{member['name']}"
                bits = member.get("bit_size")
                extra = f", {bits} bits at {member.get('bit_offset')}" if bits else ""
                yield path, f"offset {offset}, {self.describe(kind)}{extra}", choice
                yield from self.members(kind, path, offset)
            else:
                yield from self.members(kind, prefix, offset)


class Comparison:
    """Collects what was compared, what differed and which exceptions were used."""

    def __init__(self, allowed):
        self.allowed, self.used, self.count, self.differences = allowed, set(), 0, []

    def differ(self, view, name, what):
        """Report a difference unless it is allowed."""
        bare = name.split(" ", 1)[1] if name.split(" ")[0] in ("macro", "enumerator") else name
        for key in (bare, name, bare.split(".")[0]):
            if key in self.allowed:
                self.used.add(key)
                return
        self.differences.append(f"{view}: {name}: {what}")

    def same(self, view, name, ours, theirs):
        """Compare two descriptions; theirs is None when there is no such thing."""
        self.count += 1
        if theirs is None:
            self.differ(view, name, f"not defined by the reference (ours: {ours})")
        elif ours != theirs:
            self.differ(view, name, f"ours {ours}; reference {theirs}")


def compare_constants(result, view, ours, theirs, known):
    """All macros of ours. known: names that another view has already compared."""
    reference = theirs.constants()
    for name, (kind, value) in sorted(ours.constants().items()):
        if kind == OTHER and value == "" and name.endswith("_H") or name.endswith("_H__"):
            continue
        there = reference.get(name)
        if there is None and name in known:
            continue
        if kind == OTHER and there is not None and there[0] == OTHER:
            value, there = value.replace(" ", ""), (OTHER, there[1].replace(" ", ""))
        result.same(view, f"macro {name}", f"{kind}: {value}", there and f"{there[0]}: {there[1]}")
        known.add(name)


def compare_layouts(result, view, ours, theirs, known):
    """All types of ours, with their members, and the members of theirs that ours lack."""
    types, members = ours.layouts()
    their_types, their_members = theirs.layouts()
    for name, value in sorted(types.items()):
        if name not in their_types and name in known:
            continue
        result.same(view, name, value, their_types.get(name))
        known.add(name)
    for name, (value, _) in sorted(members.items()):
        if name.split(".")[0] in types and name.split(".")[0] in their_types:
            result.same(view, name, value, their_members.get(name, (None, False))[0])
    for name, (value, choice) in sorted(their_members.items()):
        parent = name.rpartition(".")[0]
        if (parent in types or parent in members) and name not in members and not choice:
            result.differ(view, name, f"missing from ours ({value})")


def read_allowed(path):
    """allow.txt: a name, then the reason; # starts a comment."""
    allowed = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, reason = (part.strip() for part in line.partition(":"))
        if not reason:
            raise Failure(f"{path}:{number}: {name} stands here without a reason")
        allowed[name] = reason
    return allowed


def compare(ours_root, theirs_root, build, references):
    """The whole comparison. references keeps what was found out about the reference, by view."""
    build.mkdir(parents=True, exist_ok=True)
    home = pathlib.Path(ours_root) / "xen"
    headers = sorted((str(p.relative_to(home)) for p in home.rglob("*.h")),
                     key=lambda header: (header != "xen.h", header))
    if not headers:
        raise Failure(f"no headers under {home}")
    if not (pathlib.Path(theirs_root) / "xen" / "xen.h").exists():
        raise Failure(f"no Xen headers under {theirs_root}: is libxen-dev installed?")
    result = Comparison(read_allowed(pathlib.Path(__file__).with_name("allow.txt")))
    missing = [h for h in headers if not (pathlib.Path(theirs_root) / "xen" / h).exists()]
    for header in missing:
        result.differ("tools", header, "the reference has no such header")
    headers = [h for h in headers if h not in missing]
    guest = [h for h in headers if h not in TOOLS_ONLY]
    macros, types = set(), set()
    for view, flags, chosen in (("tools", ["-D__XEN_TOOLS__"], headers),
                                ("guest", [f"-D__XEN_INTERFACE_VERSION__={LATEST}"], guest),
                                ("old", [f"-D__XEN_INTERFACE_VERSION__={OLDEST}"], guest)):
        ours = Side(f"ours-{view}", ours_root, chosen, flags, build)
        if view not in references:
            references[view] = Side(f"theirs-{view}", theirs_root, chosen, flags, build)
        theirs = references[view]
        compare_constants(result, view, ours, theirs, macros)
        if view != "old":
            compare_layouts(result, view, ours, theirs, types)
    for name in sorted(set(result.allowed) - result.used):
        result.differences.append(f"allow.txt: {name} is allowed for, but does not differ")
    return result


# What is broken, header, text before and after, and what the comparison must then name.
MUTATIONS = (
    ("a wrong number", "xen.h",
     "#define __HYPERVISOR_sched_op                      29",
     "#define __HYPERVISOR_sched_op                      31",
     "macro __HYPERVISOR_sched_op"),
    ("a wrong type of number", "xen.h",
     "#define DOMID_SELF           xen_mk_uint(0x7FF0)", "#define DOMID_SELF 0x7FF0",
     "macro DOMID_SELF"),
    ("a constant of our own", "vcpu.h",
     "#define RUNSTATE_running ", "#define RUNSTATE_sleeping 4\n#define RUNSTATE_running ",
     "macro RUNSTATE_sleeping"),
    ("a wrong function-like macro", "memory.h",
     "(((x) + 1) << 8)", "((x) << 8)",
     "macro XENMEMF_node"),
    ("a wrong text", "io/xs_wire.h",
     '"CREATE"', '"CREATED"',
     "macro XS_WRITE_CREATE"),
    ("swapped members", "event_channel.h",
     "    evtchn_port_t remote_port;\n    evtchn_port_t local_port;",
     "    evtchn_port_t local_port;\n    evtchn_port_t remote_port;",
     "struct evtchn_bind_interdomain.local_port"),
    ("a member of another size", "grant_table.h",
     "    uint32_t frame; /* mfn */", "    uint64_t frame; /* mfn */",
     "struct grant_entry_v1.frame"),
    ("a member of another sign", "xen.h",
     "    int8_t tsc_shift;", "    uint8_t tsc_shift;",
     "struct vcpu_time_info.tsc_shift"),
    ("a missing member", "sched.h",
     "    uint32_t id;\n", "",
     "struct sched_watchdog.id"),
    ("a missing member inside a union", "xen.h",
     "            uint16_t mode_attrs;\n            uint16_t pad;\n", "            uint32_t pad;\n",
     "struct dom0_vga_console_info.u.vesa_lfb.mode_attrs"),
    ("a renamed member", "callback.h",
     "    uint16_t type;  /*", "    uint16_t kind;  /*",
     "struct callback_register.kind"),
    ("a shorter array", "version.h",
     "char compile_by[16];", "char compile_by[15];",
     "struct xen_compile_info.compile_by"),
    ("a shifted enumerator", "io/xs_wire.h",
     "    XS_WATCH,   ", "    XS_EXTRA,\n    XS_WATCH,   ",
     "enumerator XS_WATCH"),
    ("a wrong error number", "errno.h",
     "XEN_ERRNO(ENOSYS,        38)", "XEN_ERRNO(ENOSYS,        39)",
     "enumerator XEN_ENOSYS"),
    ("a changed ring", "io/ring.h",
     "RING_IDX req_prod, req_event;", "RING_IDX req_event, req_prod;",
     "struct blkif_sring.req_event"),
    ("a value of an older version", "platform.h",
     "#define XENPF_settime          XENPF_settime32",
     "#define XENPF_settime          XENPF_settime64",
     "old: macro XENPF_settime"),
)


def self_test(ours_root, theirs_root, build):
    """Break a copy of our headers in one place at a time; each must be noticed by its name."""
    failures, references = 0, {}
    for what, header, before, after, expected in MUTATIONS:
        copy = build / "mutated"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(pathlib.Path(ours_root) / "xen", copy / "xen")
        text = (copy / "xen" / header).read_text()
        if text.count(before) != 1:
            raise Failure(f"self-test: {what}: {header} has the text to change not exactly once")
        (copy / "xen" / header).write_text(text.replace(before, after))
        found = compare(copy, theirs_root, build, references).differences
        noticed = any(re.search(rf"{re.escape(expected)}\b", line) for line in found)
        failures += not noticed
        verdict = "noticed" if noticed else "NOT NOTICED"
        print(f"self-test: {what}: {verdict} ({len(found)} differences)")
    shutil.rmtree(build / "mutated", ignore_errors=True)
    print(f"abi self-test: {len(MUTATIONS)} mutations, {failures} not noticed")
    return failures


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", default="include", help="folder with our xen/")
    parser.add_argument("--theirs", default="/usr/include", help="folder with the reference's xen/")
    parser.add_argument("--build", default="build/tests/abi", type=pathlib.Path,
                        help="folder for temporary files")
    parser.add_argument("--self-test", action="store_true",
                        help="break a copy of our headers and see that it is noticed")
    options = parser.parse_args()
    try:
        if options.self_test:
            return 1 if self_test(options.ours, options.theirs, options.build) else 0
        result = compare(options.ours, options.theirs, options.build, {})
    except Failure as failure:
        print(f"abi: {failure}", file=sys.stderr)
        return 2
    for line in result.differences:
        print(line)
    print(f"abi: {result.count} values compared, {len(result.differences)} differ")
    return 1 if result.differences else 0


if __name__ == "__main__":
    sys.exit(main())
