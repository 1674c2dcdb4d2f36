#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compile the public headers in the ways that they promise to work, with gcc and clang.

Each header alone, as guests, tools and the hypervisor see it, and in C++ where there is a C++
compiler; the headers with numbers only in assembly; the list of hypercalls expanded
(hypercalls.c); the ring macros run (rings.c); errno.h with an includer's own XEN_ERRNO.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
STRICT = ["-Wall", "-Wextra", "-Wshadow", "-Wundef", "-Werror"]
OWN_ERRNO = r"""enum {
#define XEN_ERRNO(name, value) MY_##name = value,
#include <xen/errno.h>
};
#ifdef XEN_ERRNO
#error "still defined"
#endif
#include <xen/errno.h>
#include <xen/errno.h>
#define XEN_ERRNO(name, value) \
    _Static_assert((int)MY_##name == value && (int)XEN_##name == value, #name);
#include <xen/errno.h>
"""


def compilations(include, build):
    """Yield (what, command, source text or None)."""
    headers = sorted(str(p.relative_to(include / "xen")) for p in (include / "xen").rglob("*.h"))
    for compiler in ("gcc", "clang"):
        c = [compiler, f"-I{include}", *STRICT, "-std=gnu11", "-ffreestanding",
             "-c", "-o", "/dev/null"]
        for header in headers:
            text = f"#include <xen/{header}>\n"
            yield f"{compiler} {header}", [*c, "-x", "c", "-"], text
            for macro in ("__XEN_TOOLS__", "__XEN__"):
                yield f"{compiler} {macro} {header}", [*c, f"-D{macro}", "-x", "c", "-"], text
            if "/" not in header or header.startswith("arch"):
                yield (f"{compiler} assembly {header}",
                       [compiler, f"-I{include}", "-c", "-o", "/dev/null",
                        "-x", "assembler-with-cpp", "-"], text)
        yield f"{compiler} hypercalls.c", [*c, str(HERE / "hypercalls.c")], None
        yield f"{compiler} errno", [*c, "-x", "c", "-"], OWN_ERRNO
        rings = build / f"rings-{compiler}"
        yield (f"{compiler} rings.c", [compiler, f"-I{include}", *STRICT, "-std=gnu11", "-O2",
                                       str(HERE / "rings.c"), "-o", str(rings)], None)
        yield f"{compiler} rings", [str(rings)], None
    for compiler in filter(shutil.which, ("g++", "clang++")):
        for header in headers:
            yield (f"{compiler} {header}", [compiler, f"-I{include}", *STRICT, "-std=gnu++14", "-c",
                                            "-o", "/dev/null", "-x", "c++", "-"],
                   f"#include <xen/{header}>\n")


def main():
    """Run all; print what failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", default="include", type=pathlib.Path)
    parser.add_argument("--build", default="build/tests/abi", type=pathlib.Path)
    options = parser.parse_args()
    options.build.mkdir(parents=True, exist_ok=True)
    done = failed = 0
    for what, command, text in compilations(options.ours, options.build):
        result = subprocess.run(command, input=text, capture_output=True, text=True)
        done += 1
        if result.returncode != 0:
            failed += 1
            print(f"{what}: {' '.join(command)}\n{result.stdout}{result.stderr}")
    print(f"abi standalone: {done} compilations, {failed} failed")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
