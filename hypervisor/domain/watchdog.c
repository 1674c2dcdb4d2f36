/* SPDX-License-Identifier: MIT */
/*
 * Watchdogs (SCHEDOP_watchdog): a domain that does not rearm one in time is shut down with reason
 * "watchdog". Each domain has a few; a number in use is its index plus one. Guarded by d->lock.
 */
#include "domain/internal.h"
#include "lib/atomic.h"

#define NS_PER_S 1000000000ull

static void expired(void *arg)
{
    struct domain *d = arg;

    /* Without the lock: at worst it was rearmed just now, too late by that much. */
    guest_printk(LOG_WARNING, "domain %u: its watchdog expired\n", d->id);
    domain_shutdown(d, SHUTDOWN_watchdog);
}

void watchdogs_init(struct domain *d)
{
    for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
        timer_init(&d->watchdogs[i].timer, expired, d);
}

/* A function that has just begun on another CPU does no harm: the domain is ending anyway. */
void watchdogs_stop(struct domain *d)
{
    for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
        timer_stop(&d->watchdogs[i].timer);
}

/* The two below: d->lock is held. @timeout in s; the number of the watchdog, or negative errno. */
static long start_new(struct domain *d, u32 timeout)
{
    for (unsigned int i = 0; i < NR_WATCHDOGS; i++) {
        struct watchdog *w = &d->watchdogs[i];

        if (w->used)
            continue;
        w->used = true;
        timer_set(&w->timer, now_ns() + timeout * NS_PER_S);
        return i + 1;
    }
    return -ENOSPC;
}

/* Rearms it, or with 0 gives its number back. */
static long change(struct watchdog *w, u32 timeout)
{
    if (!w->used)
        return -EINVAL;
    timer_stop(&w->timer);
    w->used = timeout != 0;
    if (w->used)
        timer_set(&w->timer, now_ns() + timeout * NS_PER_S);
    return 0;
}

long watchdog_set(struct domain *d, u32 id, u32 timeout)
{
    long rc;

    if (id > NR_WATCHDOGS || (id == 0 && timeout == 0))
        return -EINVAL;
    spin_lock(&d->lock);
    rc = id ? change(&d->watchdogs[index_nospec(id - 1, NR_WATCHDOGS)], timeout)
            : start_new(d, timeout);
    spin_unlock(&d->lock);
    return rc;
}
