# SPDX-License-Identifier: MIT
"""The build as a thing to test: both compilers, header dependencies, changed flags, the image's size."""

import os
import re
import shutil
import subprocess
import time

from . import places
from .report import Job, Mismatch, check

CLEAN_BUILD_LIMIT = 60          # seconds on two CPUs
IMAGE_LIMIT = 1 << 20           # text, data and bss
EMBEDDED = ".embedded"          # the section of the default guest, which the limit leaves out


def make(log_name, *arguments):
    """Runs make; returns its output. A failure names the first error and the log."""
    log = places.LOGS / f"{log_name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["make", "--no-print-directory", *arguments], cwd=places.REPO, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          env=places.clean_environment())
    log.write_text(done.stdout)
    if done.returncode != 0:
        errors = re.findall(r"^.*(?:error:|Error |\*\*\*).*$", done.stdout, re.M)
        raise Mismatch(f"make {' '.join(arguments)} to succeed", (errors or ["no message"])[0], log)
    return done.stdout


def build_default():
    make("build", "-k", "-j2", "all", "test-programs")


def folder(compiler):
    """A clean build's folder, as make wants it: relative to the repository."""
    return os.path.relpath(places.BUILD / f"clean-{compiler}", places.REPO)


def clean_build(compiler):
    shutil.rmtree(places.REPO / folder(compiler), ignore_errors=True)
    start = time.monotonic()
    make(f"build-{compiler}", "-j2", f"CC={compiler}", f"BUILD={folder(compiler)}", "all")
    seconds = time.monotonic() - start
    check((places.REPO / folder(compiler) / "pavane").exists(), "the hypervisor's image", "none")
    check(seconds < CLEAN_BUILD_LIMIT, f"less than {CLEAN_BUILD_LIMIT} s", f"{seconds:.0f} s")


def includes(file):
    """What a source includes, by the last part of each name."""
    text = (places.REPO / file).read_text()
    return {name.split("/")[-1] for name in re.findall(r'^\s*#\s*include\s*["<]([^">]+)', text, re.M)}


def compiled_sources(output):
    """The sources that make -n would compile."""
    return set(re.findall(r"-c (\S+\.[cS]) -o", output))


def header_dependencies():
    """Whoever includes a header directly is compiled again when that header changes, and only then."""
    arguments = [f"BUILD={folder('gcc')}", "all"]
    idle = compiled_sources(make("build-idle", "-n", *arguments))
    check(not idle, "nothing to compile after a build", sorted(idle))
    sources = compiled_sources(make("build-all-sources", "-n", "-B", *arguments))
    check(sources, "sources that make knows how to compile", "none")
    headers = [file for file in tracked() if file.endswith(".h")]
    names = [header.split("/")[-1] for header in headers]
    users = {source: includes(source) for source in sources}
    for header, name in zip(headers, names):
        if names.count(name) > 1 or (places.REPO / header).is_symlink():
            continue            # the name alone does not say which file is meant
        expected = {source for source, included in users.items() if name in included}
        again = compiled_sources(make("build-header", "-n", "-W", header, *arguments))
        missing = expected - again
        check(not missing, f"a change of {header} to compile {sorted(missing)}", "not compiled")


def changed_compiler():
    """Another compiler means that everything is compiled again, though no file changed."""
    arguments = ["-n", f"BUILD={folder('gcc')}", "all"]
    sources = compiled_sources(make("build-same", *arguments, "-B"))
    again = compiled_sources(make("build-changed", *arguments, "CC=clang"))
    missing = {source for source in sources - again if source.startswith("hypervisor/")}
    check(not missing and again, "CC=clang to compile every source of the hypervisor", f"not: {sorted(missing)}")


def image_size():
    listing = subprocess.run(["readelf", "-SW", str(places.PAVANE)], capture_output=True, text=True,
                             check=True).stdout
    sections = re.findall(r"\] (\S+) +\w+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+ +([A-Za-z]+) ", listing)
    size = sum(int(length, 16) for name, length, flags in sections if "A" in flags and name != EMBEDDED)
    check(size > 0, "sections in the image", listing)
    check(size < IMAGE_LIMIT, f"less than {IMAGE_LIMIT} bytes", size)


def tracked():
    """The files of the repository."""
    return subprocess.run(["git", "ls-files"], cwd=places.REPO, capture_output=True, text=True,
                          check=True).stdout.split()


def jobs():
    return [
        Job("build/image size", image_size),
        Job("build/clean with gcc", lambda: clean_build("gcc"), alone=True),
        Job("build/clean with clang", lambda: clean_build("clang"), alone=True),
        Job("build/header dependencies", header_dependencies, alone=True),
        Job("build/changed compiler", changed_compiler, alone=True),
    ]
