/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's own clocks: one shot, a period, and the time limit of SCHEDOP_poll. A new vCPU's
 * period is none; it ticks when it asks for it.
 */
#include "domain/internal.h"
#include "event/event.h"
#include "hypercall/hypercall.h"

#define FAR_AHEAD_NS   (1ull << 50)     /* further than this can't be meant */
#define FAR_TIMEOUT_NS 100000000ull     /* the interface: then it comes after 100 ms */

/* The vCPU may be down, or its domain ended: an event for it then just stays pending. */
static void shot(void *arg)
{
    send_virq(arg, VIRQ_TIMER);
}

/*
 * The lock keeps a stop on another CPU from coming between the look at the period and
 * timer_set().
 */
static void tick(void *arg)
{
    struct vcpu *v = arg;
    struct domain *d = v->domain;

    if (domain_stopped(d))
        return;
    send_virq(v, VIRQ_TIMER);
    spin_lock(&d->lock);
    if (v->period_ns)
        timer_set(&v->periodic, timer_next_period(v->periodic.expires, v->period_ns, now_ns()));
    spin_unlock(&d->lock);
}

/* A timer that was left over from an earlier poll finds the bit clear, or ends this one early. */
static void poll_over(void *arg)
{
    struct vcpu *v = arg;

    if (READ_ONCE(v->domain->events.pollers) >> v->id & 1)
        vcpu_wake(v);
}

void vcpu_timers_init(struct vcpu *v)
{
    timer_init(&v->singleshot, shot, v);
    timer_init(&v->periodic, tick, v);
    timer_init(&v->poll_timer, poll_over, v);
}

void vcpu_stop_timers(struct vcpu *v)
{
    vcpu_set_period(v, 0);
    timer_stop(&v->singleshot);
    timer_stop(&v->poll_timer);
}

/* One that is due already is sent here: the timer's interrupt would only come at once. */
void vcpu_set_singleshot(struct vcpu *v, u64 expires_ns)
{
    if (expires_ns > now_ns()) {
        timer_set(&v->singleshot, expires_ns);
    } else {
        timer_stop(&v->singleshot);
        send_virq(v, VIRQ_TIMER);
    }
}

void vcpu_set_period(struct vcpu *v, u64 period_ns)
{
    spin_lock(&v->domain->lock);
    v->period_ns = period_ns;
    if (period_ns)
        timer_set(&v->periodic, now_ns() + period_ns);
    else
        timer_stop(&v->periodic);
    spin_unlock(&v->domain->lock);
}

/*
 * A guest that computes a time wrongly, or with a clock that has just wrapped, would sleep for
 * ever: the ABI has it woken soon instead (XSA-20 was the other extreme, a loop over such a
 * value).
 */
long do_set_timer_op(int64_t timeout)
{
    struct vcpu *v = current;
    u64 now;

    if (timeout == 0) {
        timer_stop(&v->singleshot);
        return 0;
    }
    now = now_ns();
    if (timeout < 0 || (u64)timeout > now + FAR_AHEAD_NS)
        timeout = (int64_t)(now + FAR_TIMEOUT_NS);
    vcpu_set_singleshot(v, (u64)timeout);
    return 0;
}
