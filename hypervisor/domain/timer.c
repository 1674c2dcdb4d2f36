/* SPDX-License-Identifier: MIT */
/*
 * Timers: a queue per CPU, and that CPU's one-shot interrupt for the first of them.
 *
 * A timer is in the queue of t->cpu or in none; t->cpu changes only under that queue's lock,
 * while the timer is in no queue. The interrupt is a lower bound: stopping a timer leaves it as
 * it is, and an interrupt that finds nothing expired just sets the next one.
 */
#include "domain/internal.h"
#include "domain/timer_queue.h"

struct timer_queue {
    spinlock_t lock;        /* guards the list, its timers, and programmed */
    struct list timers;     /* by expiry */
    u64 programmed;         /* when the interrupt will come; 0: not at all */
} __aligned(64);

static struct timer_queue queues[MAX_CPUS];

void timers_init(void)
{
    for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
        spin_lock_init(&queues[cpu].lock, LOCK_TIMER);
        list_init(&queues[cpu].timers);
    }
}

/* This CPU's own queue, locked: makes sure that the interrupt comes in time for the first. */
static void program(struct timer_queue *q)
{
    u64 first = timer_queue_first(&q->timers);

    if (first && (!q->programmed || first < q->programmed)) {
        q->programmed = first;
        apic_timer_set(first);
    }
}

void timer_init(struct timer *t, void (*fn)(void *), void *arg)
{
    t->fn = fn;
    t->arg = arg;
    t->cpu = this_cpu_id();
    t->armed = false;
    list_init(&t->link);
}

/* Locks the queue that @t belongs to, and takes @t out of it. */
static struct timer_queue *lock_and_take(struct timer *t)
{
    for (;;) {
        unsigned int cpu = READ_ONCE(t->cpu);
        struct timer_queue *q = &queues[cpu];

        spin_lock(&q->lock);
        if (t->cpu == cpu) {
            list_del(&t->link);
            t->armed = false;
            return q;
        }
        spin_unlock(&q->lock);
    }
}

void timer_set(struct timer *t, u64 expires_ns)
{
    struct timer_queue *q = lock_and_take(t), *here = &queues[this_cpu_id()];

    while (unlikely(q != here)) {
        WRITE_ONCE(t->cpu, this_cpu_id());
        spin_unlock(&q->lock);
        q = lock_and_take(t);   /* here, unless another CPU has just set it too */
    }
    t->expires = expires_ns;
    t->armed = true;
    timer_queue_insert(&q->timers, t);
    program(q);
    spin_unlock(&q->lock);
}

/* A look without the lock: one that is not armed now is nobody's to stop, whoever arms it later. */
void timer_stop(struct timer *t)
{
    if (READ_ONCE(t->armed))
        spin_unlock(&lock_and_take(t)->lock);
}

/*
 * On the CPU whose timers they are. The lock is let go for each function, which may set timers
 * itself, its own too; so the first one is looked for anew each time.
 */
void timer_run_expired(void)
{
    struct timer_queue *q = &queues[this_cpu_id()];
    u64 now = now_ns();     /* once: timers that are set again meanwhile wait for the next round */
    struct timer *t;

    spin_lock(&q->lock);
    while ((t = timer_queue_expired(&q->timers, now)) != NULL) {
        void (*fn)(void *) = t->fn;
        void *arg = t->arg;

        t->armed = false;
        spin_unlock(&q->lock);
        fn(arg);
        spin_lock(&q->lock);
    }
    /* The interrupt has come, or is as good as come. */
    q->programmed = 0;
    program(q);
    spin_unlock(&q->lock);
}
