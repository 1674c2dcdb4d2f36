/* SPDX-License-Identifier: MIT */
/*
 * Ticket locks. The written order is enum lock_level below; a build with DEBUG=1 checks it on every
 * acquisition, so that a wrong order trips at once instead of once a month.
 *
 * The hypervisor runs with interrupts off, but for short windows that its long loops open, and in
 * the idle loop, where no lock is held. So a lock is never taken from an interrupt that came
 * while the same CPU held it, and there is no irqsave form. A CPU that waits (for a lock, or for
 * an answer) serves the cross-calls that others send it, or two CPUs could wait for each other
 * for ever.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "lib/types.h"

#ifndef DEBUG
#define DEBUG 0                 /* host tests of files that take locks */
#endif

/* The one order: a lock may be taken only while every held lock has a lower level. */
enum lock_level {
    LOCK_WALL,      /* the wall clock, and what of it domains see */
    LOCK_DOMLIST,   /* the list of domains */
    LOCK_DOMAIN,    /* one domain: its memory list, max pages, lifecycle */
    LOCK_GRANT,     /* one domain's grant table */
    LOCK_EVENT,     /* one domain's ports; two domains: the lower domain id first */
    LOCK_FIFO,      /* one domain's FIFO event queues */
    LOCK_TIMER,     /* one CPU's timer queue */
    LOCK_SCHED,     /* one CPU's run queue */
    LOCK_HEAP,      /* free frames */
    LOCK_RETIRE,    /* what waits to be freed */
    LOCK_CONSOLE,   /* the serial line: last, so that anything can print */
    LOCK_LEVELS
};

typedef struct spinlock {
    u32 tickets;    /* low half: now serving; high half: next ticket */
    u8 level;       /* enum lock_level */
} spinlock_t;

#define SPINLOCK_INIT(lvl) { .tickets = 0, .level = (lvl) }

/* Waits one turn of a busy loop: pause, and serve cross-calls (x86/smp.c). */
void cpu_wait(void);

void spin_lock_slow(spinlock_t *lock, u16 ticket);

static inline void spin_lock_init(spinlock_t *lock, enum lock_level level)
{
    *lock = (spinlock_t)SPINLOCK_INIT((u8)level);
}

/*
 * spinlock.c: what this CPU holds, in builds with DEBUG=1. Two locks of the same level may be
 * held only at LOCK_EVENT, as said above.
 */
void lock_order_acquire(const spinlock_t *lock);
void lock_order_release(const spinlock_t *lock);

static inline void spin_lock(spinlock_t *lock)
{
    u32 old;

    if (DEBUG)
        lock_order_acquire(lock);
    old = __atomic_fetch_add(&lock->tickets, 0x10000u, __ATOMIC_ACQUIRE);

    if (unlikely((u16)old != (u16)(old >> 16)))
        spin_lock_slow(lock, (u16)(old >> 16));
}

/*
 * Waits without serving cross-calls, for a lock that is never held while waiting for anything: when
 * all CPUs have answered a call, those that came for the lock before have had it.
 */
static inline void spin_lock_no_calls(spinlock_t *lock)
{
    u32 old;

    if (DEBUG)
        lock_order_acquire(lock);
    old = __atomic_fetch_add(&lock->tickets, 0x10000u, __ATOMIC_ACQUIRE);
    while (unlikely(__atomic_load_n((u16 *)&lock->tickets, __ATOMIC_ACQUIRE) != (u16)(old >> 16)))
        __builtin_ia32_pause();
}

static inline void spin_unlock(spinlock_t *lock)
{
    /* Only the holder writes the low half: a plain 16-bit increment releases. */
    u16 *serving = (u16 *)&lock->tickets;

    if (DEBUG)
        lock_order_release(lock);
    __atomic_store_n(serving, (u16)(*serving + 1), __ATOMIC_RELEASE);
}

static inline bool spin_is_locked(const spinlock_t *lock)
{
    u32 t = READ_ONCE(lock->tickets);

    return (u16)t != (u16)(t >> 16);
}

#endif
