/* SPDX-License-Identifier: MIT */
/*
 * futex(2): waiting until a word of memory changes. Processes have one thread, so only words in
 * shared mappings have two sides; a word is known by its machine address, which both share.
 */
#include "mm/mm.h"
#include "proc/proc.h"
#include "syscall/families.h"

#define FUTEX_CMD_MASK 0x7f         /* without PRIVATE and CLOCK_REALTIME */
#define FUTEX_CLOCK_REALTIME 0x100
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET = 10 };

struct waiter {
    struct list link;
    uint64_t word;
    bool woken;
    struct wait_queue sleep;
};

static struct list waiters = { &waiters, &waiters };

/* Relative for FUTEX_WAIT, absolute for the other; 0: none. */
static long read_deadline(uint64_t at, bool relative, bool realtime, uint64_t *deadline)
{
    int64_t t[2];
    uint64_t now = pv_system_time();
    struct pv_wallclock wall = pv_wallclock();

    *deadline = 0;
    if (!at)
        return 0;
    if (copy_from_user(t, at, sizeof(t)))
        return -EFAULT;
    if (t[0] < 0 || t[1] < 0 || t[1] >= (int64_t)PV_NS_PER_SEC)
        return -EINVAL;
    *deadline = (uint64_t)t[0] * PV_NS_PER_SEC + (uint64_t)t[1];
    if (relative)
        *deadline += now;
    else if (realtime)
        *deadline -= min(*deadline, wall.sec * PV_NS_PER_SEC + wall.nsec - now);
    *deadline = max(*deadline, 1ul);
    return 0;
}

static long futex_wait(uint64_t va, uint64_t word, uint32_t expected, uint64_t deadline)
{
    struct waiter w = { .word = word };
    uint32_t value;
    long rc;

    if (copy_from_user(&value, va, sizeof(value)))
        return -EFAULT;
    if (value != expected)
        return -EAGAIN;
    wait_queue_init(&w.sleep);
    list_add_tail(&waiters, &w.link);
    rc = wait_event(&w.sleep, w.woken, deadline);
    list_del(&w.link);
    return rc;
}

static long futex_wake(uint64_t word, uint64_t nr)
{
    struct list *pos;
    uint64_t woken = 0;

    list_for_each(pos, &waiters) {
        struct waiter *w = container_of(pos, struct waiter, link);

        if (woken == nr)
            break;
        if (w->word != word || w->woken)
            continue;
        w->woken = true;
        wake_up(&w->sleep);
        woken++;
    }
    return (long)woken;
}

SYSCALL(sys_futex)
{
    uint64_t va = a, timeout_at = d, word, deadline;
    int op = (int)b & FUTEX_CMD_MASK;
    uint32_t value = (uint32_t)c;
    long rc;

    if (va % sizeof(uint32_t))
        return -EINVAL;
    /* Writable, so that copy-on-write is over and the frame is the one that stays. */
    if (space_populate(current->space, va, sizeof(uint32_t), true))
        return -EFAULT;
    word = space_frame(current->space, va).nr << PAGE_SHIFT | va % PAGE_SIZE;
    if (op == FUTEX_WAKE || op == FUTEX_WAKE_BITSET)
        return futex_wake(word, value);
    if (op != FUTEX_WAIT && op != FUTEX_WAIT_BITSET)
        return -ENOSYS;
    rc = read_deadline(timeout_at, op == FUTEX_WAIT, b & FUTEX_CLOCK_REALTIME, &deadline);
    return rc ? rc : futex_wait(va, word, value, deadline);
}
