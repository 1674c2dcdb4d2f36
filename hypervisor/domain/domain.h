/* SPDX-License-Identifier: MIT */
/*
 * The door of domain/: who exists and who runs.
 *
 * A domain is made of parts; each part (mm, x86, event, ...) keeps its state in a struct of its
 * own inside struct domain and struct vcpu. Lock rules stand beside the fields.
 */
#ifndef DOMAIN_DOMAIN_H
#define DOMAIN_DOMAIN_H

#include "lib/list.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "mm/mm.h"
#include "x86/guest_cpu.h"
#include "x86/x86.h"
#include "event/event_types.h"
#include <xen/sched.h>
#include <xen/vcpu.h>

/* ---- timer.c ---- */
struct timer {
    u64 expires;                /* ns since boot */
    void (*fn)(void *arg);      /* runs on the way out to a guest, interrupts off */
    void *arg;
    struct list link;           /* in its CPU's queue while armed; guarded by that queue's lock */
    unsigned int cpu;           /* whose queue */
    bool armed;
};
void timer_init(struct timer *t, void (*fn)(void *), void *arg);
void timer_set(struct timer *t, u64 expires_ns);   /* (re)arms it on this CPU */
void timer_stop(struct timer *t);
void timer_run_expired(void);                      /* softirq */

/* ---- softirq.c: work to do before leaving to a guest ---- */
enum softirq { SOFTIRQ_TIMER, SOFTIRQ_SCHEDULE, SOFTIRQ_CONSOLE, SOFTIRQ_COUNT };
DECLARE_PER_CPU(u32, softirqs);
static inline void raise_softirq(enum softirq nr)
{
    this_cpu(softirqs) |= 1u << nr;
}
void raise_softirq_on(unsigned int cpu, enum softirq nr);
void do_softirqs(void);
static inline bool softirq_pending(void)
{
    return this_cpu(softirqs) != 0;
}
/* Asked by every long loop: lets interrupts in, then says whether there is something to do. */
static inline bool preempt_needed(void)
{
    irq_window();
    return softirq_pending();
}

enum vcpu_state { VCPU_DOWN, VCPU_RUNNABLE, VCPU_BLOCKED };

struct vcpu {
    struct domain *domain;
    unsigned int id;
    struct vcpu_info *info;         /* the guest's, through the direct map; never NULL */
    struct guest_cpu cpu;           /* x86/ */

    /* mm/: the roots hold a use and a reference each; unfinished: see mm_finish_put(). */
    mfn_t kernel_root, user_root;   /* INVALID_MFN: none */
    struct page *unfinished;

    /* hypercall/: where a preempted call's arguments go (hypercall.h). */
    u64 restart_args[6];
    bool in_multicall;

    /* event/, time */
    struct vcpu_events events;
    struct timer singleshot, periodic;
    u64 period_ns;
    struct page *info_page;         /* held while vcpu_info is registered elsewhere */

    /* sched.c. Guarded by the run-queue lock of v->processor, but for what says otherwise. */
    enum vcpu_state state;
    bool initialised;               /* has a context */
    u32 pause_count;                /* atomic; the vCPU runs only at 0 */
    unsigned int processor;         /* its physical CPU */
    bool on_cpu;                    /* its registers are in a CPU, not in v->cpu */
    struct list run_link;
    struct vcpu_runstate_info runstate;
    unsigned long runstate_area;    /* guest address, 0: none */
    unsigned long time_area;
};

struct domain {
    u16 id;
    bool privileged;                /* may control others and the machine */
    bool dying;
    s32 shutdown_reason;            /* -1 while it runs */
    unsigned int max_vcpus;
    struct vcpu *vcpus[MAX_VCPUS];
    struct shared_info *shared_info;
    u32 pause_count;

    /* mm/: guarded by lock */
    spinlock_t lock;
    u64 tot_pages, max_pages;
    u64 vm_assist;                  /* bit n: type n enabled */
    u64 tlb_cpus;                   /* atomic: CPUs that may hold translations of ours */
    u8 iopl;

    struct domain_events events;    /* event/ */
    struct list link;               /* in the list of domains, under its lock */
};

/* ---- domain.c ---- */
struct domain *domain_create(u16 id, unsigned int max_vcpus);   /* NULL: no memory */
struct domain *domain_by_id(u16 id);
extern struct domain *first_domain;
/* Marks the running vCPU's domain as crashed, prints why with its registers, and returns; nothing of it runs again. */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);
void domain_shutdown(struct domain *d, unsigned int reason);    /* enum of <xen/sched.h> */
static inline bool domain_stopped(const struct domain *d)
{
    return READ_ONCE(d->shutdown_reason) >= 0;
}
static inline bool vm_assist(const struct domain *d, unsigned int type)
{
    return d->vm_assist >> type & 1;
}

/* ---- vcpu.c ---- */
struct vcpu *vcpu_create(struct domain *d, unsigned int id);

/* ---- sched.c ---- */
void sched_init(void);
void sched_start(struct vcpu *v);   /* first time runnable */
void vcpu_wake(struct vcpu *v);     /* blocked -> runnable, kicks its CPU */
void vcpu_kick(struct vcpu *v);     /* an event is pending: wake it, or interrupt it where it runs */
void schedule(void);                /* softirq: picks the next vCPU; does not return if it switches */
noreturn void idle(void);
void runstate_flush(struct vcpu *v);/* writes the registered runstate and time areas, in kernel mode */

#endif
