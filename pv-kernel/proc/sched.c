/* SPDX-License-Identifier: MIT */
/*
 * Who runs. One queue, first in first out, with time slices that exist only while somebody else
 * wants to run. The boot context is the idle task: it has no pid, no space and no place in the
 * queue, and runs when the queue is empty.
 *
 * Kernel code runs with events masked, so nothing here is interrupted. Event handlers run on top of
 * user code or of the idle loop; they may wake tasks but not switch.
 */
#include "arch/arch.h"
#include "mm/mm.h"
#include "proc/internal.h"

#define SLICE_NS (10 * PV_NS_PER_MS)

static struct task idle_task;
struct task *current = &idle_task;
bool need_resched;
struct wait_queue poll_queue = WAIT_QUEUE_INIT(poll_queue);

static struct list run_queue = { &run_queue, &run_queue };
static struct task *dead;           /* switched away from for the last time */

bool is_idle(const struct task *t)
{
    return t == &idle_task;
}

bool run_queue_empty(void)
{
    return list_empty(&run_queue);
}

static void idle_upcall_return(struct pv_regs *regs)
{
    if (pv_regs_user(regs))
        return_to_user(regs);
}

void sched_init(void)
{
    list_init(&idle_task.children);
    list_init(&idle_task.run_link);
    wait_queue_init(&idle_task.child_wait);
    pv_set_upcall_return(idle_upcall_return);
}

/* ---- Switching ---- */

/*
 * What the hypervisor must know of the task that runs next; kernel threads never leave the kernel.
 */
void task_load_context(struct task *next)
{
    struct pv_multicall mc;

    if (!next->space)
        return;
    space_activate(next->space);
    pv_multicall_begin(&mc);
    pv_multicall_add(&mc, __HYPERVISOR_stack_switch, FLAT_KERNEL_SS, (uint64_t)(next->regs + 1));
    pv_multicall_add(&mc, __HYPERVISOR_set_segment_base, SEGBASE_FS, next->fs_base);
    pv_multicall_add(&mc, __HYPERVISOR_set_segment_base, SEGBASE_GS_USER, next->gs_base);
    BUG_ON(pv_multicall_run(&mc));
    fpu_load(next->fpu);
}

void finish_switch(void)
{
    if (dead)
        task_free(dead);
    dead = NULL;
}

void free_after_switch(struct task *t)
{
    dead = t;
}

/*
 * Behind switch_stacks() we are `next`, or rather: this call returns when somebody switches back. A
 * task that ended is freed by its successor, on whose stack that can be done.
 */
static void switch_to(struct task *next)
{
    struct task *prev = current;
    uint64_t now = pv_system_time();

    prev->user_ns += now - prev->run_since;
    next->run_since = now;
    next->slice_end = run_queue_empty() ? 0 : now + SLICE_NS;
    if (prev->space)
        fpu_save(prev->fpu);
    current = next;
    task_load_context(next);
    switch_stacks(&prev->ksp, next->ksp);
    finish_switch();
}

/*
 * Puts a task that still wants to run behind the others, and takes the first. A sleeper has put
 * itself into a wait queue before. Comes back when it is the caller's turn again.
 */
void schedule(void)
{
    struct task *prev = current, *next = &idle_task;

    need_resched = false;
    if (prev->state == TASK_RUNNING && !is_idle(prev))
        list_add_tail(&run_queue, &prev->run_link);
    if (!run_queue_empty()) {
        next = container_of(run_queue.next, struct task, run_link);
        list_del(&next->run_link);
    }
    if (next != prev)
        switch_to(next);
    else
        next->slice_end = 0;
    timer_arm(current->slice_end);
}

void yield(void)
{
    schedule();
}

_Noreturn void idle_loop(void)
{
    pv_events_disable();
    for (;;) {
        if (!run_queue_empty())
            schedule();
        else
            pv_block();
        pv_events_disable();
    }
}

void return_to_user(struct pv_regs *regs)
{
    while (need_resched || signal_pending(current) || must_restart(regs)) {
        if (need_resched)
            schedule();
        deliver_signals(regs);
    }
}

/* ---- Sleeping ---- */

void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->sleepers);
}

/* From now on there is somebody else who wants to run, so whoever runs has a slice that ends. */
void make_runnable(struct task *t)
{
    t->state = TASK_RUNNING;
    list_add_tail(&run_queue, &t->run_link);
    if (!is_idle(current) && !current->slice_end) {
        current->slice_end = pv_system_time() + SLICE_NS;
        timer_arm(current->slice_end);
    }
}

void wake_task(struct task *t, int reason)
{
    if (t->state != TASK_SLEEPING)
        return;
    list_del(&t->run_link);
    t->wake_at = 0;
    t->wake_reason = reason;
    make_runnable(t);
    need_resched = true;
}

void wake_up(struct wait_queue *q)
{
    while (!list_empty(&q->sleepers))
        wake_task(container_of(q->sleepers.next, struct task, run_link), 0);
}

void poll_wake(void)
{
    wake_up(&poll_queue);
}

static int sleep_on(struct wait_queue *q, uint64_t deadline, bool uninterruptible)
{
    BUG_ON(is_idle(current));
    current->state = TASK_SLEEPING;
    current->uninterruptible = uninterruptible;
    current->wake_at = deadline;
    current->wake_reason = 0;
    list_add_tail(&q->sleepers, &current->run_link);
    timer_arm(deadline);
    schedule();
    return current->wake_reason;
}

int wait_on(struct wait_queue *q, uint64_t deadline)
{
    if (signal_pending(current))
        return -ERESTARTSYS;
    if (deadline && deadline <= pv_system_time())
        return -ETIMEDOUT;
    return sleep_on(q, deadline, false);
}

void wait_uninterruptible(struct wait_queue *q)
{
    sleep_on(q, 0, true);
}
