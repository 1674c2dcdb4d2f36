/* SPDX-License-Identifier: MIT */
/*
 * The door of domain/: who exists and who runs.
 *
 * A domain is made of parts; each part (mm, x86, event, ...) keeps its state in a struct of its own
 * inside struct domain and struct vcpu. Lock rules stand beside the fields.
 *
 * In which order to read the room:
 *
 *     domain.h                            what a domain and a vCPU are
 *     domain.c, vcpu.c, retire.c          how they come, are found, and are freed
 *     sched.c, softirq.c                  who runs, and what a CPU does on its way out
 *     sched_op.c, vcpu_op.c               what a guest asks of both
 *     timer.c, timer_queue.c              timers, and those that a guest has:
 *       vcpu_timer.c, watchdog.c
 *     runstate.c                          how long a vCPU was in which state
 *     pause.c, park.c                     making a domain, or the machine, stand still
 *     shutdown.c, destroy.c               how a domain ends, and how it is taken apart
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
#include "grant/grant_types.h"
#include <xen/sched.h>
#include <xen/vcpu.h>

/*
 * ---- timer.c ----
 * Calls @fn once, on the CPU that set it last, at @expires or a little later. Where it lies is its
 * owner's business: it must be stopped, and its function be over, before that goes.
 */
struct timer {
    u64 expires;                /* ns since boot */
    void (*fn)(void *arg);      /* runs on the way out to a guest, interrupts off */
    void *arg;
    struct list link;           /* in its CPU's queue while armed; guarded by that queue's lock */
    unsigned int cpu;           /* whose queue */
    bool armed;
};
void timer_init(struct timer *t, void (*fn)(void *), void *arg);
/*
 * (Re)arms it on this CPU, by any CPU at any time. A function that has just begun still runs: once
 * for the old time, and then for the new one.
 */
void timer_set(struct timer *t, u64 expires_ns);
void timer_stop(struct timer *t);                  /* its function may still be running elsewhere */
void timer_run_expired(void);                      /* softirq */
/* The next tick of a period that was due at @expires: after @now, in step with the first. */
u64 timer_next_period(u64 expires, u64 period, u64 now);

/* ---- softirq.c: work to do before leaving to a guest, in this order ---- */
enum softirq {
    SOFTIRQ_TIMER,              /* a timer has expired */
    SOFTIRQ_CONSOLE,            /* there is console input */
    SOFTIRQ_EXIT,               /* nothing but the long way out: there is an NMI to deliver */
    SOFTIRQ_DOM_EXC,            /* a domain has shut down, or is gone: the first one is told */
    SOFTIRQ_PARK,               /* the machine shall stand still */
    SOFTIRQ_RETIRE,             /* this CPU uses nothing any more that it had found before */
    SOFTIRQ_MACHINE_END,        /* the first domain has shut down */
    SOFTIRQ_SCHEDULE,           /* last: it may not come back */
    SOFTIRQ_COUNT
};
static inline void raise_softirq(enum softirq nr)
{
    /* Atomic: other CPUs raise theirs here, and interrupts may too. */
    __atomic_fetch_or(&cpu_info()->softirqs, 1u << nr, __ATOMIC_SEQ_CST);
}
/* The same on any CPU, which is made to look. */
void raise_softirq_on(unsigned int cpu, enum softirq nr);
void do_softirqs(void);
static inline bool softirq_pending(void)
{
    return READ_ONCE(cpu_info()->softirqs) != 0;
}
/*
 * Asked by every long loop: lets interrupts in, then says whether there is something to do. No lock
 * is held: a handler may take those that raising an event takes.
 */
static inline bool preempt_needed(void)
{
    irq_window();
    return softirq_pending();
}

/*
 * ---- retire.c: freeing what others may still look at ----
 *
 * What was found without a lock (a domain by its id) may be used until the CPU next does its
 * softirqs: there no C frame is kept. So what nobody can find any more is freed once every CPU has
 * been there.
 */
struct retired {
    struct retired *next;
    u64 cpus;                   /* those that have not been there yet */
    void (*fn)(struct retired *r);
};
void retire(struct retired *r, void (*fn)(struct retired *r));  /* any lock may be held */
bool retire_pending(void);
void retire_softirq(void);

/* watchdog.c */
#define NR_WATCHDOGS 2                  /* of a domain: the ABI's */
struct watchdog {
    struct timer timer;
    bool used;                          /* its number was given out; guarded by d->lock */
};

/*
 * DOWN: not to run until it is told to come up. BLOCKED: until an event. Whether a RUNNABLE one
 * runs also depends on pauses, and on its domain (can_run() in sched.c).
 */
enum vcpu_state { VCPU_DOWN, VCPU_RUNNABLE, VCPU_BLOCKED };

/*
 * One of a domain's CPUs: made with the domain, freed with it, placed on one physical CPU for good.
 * What says nothing else is the business of the CPU that runs it, or of who holds it paused.
 */
struct vcpu {
    /* entry.S knows where these are. */
    struct domain *domain;
    unsigned int id;
    struct vcpu_info *info;         /* the guest's, through the direct map; never NULL */
    struct guest_cpu cpu;           /* x86/ */

    /* mm/: the roots hold a use and a reference each; unfinished: see mm_finish_put(). */
    mfn_t kernel_root, user_root;   /* INVALID_MFN: none */
    struct page *unfinished[MAX_UNFINISHED];
    unsigned int nr_unfinished;

    /* hypercall/: what a preempted call leaves behind (hypercall.h). */
    struct multicall_entry *batch;  /* the entry being done of a multicall, else NULL */
    bool restart;                   /* the call is to be executed again */

    /* event/, time */
    struct vcpu_events events;
    struct timer singleshot, periodic, poll_timer;
    u64 period_ns;                  /* 0: no periodic timer; guarded by domain->lock */
    struct page *info_page;         /* held while vcpu_info is registered elsewhere */

    /* sched.c. Guarded by the run-queue lock of v->processor, but for what says otherwise. */
    enum vcpu_state state;
    bool initialised;               /* has a context */
    bool claimed;                   /* atomic: someone is giving it one */
    u32 pauses;                     /* atomic: not 0, it does not run */
    unsigned int processor;         /* its physical CPU, for good */
    bool on_cpu;                    /* its registers are in a CPU, not in v->cpu */
    struct list run_link;           /* in the queue of those that wait for the CPU */
    struct vcpu_runstate_info runstate;

    /* Where in guest-kernel memory copies of runstate and time go when it is loaded; 0: nowhere. */
    unsigned long runstate_area;
    unsigned long time_area;
};

/* A devalidation has left something to mm_finish_put(). */
static inline bool mm_put_pending(const struct vcpu *v)
{
    return v->nr_unfinished != 0;
}

/*
 * Who keeps the record: a reference each for not having been destroyed, for having frames at all,
 * and for every page of ours that it shares. The last one gone, it is retired. So a frame's owner
 * always has a record, also when the domain is long dead and another still maps the frame.
 */
struct domain {
    u16 id;
    bool privileged;                /* may control others and the machine */
    bool dying;                     /* being destroyed: it gets nothing new. Set once, under lock */
    bool dead;                      /* all was taken from it; what remains is in others' hands */
    bool vcpus_made;                /* by the toolstack's word: it may name them */
    bool xs_domain;                 /* it runs xenstore */
    unsigned int stage;             /* of its destruction; as next_frame the control room's */
    u64 next_frame;
    u32 control_pauses;             /* by the toolstack; guarded by the control room */
    u32 refs;                       /* atomic */
    u32 pauses;                     /* atomic: not 0, none of its vCPUs runs */
    struct domain *next_by_id;      /* in its bucket, see domain.c */
    struct retired retired;
    s32 shutdown_reason;            /* -1 while it runs; set once, by compare-and-exchange */
    s32 shutdown_code;              /* what SCHEDOP_shutdown_code chose, else -1 */
    unsigned int max_vcpus;
    struct vcpu *vcpus[MAX_VCPUS];
    struct shared_info *shared_info;
    xen_domain_handle_t handle;     /* its UUID */

    /* mm/: guarded by lock */
    spinlock_t lock;
    u64 tot_pages, max_pages;       /* frames that exist: tot_pages is atomic */
    u64 claim;                      /* free frames set aside for it; atomic, see mm/claims.c */
    struct guest_map *memory_map;   /* the toolstack's for the guest, NULL: none */
    u64 absent_mask;                /* of absent entries, what may be no address; or 0 */
    u64 vm_assist;                  /* bit n: type n enabled */
    u64 tlb_cpus;                   /* atomic: CPUs that may hold translations of ours */

    struct audited {                /* mm/audit.c: what it found to be its */
        u64 frames;
        u32 shared;                 /* pages of ours */
    } audited;

    struct domain_events events;    /* event/ */
    struct watchdog watchdogs[NR_WATCHDOGS];    /* guarded by lock */
    struct grant_table grants;      /* grant/ */
};

/* ---- domain.c ---- */
struct domain_config {
    u16 id;
    unsigned int max_vcpus;         /* 1 to MAX_VCPUS */
    u32 max_port;                   /* the highest event channel it may have */
    u32 max_grant_frames;
    u32 max_grant_maps;             /* of others' grants */
};
/*
 * With its shared page and its vCPUs, all down and without context, and paused once. -EEXIST: the
 * id is taken; -ENOMEM.
 */
int domain_create(const struct domain_config *c, struct domain **out);
/*
 * Takes no lock. Also one that is dying. Valid until this CPU does its softirqs: to the end of a
 * hypercall.
 */
struct domain *domain_by_id(u16 id);
struct domain *domain_at_or_above(u32 id);      /* the lowest id; NULL: there is none */
void domain_for_each(void (*fn)(struct domain *d));     /* in no order; fn waits for nothing */
void domain_ref(struct domain *d);              /* of one that can't have lost its last one */
void domain_unref(struct domain *d);            /* any lock may be held */
void domain_add_pages(struct domain *d, u64 frames);    /* d->lock is held */
void domain_sub_pages(struct domain *d, u64 frames);
extern struct domain *first_domain;

/* ---- destroy.c ---- */
/*
 * Ends the domain and takes back all that it has: 0 when nothing is left to do here, -ERESTART:
 * call again. The control room's claim is held, and the domain is not the running one.
 */
int domain_destroy(struct domain *d);

/* ---- pause.c: pauses are counted; each waits until what was running has left its CPU ---- */
void domain_pause(struct domain *d);            /* not the running one, and no lock is held */
void domain_unpause(struct domain *d);
void vcpu_pause(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);

/* ---- park.c: all other CPUs wait with nothing in hand; the control room's claim is held ---- */
void park_others(void);
void unpark_others(void);

/* ---- shutdown.c ---- */
/*
 * Marks the domain as crashed, prints why (with the registers, if it is the running vCPU's), and
 * returns; nothing of it runs again. Any lock may be held.
 */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);
void domain_shutdown(struct domain *d, u8 reason);  /* SHUTDOWN_ of <xen/sched.h> */
void machine_end(void);         /* softirq: does what the first domain's reason asks */
void tell_dom_exc(void);        /* softirq: VIRQ_DOM_EXC to the first domain */
static inline bool domain_stopped(const struct domain *d)
{
    return READ_ONCE(d->shutdown_reason) >= 0;
}
/* VMASST_TYPE_ @type of <xen/xen.h> is on. */
static inline bool vm_assist(const struct domain *d, unsigned int type)
{
    return d->vm_assist >> type & 1;
}

/* The vCPU that a guest names; NULL: there is none. Also in speculation no other memory is read. */
static inline struct vcpu *domain_vcpu(const struct domain *d, u32 id)
{
    return id < d->max_vcpus ? d->vcpus[index_nospec(id, d->max_vcpus)] : NULL;
}

/* ---- vcpu.c ---- */
#define VCPU_ORDER  1               /* of its pages: the record, then the FPU area if it fits */
struct vcpu *vcpu_create(struct domain *d, unsigned int id);    /* NULL: no memory */
void vcpu_free(struct vcpu *v);                     /* nothing of it runs, or looks at it */
/* Gives back what a context has brought: tables, roots, info page. It is paused, or never ran. */
void vcpu_drop_context(struct vcpu *v);
void vcpu_stop_timers(struct vcpu *v);
int vcpu_up(struct vcpu *v);                        /* -EINVAL: it has no context */
void vcpu_down(struct vcpu *v);                     /* the last one up ends the domain */
/*
 * VCPUOP_register_vcpu_info: moves the vcpu_info of @v, which is down or the running one, to frame
 * @m, which is then held. 0; -ENXIO: not within the frame, or not aligned; -EINVAL: it has been
 * moved, or is neither; or get_page_and_type()'s error.
 */
int vcpu_move_info(struct vcpu *v, mfn_t m, u32 offset);

/* ---- sched.c: each takes the lock of the vCPU's run queue, where it says nothing else ---- */
void sched_init(void);              /* timers too; before other CPUs and the first vCPU */
unsigned int sched_place(void);     /* the CPU for a new vCPU */
void sched_unplace(struct vcpu *v);
void sched_resume(struct vcpu *v);  /* it may be that it can run again */
bool sched_on_cpu(struct vcpu *v);  /* it runs, or is just coming or leaving */
void sched_start(struct vcpu *v);   /* down -> runnable */
void sched_stop(struct vcpu *v);    /* -> down; running elsewhere it stops soon */
void vcpu_wake(struct vcpu *v);     /* blocked -> runnable, kicks its CPU */
void vcpu_kick(struct vcpu *v);     /* it has an event: wake it, or interrupt it where it runs */
void vcpu_block(void);              /* current sleeps on its way out, unless it has an event */
void vcpu_yield(void);              /* current goes behind those that wait for its CPU */
void schedule(void);                /* softirq: the next vCPU; does not return if it switches */
noreturn void idle(void);           /* on an empty stack, with no vCPU loaded */
void runstate_get(struct vcpu *v, struct vcpu_runstate_info *out);  /* up to now */

#endif
