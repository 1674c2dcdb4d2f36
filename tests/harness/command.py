# SPDX-License-Identifier: MIT
"""Programs that a test runs on this machine, with what they say in a log file."""

import functools
import os
import subprocess

from . import places

# Generous: for what hangs.
TIME_LIMIT = 2400


def run(log_name, command, **environment):
    """Runs a command in the repository; returns its status, its output and the log file."""
    log = places.LOGS / f"{log_name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [str(word) for word in command], cwd=places.REPO, timeout=TIME_LIMIT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**outermost(), **environment})
        status, output = done.returncode, done.stdout
    except FileNotFoundError as missing:
        status, output = 127, str(missing).encode()
    except subprocess.TimeoutExpired as expired:
        status, output = 124, (expired.stdout or b"") + b"\ntime-out"
    log.write_bytes(output)
    return status, output.decode(errors="replace"), log


def outermost():
    """The environment for a make of its own, not a part of the make that may have started us."""
    inherited = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    return {key: value for key, value in os.environ.items() if key not in inherited}


@functools.cache
def make_variable(name):
    """The words of a variable of the Makefile, such as the list of conformance guests."""
    status, output, _ = run(f"make-{name}", ["make", "-s", "--no-print-directory", f"print-{name}"])
    if status != 0:
        raise RuntimeError(f"make print-{name} failed: {output.strip()}")
    return output.split()
