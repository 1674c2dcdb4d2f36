/* SPDX-License-Identifier: MIT */
/* What the toolstack sees of a domain. All of it is a snapshot: nothing is paused for it. */
#include "control/control.h"
#include "lib/string.h"

#define NO_SHUTDOWN_CODE XEN_DOMINF_shutdownmask

/* Of all vCPUs of a domain; they change while they are counted. */
struct summary {
    unsigned int online, blocked, on_cpu;
    u64 cpu_time;
};

static struct summary summarise(struct domain *d)
{
    struct summary s = { 0 };

    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpus[i];
        enum vcpu_state state = READ_ONCE(v->state);
        struct vcpu_runstate_info r;

        runstate_get(v, &r);
        s.cpu_time += r.time[RUNSTATE_running];
        s.online += state != VCPU_DOWN;
        s.blocked += state == VCPU_BLOCKED;
        s.on_cpu += sched_on_cpu(v);
    }
    return s;
}

/* A domain has shut down when nothing of it runs any more. */
static u32 info_flags(struct domain *d, const struct summary *s)
{
    s32 reason = READ_ONCE(d->shutdown_reason);
    u32 flags = (reason < 0 ? NO_SHUTDOWN_CODE : (u32)reason & XEN_DOMINF_shutdownmask)
                << XEN_DOMINF_shutdownshift;

    if (reason >= 0 && !s->on_cpu)
        flags |= XEN_DOMINF_shutdown;
    if (d->dead)
        flags |= XEN_DOMINF_dying;
    if (d->control_pauses)
        flags |= XEN_DOMINF_paused;
    if (d->xs_domain)
        flags |= XEN_DOMINF_xs_domain;
    if (s->online && s->online == s->blocked)
        flags |= XEN_DOMINF_blocked;
    if (s->on_cpu)
        flags |= XEN_DOMINF_running;
    return flags;
}

/* Of one that is dead the record is still there, so it is listed until nobody maps its frames. */
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    struct summary s = summarise(d);

    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->flags = info_flags(d, &s);
    info->tot_pages = READ_ONCE(d->tot_pages);
    info->max_pages = d->max_pages;
    info->outstanding_pages = READ_ONCE(d->claim);
    info->shared_info_frame = virt_to_mfn(d->shared_info).v;
    info->cpu_time = s.cpu_time;
    info->nr_online_vcpus = s.online;
    info->max_vcpu_id = d->vcpus_made ? d->max_vcpus - 1 : XEN_INVALID_MAX_VCPU_ID;
    memcpy(info->handle, d->handle, sizeof(info->handle));
    info->gpaddr_bits = cpu_has.phys_bits;
}
