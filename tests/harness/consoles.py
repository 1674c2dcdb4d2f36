# SPDX-License-Identifier: MIT
"""A person at the serial console: types commands into the default guest and reads what comes back.

What is awaited is never what was typed, whose echo proves nothing: a figure that the test chose for
this machine, or one that must have changed since it was last shown.
"""

import re
import secrets
import subprocess
import time
from functools import partial

from . import places
from .boots import default_guest
from .command import outermost
from .machine import Machine, Spec
from .report import Job, check

READY = r"^Ready\. "
SYSTEM_TIME = r"system time\s+(\d+)\.(\d{9}) s"
FREE_MEMORY = r"free_pages\s+: \d+"
DELETE = "\x7f"

# Between two keys of a fast typist, in seconds.
KEY_TIME = 0.02

# For `make run`, which may have to build first.
RUN_LIMIT = 900


def type_line(machine, text):
    """Key by key, as a person does; the Enter key sends a carriage return."""
    for key in text + "\r":
        machine.send(key)
        time.sleep(KEY_TIME)


def system_time(machine):
    """What the guest's clock shows, in ns."""
    type_line(machine, "time")
    found = machine.expect(SYSTEM_TIME)
    return int(found[1]) * 10**9 + int(found[2])


def talk(machine, token, cpus):
    """Help, information about this very machine, a clock that goes, faults that are handled."""
    machine.expect(READY)
    type_line(machine, "help")
    machine.expect(r"^poweroff\s+shut down")
    type_line(machine, f"inx{DELETE}fo")        # with a typing error, put right
    machine.expect(rf"^virtual CPUs\s+{cpus}$")
    machine.expect(rf"^command line\s+token={token}$")
    first, second = system_time(machine), system_time(machine)
    check(second - first >= len("time") * KEY_TIME * 10**9, "the guest's clock to go with ours",
          f"{first} ns, then {second} ns", machine.log_path)
    type_line(machine, "trap")
    machine.expect(r"^user reads the kernel's memory: vector 14, ")
    type_line(machine, "frobnicate")
    machine.expect(r"^No command \"frobnicate\"")


def converse(hypervisor, cpus, farewell, end, **more):
    token = secrets.token_hex(8)
    spec = Spec(hypervisor=hypervisor, guest=default_guest(), guest_args=f"token={token}",
                cpus=cpus, **more)
    with Machine(spec, f"console-{hypervisor}-{farewell}") as machine:
        talk(machine, token, cpus)
        type_line(machine, farewell)
        machine.wait_for_end()
    check(machine.ended == end, f"an end by {end}", machine.ended, machine.log_path)


def make_run():
    """`make run` as the README has it: the control domain greets, answers, and ends the command."""
    log = places.LOGS / "make-run.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(["timeout", "--kill-after=5", str(RUN_LIMIT), "make", "run"],
                          cwd=places.REPO, env=outermost(), text=True, bufsize=1,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, start_new_session=True) as run:
        said = []
        for line in run.stdout:
            said.append(line)
            if "xl-lite create" in line:
                run.stdin.write("xl-lite info\r")
            elif re.match(FREE_MEMORY, line):
                run.stdin.write("poweroff\r")
        status = run.wait()
    log.write_text("".join(said))
    answers = [line for line in said if re.match(FREE_MEMORY, line)]
    check(len(answers) == 1, "an answer to `xl-lite info`", f"{len(answers)} answers", log)
    check(status == 0, "make run to end well, with its first domain", f"status {status}", log)


def jobs():
    return [
        Job("console/reboot [pavane]", partial(converse, "pavane", 2, "reboot", "reset")),
        Job("console/poweroff [pavane]",
            partial(converse, "pavane", 1, "poweroff", "power-off", machine="pc")),
        Job("console/reboot [xen]", partial(converse, "xen", 2, "reboot", "reset")),
        Job("console/make run", make_run, alone=True),
    ]
