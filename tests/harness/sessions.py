# SPDX-License-Identifier: MIT
"""The control domain under test: what its devices do, wrong input, guests that misbehave.

Whatever is wrong is one clear line and status 1, and leaves nothing behind: no domain, no frame.
Whatever a guest does, the control domain goes on and can end it.
"""

import re
import secrets
from functools import partial

from . import places
from .report import Job, Result, check
from .session import GUEST_PROMPT, Session, Shell

# Configs, each with what is wrong with it, and what the line must say.
GOOD = {"name": '"good"', "kernel": '"/boot/pv-kernel"', "memory": "16"}
WRONG_CONFIGS = [
    ("no kernel file", {"kernel": '"/nowhere"'}, r"/nowhere: No such file"),
    ("kernel that is text", {"kernel": '"/etc/motd"'}, r"/etc/motd: "),
    ("kernel cut short", {"kernel": '"short"'}, r"short: "),
    ("kernel that is a program", {"kernel": '"/bin/busybox"'}, r"/bin/busybox: "),
    ("kernel that is a folder", {"kernel": '"/boot"'}, r"/boot: not a file"),
    ("no ramdisk file", {"ramdisk": '"/nowhere"'}, r"/nowhere: No such file"),
    ("no name", {"name": None}, r"name is missing"),
    ("no kernel named", {"kernel": None}, r"kernel is missing"),
    ("no memory named", {"memory": None}, r"memory is missing"),
    ("memory that is text", {"memory": '"much"'}, r"memory"),
    ("memory too small for the ramdisk", {"memory": "1", "ramdisk": '"/boot/guest.cpio"'},
     r"do not fit into|too little|memory"),
    ("more memory than there is", {"memory": "4096"}, r"MiB are free"),
    ("disk that is not there", {"disk": '[ "phy:/dev/vdz,xvda,w" ]'}, r"/dev/vdz: No such file"),
    ("disk that is a file", {"disk": '[ "phy:/etc/motd,xvda,w" ]'}, r"motd: not a block device"),
    ("disk with a wrong name", {"disk": '[ "phy:/dev/vda,hda,w" ]'}, r"xvda to xvdp"),
    ("disk without a mode", {"disk": '[ "phy:/dev/vda,xvda" ]'}, r"must be \"phy:FILE,xvda,w\""),
    ("disk that is no list", {"disk": '"phy:/dev/vda,xvda,w"'}, r"must be a list"),
    ("two disks of one name", {"disk": '[ "phy:/dev/vda,xvda,r", "phy:/dev/vdb,xvda,r" ]'},
     r"two disks have the same name"),
    ("second disk that is not there", {"disk": '[ "phy:/dev/vda,xvda,w", "phy:/dev/vdz,xvdb,w" ]'},
     r"/dev/vdz: No such file"),
    ("disk beside its other name", {"disk": '[ "phy:/dev/vda,xvda,w", "phy:/dev/vda,xvdb,r" ]'},
     r"/dev/vda: it is xvda as well"),
    ("malformed line", {"memory": "= 16"}, r"syntax error"),
]

# What is typed behind xl-lite, and the line.
WRONG_COMMANDS = {
    "frobnicate": r"frobnicate: no such command",
    "create": r"usage: xl-lite create CONFIG",
    "create -c": r"create: no config file named",
    "create -x t.cfg": r"create: -x: unknown option",
    "create t.cfg t.cfg": r"create: t.cfg: only one config file",
    "create /": r"/: Is a directory",
    "list all": r"usage: xl-lite list",
    "console": r"usage: xl-lite console DOMAIN",
    "destroy": r"usage: xl-lite destroy DOMAIN",
    "destroy 1 2": r"usage: xl-lite destroy DOMAIN",
    "destroy ''": r"'': no such domain",
    "destroy 12345": r"12345: no such domain",
    "destroy 65536": r"65536: no such domain",
    "destroy 99999999999999999999": r"99999999999999999999: no such domain",
    "shutdown": r"usage: xl-lite shutdown DOMAIN",
    "reboot one two": r"usage: xl-lite reboot DOMAIN",
    "list > /dev/full": r"No space left",
}

# Guests that do not end when they are asked, and what is said of them.
UNHEARD = {"spin": r"domain \d+ does not take requests; `xl-lite destroy \d+` ends it",
           "crash": r"domain \d+ has crashed; `xl-lite destroy \d+` removes it"}

# How it misbehaves, and the state that xl-lite list then comes to show, if it is always the same.
MISBEHAVIOURS = {"spin": "[r-]-----", "flood": "", "lie": "", "crash": "----c-"}


# What a frontend does wrong, and the reason that the control domain gives for ending it; none where
# a guest may do that. Then it lets go of all that it was lent.
BAD_FRONTENDS = {
    "jump": "ended by a ring index that jumped", "back": "ended by a ring index that jumped",
    "beyond": "ended by a request beyond the end of the disk",
    "overflow": "ended by a request beyond the end of the disk",
    "segments": "ended by a request without or with too many segments",
    "sectors": "ended by a segment that is no part of a page",
    "reference": "ended by a grant that can't be mapped",
    "revoked": "ended by a grant that can't be mapped",
    "clears": "ended by a grant that can't be mapped",
    "batch": "ended by a grant that can't be mapped",
    "no-ring": "the frontend's ring can't be used", "big-ring": "the frontend's ring can't be used",
    "no-port": "the frontend's ring can't be used", "protocol": "the frontend's ring can't be used",
    "quits": None, "gone": None, "restarts": None, "babbles": None, "vanishes": None,
    "silent": None, "busy": None, "readonly": None, "unknown": None,
}

# What these are answered; they stay connected.
ANSWERS = {"readonly": -1, "unknown": -2}


# These have not asked for an end, nor deserved it.
STAY_CONNECTED = ("busy", "restarts")

CONSOLE_LOG = "/var/log/xen/console/guest-good.log"

# For a console and a disk beside a guest that rings without end, in seconds: it takes less than one
# with both CPUs to itself.
RINGING_LIMIT = 300
READ = "dd if=/dev/xvda of=/dev/null bs=64k count=16 2>/dev/null"

# For the control domain to notice, in seconds.
END_LIMIT = 300


def config(session, changes):
    """Writes t.cfg: a good config, changed."""
    settings = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    text = r"\n".join(f"{key} = {value}" for key, value in settings.items())
    session.must(f"printf '{text}\\n' > t.cfg")


def unchanged(session, free, names=()):
    check(set(session.domains()) == set(names), f"the guests {sorted(names)}",
          sorted(session.domains()), session.machine.log_path)
    now = session.free_pages()
    check(now == free, f"{free} free pages, as before", now, session.machine.log_path)


def wrong_input(hypervisor):
    with Session(hypervisor, f"wrong-input-{hypervisor}") as session:
        session.boot()
        free = session.free_pages()
        session.must("head -c 5000 /boot/pv-kernel > short")
        session.must_fail("xl-lite create /nowhere.cfg", r"/nowhere.cfg: No such file")
        for _, changes, line in WRONG_CONFIGS:
            config(session, changes)
            session.must_fail("xl-lite create t.cfg", line)
        for command in ("destroy", "console", "shutdown", "reboot"):
            session.must_fail(f"xl-lite {command} nobody", r"nobody")
        for command in ("destroy", "shutdown", "reboot"):
            session.must_fail(f"xl-lite {command} 0", r"domain 0")
        for arguments, line in WRONG_COMMANDS.items():
            session.must_fail(f"xl-lite {arguments}", line)
        unchanged(session, free)
        session.must("xl-lite create /etc/xen/one.cfg")
        free_with_one = session.free_pages()
        session.must_fail("xl-lite create /etc/xen/one.cfg", r"one: domain \d+ has this name")
        unchanged(session, free_with_one, ["one"])
        session.must("xl-lite destroy one")
        unchanged(session, free)


def requests(hypervisor):
    """Guests are asked to end: they do, or start again; the others give a clear line."""
    token, keep = secrets.token_hex(8), secrets.token_hex(8)
    spec = {"ramdisk": str(places.BUILD / "tests" / "initramfs.cpio")}
    with Session(hypervisor, f"requests-{hypervisor}", **spec) as session:
        session.boot()
        free = session.free_pages()
        session.must(f'sed s/none/{token[:8]}""{token[8:]}/ /etc/xen/one.cfg > one.cfg')
        session.must("xl-lite create one.cfg")
        session.at_console("one", f'keep {keep[:8]}""{keep[8:]}')
        first = session.domains()["one"].split()[1]
        session.must("cd /; xl-lite reboot one; cd")
        second = session.domains()["one"].split()[1]
        check(first != second, "another domain than before", second, session.machine.log_path)
        answer = session.at_console("one", "token; kept")
        check(answer.lines == [f"this guest's token is {token}", keep], "its token, and its disk's",
              answer.lines, session.machine.log_path)
        session.must("grep -q 'asked to end: reboot' /var/log/xen/console/guest-one.log")
        refused_reboots(session)
        session.must("xl-lite shutdown one")
        unchanged(session, free)
        # One that has ended by itself is removed.
        session.must("xl-lite create one.cfg")
        session.control.type("xl-lite console one\r\r")
        Shell(session.machine, GUEST_PROMPT).await_prompt()
        session.machine.send("poweroff\r")
        session.leave_console()
        session.must("xl-lite shutdown one")
        unchanged(session, free)
        for how, line in UNHEARD.items():
            config(session, {"kernel": '"/boot/misbehave"', "extra": f'"how={how}"'})
            session.must("xl-lite create t.cfg")
            session.must_fail("xl-lite shutdown good", line)
            session.must_fail("xl-lite reboot good", line)
            session.must("xl-lite destroy good")
        unchanged(session, free)
        session.audit()


def refused_reboots(session):
    """What is wrong with the file is found before the guest is asked, which goes on."""
    session.must("cp one.cfg was.cfg; sed -i s/one/other/ one.cfg")
    session.must_fail("xl-lite reboot one", r"one.cfg: it describes other now, not domain \d+")
    session.must("echo = 16 >> one.cfg")
    session.must_fail("xl-lite reboot one", r"one.cfg:\d+: syntax error")
    session.must("rm one.cfg")
    session.must_fail("xl-lite reboot one", r"one.cfg: No such file")
    session.must("mv was.cfg one.cfg")
    answer = session.at_console("one", "echo $((6 * 7))")
    check(answer.lines == ["42"], "the guest's answer", answer.lines, session.machine.log_path)


def misbehave(hypervisor):
    """Each kind of bad guest runs beside a good one, takes input, and is ended."""
    spec = {"ramdisk": str(places.BUILD / "tests" / "initramfs.cpio")}
    with Session(hypervisor, f"misbehave-{hypervisor}", **spec) as session:
        session.boot()
        free = session.free_pages()
        session.must("xl-lite create /etc/xen/one.cfg")
        for how, state in MISBEHAVIOURS.items():
            config(session, {"kernel": '"/boot/misbehave"', "extra": f'"how={how}"'})
            session.must("xl-lite create t.cfg")
            # More than its ring and its terminal hold.
            session.must("head -c 20000 /dev/zero | timeout 3 xl-lite console good >/dev/null; "
                         "true")
            if state:
                session.await_state("good", state)
            answer = session.at_console("one", "echo $((6 * 7))")
            check(answer.lines == ["42"], "the good guest's answer", answer.lines,
                  session.machine.log_path)
            session.must("xl-lite destroy good")
        session.must("xl-lite destroy one")
        unchanged(session, free)


def bad_frontends(hypervisor):
    """Each bad frontend's connection ends with its reason; a good guest's disk goes on."""
    spec = {"ramdisk": str(places.BUILD / "tests" / "initramfs.cpio")}
    with Session(hypervisor, f"bad-frontends-{hypervisor}", **spec) as session:
        session.boot()
        free = session.free_pages()
        session.must("xl-lite create /etc/xen/one.cfg")
        for how, reason in BAD_FRONTENDS.items():
            mode = "r" if how == "readonly" else "w"
            config(session, {"kernel": '"/boot/bad-frontend"', "extra": f'"how={how}"',
                             "disk": f'[ "phy:/dev/vdb,xvda,{mode}" ]'})
            # The reason may come before or after the prompt, so a new one is asked for.
            session.control.type("xl-lite create t.cfg\r")
            session.machine.expect("xl-lite create t.cfg", session.machine.now() + END_LIMIT)
            if reason:
                session.machine.expect(rf"blkback: disk 51712 of domain \d+: {reason}",
                                       session.machine.now() + END_LIMIT)
                session.machine.send("\r")
            session.control.await_prompt()
            if how not in STAY_CONNECTED:
                said = f"answer {ANSWERS[how]}" if how in ANSWERS else "all is let go"
                session.must(f"until grep -q '{how}: {said}' {CONSOLE_LOG}; do sleep 0.02; done")
            answer = session.at_console("one", "cat /mnt/token")
            check(answer.lines == [session.disks["one"].word], "the good guest's disk",
                  answer.lines, session.machine.log_path)
            session.must("xl-lite destroy good")
            session.audit()
        session.must("xl-lite destroy one")
        unchanged(session, free)
        # Nobody has written to the disk that they all had.
        answer = session.must("mkdir /disk; mount -t ext2 /dev/vdb /disk; cat /disk/token")
        check(answer.lines == [session.disks["two"].word], "the word on the disk", answer.lines,
              session.machine.log_path)


def ringing(hypervisor):
    """A guest that rings without end, on a CPU of its own, leaves time for all others."""
    spec = {"ramdisk": str(places.BUILD / "tests" / "initramfs.cpio"), "cpus": 2}
    with Session(hypervisor, f"ringing-{hypervisor}", **spec) as session:
        session.boot()
        session.must("xl-lite create /etc/xen/one.cfg")
        # Xen's list of the control domain's mappings grows to the most that there ever were.
        session.at_console("one", READ)
        free = session.free_pages()
        config(session, {"kernel": '"/boot/bad-frontend"', "extra": '"how=rings"',
                         "disk": '[ "phy:/dev/vdb,xvda,w" ]'})
        session.must("xl-lite create t.cfg")
        session.must(f"until grep -q 'rings: connected' {CONSOLE_LOG}; do sleep 0.02; done")
        for _ in range(3):
            before = session.machine.now()
            # Short, so that Xen has room for what is typed while its first domain does not run.
            answer = session.at_console("one", "cat /mnt/token")
            seconds = session.machine.now() - before
            check(answer.lines == [session.disks["one"].word] and seconds < RINGING_LIMIT,
                  f"the good guest's disk, within {RINGING_LIMIT} s",
                  f"{answer.lines} after {seconds:.1f} s", session.machine.log_path)
        check(set(session.domains()) == {"one", "good"}, "both guests", session.domains(),
              session.machine.log_path)
        session.must("xl-lite destroy good")
        unchanged(session, free, ["one"])
        session.must("xl-lite shutdown one")


def devices(hypervisor):
    """The program tests/user/devices.c decides a test a case."""
    spec = {"ramdisk": str(places.BUILD / "tests" / "initramfs.cpio")}
    with Session(hypervisor, f"devices-{hypervisor}", **spec) as session:
        session.boot()
        answer = session.control.run("devices")
    verdicts = [re.match(r"(PASS|FAIL|SKIP) (\w+)(?:: (.*))?$", line) for line in answer.lines]
    check(verdicts and all(verdicts), "a verdict a line", answer.text, session.machine.log_path)
    return [Result(f"devices/{v[2]} [{hypervisor}]", v[1], 0.0, "the case to pass", v[3] or "",
                   str(session.machine.log_path), v[3] or "") for v in verdicts]


def jobs():
    return [Job(f"session/{name} [{hypervisor}]", partial(run, hypervisor))
            for hypervisor in ("pavane", "xen")
            for name, run in (("devices", devices), ("wrong input", wrong_input),
                              ("requests to end", requests),
                              ("misbehaving guests", misbehave),
                              ("bad frontends", bad_frontends),
                              ("a guest that rings", ringing))]
