/* SPDX-License-Identifier: MIT */
/* Terminals' ioctls: settings, window, queues; a table from number to handler. */
#include "mm/mm.h"
#include "tty/tty.h"

#define TCIFLUSH  0
#define TCOFLUSH  1
#define TCIOFLUSH 2

static long get_termios(struct tty *tty, uint64_t arg)
{
    return copy_to_user(arg, &tty->line.termios, sizeof(struct termios));
}

static long set_termios(struct tty *tty, uint64_t arg)
{
    struct termios termios;
    int rc = tty_check_change(tty);

    if (!rc)
        rc = copy_from_user(&termios, arg, sizeof(termios));
    if (rc)
        return rc;
    line_set_termios(&tty->line, &termios);
    /* What was typed may be readable now, and output go on. */
    wake_up(&tty->readers);
    tty_writable(tty);
    return 0;
}

static void flush_input(struct tty *tty)
{
    line_flush_input(&tty->line);
    tty->driver->more_input(tty);
}

static long set_termios_flush(struct tty *tty, uint64_t arg)
{
    long rc = set_termios(tty, arg);

    if (!rc)
        flush_input(tty);
    return rc;
}

static long get_winsize(struct tty *tty, uint64_t arg)
{
    return copy_to_user(arg, &tty->winsize, sizeof(tty->winsize));
}

static long set_winsize(struct tty *tty, uint64_t arg)
{
    struct winsize size;
    int rc = copy_from_user(&size, arg, sizeof(size));

    if (rc || !memcmp(&size, &tty->winsize, sizeof(size)))
        return rc;
    tty->winsize = size;
    if (tty->pgrp)
        send_signal_group(tty->pgrp, SIGWINCH);
    return 0;
}

static long flush(struct tty *tty, uint64_t arg)
{
    int rc = tty_check_change(tty);

    if (rc)
        return rc;
    if (arg != TCIFLUSH && arg != TCOFLUSH && arg != TCIOFLUSH)
        return -EINVAL;
    /* Output is not kept here: there is nothing of it to flush. */
    if (arg != TCOFLUSH)
        flush_input(tty);
    return 0;
}

/* TCXONC: 0 stops output, 1 starts it; 2 and 3 are for lines that have a far end. */
static long flow(struct tty *tty, uint64_t arg)
{
    int rc = tty_check_change(tty);

    if (rc || arg > 3)
        return rc ? rc : -EINVAL;
    if (arg < 2)
        tty->line.stopped = arg == 0;
    tty_writable(tty);
    return 0;
}

/* TCSBRK, with which tcdrain() waits too: output is with the driver when write returns. */
static long send_break(struct tty *tty, uint64_t arg)
{
    (void)arg;
    return tty_check_change(tty);
}

static long input_queued(struct tty *tty, uint64_t arg)
{
    int32_t n = line_readable(&tty->line) ? (int32_t)line_available(&tty->line) : 0;

    return copy_to_user(arg, &n, sizeof(n));
}

static long get_zero(struct tty *tty, uint64_t arg)
{
    int32_t zero = 0;

    (void)tty;
    return copy_to_user(arg, &zero, sizeof(zero));
}

static const struct {
    uint32_t cmd;
    long (*fn)(struct tty *tty, uint64_t arg);
} ioctls[] = {
    { 0x5401, get_termios },            /* TCGETS */
    { 0x5402, set_termios },            /* TCSETS */
    { 0x5403, set_termios },            /* TCSETSW */
    { 0x5404, set_termios_flush },      /* TCSETSF */
    { 0x5409, send_break },             /* TCSBRK */
    { 0x5425, send_break },             /* TCSBRKP */
    { 0x540a, flow },                   /* TCXONC */
    { 0x540b, flush },                  /* TCFLSH */
    { 0x5411, get_zero },               /* TIOCOUTQ */
    { 0x5413, get_winsize },            /* TIOCGWINSZ */
    { 0x5414, set_winsize },            /* TIOCSWINSZ */
    { 0x541b, input_queued },           /* FIONREAD */
    { 0x5424, get_zero },               /* TIOCGETD: N_TTY */
};

long tty_ioctl_on(struct tty *tty, unsigned long cmd, uint64_t arg, bool master)
{
    if (tty->hung_up && !master)
        return -EIO;
    for (size_t i = 0; i < ARRAY_SIZE(ioctls); i++) {
        if (ioctls[i].cmd == cmd)
            return ioctls[i].fn(tty, arg);
    }
    return tty_ioctl_job(tty, cmd, arg, master);
}
