/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain by the toolstack's hand: it is paused for good, and in stages gives back all
 * that it has. Each stage may stop for pending work and is then called again. What other domains
 * still hold (mapped frames) they keep; the record lasts as long as that.
 *
 * d->dying keeps others from giving it anything new meanwhile. Those who do so without the control
 * room's claim give first and look at the flag afterwards (domain_frames.c, mmuext.c), or do both
 * under the lock that its setting or the stage takes, too. Set before the stages begin, it is seen
 * by them, or what they gave is seen by the stage.
 */
#include "domain/internal.h"
#include "event/event.h"
#include "grant/grant.h"
#include "lib/atomic.h"

/*
 * What its vCPUs left unfinished when they last ran: nobody else would do it, they never leave
 * again.
 */
static int finish_puts(struct domain *d)
{
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        while (mm_finish_put(d->vcpus[i]))
            if (preempt_needed())
                return -ERESTART;
    return 0;
}

/* No lock: they are paused, off every CPU, and no other domain has a way to them. */
static int drop_vcpus(struct domain *d)
{
    watchdogs_stop(d);
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpus[i];

        sched_stop(v);
        vcpu_stop_timers(v);
        vcpu_drop_context(v);
    }
    return 0;
}

/* The pages are freed with the record, which waits until nobody maps them any more. */
static int unshare_pages(struct domain *d)
{
    grant_domain_unshare(d);
    unshare_hv_page(d->shared_info);
    return 0;
}

static int (*const stages[])(struct domain *d) = {
    event_domain_close,     /* nobody sends to it any more */
    finish_puts,
    drop_vcpus,             /* their roots, tables and timers */
    mm_domain_release,      /* every frame */
    grant_domain_release,   /* what it mapped of others: the last of their frames, maybe */
    unshare_pages,
};

/*
 * The pause comes before the flag, so that none of its own vCPUs is in the middle of taking
 * something. It is never undone.
 */
int domain_destroy(struct domain *d)
{
    if (!d->dying) {
        domain_pause(d);
        spin_lock(&d->lock);
        __atomic_store_n(&d->dying, true, __ATOMIC_SEQ_CST);
        spin_unlock(&d->lock);
        claim_drop(d);
    }
    for (; d->stage < ARRAY_SIZE(stages); d->stage++) {
        int rc = stages[d->stage](d);

        if (rc)
            return rc;
    }
    if (!d->dead) {
        d->dead = true;
        raise_softirq(SOFTIRQ_DOM_EXC);
        domain_unref(d);    /* its last one, perhaps: it is not looked at again */
    }
    return 0;
}
