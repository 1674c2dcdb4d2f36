/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-terminals: opening /dev/ptmx makes one. What the master writes is typed on the slave, a
 * terminal called /dev/pts/N; what is written to the slave, and its echo, the master reads.
 *
 * The pair lives until the master and all files on the slave are closed. When the master goes, the
 * slave hangs up and its name disappears; when the last slave file goes, the master reads -EIO
 * until somebody opens the slave again.
 */
#include "fs/devfs.h"
#include "fs/stream.h"
#include "mm/mm.h"
#include "tty/tty.h"

#define MAX_PTYS    64
#define PTS_MAJOR   136
#define PTMX_MAJOR  5
#define PTMX_MINOR  2
#define OUTPUT_MAX  PAGE_SIZE       /* that the master has not read yet */

enum {
    FIONREAD = 0x541b, TIOCPKT = 0x5420,
};
#define TIOCGPTN   0x80045430ul
#define TIOCSPTLCK 0x40045431ul
#define TIOCGPTLCK 0x80045439ul

struct pty {
    struct tty tty;                 /* the slave */
    unsigned int index;
    bool locked, master_open, slave_was_open;
    struct stream output;           /* from the slave to the master */
    struct wait_queue master_wait;
};

static struct pty *ptys[MAX_PTYS];

static struct pty *pty_of(struct tty *tty)
{
    return container_of(tty, struct pty, tty);
}

static void pts_name(const struct pty *p, char name[16])
{
    snprintf(name, 16, "pts/%u", p->index);
}

static void wake_master(struct pty *p)
{
    wake_up(&p->master_wait);
    poll_wake();
}

static void free_if_unused(struct pty *p)
{
    if (p->master_open || p->tty.opens)
        return;
    stream_clear(&p->output);
    tty_destroy(&p->tty);
    kfree(p);
}

/* ---- The slave's driver ---- */

static size_t slave_room(struct tty *tty)
{
    const struct stream *s = &pty_of(tty)->output;
    size_t used = stream_used(s);

    return used < OUTPUT_MAX ? min(OUTPUT_MAX - used, stream_room(s)) : 0;
}

static void slave_write(struct tty *tty, const char *text, size_t len)
{
    struct pty *p = pty_of(tty);

    if (p->master_open && stream_write(&p->output, text, len))
        wake_master(p);
}

static void slave_more_input(struct tty *tty)
{
    wake_master(pty_of(tty));
}

static void slave_closed(struct tty *tty)
{
    wake_master(pty_of(tty));
    free_if_unused(pty_of(tty));
}

static const struct tty_driver slave_driver = {
    .room = slave_room, .write = slave_write, .more_input = slave_more_input,
    .closed = slave_closed,
};

static int slave_open(struct file *f)
{
    struct pty *p = f->private;
    int rc;

    if (p->locked)
        return -EIO;
    rc = tty_open_file(f, &p->tty, true);
    if (!rc)
        p->slave_was_open = true;
    return rc;
}

static const struct file_ops slave_ops = { .open = slave_open };

/* ---- The master ---- */

/* Nobody has the slave open, after somebody had. */
static bool slave_gone(const struct pty *p)
{
    return p->slave_was_open && !p->tty.opens;
}

static long master_read(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    struct pty *p = f->private;
    size_t n;
    int rc;

    (void)pos;
    if (!stream_used(&p->output) && !slave_gone(p) && f->flags & O_NONBLOCK)
        return -EAGAIN;
    rc = wait_event(&p->master_wait, stream_used(&p->output) || slave_gone(p), 0);
    if (rc)
        return rc;
    n = stream_read(&p->output, buf, len);
    tty_writable(&p->tty);
    return n || !len ? (long)n : -EIO;
}

static long master_write(struct file *f, const void *buf, size_t len, uint64_t *pos)
{
    struct pty *p = f->private;
    size_t done = 0;

    (void)pos;
    while (done < len) {
        size_t room = line_room(&p->tty.line), n = min(room, len - done);
        int rc;

        if (!room && f->flags & O_NONBLOCK)
            return done ? (long)done : -EAGAIN;
        rc = wait_event(&p->master_wait, line_room(&p->tty.line), 0);
        if (rc)
            return done ? (long)done : rc;
        tty_receive(&p->tty, (const char *)buf + done, n);
        done += n;
    }
    return (long)done;
}

static unsigned int master_poll(struct file *f)
{
    struct pty *p = f->private;

    return (stream_used(&p->output) ? POLLIN : 0) | (line_room(&p->tty.line) ? POLLOUT : 0) |
           (slave_gone(p) ? POLLHUP : 0);
}

static long set_lock(struct pty *p, uint64_t arg)
{
    int32_t lock;
    int rc = copy_from_user(&lock, arg, sizeof(lock));

    if (!rc)
        p->locked = lock;
    return rc;
}

static long put_int(uint64_t arg, size_t value)
{
    int32_t out = (int32_t)value;

    return copy_to_user(arg, &out, sizeof(out));
}

static long master_ioctl(struct file *f, unsigned long cmd, uint64_t arg)
{
    struct pty *p = f->private;

    switch (cmd) {
    case TIOCGPTN:
        return put_int(arg, p->index);
    case TIOCSPTLCK:
        return set_lock(p, arg);
    case TIOCGPTLCK:
        return put_int(arg, p->locked);
    case FIONREAD:
        return put_int(arg, stream_used(&p->output));
    case TIOCPKT:
        return -ENOTTY;
    default:
        return tty_ioctl_on(&p->tty, cmd, arg, true);
    }
}

static void master_release(struct file *f)
{
    struct pty *p = f->private;
    char name[16];

    pts_name(p, name);
    device_unregister(name, S_IFCHR, PTS_MAJOR, p->index);
    ptys[p->index] = NULL;
    p->master_open = false;
    tty_hangup(&p->tty);
    free_if_unused(p);
}

static const struct file_ops master_ops = {
    .read = master_read, .write = master_write, .ioctl = master_ioctl, .poll = master_poll,
    .release = master_release,
};

/* ---- Making a pair ---- */

static struct pty *pty_create(unsigned int index)
{
    struct pty *p = kmalloc(sizeof(*p));

    if (!p)
        return NULL;
    if (tty_create(&p->tty, &slave_driver)) {
        kfree(p);
        return NULL;
    }
    p->index = index;
    p->locked = true;
    p->master_open = true;
    wait_queue_init(&p->master_wait);
    return p;
}

static int ptmx_open(struct file *f)
{
    unsigned int index = 0;
    struct pty *p;
    char name[16];
    int rc;

    while (index < MAX_PTYS && ptys[index])
        index++;
    if (index == MAX_PTYS)
        return -ENOSPC;
    p = pty_create(index);
    if (!p)
        return -ENOMEM;
    pts_name(p, name);
    rc = device_register(name, 0620, PTS_MAJOR, index, &slave_ops, p);
    if (rc) {
        p->master_open = false;
        free_if_unused(p);
        return rc;
    }
    ptys[index] = p;
    f->ops = &master_ops;
    f->private = p;
    return 0;
}

void pty_init(void)
{
    static const struct file_ops ptmx_ops = { .open = ptmx_open };

    if (device_register("ptmx", 0666, PTMX_MAJOR, PTMX_MINOR, &ptmx_ops, NULL))
        panic("pv-kernel: no memory for /dev/ptmx\n");
}
