# SPDX-License-Identifier: MIT
"""The main job from end to end, as a person would do it at the control domain's shell.

Two guests are made from configs, each with a token of its own that was chosen for this run. Each
answers a command typed on its console with its token and a product that the command asked for, so
neither the boot messages nor an echo can pass for the answer. Each has a disk with a word of this
run in a file, mounts it and shows the word, and keeps another word on it, which is found by the
guest that is made after it was destroyed, and in the image when the machine is off. Each step says
what it saw; the first that sees something else raises Mismatch.
"""

import random
import re
import secrets
from functools import partial

from .report import Job, check
from .session import ANSWER_LIMIT, GUEST_PROMPT, Session, Shell

# What a person may wait for, generously: the host is an emulator and may be busy.
BOOT_LIMIT = 300
FIRST_OUTPUT = r"^pv-kernel .* MiB of memory"


class Demo:
    def __init__(self, session, say):
        self.session, self.say = session, say
        self.tokens = {"one": secrets.token_hex(8), "two": secrets.token_hex(8)}
        self.keep = {"one": secrets.token_hex(8), "two": secrets.token_hex(8)}

    def run(self):
        self.boot()
        self.free = self.session.free_pages()
        self.say(f"free memory: {self.free} pages of 4 KiB")
        self.create_one()
        self.create_two_with_console()
        for name in self.tokens:
            self.answers(name)
            self.reads_disk(name)
            self.keeps(name)
        self.audit()
        self.listed("one", "two")
        self.destroy("one")
        self.listed("two")
        self.answers("two")
        self.destroy("two")
        self.listed()
        self.nothing_left()
        self.create_again()
        self.nothing_left()
        self.audit()
        self.power_off()

    def boot(self):
        seconds = self.session.boot()
        check(seconds < BOOT_LIMIT, f"a shell within {BOOT_LIMIT} s", f"{seconds:.1f} s")
        self.say(f"boot: the control domain's shell after {seconds:.1f} s")

    def config(self, name):
        """A copy of the config in /etc/xen with this run's token."""
        half, rest = self.tokens[name][:8], self.tokens[name][8:]
        # Typed in two parts, so that the token never stands in an echo.
        self.session.must(f'sed s/none/{half}""{rest}/ /etc/xen/{name}.cfg > {name}.cfg')
        return f"{name}.cfg"

    def create_one(self):
        begin = self.session.machine.now()
        self.session.must(f"xl-lite create {self.config('one')}")
        self.say(f"xl-lite create: guest one, token {self.tokens['one']}, "
                 f"in {self.session.machine.now() - begin:.1f} s")

    def create_two_with_console(self):
        """With -c the guest's first line is seen as soon as it is written."""
        machine = self.session.machine
        config = self.config("two")
        begin = machine.now()
        self.session.control.type(f"xl-lite create -c {config}\r")
        machine.expect(FIRST_OUTPUT, begin + ANSWER_LIMIT)
        seconds = machine.lines[machine.passed() - 1].seconds - begin
        Shell(machine, GUEST_PROMPT).await_prompt()
        self.session.leave_console()
        self.say(f"xl-lite create -c: guest two, token {self.tokens['two']}, "
                 f"its first output after {seconds:.1f} s")
        return seconds

    def answers(self, name):
        a, b = (random.randrange(10**4, 10**5) for _ in range(2))
        answer = self.session.at_console(name, f"echo $(({a} * {b})); token")
        expected = [str(a * b), f"this guest's token is {self.tokens[name]}"]
        check(answer.lines == expected, f"guest {name} to answer {expected}", answer.lines,
              self.session.machine.log_path)
        self.say(f"guest {name} on its console: {a} * {b} = {answer.lines[0]}; {answer.lines[1]}")

    def reads_disk(self, name):
        answer = self.session.at_console(name, "cat /mnt/token")
        check(answer.lines == [self.session.disks[name].word],
              f"the word on guest {name}'s disk", answer.lines, self.session.machine.log_path)
        self.say(f"guest {name} reads from its disk: {answer.text}")

    def keeps(self, name):
        half, rest = self.keep[name][:8], self.keep[name][8:]
        answer = self.session.at_console(name, f'keep {half}""{rest}')
        check(answer.lines == ["kept"], f"guest {name} to write to its disk", answer.lines,
              self.session.machine.log_path)

    def create_again(self):
        """What the guests kept is there for those that come after them."""
        for name in self.tokens:
            self.session.must(f"xl-lite create {name}.cfg")
        for name in self.tokens:
            answer = self.session.at_console(name, "kept")
            check(answer.lines == [self.keep[name]],
                  f"guest {name} to find what was kept", answer.lines,
                  self.session.machine.log_path)
            self.say(f"guest {name}, created again, finds what it kept: {answer.text}")
        for name in self.tokens:
            self.destroy(name)

    def audit(self):
        self.say(f"xl-lite debug-keys f: {self.session.audit()}")

    def power_off(self):
        self.session.power_off()
        for name, disk in self.session.disks.items():
            check(disk.kept() == self.keep[name], f"{self.keep[name]} in {disk.path.name}",
                  disk.kept(), self.session.machine.log_path)
            self.say(f"the machine is off; in {disk.path.name}: {disk.kept()}")

    def listed(self, *names):
        domains = self.session.domains()
        check(set(domains) == set(names), f"the guests {sorted(names)}", sorted(domains),
              self.session.machine.log_path)
        self.say(f"xl-lite list: {', '.join(names) or 'no guests'}")
        for line in domains.values():
            self.say(f"    {line}")

    def destroy(self, name):
        self.session.must(f"xl-lite destroy {name}")
        self.say(f"xl-lite destroy {name}")

    def nothing_left(self):
        free = self.session.free_pages()
        check(free == self.free, f"{self.free} free pages, as at the start", free,
              self.session.machine.log_path)
        self.say(f"free memory: {free} pages, as at the start")


def perform(hypervisor, say):
    with Session(hypervisor, f"demo-{re.sub('[^a-z0-9]+', '-', hypervisor)}") as session:
        Demo(session, say).run()


def jobs():
    return [Job(f"demo/{hypervisor}", partial(perform, hypervisor, lambda text: None))
            for hypervisor in ("pavane", "xen")]
