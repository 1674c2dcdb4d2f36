/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op: binding, closing and sending. Each command copies its argument in once,
 * checks it all, then acts under the lock of the domain whose ports change: of both, the lower
 * id's first, when it joins or parts two domains. Any domain may bind to a port that another
 * holds ready for it; to make or look at ports of another takes privilege over it.
 *
 * The other end of a channel is named by its domain's id. It can't be another domain's meanwhile: a
 * domain that ends closes all its ports, and so those ends too, long before its id is free again.
 */
#include "control/policy.h"
#include "event/internal.h"
#include "event/pirq.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"

/*
 * The domain at the other end of a channel, @d itself where there is none; NULL: it is gone, and
 * its closing of the channel is not to be seen here yet.
 */
static struct domain *end_of(struct domain *d, union evtchn e)
{
    return e.state == EVTCHNSTAT_interdomain && e.dom != d->id ? domain_by_id(e.dom) : d;
}

/* Two locks of one level: the lower id's first, which is the one order for them (spinlock.h). */
static void lock_both(struct domain *a, struct domain *b)
{
    spin_lock(&(a->id <= b->id ? a : b)->events.lock);
    if (a != b)
        spin_lock(&(a->id <= b->id ? b : a)->events.lock);
}

static void unlock_both(struct domain *a, struct domain *b)
{
    spin_unlock(&a->events.lock);
    if (a != b)
        spin_unlock(&b->events.lock);
}

/* @peer is the domain at the other end, @d if there is none. Both locks are held. */
static int close_locked(struct domain *d, struct domain *peer, u32 port)
{
    union evtchn e = port_get(d, port), far;

    switch (e.state) {
    case EVTCHNSTAT_closed:
        return -EINVAL;
    case EVTCHNSTAT_virq:
        WRITE_ONCE(d->vcpus[virq_is_global(e.peer) ? 0 : e.vcpu]->events.virq_port[e.peer], 0);
        break;
    case EVTCHNSTAT_pirq:
        pirq_unbound(e.peer, port);
        break;
    case EVTCHNSTAT_interdomain:
        far = port_get(peer, e.peer);
        far.state = EVTCHNSTAT_unbound;
        far.dom = d->id;
        far.peer = 0;
        port_set(peer, e.peer, far);
        break;
    }
    port_close(d, port);
    return 0;
}

/*
 * Which locks it takes depends on the port, which may change until they are held: then once more.
 * Each round means that somebody else got further, so it ends.
 */
int close_port(struct domain *d, u32 port)
{
    for (;;) {
        union evtchn e = port_get(d, port);
        struct domain *peer = end_of(d, e);
        int rc = -EAGAIN;

        if (!peer) {
            cpu_wait();     /* it is going, and has just changed the port */
            continue;
        }
        lock_both(d, peer);
        if (end_of(d, port_get(d, port)) == peer)
            rc = close_locked(d, peer, port);
        unlock_both(d, peer);
        if (rc != -EAGAIN)
            return rc;
    }
}

/*
 * The end of each command that makes a port: stores the port in the copied-in argument and that in
 * the guest's. When the guest's memory has gone meanwhile, so has the port.
 */
#define RETURN_PORT(d, rc, arg, copy, field)                \
    do {                                                    \
        if ((rc) < 0)                                       \
            return (rc);                                    \
        (copy)->field = (evtchn_port_t)(rc);                \
        if (copy_arg_to_guest(arg, copy))                   \
            return 0;                                       \
        close_port(d, (evtchn_port_t)(rc));                 \
        return -EFAULT;                                     \
    } while (0)

/*
 * A port that waits for @remote_dom, which need not exist. A toolstack makes those of a guest's
 * console and xenstore before the guest runs.
 */
static long op_alloc_unbound(struct domain *caller, XEN_GUEST_HANDLE(void) arg)
{
    struct evtchn_alloc_unbound alloc;
    union evtchn e = { .word = 0 };
    struct domain *d;
    long rc;

    if (!copy_arg_from_guest(&alloc, arg))
        return -EFAULT;
    rc = policy_domain(alloc.dom, &d);
    if (rc)
        return rc;
    e.state = EVTCHNSTAT_unbound;
    e.dom = alloc.remote_dom == DOMID_SELF ? caller->id : alloc.remote_dom;
    spin_lock(&d->events.lock);
    rc = port_open(d, e);
    spin_unlock(&d->events.lock);
    RETURN_PORT(d, rc, arg, &alloc, port);
}

/* Joins a new port to @port of @remote, which waits for this domain. Both locks are held. */
static long connect_ports(struct domain *d, struct domain *remote, u32 port)
{
    union evtchn far = port_get(remote, port), near = { .word = 0 };
    long own;

    if (far.state != EVTCHNSTAT_unbound || far.dom != d->id)
        return -EINVAL;
    near.state = EVTCHNSTAT_interdomain;
    near.dom = remote->id;
    near.peer = port;
    own = port_open(d, near);
    if (own < 0)
        return own;
    far.state = EVTCHNSTAT_interdomain;
    far.peer = (u32)own;
    port_set(remote, port, far);
    return own;
}

/*
 * The far port must wait for this very domain: that is all the right that is needed. Both ports
 * change under both locks, so neither ever says what the other does not.
 */
static long op_bind_interdomain(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    struct evtchn_bind_interdomain bind;
    struct domain *remote = d;
    long rc;

    if (!copy_arg_from_guest(&bind, arg))
        return -EFAULT;
    if (bind.remote_dom != DOMID_SELF)
        remote = domain_by_id(bind.remote_dom);
    if (!remote)
        return -ESRCH;
    lock_both(d, remote);
    rc = connect_ports(d, remote, bind.remote_port);
    unlock_both(d, remote);
    /* A notification sent before is not lost: the new end looks once for itself. */
    if (rc > 0)
        port_raise(d, (u32)rc, 0);
    RETURN_PORT(d, rc, arg, &bind, local_port);
}

/* One port for each, looked for by senders in the vCPU's own table. */
static long op_bind_virq(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    union evtchn e = { .word = 0 };
    struct evtchn_bind_virq bind;
    struct vcpu *v;
    long rc;

    if (!copy_arg_from_guest(&bind, arg))
        return -EFAULT;
    if (bind.virq >= NR_VIRQS || (virq_is_global(bind.virq) && bind.vcpu != 0))
        return -EINVAL;
    v = domain_vcpu(d, bind.vcpu);
    if (!v)
        return -ENOENT;
    e.state = EVTCHNSTAT_virq;
    e.vcpu = (u8)bind.vcpu;
    e.peer = (u32)index_nospec(bind.virq, NR_VIRQS);
    spin_lock(&d->events.lock);
    rc = v->events.virq_port[e.peer] ? -EEXIST : port_open(d, e);
    if (rc > 0)
        WRITE_ONCE(v->events.virq_port[e.peer], (u32)rc);
    spin_unlock(&d->events.lock);
    RETURN_PORT(d, rc, arg, &bind, port);
}

/* A port that is raised by sending to it: from one vCPU of the domain to another. */
static long op_bind_ipi(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    union evtchn e = { .word = 0 };
    struct evtchn_bind_ipi bind;
    long rc;

    if (!copy_arg_from_guest(&bind, arg))
        return -EFAULT;
    if (!domain_vcpu(d, bind.vcpu))
        return -ENOENT;
    e.state = EVTCHNSTAT_ipi;
    e.vcpu = (u8)bind.vcpu;
    spin_lock(&d->events.lock);
    rc = port_open(d, e);
    spin_unlock(&d->events.lock);
    RETURN_PORT(d, rc, arg, &bind, port);
}

/* Asked and bound under one lock, so that two ports can't get the same interrupt. */
static long op_bind_pirq(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    union evtchn e = { .word = 0 };
    struct evtchn_bind_pirq bind;
    long rc;

    if (!copy_arg_from_guest(&bind, arg))
        return -EFAULT;
    e.state = EVTCHNSTAT_pirq;
    e.peer = bind.pirq;
    spin_lock(&d->events.lock);
    rc = pirq_may_bind(d, bind.pirq);
    if (rc == 0)
        rc = port_open(d, e);
    if (rc > 0)
        pirq_bound(bind.pirq, (u32)rc);
    spin_unlock(&d->events.lock);
    RETURN_PORT(d, rc, arg, &bind, port);
}

static long op_close(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    struct evtchn_close close;

    return copy_arg_from_guest(&close, arg) ? close_port(d, close.port) : -EFAULT;
}

/*
 * Hot. Two loads name the receiver: the port here, the far port there. No lock: ports.c has the
 * argument. To a domain that is going the send is lost, as it would be a moment later.
 */
static long op_send(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    struct evtchn_send send;
    struct domain *peer;
    union evtchn e;

    if (!copy_arg_from_guest(&send, arg))
        return -EFAULT;
    e = port_get(d, send.port);
    switch (e.state) {
    case EVTCHNSTAT_ipi:
        port_raise(d, send.port, e.vcpu);
        return 0;
    case EVTCHNSTAT_interdomain:
        peer = end_of(d, e);
        if (likely(peer))
            port_raise(peer, e.peer, port_get(peer, e.peer).vcpu);
        return 0;
    case EVTCHNSTAT_unbound:
        return 0;
    default:
        return -EINVAL;
    }
}

/*
 * One word is read, so the answer is of one moment. What the state does not have is left as the
 * guest gave it.
 */
static long op_status(struct domain *caller, XEN_GUEST_HANDLE(void) arg)
{
    struct evtchn_status status;
    struct domain *d;
    union evtchn e;
    long rc;

    if (!copy_arg_from_guest(&status, arg))
        return -EFAULT;
    rc = policy_domain(status.dom, &d);
    if (rc)
        return rc;
    if (!event_port_valid(d, status.port))
        return -EINVAL;
    e = port_get(d, status.port);
    status.status = e.state;
    status.vcpu = e.vcpu;
    switch (e.state) {
    case EVTCHNSTAT_unbound:
        status.u.unbound.dom = e.dom;
        break;
    case EVTCHNSTAT_interdomain:
        status.u.interdomain.dom = e.dom;
        status.u.interdomain.port = e.peer;
        break;
    case EVTCHNSTAT_pirq:
        status.u.pirq = e.peer;
        break;
    case EVTCHNSTAT_virq:
        status.u.virq = e.peer;
        break;
    }
    return copy_arg_to_guest(arg, &status) ? 0 : -EFAULT;
}

/* Not an ipi, nor a per-vCPU virtual interrupt: those belong to their vCPU. */
static bool may_move(union evtchn e)
{
    return e.state == EVTCHNSTAT_unbound || e.state == EVTCHNSTAT_interdomain ||
           e.state == EVTCHNSTAT_pirq ||
           (e.state == EVTCHNSTAT_virq && virq_is_global(e.peer));
}

/* An event that is pending stays with the vCPU that was told; the next one goes to the new. */
static long op_bind_vcpu(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    struct evtchn_bind_vcpu bind;
    union evtchn e;
    long rc = -EINVAL;

    if (!copy_arg_from_guest(&bind, arg))
        return -EFAULT;
    if (!domain_vcpu(d, bind.vcpu))
        return -ENOENT;
    spin_lock(&d->events.lock);
    e = port_get(d, bind.port);
    if (may_move(e)) {
        e.vcpu = (u8)bind.vcpu;
        port_set(d, bind.port, e);
        rc = 0;
    }
    spin_unlock(&d->events.lock);
    return rc;
}

/*
 * For a guest that can't do it itself without missing an event. A closed port's bit may be
 * unmasked, too: it means nothing.
 */
static long op_unmask(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    struct evtchn_unmask unmask;
    union evtchn e;

    if (!copy_arg_from_guest(&unmask, arg))
        return -EFAULT;
    if (!event_port_valid(d, unmask.port))
        return -EINVAL;
    e = port_get(d, unmask.port);
    READ_ONCE(d->events.ops)->unmask(d, unmask.port, e.vcpu);
    return 0;
}

static long (*const ops[])(struct domain *d, XEN_GUEST_HANDLE(void) arg) = {
    [EVTCHNOP_bind_interdomain] = op_bind_interdomain,
    [EVTCHNOP_bind_virq]        = op_bind_virq,
    [EVTCHNOP_bind_pirq]        = op_bind_pirq,
    [EVTCHNOP_close]            = op_close,
    [EVTCHNOP_send]             = op_send,
    [EVTCHNOP_status]           = op_status,
    [EVTCHNOP_alloc_unbound]    = op_alloc_unbound,
    [EVTCHNOP_bind_ipi]         = op_bind_ipi,
    [EVTCHNOP_bind_vcpu]        = op_bind_vcpu,
    [EVTCHNOP_unmask]           = op_unmask,
    [EVTCHNOP_reset]            = op_reset,
    [EVTCHNOP_init_control]     = op_init_control,
    [EVTCHNOP_expand_array]     = op_expand_array,
    [EVTCHNOP_set_priority]     = op_set_priority,
    [EVTCHNOP_reset_cont]       = op_reset_cont,
};

long do_event_channel_op(int cmd, XEN_GUEST_HANDLE(void) arg)
{
    u64 nr = (u32)cmd;

    if (nr >= ARRAY_SIZE(ops))
        return -ENOSYS;
    nr = index_nospec(nr, ARRAY_SIZE(ops));
    return ops[nr] ? ops[nr](current->domain, arg) : -ENOSYS;
}
