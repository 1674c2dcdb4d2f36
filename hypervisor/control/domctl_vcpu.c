/* SPDX-License-Identifier: MIT */
/* The commands of domctl about one vCPU, whose state is only touched while it is paused. */
#include "control/control.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "lib/string.h"

#define CONTEXT_ORDER 1     /* struct vcpu_guest_context is too much for the stack */
BUILD_ASSERT(sizeof(struct vcpu_guest_context) <= PAGE_SIZE << CONTEXT_ORDER);

/* NULL until the toolstack has said how many there are to be (max_vcpus), as the ABI has it. */
static struct vcpu *named_vcpu(struct domain *d, u32 id)
{
    return d->vcpus_made || d->privileged ? domain_vcpu(d, id) : NULL;
}

/* Back to where it was before its first context. */
static int reset_vcpu(struct vcpu *v)
{
    sched_stop(v);
    vcpu_stop_timers(v);
    vcpu_drop_context(v);
    return 0;
}

/* Who starts a vCPU from inside the domain must not be in the middle of it. */
static int apply_context(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    int rc;

    if (atomic_xchg(&v->claimed, true))
        return -ERESTART;
    rc = guest_cpu_set_context(v, ctx);
    if (rc == 0) {
        WRITE_ONCE(v->initialised, true);
        if (ctx->flags & VGCF_online)
            rc = vcpu_up(v);
        else
            sched_stop(v);
    }
    store_release(&v->claimed, false);
    return rc;
}

/*
 * The context is copied before it is looked at, and the domain paused while it is set: its other
 * vCPUs share its tables. The caller's own domain can't wait for itself.
 */
int set_vcpu_context(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpucontext *arg = &op->u.vcpucontext;
    struct vcpu *v = named_vcpu(d, arg->vcpu);
    struct vcpu_guest_context *ctx;
    int rc = -EFAULT;

    if (d == current->domain || !v || d->dying)
        return -EINVAL;
    ctx = alloc_hv_pages(CONTEXT_ORDER);
    if (!ctx)
        return -ENOMEM;
    domain_pause(d);
    if (handle_is_null(arg->ctxt))
        rc = reset_vcpu(v);
    else if (copy_from_guest(ctx, arg->ctxt))
        rc = apply_context(v, ctx);
    domain_unpause(d);
    free_hv_pages(ctx, CONTEXT_ORDER);
    return rc;
}

/* Only that vCPU is paused. It may have been given its context by the domain itself. */
int get_vcpu_context(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpucontext *arg = &op->u.vcpucontext;
    struct vcpu *v = named_vcpu(d, arg->vcpu);
    struct vcpu_guest_context *ctx;
    int rc;

    if (!v || v == current)
        return -EINVAL;
    if (!READ_ONCE(v->initialised))
        return -ENODATA;
    ctx = alloc_hv_pages(CONTEXT_ORDER);
    if (!ctx)
        return -ENOMEM;
    vcpu_pause(v);
    guest_cpu_get_context(v, ctx);
    if (READ_ONCE(v->state) != VCPU_DOWN)
        ctx->flags |= VGCF_online;
    vcpu_unpause(v);
    rc = copy_to_guest(arg->ctxt, ctx) ? 0 : -EFAULT;
    free_hv_pages(ctx, CONTEXT_ORDER);
    return rc;
}

/* A snapshot; nothing is paused. */
int get_vcpu_info(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
    struct vcpu_runstate_info r;
    struct vcpu *v;

    if (info->vcpu >= d->max_vcpus)
        return -EINVAL;
    v = named_vcpu(d, info->vcpu);
    if (!v)
        return -ESRCH;
    runstate_get(v, &r);
    info->online = READ_ONCE(v->state) != VCPU_DOWN;
    info->blocked = READ_ONCE(v->state) == VCPU_BLOCKED;
    info->running = sched_on_cpu(v);
    info->cpu_time = r.time[RUNSTATE_running];
    info->cpu = v->processor;
    return 0;
}
