/* SPDX-License-Identifier: MIT */
/*
 * Freeing what others may still look at.
 *
 * A CPU that does its softirqs has no C frame below, so it can't be using what it found before. A
 * retired object waits until every CPU has been there once since it was retired; each is asked by a
 * softirq, so that this takes no longer than the longest way out. By then nobody can find it any
 * more: whoever retires it has seen to that, or its function retires it a second time after having
 * done so.
 */
#include "domain/domain.h"
#include "lib/atomic.h"

static spinlock_t retire_lock = SPINLOCK_INIT(LOCK_RETIRE);
static struct retired *waiting;     /* under the lock */
static u32 unfinished;              /* atomic: waiting, or on the way to being freed */

/*
 * @r lies in the object that is retired, so nothing has to be allocated. The CPUs are those online
 * now: one that comes later can't have found it.
 */
void retire(struct retired *r, void (*fn)(struct retired *r))
{
    u64 cpus = cpu_online_mask();

    atomic_add(&unfinished, 1);
    r->fn = fn;
    r->cpus = cpus;
    spin_lock(&retire_lock);
    r->next = waiting;
    waiting = r;
    spin_unlock(&retire_lock);
    for (; cpus; cpus &= cpus - 1)
        raise_softirq_on((unsigned int)__builtin_ctzll(cpus), SOFTIRQ_RETIRE);
}

bool retire_pending(void)
{
    return READ_ONCE(unfinished) != 0;
}

/* Notes that this CPU was here; those that have waited for it alone come off the list. */
static struct retired *take_ready(void)
{
    struct retired *ready = NULL, **slot = &waiting;

    spin_lock(&retire_lock);
    while (*slot) {
        struct retired *r = *slot;

        r->cpus &= ~BIT(this_cpu_id());
        if (r->cpus) {
            slot = &r->next;
        } else {
            *slot = r->next;
            r->next = ready;
            ready = r;
        }
    }
    spin_unlock(&retire_lock);
    return ready;
}

/* Functions run on whichever CPU came last, without the lock: they may retire again. */
void retire_softirq(void)
{
    struct retired *r = take_ready();

    while (r) {
        struct retired *next = r->next;

        r->fn(r);
        atomic_sub(&unfinished, 1);
        r = next;
    }
}
