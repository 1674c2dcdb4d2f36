/* SPDX-License-Identifier: MIT */
/* The slow half of ticket locks, and in debug builds the check of their order. */
#include "lib/spinlock.h"
#include "lib/printk.h"
#include "x86/percpu.h"

/* How many locks of each level this CPU holds: its own business, with interrupts off. */
struct held {
    u8 count[LOCK_LEVELS];
};
static DEFINE_PER_CPU(struct held, locks_held);

/* Tickets are served in order, so nobody waits for ever; whoever waits answers cross-calls. */
void spin_lock_slow(spinlock_t *lock, u16 ticket)
{
    while (__atomic_load_n((u16 *)&lock->tickets, __ATOMIC_ACQUIRE) != ticket)
        cpu_wait();
}

/* All levels from the lock's own upwards must be free, but for one other at LOCK_EVENT. */
void lock_order_acquire(const spinlock_t *lock)
{
    struct held *held = &this_cpu(locks_held);

    for (unsigned int level = lock->level; level < LOCK_LEVELS; level++) {
        unsigned int allowed = level == LOCK_EVENT && lock->level == LOCK_EVENT ? 1 : 0;

        BUG_ON(held->count[level] > allowed);
    }
    held->count[lock->level]++;
}

void lock_order_release(const spinlock_t *lock)
{
    struct held *held = &this_cpu(locks_held);

    BUG_ON(held->count[lock->level] == 0);
    held->count[lock->level]--;
}
