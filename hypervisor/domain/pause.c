/* SPDX-License-Identifier: MIT */
/*
 * Pausing. A count that is not 0 keeps a vCPU (or all of a domain's) from being picked; whoever
 * raised it waits until the one that runs has left its CPU. The scheduler looks at the counts under
 * the lock of its queue, and sched_on_cpu() looks at what runs under the same lock: so either it
 * finds the vCPU there, or the scheduler finds the count.
 *
 * The CPU that is waited for leaves its guest at once, since it is interrupted; and what it does in
 * the hypervisor never waits for us, since we hold no lock, and serve its calls while we wait.
 */
#include "domain/domain.h"
#include "lib/atomic.h"

/* If it runs, its CPU is made to look at the counts; if not, it can't be picked any more. */
static void leave(struct vcpu *v)
{
    if (sched_on_cpu(v))
        raise_softirq_on(v->processor, SOFTIRQ_SCHEDULE);
}

/*
 * Ends: the CPU was interrupted, and goes through schedule() before its guest runs again. Not for
 * oneself: that would wait for ever.
 */
static void wait_off_cpu(struct vcpu *v)
{
    BUG_ON(v == current);
    while (sched_on_cpu(v))
        cpu_wait();
}

/* All are told before any is waited for, so that they leave at the same time. */
void domain_pause(struct domain *d)
{
    atomic_add(&d->pauses, 1);
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        leave(d->vcpus[i]);
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        wait_off_cpu(d->vcpus[i]);
}

void domain_unpause(struct domain *d)
{
    if (atomic_sub(&d->pauses, 1))
        return;
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        sched_resume(d->vcpus[i]);
}

void vcpu_pause(struct vcpu *v)
{
    atomic_add(&v->pauses, 1);
    leave(v);
    wait_off_cpu(v);
}

void vcpu_unpause(struct vcpu *v)
{
    if (!atomic_sub(&v->pauses, 1))
        sched_resume(v);
}
