/* SPDX-License-Identifier: MIT */
/* Terminals as files: reading, writing, waiting. */
#include "tty/tty.h"
#include "mm/mm.h"

#define TENTH_OF_SECOND (PV_NS_PER_SEC / 10)

/* ---- The line discipline's owner ---- */

static void echo(struct line *l, const char *text, size_t len)
{
    struct tty *tty = container_of(l, struct tty, line);

    /* Echo never waits; what the device has no room for is not shown. */
    len = min(len, tty->driver->room(tty));
    if (len)
        tty->driver->write(tty, text, len);
}

static void special_key(struct line *l, enum line_key key)
{
    static const int signals[] = {
        [KEY_INTR] = SIGINT, [KEY_QUIT] = SIGQUIT, [KEY_SUSP] = SIGTSTP,
    };
    struct tty *tty = container_of(l, struct tty, line);

    if (key == KEY_START || key == KEY_STOP)
        tty_writable(tty);
    else if (tty->pgrp)
        send_signal_group(tty->pgrp, signals[key]);
}

static const struct line_owner owner = { .echo = echo, .key = special_key };

/* ---- What drivers call ---- */

int tty_create(struct tty *tty, const struct tty_driver *driver)
{
    uint16_t *cells = kmalloc(LINE_CELLS * sizeof(*cells));

    if (!cells)
        return -ENOMEM;
    line_init(&tty->line, &owner, cells);
    tty->driver = driver;
    wait_queue_init(&tty->readers);
    wait_queue_init(&tty->writers);
    return 0;
}

void tty_destroy(struct tty *tty)
{
    kfree(tty->line.cells);
}

void tty_receive(struct tty *tty, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        line_input(&tty->line, text[i]);
    if (!line_readable(&tty->line))
        return;
    wake_up(&tty->readers);
    poll_wake();
}

void tty_writable(struct tty *tty)
{
    wake_up(&tty->writers);
    poll_wake();
}

void tty_hangup(struct tty *tty)
{
    tty->hung_up = true;
    tty_drop_session(tty);
    wake_up(&tty->readers);
    tty_writable(tty);
}

/* ---- Reading ---- */

static bool is_canonical(const struct tty *tty)
{
    return tty->line.termios.c_lflag & ICANON;
}

static int wait_line(struct file *f, struct tty *tty)
{
    while (!line_readable(&tty->line) && !tty->hung_up && is_canonical(tty)) {
        int rc = f->flags & O_NONBLOCK ? -EAGAIN : wait_on(&tty->readers, 0);

        if (rc)
            return rc;
        rc = tty_check_read(tty);
        if (rc)
            return rc;
    }
    return 0;
}

/*
 * Raw mode: MIN characters end the wait, or TIME tenths of a second: since the call if MIN is 0,
 * since the last character else.
 */
static int wait_raw(struct file *f, struct tty *tty, size_t len)
{
    const uint8_t *cc = tty->line.termios.c_cc;
    uint64_t time = cc[VTIME] * TENTH_OF_SECOND, deadline = 0;
    size_t want = min((size_t)cc[VMIN], len), have, before = 0;

    if (!cc[VMIN] && !time)
        return 0;
    if (!cc[VMIN])
        deadline = pv_system_time() + time;
    while ((have = line_available(&tty->line)) < max(want, (size_t)1) && !tty->hung_up) {
        int rc;

        if (f->flags & O_NONBLOCK)
            return have ? 0 : -EAGAIN;
        if (cc[VMIN] && time && have != before)
            deadline = pv_system_time() + time;
        before = have;
        rc = wait_on(&tty->readers, deadline);
        if (rc)
            return rc == -ETIMEDOUT ? 0 : rc;
    }
    return 0;
}

static long tty_read(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    struct tty *tty = f->private;
    int rc = tty_check_read(tty);
    size_t n;
    bool eof;

    (void)pos;
    if (!rc && len)
        rc = is_canonical(tty) ? wait_line(f, tty) : wait_raw(f, tty, len);
    if (rc)
        return rc;
    n = line_read(&tty->line, buf, len, &eof);
    tty->driver->more_input(tty);
    return (long)n;
}

/* ---- Writing ---- */

static size_t room_now(struct tty *tty)
{
    return tty->line.stopped ? 0 : tty->driver->room(tty);
}

static int wait_room(struct file *f, struct tty *tty)
{
    /* Two, for a newline may become two characters. */
    while (room_now(tty) < 2) {
        int rc = tty->hung_up ? -EIO : f->flags & O_NONBLOCK ? -EAGAIN : wait_on(&tty->writers, 0);

        if (rc)
            return rc;
    }
    return tty->hung_up ? -EIO : 0;
}

static long tty_write(struct file *f, const void *buf, size_t len, uint64_t *pos)
{
    struct tty *tty = f->private;
    size_t done = 0;
    int rc = tty_check_write(tty);

    (void)pos;
    while (!rc && done < len) {
        char out[256];
        size_t n, used;

        rc = wait_room(f, tty);
        if (rc)
            break;
        n = line_output(&tty->line, (const char *)buf + done, len - done, out,
                        min(sizeof(out), room_now(tty)), &used);
        tty->driver->write(tty, out, n);
        done += used;
    }
    return done ? (long)done : rc;
}

/* ---- The rest of a file ---- */

static unsigned int tty_poll(struct file *f)
{
    struct tty *tty = f->private;

    if (tty->hung_up)
        return POLLIN | POLLOUT | POLLHUP | POLLERR;
    return (line_readable(&tty->line) ? POLLIN : 0) | (room_now(tty) >= 2 ? POLLOUT : 0);
}

static long tty_ioctl(struct file *f, unsigned long cmd, uint64_t arg)
{
    return tty_ioctl_on(f->private, cmd, arg, false);
}

int tty_open_file(struct file *f, struct tty *tty, bool may_control)
{
    if (tty->hung_up)
        return -EIO;
    f->ops = &tty_file_ops;
    f->private = tty;
    tty->opens++;
    if (may_control && !(f->flags & O_NOCTTY) && current->pid == current->sid && !current->tty &&
        !tty->sid)
        tty_take_session(tty);
    return 0;
}

static void tty_release(struct file *f)
{
    struct tty *tty = f->private;

    if (--tty->opens == 0 && tty->driver->closed)
        tty->driver->closed(tty);
}

const struct file_ops tty_file_ops = {
    .read = tty_read, .write = tty_write, .ioctl = tty_ioctl, .poll = tty_poll,
    .release = tty_release,
};
