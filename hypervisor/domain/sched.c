/* SPDX-License-Identifier: MIT */
/*
 * Who runs: round robin on each physical CPU, among the vCPUs that were placed there.
 *
 * A vCPU that could run is either in its CPU's queue or running there. One that can't any more,
 * because it was paused or its domain was stopped, may still be in the queue, and falls out when it
 * would be picked; sched_resume() puts it back. The slice is only enforced, by a timer, while
 * somebody waits; who has run longer than that alone gives way at once.
 *
 * The switch happens on the way out to a guest and nowhere else: schedule() drops the C frames it
 * was called on, so nothing of a vCPU is left on a stack.
 *
 * Sleeping: the vCPU becomes VCPU_BLOCKED, then looks for an event; a sender makes the event
 * visible, then looks whether the vCPU is VCPU_BLOCKED. With a full barrier between the two steps
 * on either side, one of them sees the other.
 */
#include "domain/internal.h"
#include "event/event.h"
#include "lib/atomic.h"

/* Long against the cost of a switch (some microseconds), short against what a person notices. */
#define SLICE_NS 10000000ull

/* One a physical CPU, which alone picks from it; others only put vCPUs in or take them out. */
struct run_queue {
    spinlock_t lock;
    /*
     * Guarded by lock. A vCPU is in `waiting` of its own CPU, or is `running` there, or neither:
     * never both. `running` is ahead of what is loaded while schedule() is switching; on_cpu says
     * what is.
     */
    struct list waiting;
    struct vcpu *running;   /* NULL: idle */
    unsigned int placed;    /* vCPUs that live here; atomic */
    u64 slice_end;          /* the CPU's own: until when `running` need not give way */
    struct timer slice;
} __aligned(64);

static struct run_queue queues[MAX_CPUS];

static struct run_queue *queue_of(const struct vcpu *v)
{
    return &queues[v->processor];
}

static void slice_over(void *unused)
{
    raise_softirq(SOFTIRQ_SCHEDULE);
}

void sched_init(void)
{
    timers_init();
    for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
        spin_lock_init(&queues[cpu].lock, LOCK_SCHED);
        list_init(&queues[cpu].waiting);
        timer_init(&queues[cpu].slice, slice_over, NULL);
    }
}

/*
 * The CPU with the fewest. Two that are placed at once may choose the same: that costs evenness,
 * not correctness.
 */
unsigned int sched_place(void)
{
    unsigned int best = 0;

    for (unsigned int cpu = 1; cpu < cpu_count(); cpu++)
        if (READ_ONCE(queues[cpu].placed) < READ_ONCE(queues[best].placed))
            best = cpu;
    atomic_add(&queues[best].placed, 1);
    return best;
}

void sched_unplace(struct vcpu *v)
{
    atomic_sub(&queues[v->processor].placed, 1);
}

static bool can_run(const struct vcpu *v)
{
    return v->state == VCPU_RUNNABLE && !READ_ONCE(v->pauses) && !READ_ONCE(v->domain->pauses) &&
           !domain_stopped(v->domain);
}

/* The queue's lock is held. */
static void enqueue(struct run_queue *rq, struct vcpu *v)
{
    list_add_before(&rq->waiting, &v->run_link);
    runstate_set(v, RUNSTATE_runnable);
}

/* Puts it where one that can run has to be; true if it was not there. The lock is held. */
static bool join(struct run_queue *rq, struct vcpu *v)
{
    if (!can_run(v) || rq->running == v || !list_empty(&v->run_link))
        return false;
    enqueue(rq, v);
    return true;
}

/*
 * After a pause, or whatever may have kept it from running. The softirq is raised even if it was
 * there: the CPU may have looked just before.
 */
void sched_resume(struct vcpu *v)
{
    struct run_queue *rq = queue_of(v);

    spin_lock(&rq->lock);
    join(rq, v);
    spin_unlock(&rq->lock);
    raise_softirq_on(v->processor, SOFTIRQ_SCHEDULE);
}

/* Both are asked: `running` is set before it is loaded, on_cpu lasts until all of it is saved. */
bool sched_on_cpu(struct vcpu *v)
{
    struct run_queue *rq = queue_of(v);
    bool there;

    spin_lock(&rq->lock);
    there = rq->running == v || READ_ONCE(v->on_cpu);
    spin_unlock(&rq->lock);
    return there;
}

void sched_start(struct vcpu *v)
{
    struct run_queue *rq = queue_of(v);

    spin_lock(&rq->lock);
    if (v->state == VCPU_DOWN)
        v->state = VCPU_RUNNABLE;
    join(rq, v);
    spin_unlock(&rq->lock);
    raise_softirq_on(v->processor, SOFTIRQ_SCHEDULE);
}

/*
 * One that runs elsewhere stops there, when its CPU has looked; who has to know asks
 * sched_on_cpu().
 */
void sched_stop(struct vcpu *v)
{
    struct run_queue *rq = queue_of(v);
    bool running;

    spin_lock(&rq->lock);
    v->state = VCPU_DOWN;
    running = rq->running == v;
    if (!running) {
        list_del(&v->run_link);
        runstate_set(v, RUNSTATE_offline);
    }
    spin_unlock(&rq->lock);
    if (running)
        raise_softirq_on(v->processor, SOFTIRQ_SCHEDULE);
}

void vcpu_wake(struct vcpu *v)
{
    struct run_queue *rq = queue_of(v);
    bool queued = false;

    spin_lock(&rq->lock);
    if (v->state == VCPU_BLOCKED) {
        /*
         * Only who ends the sleep ends the poll: one that comes between a poller's announcement
         * and its sleep leaves the mark, and the poller finds its port pending.
         */
        if (READ_ONCE(v->domain->events.pollers) >> v->id & 1)
            atomic_and(&v->domain->events.pollers, ~(1ull << v->id));
        v->state = VCPU_RUNNABLE;
        queued = join(rq, v);
    }
    spin_unlock(&rq->lock);
    if (queued)
        raise_softirq_on(v->processor, SOFTIRQ_SCHEDULE);
}

/*
 * Hot: each event ends here. Read without the lock: the event was made visible before, so a vCPU
 * that is just falling asleep or just being loaded sees it itself (the file's head), and one that
 * runs is interrupted, which makes it look on its way out.
 */
void vcpu_kick(struct vcpu *v)
{
    if (READ_ONCE(v->state) == VCPU_BLOCKED)
        vcpu_wake(v);
    else if (v != current && READ_ONCE(v->on_cpu))
        smp_kick(v->processor);
}

void vcpu_block(void)
{
    struct vcpu *v = current;
    struct run_queue *rq = queue_of(v);

    spin_lock(&rq->lock);
    if (v->state == VCPU_RUNNABLE)
        v->state = VCPU_BLOCKED;
    spin_unlock(&rq->lock);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (event_deliverable(v))
        vcpu_wake(v);
    else
        raise_softirq(SOFTIRQ_SCHEDULE);
}

void runstate_get(struct vcpu *v, struct vcpu_runstate_info *out)
{
    struct run_queue *rq = queue_of(v);

    spin_lock(&rq->lock);
    *out = v->runstate;
    spin_unlock(&rq->lock);
    runstate_account(out, now_ns());
}

void vcpu_yield(void)
{
    struct run_queue *rq = &queues[this_cpu_id()];

    /* Nobody waits: a spinning guest asks this so often that not even the lock is taken. */
    if (READ_ONCE(rq->waiting.next) == &rq->waiting)
        return;
    rq->slice_end = 0;
    raise_softirq(SOFTIRQ_SCHEDULE);
}

/* The first that waits; those that can't run any more fall out. NULL: none. */
static struct vcpu *dequeue(struct run_queue *rq)
{
    while (!list_empty(&rq->waiting)) {
        struct vcpu *v = list_entry(rq->waiting.next, struct vcpu, run_link);

        list_del(&v->run_link);
        if (can_run(v))
            return v;
        runstate_set(v, RUNSTATE_offline);
    }
    return NULL;
}

/*
 * The one that runs goes on as long as nobody waits or its slice lasts. Run states change here,
 * under the lock, so that runstate_get() never sees one that is neither.
 */
static struct vcpu *pick_next(struct run_queue *rq, struct vcpu *prev, u64 now)
{
    bool stays = prev && can_run(prev);

    if (stays && (list_empty(&rq->waiting) || now < rq->slice_end))
        return prev;
    if (stays)
        enqueue(rq, prev);
    else if (prev)
        runstate_set(prev, prev->state == VCPU_BLOCKED ? RUNSTATE_blocked : RUNSTATE_offline);
    rq->slice_end = now + SLICE_NS;
    return dequeue(rq);
}

/*
 * Its domain's mask of CPUs first: a flush that is asked for from now on has to reach this one,
 * which is about to load its root.
 */
static void load(struct vcpu *v)
{
    atomic_or(&v->domain->tlb_cpus, BIT(this_cpu_id()));
    /* From here on a sender kicks this CPU; it looks for events after the barrier. */
    __atomic_store_n(&v->on_cpu, true, __ATOMIC_SEQ_CST);
    guest_cpu_load(v);
    time_update_vcpu(v);
    vcpu_areas_write(v);
}

/*
 * The old one is saved whole before on_cpu says that it is: whoever waits for that may read all of
 * it.
 */
static noreturn void switch_to(struct vcpu *prev, struct vcpu *next)
{
    if (prev) {
        guest_cpu_save(prev);
        /* It has left its root: nothing of its domain is in the TLB. */
        atomic_and(&prev->domain->tlb_cpus, ~BIT(this_cpu_id()));
        store_release(&prev->on_cpu, false);
        if (unlikely(domain_stopped(prev->domain)))
            raise_softirq(SOFTIRQ_DOM_EXC);     /* now there is nothing that still runs of it */
    }
    if (!next)
        reset_stack_and_call(idle);
    load(next);
    return_to_guest();
}

/*
 * The lock is let go before the switch: from then on `next` is this CPU's by rq->running, and
 * prev can be woken into the queue, but not be picked by anyone, since this CPU alone picks here.
 */
void schedule(void)
{
    struct run_queue *rq = &queues[this_cpu_id()];
    struct vcpu *prev = current, *next;
    bool contested;

    spin_lock(&rq->lock);
    next = pick_next(rq, prev, now_ns());
    contested = !list_empty(&rq->waiting);
    rq->running = next;
    if (next && next->runstate.state != RUNSTATE_running)
        runstate_set(next, RUNSTATE_running);
    spin_unlock(&rq->lock);

    if (contested)
        timer_set(&rq->slice, rq->slice_end);
    else
        timer_stop(&rq->slice);
    if (next != prev)
        switch_to(prev, next);
}

/* By one CPU at a time: two would only meet at the heap's lock, which those who work need. */
static bool clear_free_frames(void)
{
    static bool busy;           /* atomic */
    bool more;

    if (READ_ONCE(busy) || atomic_xchg(&busy, true))
        return false;
    more = heap_scrub();
    store_release(&busy, false);
    return more;
}

/* On hv_root(), with no vCPU loaded. A softirq that comes between the look and the halt ends it. */
noreturn void idle(void)
{
    for (;;) {
        do_softirqs();
        if (softirq_pending())
            continue;
        if (clear_free_frames())
            irq_window();
        else
            irq_enable_and_halt();
    }
}
