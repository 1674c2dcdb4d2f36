/* SPDX-License-Identifier: MIT */
/*
 * Waiting for several files: poll and select, with and without a signal mask. There is one queue
 * for all who wait: whatever may change a file's state wakes them, and each looks at its own files
 * again.
 */
#include "syscall/path.h"

#define MAX_POLL   1024u
#define MAX_SELECT ((unsigned int)NR_FILES)
#define SIGSET_SIZE 8

struct pollfd {
    int32_t fd;
    int16_t events, revents;
};

struct timespec_k {
    int64_t sec, nsec;
};

/* When a wait ends: `now` does not wait at all, deadline 0 waits for ever. */
struct limit {
    bool now;
    uint64_t deadline;
};

static struct limit limit_after(uint64_t ns)
{
    uint64_t deadline = pv_system_time() + ns;

    /* What is too far away to be counted never comes. */
    return (struct limit){ .now = !ns, .deadline = deadline < ns ? 0 : deadline };
}

/* From a struct timespec, or timeval with @unit 1000; no pointer: for ever. */
static int limit_from_user(uint64_t user, int64_t unit, struct limit *limit)
{
    struct timespec_k ts;

    *limit = (struct limit){ false, 0 };
    if (!user)
        return 0;
    if (copy_from_user(&ts, user, sizeof(ts)))
        return -EFAULT;
    if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= (int64_t)PV_NS_PER_SEC / unit)
        return -EINVAL;
    if (ts.sec < INT64_MAX / (int64_t)PV_NS_PER_SEC)
        *limit = limit_after((uint64_t)ts.sec * PV_NS_PER_SEC + (uint64_t)(ts.nsec * unit));
    return 0;
}

/* ---- Signal masks ---- */

/* The mask holds until the call is over and the signals that it let in are delivered. */
static int mask_begin(uint64_t user_mask, uint64_t size)
{
    uint64_t mask;

    if (!user_mask)
        return 0;
    if (size != SIGSET_SIZE)
        return -EINVAL;
    if (copy_from_user(&mask, user_mask, sizeof(mask)))
        return -EFAULT;
    current->saved_blocked = current->sig_blocked;
    current->restore_blocked = true;
    set_blocked(mask);
    return 0;
}

static void mask_end(long rc)
{
    if (!current->restore_blocked || rc == -ERESTARTNOHAND)
        return;
    current->restore_blocked = false;
    set_blocked(current->saved_blocked);
}

/* ---- poll ---- */

static unsigned int poll_one(int fd, unsigned int events)
{
    struct file *f = fd_file(fd);

    if (fd < 0)
        return 0;
    return f ? file_poll(f) & (events | POLLERR | POLLHUP) : POLLNVAL;
}

static long poll_all(struct pollfd *fds, unsigned int nr)
{
    long ready = 0;

    for (unsigned int i = 0; i < nr; i++) {
        fds[i].revents = (int16_t)poll_one(fds[i].fd, (uint16_t)fds[i].events);
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* 0 to look again, or how the wait is over. */
static int wait_more(const struct limit *limit)
{
    int rc = limit->now ? -ETIMEDOUT : wait_on(&poll_queue, limit->deadline);

    return rc == -ERESTARTSYS ? -ERESTARTNOHAND : rc;
}

static long do_poll(uint64_t user, uint64_t nr, const struct limit *limit)
{
    struct pollfd *fds;
    long ready = 0;
    int rc = 0;

    if (nr > MAX_POLL)
        return -EINVAL;
    fds = kmalloc(max(nr, 1ul) * sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    if (copy_from_user(fds, user, nr * sizeof(*fds)))
        rc = -EFAULT;
    while (!rc && !(ready = poll_all(fds, (unsigned int)nr)))
        rc = wait_more(limit);
    if ((!rc || rc == -ETIMEDOUT) && copy_to_user(user, fds, nr * sizeof(*fds)))
        rc = -EFAULT;
    kfree(fds);
    return rc && rc != -ETIMEDOUT ? rc : ready;
}

SYSCALL(sys_poll)
{
    int timeout_ms = (int)c;
    struct limit limit = { false, 0 };

    if (timeout_ms >= 0)
        limit = limit_after((uint64_t)timeout_ms * PV_NS_PER_MS);
    return do_poll(a, b, &limit);
}

SYSCALL(sys_ppoll)
{
    struct limit limit;
    long rc = limit_from_user(c, 1, &limit);

    if (!rc)
        rc = mask_begin(d, e);
    if (rc)
        return rc;
    rc = do_poll(a, b, &limit);
    mask_end(rc);
    return rc;
}

/* ---- select ---- */

#define SET_WORDS (MAX_SELECT / 64)

struct fd_sets {
    uint64_t in[3][SET_WORDS], out[3][SET_WORDS];   /* read, write, except */
};

static const unsigned int set_events[3] = {
    POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI,
};

static bool in_set(const uint64_t *set, unsigned int fd)
{
    return set[fd / 64] >> fd % 64 & 1;
}

/* How many bits are set in the results; -EBADF for a file that is not open. */
static long select_all(struct fd_sets *sets, unsigned int nr)
{
    long ready = 0;

    memset(sets->out, 0, sizeof(sets->out));
    for (unsigned int fd = 0; fd < nr; fd++) {
        for (int i = 0; i < 3; i++) {
            unsigned int bits;

            if (!in_set(sets->in[i], fd))
                continue;
            if (!fd_file((int)fd))
                return -EBADF;
            bits = file_poll(fd_file((int)fd)) & set_events[i];
            if (bits) {
                sets->out[i][fd / 64] |= 1ul << fd % 64;
                ready++;
            }
        }
    }
    return ready;
}

/* Sets are as long as they must be for @nr bits, in words of 8 bytes. */
static int sets_from_user(struct fd_sets *sets, unsigned int nr, const uint64_t user[3])
{
    size_t bytes = (nr + 63) / 64 * 8;

    for (int i = 0; i < 3; i++) {
        if (user[i] && copy_from_user(sets->in[i], user[i], bytes))
            return -EFAULT;
    }
    return 0;
}

static int sets_to_user(const struct fd_sets *sets, unsigned int nr, const uint64_t user[3])
{
    size_t bytes = (nr + 63) / 64 * 8;

    for (int i = 0; i < 3; i++) {
        if (user[i] && copy_to_user(user[i], sets->out[i], bytes))
            return -EFAULT;
    }
    return 0;
}

static long do_select(int64_t nr_fds, const uint64_t user[3], const struct limit *limit)
{
    unsigned int nr = (unsigned int)min(nr_fds, (int64_t)MAX_SELECT);
    struct fd_sets sets = { 0 };
    long ready = 0;
    int rc;

    if (nr_fds < 0)
        return -EINVAL;
    rc = sets_from_user(&sets, nr, user);
    while (!rc && !(ready = select_all(&sets, nr)))
        rc = wait_more(limit);
    if (ready < 0)
        return ready;
    if (!rc || rc == -ETIMEDOUT)
        rc = sets_to_user(&sets, nr, user);
    return rc ? rc : ready;
}

SYSCALL(sys_select)
{
    const uint64_t user[3] = { b, c, d };
    struct limit limit;
    int rc = limit_from_user(e, 1000, &limit);

    return rc ? rc : do_select((int)a, user, &limit);
}

SYSCALL(sys_pselect6)
{
    const uint64_t user[3] = { b, c, d };
    struct { uint64_t mask, size; } mask = { 0, 0 };
    struct limit limit;
    long rc = limit_from_user(e, 1, &limit);

    if (!rc && arg6)
        rc = copy_from_user(&mask, arg6, sizeof(mask));
    if (!rc)
        rc = mask_begin(mask.mask, mask.size);
    if (rc)
        return rc;
    rc = do_select((int)a, user, &limit);
    mask_end(rc);
    return rc;
}
