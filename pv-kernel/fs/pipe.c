/* SPDX-License-Identifier: MIT */
/*
 * Pipes, with and without a name. The pipe hangs on its inode (`private`) from the first opening
 * to the last closing of an end; opening a named one waits for the other end.
 */
#include "fs/pipe.h"
#include "fs/stream.h"
#include "mm/mm.h"
#include "proc/proc.h"

struct pipe {
    struct stream data;
    unsigned int readers, writers;
    unsigned int read_opens, write_opens;   /* ever: so that a short visit is not missed */
    bool nameless;                  /* opened again by /proc/PID/fd/N: nobody to wait for */
    struct wait_queue wait;
};

static bool can_read(const struct file *f)
{
    return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool can_write(const struct file *f)
{
    return (f->flags & O_ACCMODE) != O_RDONLY;
}

static void changed(struct pipe *p)
{
    wake_up(&p->wait);
    poll_wake();
}

/* ---- Opening and closing ---- */

static struct pipe *pipe_of(struct inode *inode)
{
    struct pipe *p = inode->private;

    if (!p) {
        p = kmalloc(sizeof(*p));
        if (!p)
            return NULL;
        wait_queue_init(&p->wait);
        inode->private = p;
    }
    return p;
}

static void add_end(struct pipe *p, struct file *f)
{
    f->private = p;
    if (can_read(f)) {
        p->readers++;
        p->read_opens++;
    }
    if (can_write(f)) {
        p->writers++;
        p->write_opens++;
    }
    changed(p);
}

static void pipe_release(struct file *f)
{
    struct pipe *p = f->private;

    p->readers -= can_read(f);
    p->writers -= can_write(f);
    changed(p);
    if (p->readers || p->writers)
        return;
    f->inode->private = NULL;
    stream_clear(&p->data);
    kfree(p);
}

static int fifo_open(struct file *f)
{
    struct pipe *p = pipe_of(f->inode);
    unsigned int seen;
    int rc = 0;

    if (!p)
        return -ENOMEM;
    if (f->flags & O_NONBLOCK && !can_read(f) && !p->readers)
        rc = -ENXIO;
    add_end(p, f);
    if (!rc && !(f->flags & O_NONBLOCK) && !p->nameless) {
        if (!can_write(f)) {
            seen = p->write_opens;
            rc = wait_event(&p->wait, p->writers || p->write_opens != seen, 0);
        } else if (!can_read(f)) {
            seen = p->read_opens;
            rc = wait_event(&p->wait, p->readers || p->read_opens != seen, 0);
        }
    }
    if (rc)
        pipe_release(f);
    return rc;
}

int pipe_create(struct file *ends[2], int flags)
{
    struct inode *inode = inode_anonymous(S_IFIFO | 0600);
    int rc = -ENOMEM;

    ends[0] = ends[1] = NULL;
    if (!inode)
        return rc;
    if (pipe_of(inode)) {
        ((struct pipe *)inode->private)->nameless = true;
        ends[0] = file_create(&fifo_ops, inode, O_RDONLY | flags, NULL);
        ends[1] = ends[0] ? file_create(&fifo_ops, inode, O_WRONLY | flags, NULL) : NULL;
        rc = ends[1] ? 0 : -ENFILE;
    }
    if (!rc) {
        add_end(inode->private, ends[0]);
        add_end(inode->private, ends[1]);
    } else if (ends[0] && inode->private) {
        add_end(inode->private, ends[0]);
        file_put(ends[0]);
    } else {
        kfree(inode->private);
    }
    inode_put(inode);
    return rc;
}

/* ---- Data ---- */

static long pipe_read(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    struct pipe *p = f->private;
    size_t n;
    int rc;

    (void)pos;
    if (!len)
        return 0;
    if (!stream_used(&p->data) && p->writers && f->flags & O_NONBLOCK)
        return -EAGAIN;
    rc = wait_event(&p->wait, stream_used(&p->data) || !p->writers, 0);
    if (rc)
        return rc;
    n = stream_read(&p->data, buf, len);
    if (n)
        changed(p);
    return (long)n;
}

static bool fits(const struct pipe *p, size_t len)
{
    return stream_room(&p->data) >= (len <= PIPE_BUF ? len : 1);
}

/* Waits until some of @len bytes can be written, all if they must stay together. */
static int wait_to_write(struct file *f, size_t len)
{
    struct pipe *p = f->private;
    int rc;

    if (p->readers && !fits(p, len) && f->flags & O_NONBLOCK)
        return -EAGAIN;
    rc = wait_event(&p->wait, !p->readers || fits(p, len), 0);
    if (!rc && !p->readers) {
        send_signal(current, SIGPIPE);
        rc = -EPIPE;
    }
    return rc;
}

static long pipe_write(struct file *f, const void *buf, size_t len, uint64_t *pos)
{
    struct pipe *p = f->private;
    size_t done = 0, together = len <= PIPE_BUF ? len : 1;

    (void)pos;
    while (done < len) {
        int rc = wait_to_write(f, max(together, (size_t)1));
        size_t n;

        if (rc)
            return done ? (long)done : rc;
        n = stream_write(&p->data, (const char *)buf + done,
                         min(len - done, stream_room(&p->data)));
        if (!n)
            return done ? (long)done : -ENOMEM;
        done += n;
        changed(p);
    }
    return (long)done;
}

static unsigned int pipe_poll(struct file *f)
{
    const struct pipe *p = f->private;
    unsigned int bits = 0;

    if (can_read(f)) {
        bits |= stream_used(&p->data) ? POLLIN : 0;
        bits |= !p->writers && p->write_opens ? POLLHUP : 0;
    }
    if (can_write(f)) {
        bits |= fits(p, PIPE_BUF) ? POLLOUT : 0;
        bits |= !p->readers ? POLLERR : 0;
    }
    return bits;
}

#define FIONREAD 0x541b

static long pipe_ioctl(struct file *f, unsigned long cmd, uint64_t arg)
{
    const struct pipe *p = f->private;
    int32_t n = (int32_t)stream_used(&p->data);

    return cmd == FIONREAD ? copy_to_user(arg, &n, sizeof(n)) : -ENOTTY;
}

const struct file_ops fifo_ops = {
    .read = pipe_read, .write = pipe_write, .poll = pipe_poll, .ioctl = pipe_ioctl,
    .open = fifo_open, .release = pipe_release,
};
