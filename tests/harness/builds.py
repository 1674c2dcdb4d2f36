# SPDX-License-Identifier: MIT
"""The build as a thing to test: both compilers, header dependencies, changed flags, image size."""

import os
import re
import resource
import shutil
import subprocess

from . import command, places
from .report import Job, Mismatch, check

CLEAN_BUILD_LIMIT = 240         # seconds of CPU time, on a slow machine; on a good one it is 35
IMAGE_LIMIT = 1 << 20           # text, data and bss
EMBEDDED = ".embedded"          # the section of the default guest, which the limit leaves out

# A line of `readelf -SW`: name, size and flags of a section.
SECTION = re.compile(r"\] (\S+) +\w+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+ +([A-Za-z]+) ")
# Our headers; <name.h> without a folder, or in one of these, is one of the C library's.
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"|<(?!sys/|arpa/|net/|netinet/|linux/|asm/)(?=[^>]*/))'
                     r'([^">]+)', re.M)


def make(log_name, *arguments):
    """Runs make; returns its output. A failure names the first error and the log."""
    status, output, log = command.run(log_name, ["make", "--no-print-directory", *arguments])
    if status != 0:
        errors = re.findall(r"^.*(?:error:|Error |\*\*\*).*$", output, re.M)
        expected = f"make {' '.join(arguments)} to succeed"
        raise Mismatch(expected, (errors or [f"status {status}"])[0], log)
    return output


def build_default():
    make("build", "-k", "-j2", "all", "test-programs")


def folder(compiler):
    """A clean build's folder, as make wants it: relative to the repository."""
    return os.path.relpath(places.BUILD / f"clean-{compiler}", places.REPO)


def cpu_seconds():
    """What programs that have ended here have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def clean_build(compiler):
    shutil.rmtree(places.REPO / folder(compiler), ignore_errors=True)
    before = cpu_seconds()
    make(f"build-{compiler}", "-j2", f"CC={compiler}", f"BUILD={folder(compiler)}", "all")
    seconds = cpu_seconds() - before
    image = places.REPO / folder(compiler) / "pavane"
    check(image.exists(), "the hypervisor's image", "none")
    check(seconds < CLEAN_BUILD_LIMIT, f"less than {CLEAN_BUILD_LIMIT} s of CPU time",
          f"{seconds:.0f} s")


def tracked():
    """The files of the repository."""
    return subprocess.run(["git", "ls-files"], cwd=places.REPO, capture_output=True, text=True,
                          check=True).stdout.split()


def includes(file):
    """What a file includes, by the last part of each name."""
    text = (places.REPO / file).read_text(errors="replace")
    return {name.split("/")[-1] for name in INCLUDE.findall(text)}


def compiled_sources(output):
    """The sources that make -n would compile."""
    return set(re.findall(r"-c (\S+\.[cS]) -o", output))


def names_of_headers():
    """By what names the last build's dependencies know a file: through links, or with `..`."""
    known = {}
    for rules in (places.REPO / folder("gcc")).rglob("*.d"):
        for name in re.findall(r"^(\S+\.h):$", rules.read_text(), re.M):
            known.setdefault((places.REPO / name).resolve(), set()).add(name)
    return known


def header_dependencies():
    """A changed header compiles whoever includes it again; without a change nothing is compiled."""
    arguments = ["-n", f"BUILD={folder('gcc')}", "all"]
    idle = compiled_sources(make("build-idle", *arguments))
    check(not idle, "nothing to compile after a build", sorted(idle))
    sources = compiled_sources(make("build-all-sources", "-B", *arguments))
    check(sources, "sources that make knows how to compile", "none")
    users = {source: includes(source) for source in sources}
    known = names_of_headers()
    headers = [file for file in tracked() if file.endswith(".h")]
    names = [header.split("/")[-1] for header in headers]
    for header, name in zip(headers, names):
        if names.count(name) > 1:
            continue            # the name alone does not say which file is meant
        expected = {source for source, included in users.items() if name in included}
        changed = [word for path in known.get(places.REPO / header, [header])
                   for word in ("-W", path)]
        again = compiled_sources(make("build-header", *changed, *arguments))
        missing = sorted(expected - again)
        check(not missing, f"a change of {header} to compile {missing}", "they are not compiled")


def changed_compiler():
    """Another compiler means that everything is compiled again, though no file changed."""
    arguments = ["-n", f"BUILD={folder('gcc')}", "all"]
    sources = compiled_sources(make("build-same", "-B", *arguments))
    again = compiled_sources(make("build-changed", *arguments, "CC=clang"))
    missing = sorted(file for file in sources - again if file.startswith("hypervisor/"))
    check(again and not missing, "CC=clang to compile the whole hypervisor", f"not {missing}")


def image_size():
    check(places.PAVANE.exists(), "the hypervisor's image", "none")
    listing = subprocess.run(["readelf", "-SW", str(places.PAVANE)], capture_output=True,
                             text=True, check=True).stdout
    size = sum(int(length, 16) for name, length, flags in SECTION.findall(listing)
               if "A" in flags and name != EMBEDDED)
    check(size > 0, "sections in the image", listing)
    check(size < IMAGE_LIMIT, f"less than {IMAGE_LIMIT} bytes", size)


# What stands before a SYSRET: its address, sign-extended from bit 47, must be itself.
GUARD = re.compile(r"mov +0x\w+\(%rsp\),%rcx\n.*mov +%rcx,(%r\w+)\n.*shl +\$0x10,\1\n"
                   r".*sar +\$0x10,\1\n.*cmp +%rcx,\1\n.*jne ")
GUARD_REACH = 30                # instructions before it


def sysret_is_guarded():
    """SYSRET to an address that is not canonical faults in ring 0 on Intel's processors, on the
    guest's stack. No emulator shows that, so the machine code itself is looked at."""
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"{places.PAVANE}.debug"],
                             capture_output=True, text=True, check=True).stdout.splitlines()
    found = [number for number, line in enumerate(listing) if "sysret" in line]
    check(found, "a sysret in the hypervisor", "none")
    for number in found:
        before = "\n".join(listing[max(number - GUARD_REACH, 0):number])
        check(GUARD.search(before), "a check of the address before each sysret", listing[number])


# What changes words that guests may be writing to, and the loops of compare-and-exchange that it
# may have: those that give up after a few tries.
GUEST_WORDS = {"event/evtchn_bits": 0, "event/two_level": 0, "event/fifo_words": 1,
               "grant/grant_entry": 1}


def guest_words_without_loops():
    """A loop that ends when no guest is quicker, with interrupts off, has no end we know of."""
    for name, allowed in GUEST_WORDS.items():
        file = places.BUILD / "obj" / "hv" / "hypervisor" / f"{name}.c.o"
        listing = subprocess.run(["objdump", "-d", file], capture_output=True, text=True,
                                 check=True).stdout
        check("lock" in listing, f"locked instructions in {file}", "none")
        check(listing.count("cmpxchg") <= allowed, f"{allowed} compare-and-exchange in {name}",
              listing.count("cmpxchg"))


def jobs():
    return [
        Job("build/image size", image_size),
        Job("build/sysret is guarded", sysret_is_guarded),
        Job("build/guests' words need no loop", guest_words_without_loops),
        Job("build/clean with gcc", lambda: clean_build("gcc"), alone=True),
        Job("build/clean with clang", lambda: clean_build("clang"), alone=True),
        Job("build/header dependencies", header_dependencies, alone=True),
        Job("build/changed compiler", changed_compiler, alone=True),
    ]
