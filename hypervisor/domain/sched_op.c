/* SPDX-License-Identifier: MIT */
/*
 * sched_op: give up the CPU, wait, end. All but remote_shutdown are about the caller itself; its
 * vCPU goes on here until the way out, where schedule() finds what was asked for.
 */
#include "control/policy.h"
#include "domain/internal.h"
#include "event/event.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"

#define MAX_POLL_PORTS 128      /* the ABI's; it also bounds the time spent looking at them */

static long op_yield(XEN_GUEST_HANDLE(void) arg)
{
    vcpu_yield();
    return 0;
}

/* The mask goes first: an event that comes from now on ends the sleep before it begins. */
static long op_block(XEN_GUEST_HANDLE(void) arg)
{
    WRITE_ONCE(current->info->evtchn_upcall_mask, 0);
    vcpu_block();
    return 0;
}

/* 1 if a port is pending, those behind it are not looked at; 0 if none is; or negative errno. */
static long any_pending(const struct sched_poll *poll, evtchn_port_t *first)
{
    struct domain *d = current->domain;

    for (unsigned int i = 0; i < poll->nr_ports; i++) {
        evtchn_port_t port;

        if (!copy_elem_from_guest(&port, poll->ports, i))
            return -EFAULT;
        if (!event_port_used(d, port))
            return -EINVAL;
        if (i == 0)
            *first = port;
        if (event_port_pending(d, port))
            return 1;
    }
    return 0;
}

/*
 * Announces the vCPU as a poller, puts it to sleep, and only then looks at the ports: a sender that
 * came before is seen by this look, one that comes after sees the poller (event/ports.c). The ports
 * are checked a first time before anything is done.
 */
static long op_poll(XEN_GUEST_HANDLE(void) arg)
{
    struct vcpu *v = current;
    struct domain *d = v->domain;
    struct sched_poll poll;
    evtchn_port_t first = 0;
    long rc;

    if (!copy_arg_from_guest(&poll, arg))
        return -EFAULT;
    if (poll.nr_ports > MAX_POLL_PORTS)
        return -EINVAL;
    if (!handle_range_ok(poll.ports, 0, poll.nr_ports))
        return -EFAULT;
    rc = any_pending(&poll, &first);
    if (rc)
        return rc < 0 ? rc : 0;
    if (poll.timeout && poll.timeout <= now_ns())
        return 0;

    /* With one port a sender can tell that it is not the one waited for, and not wake us. */
    v->events.poll_port = poll.nr_ports == 1 ? first : 0;
    atomic_or(&d->events.pollers, 1ull << v->id);
    if (poll.timeout)
        timer_set(&v->poll_timer, poll.timeout);
    else
        timer_stop(&v->poll_timer);
    vcpu_block();
    rc = any_pending(&poll, &first);
    if (rc)
        vcpu_wake(v);
    return rc < 0 ? rc : 0;
}

/*
 * Returns like any call: the vCPU does not get back to the guest, since schedule() finds the end
 * first.
 */
static long op_shutdown(XEN_GUEST_HANDLE(void) arg)
{
    struct sched_shutdown shutdown;

    if (!copy_arg_from_guest(&shutdown, arg))
        return -EFAULT;
    domain_shutdown(current->domain, (u8)shutdown.reason);
    return 0;
}

/* Only the first counts: what a domain says after it has begun to end is not asked for. */
static long op_shutdown_code(XEN_GUEST_HANDLE(void) arg)
{
    struct sched_shutdown shutdown;
    s32 none = -1;

    if (!copy_arg_from_guest(&shutdown, arg))
        return -EFAULT;
    cas(&current->domain->shutdown_code, &none, (u8)shutdown.reason);
    return 0;
}

/* By the toolstack, of a domain that does not end by itself. */
static long op_remote_shutdown(XEN_GUEST_HANDLE(void) arg)
{
    struct sched_remote_shutdown shutdown;
    struct domain *d;
    int rc;

    if (!copy_arg_from_guest(&shutdown, arg))
        return -EFAULT;
    rc = policy_domain(shutdown.domain_id, &d);
    if (rc)
        return rc;
    domain_shutdown(d, (u8)shutdown.reason);
    return 0;
}

static long op_watchdog(XEN_GUEST_HANDLE(void) arg)
{
    struct sched_watchdog w;

    if (!copy_arg_from_guest(&w, arg))
        return -EFAULT;
    return watchdog_set(current->domain, w.id, w.timeout);
}

static long (*const ops[])(XEN_GUEST_HANDLE(void) arg) = {
    [SCHEDOP_yield]           = op_yield,
    [SCHEDOP_block]           = op_block,
    [SCHEDOP_shutdown]        = op_shutdown,
    [SCHEDOP_poll]            = op_poll,
    [SCHEDOP_remote_shutdown] = op_remote_shutdown,
    [SCHEDOP_shutdown_code]   = op_shutdown_code,
    [SCHEDOP_watchdog]        = op_watchdog,
};

long do_sched_op(int cmd, XEN_GUEST_HANDLE(void) arg)
{
    u64 nr = (u32)cmd;      /* so that a negative one is too large */

    if (nr >= ARRAY_SIZE(ops))
        return -ENOSYS;
    return ops[index_nospec(nr, ARRAY_SIZE(ops))](arg);
}
