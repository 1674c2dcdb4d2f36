# SPDX-License-Identifier: MIT
"""The fuzz guest (docs/fuzzing.md) as an ordinary guest: without the first domain's privilege, made
by the control domain, which has to go on, and to have everything back once the guest is gone.
"""

import os
import re
from functools import partial

from . import places
from .report import Job, check
from .session import Session
from .sessions import config, unchanged

SEED = 2
SPEC = {"ramdisk": str(places.BUILD / "tests" / "initramfs.cpio"), "cpus": 2}
ONE = "/etc/xen/one.cfg"
CONSOLE_LOG = "/var/log/xen/console/guest-fuzz.log"

# A guest ends by itself after so many seconds, or as soon after as each operation has succeeded; or
# calls. How long until it has said so, generously.
SECONDS, CALLS, LIMIT = 10, 1_000_000_000, 600

# Guests that are destroyed while they run calls, each after so many seconds.
IN_THE_MIDDLE = (0.4, 1.1, 1.7)


def create(session, arguments):
    """Two vCPUs always: the second one is spare where not both run calls."""
    config(session, {"name": '"fuzz"', "kernel": '"/boot/fuzz"', "memory": "64", "vcpus": "2",
                     "extra": f'"{arguments}"'})
    session.must(f"rm -f {CONSOLE_LOG}; xl-lite create t.cfg")


def live(session, arguments):
    """A guest runs its calls and ends; what it said is judged."""
    create(session, arguments)
    session.must(f"until grep -q 'FUZZ DONE' {CONSOLE_LOG} || "
                 "xl-lite list | grep -q '^fuzz .*-c-'; do sleep 0.2; done", LIMIT)
    said = session.must(f"grep FUZZ {CONSOLE_LOG}; tail -n 5 {CONSOLE_LOG}").lines
    log = session.machine.log_path
    wrong = [line for line in said if "FUZZ WRONG" in line]
    check(not wrong, "each operation to succeed somewhere, or never", wrong, log)
    check(any("FUZZ DONE" in line for line in said), "the guest to come to its end", said[-5:], log)


def good_guest(session):
    answer = session.at_console("one", "cat /mnt/token")
    check(answer.lines == [session.disks["one"].word], "the good guest's disk", answer.lines,
          session.machine.log_path)


def end(session, free):
    """The guest is gone, with all that it had; the good one goes on."""
    session.audit()
    session.must("xl-lite destroy fuzz")
    unchanged(session, free, ["one"])
    session.audit()
    good_guest(session)


def on_pavane(seed, vcpus):
    with Session("pavane", f"fuzz-domain-{vcpus}-pavane", **SPEC) as session:
        session.boot()
        free = session.free_pages()
        session.must(f"xl-lite create {ONE}")
        with_one = session.free_pages()
        live(session, f"seed={seed} calls={CALLS} seconds={SECONDS} vcpus={vcpus}")
        end(session, with_one)
        for seconds in IN_THE_MIDDLE:
            create(session, f"seed={seed} calls={CALLS} from=1000000 vcpus={vcpus}")
            session.must(f"until grep -q FUZZ {CONSOLE_LOG}; do sleep 0.02; done; sleep {seconds}")
            said = session.must(f"grep FUZZ {CONSOLE_LOG}").lines
            check(len(said) == 1 and "seed=" in said[0], "a guest in the middle of its calls", said,
                  session.machine.log_path)
            end(session, with_one)
        session.must("xl-lite destroy one")
        unchanged(session, free)


def on_xen(seed):
    """Xen may keep a frame of such a guest, and so a domain that dies for ever: docs/fuzzing.md."""
    with Session("xen", "fuzz-domain-xen", **SPEC) as session:
        session.boot()
        session.must(f"xl-lite create {ONE}")
        live(session, f"seed={seed} calls={CALLS} seconds={SECONDS}")
        session.must("xl-lite destroy fuzz")
        left = session.domains()
        check("fuzz" not in left, "the guest to be gone", left, session.machine.log_path)
        check("one" in left and all(re.search(r" --ps-d ", line) for name, line in left.items()
                                    if name != "one"),
              "the good guest and, at most, a dying one", left, session.machine.log_path)
        good_guest(session)


def jobs():
    seed = int(os.environ.get("FUZZ_SEED") or SEED)
    return [
        Job(f"fuzz/a guest, 1 vCPU, seed {seed}", partial(on_pavane, seed, 1)),
        Job(f"fuzz/a guest, 2 vCPUs, seed {seed}", partial(on_pavane, seed, 2)),
        Job(f"fuzz/a guest, seed {seed} [xen]", partial(on_xen, seed)),
    ]
