/* SPDX-License-Identifier: MIT */
/*
 * Job control: whose terminal it is. A session has at most one controlling terminal, and a terminal
 * is that of one session at most: `tty->sid` and the `tty` of every task in the session change
 * together.
 */
#include "mm/mm.h"
#include "tty/tty.h"

enum {
    TIOCSCTTY = 0x540e, TIOCGPGRP = 0x540f, TIOCSPGRP = 0x5410, TIOCNOTTY = 0x5422,
    TIOCGSID = 0x5429,
};

/* ---- Groups in the background ---- */

static bool in_background(const struct tty *tty)
{
    return current->tty == tty && tty->pgrp && current->pgid != tty->pgrp;
}

int tty_check_read(struct tty *tty)
{
    if (!in_background(tty))
        return 0;
    if (!signal_wanted(current, SIGTTIN) || send_signal_group(current->pgid, SIGTTIN))
        return -EIO;
    return -ERESTARTSYS;
}

int tty_check_change(struct tty *tty)
{
    if (!in_background(tty) || !signal_wanted(current, SIGTTOU))
        return 0;
    return send_signal_group(current->pgid, SIGTTOU) ? -EIO : -ERESTARTSYS;
}

int tty_check_write(struct tty *tty)
{
    return tty->line.termios.c_lflag & TOSTOP ? tty_check_change(tty) : 0;
}

/* ---- Sessions ---- */

void tty_take_session(struct tty *tty)
{
    tty->sid = current->sid;
    tty->pgrp = current->pgid;
    current->tty = tty;
}

/* Leaves the terminal to nobody; those who had it in the foreground are told. */
static void give_up(struct tty *tty)
{
    struct task *t;

    if (tty->pgrp) {
        send_signal_group(tty->pgrp, SIGHUP);
        send_signal_group(tty->pgrp, SIGCONT);
    }
    tty->sid = tty->pgrp = 0;
    for (t = task_next(0); t; t = task_next(t->pid)) {
        if (t->tty == tty)
            t->tty = NULL;
    }
}

void tty_drop_session(struct tty *tty)
{
    struct task *leader = tty->sid ? task_find(tty->sid) : NULL;

    if (leader && leader->pgid != tty->pgrp) {
        send_signal(leader, SIGHUP);
        send_signal(leader, SIGCONT);
    }
    give_up(tty);
}

void tty_session_exit(struct task *leader)
{
    struct tty *tty = leader->tty;

    leader->tty = NULL;
    if (tty && tty->sid == leader->sid)
        give_up(tty);
}

/* ---- ioctls ---- */

static long set_controlling(struct tty *tty, uint64_t steal)
{
    if (current->tty == tty && tty->sid == current->sid)
        return 0;
    if (current->pid != current->sid || current->tty || (tty->sid && steal != 1))
        return -EPERM;
    if (tty->sid)
        give_up(tty);
    tty_take_session(tty);
    return 0;
}

static long leave_controlling(struct tty *tty)
{
    if (current->tty != tty)
        return -ENOTTY;
    if (current->pid == current->sid)
        tty_session_exit(current);
    current->tty = NULL;
    return 0;
}

static bool group_in_session(int pgrp, int sid)
{
    for (struct task *t = task_next(0); t; t = task_next(t->pid)) {
        if (t->pgid == pgrp && t->sid == sid)
            return true;
    }
    return false;
}

static long set_foreground(struct tty *tty, uint64_t arg)
{
    int32_t pgrp;
    int rc;

    if (current->tty != tty || tty->sid != current->sid)
        return -ENOTTY;
    rc = tty_check_change(tty);
    if (!rc)
        rc = copy_from_user(&pgrp, arg, sizeof(pgrp));
    if (rc)
        return rc;
    if (pgrp <= 0)
        return -EINVAL;
    if (!group_in_session(pgrp, current->sid))
        return -EPERM;
    tty->pgrp = pgrp;
    return 0;
}

static long get_id(const struct tty *tty, int32_t id, uint64_t arg, bool master)
{
    if (!master && current->tty != tty)
        return -ENOTTY;
    return copy_to_user(arg, &id, sizeof(id));
}

long tty_ioctl_job(struct tty *tty, unsigned long cmd, uint64_t arg, bool master)
{
    switch (cmd) {
    case TIOCGPGRP:
        return get_id(tty, tty->pgrp, arg, master);
    case TIOCGSID:
        return get_id(tty, tty->sid, arg, master);
    case TIOCSCTTY:
        return master ? -ENOTTY : set_controlling(tty, arg);
    case TIOCNOTTY:
        return leave_controlling(tty);
    case TIOCSPGRP:
        return set_foreground(tty, arg);
    default:
        return -ENOTTY;
    }
}
