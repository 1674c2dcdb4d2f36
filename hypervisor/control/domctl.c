/* SPDX-License-Identifier: MIT */
/*
 * domctl: how the toolstack makes, inspects, steers and destroys domains. One row a command in the
 * table at the end: its handler, whether it is about a domain that must exist, and whether the
 * argument goes back to the caller.
 *
 * The whole argument is copied in once. A command that ran out of time is simply called again: how
 * far it came lies in the domain.
 */
#include "control/control.h"
#include "control/policy.h"
#include "grant/grant.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "lib/string.h"

#define MAX_CONTROL_PAUSES 255
#define MAX_FRAME_TYPES    1024

static bool claimed;

/* Held from here to control_release() by one CPU, in one call: a restart gives it up in between. */
bool control_claim(void)
{
    return !atomic_xchg(&claimed, true);
}

void control_release(void)
{
    store_release(&claimed, false);
}

/* ---- Making ---- */

/* Of what a domain could be there is one kind: PV, 64 bits, with grant tables of version 1. */
static int check_config(const struct xen_domctl_createdomain *c)
{
    if ((c->flags & ~XEN_DOMCTL_CDF_xs_domain) || c->iommu_opts || c->vmtrace_size)
        return -EINVAL;
    if (c->arch.misc_flags & ~XEN_X86_MISC_FLAGS_MAX)
        return -EINVAL;
    if (c->arch.emulation_flags)
        return -EOPNOTSUPP;
    if (c->max_vcpus < 1 || c->max_vcpus > MAX_VCPUS)
        return -EINVAL;
    if (c->max_grant_frames == 0 || c->max_grant_frames > (s32)MAX_GRANT_FRAMES ||
        XEN_DOMCTL_GRANT_version(c->grant_opts) != 1 ||
        (c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask))
        return -EINVAL;
    return c->cpupool_id ? -ESRCH : 0;
}

/* The ABI counts the pages in which the hypervisor it was made for keeps its records. */
#define MAPS_PER_MAPTRACK_FRAME 256u

static u32 max_grant_maps(s32 frames)
{
    if (frames < 0 || (u32)frames > MAX_HANDLES / MAPS_PER_MAPTRACK_FRAME)
        return MAX_HANDLES;
    return (u32)frames * MAPS_PER_MAPTRACK_FRAME;
}

/* The next free id after the last one given: ids come back as late as possible. 0: none is left. */
static u16 free_id(void)
{
    static u16 last;        /* the control room's */

    for (u32 n = 1; n < DOMID_FIRST_RESERVED; n++) {
        last = last + 1 < (s32)DOMID_FIRST_RESERVED ? last + 1 : 1;
        if (!domain_by_id(last))
            return last;
    }
    return 0;
}

/*
 * Paused, with no memory: everything else the toolstack does by further calls. An id of 0 or beyond
 * the last means "any"; which one it became goes back.
 */
static int create_domain(struct domain *unused, struct xen_domctl *op)
{
    const struct xen_domctl_createdomain *c = &op->u.createdomain;
    struct domain_config config = {
        .id = op->domain,
        .max_vcpus = c->max_vcpus,
        .max_port = c->max_evtchn_port,
        .max_grant_frames = c->max_grant_frames < 0 ? MAX_GRANT_FRAMES : (u32)c->max_grant_frames,
        .max_grant_maps = max_grant_maps(c->max_maptrack_frames),
    };
    struct domain *d;
    int rc = check_config(c);

    if (rc)
        return rc;
    if (config.id == 0 || config.id >= DOMID_FIRST_RESERVED) {
        config.id = free_id();
        if (config.id == 0)
            return -ENOMEM;
    }
    rc = domain_create(&config, &d);
    if (rc)
        return rc;
    d->control_pauses = 1;      /* the pause it is born with */
    d->xs_domain = c->flags & XEN_DOMCTL_CDF_xs_domain;
    memcpy(d->handle, c->handle, sizeof(d->handle));
    op->domain = d->id;
    return 0;
}

/* The vCPUs are there since the domain was made: from now on they may be named. */
static int max_vcpus(struct domain *d, struct xen_domctl *op)
{
    if (d == current->domain || op->u.max_vcpus.max != d->max_vcpus)
        return -EINVAL;
    d->vcpus_made = true;
    return 0;
}

/* Below what it has already it just gets no more. */
static int max_mem(struct domain *d, struct xen_domctl *op)
{
    spin_lock(&d->lock);
    d->max_pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);
    spin_unlock(&d->lock);
    return 0;
}

/* A UUID for tools to tell domains by; the hypervisor never looks at it. */
static int set_handle(struct domain *d, struct xen_domctl *op)
{
    memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
    return 0;
}

/*
 * Into a frame of the domain's, by the toolstack, before it runs: held as writable, so it can't be
 * a table.
 */
static int hypercall_init(struct domain *d, struct xen_domctl *op)
{
    mfn_t m = MFN(op->u.hypercall_init.gmfn);
    struct page *pg = mfn_to_page(m);
    int rc = 0;

    if (!get_page(m, d->id))
        return -EINVAL;
    if (get_page_type(pg, USE_WRITABLE)) {
        rc = -EPERM;
    } else {
        hypercall_page_fill(mfn_to_virt(m));
        put_page_type(pg);
    }
    put_page(pg);
    return rc;
}

/* There is one. */
static int set_address_size(struct domain *d, struct xen_domctl *op)
{
    return op->u.address_size.size == 64 ? 0 : -EINVAL;
}

static int get_address_size(struct domain *d, struct xen_domctl *op)
{
    op->u.address_size.size = 64;
    return 0;
}

/* ---- Running and ending ---- */

/*
 * Counted by itself, so that the toolstack can't take back pauses of others. It returns when
 * nothing of the domain runs any more.
 */
static int pause_domain(struct domain *d, struct xen_domctl *op)
{
    if (d == current->domain)
        return -EINVAL;
    if (d->control_pauses == MAX_CONTROL_PAUSES)
        return -EOVERFLOW;
    d->control_pauses++;
    domain_pause(d);
    return 0;
}

static int unpause_domain(struct domain *d, struct xen_domctl *op)
{
    if (d->control_pauses == 0)
        return -EINVAL;
    d->control_pauses--;
    domain_unpause(d);
    return 0;
}

/* Takes long, and is called again until it is done: how far it came lies in the domain. */
static int destroy_domain(struct domain *d, struct xen_domctl *op)
{
    return d == current->domain ? -EINVAL : domain_destroy(d);
}

/* ---- Inspecting ---- */

/* The domain named, or the next one above it: so a list can be gone through. */
static int get_domain_info(struct domain *unused, struct xen_domctl *op)
{
    struct domain *d = domain_at_or_above(op->domain);

    if (!d)
        return -ESRCH;
    domain_info(d, &op->u.getdomaininfo);
    op->domain = d->id;
    return 0;
}

/* What the toolstack needs to copy a domain: which frames are tables, and which are pinned. */
static u32 frame_type(struct domain *d, mfn_t m)
{
    static const u32 codes[] = {
        [USE_L1] = XEN_DOMCTL_PFINFO_L1TAB, [USE_L2] = XEN_DOMCTL_PFINFO_L2TAB,
        [USE_L3] = XEN_DOMCTL_PFINFO_L3TAB, [USE_L4] = XEN_DOMCTL_PFINFO_L4TAB,
        [USE_WRITABLE] = XEN_DOMCTL_PFINFO_NOTAB,
    };
    struct page *pg = mfn_to_page(m);
    u32 code;

    if (!get_page(m, d->id))
        return XEN_DOMCTL_PFINFO_XTAB;
    code = codes[page_use(pg)];
    if (page_is_pinned(pg))
        code |= XEN_DOMCTL_PFINFO_LPINTAB;
    put_page(pg);
    return code;
}

static int get_frame_types(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_getpageframeinfo3 *info = &op->u.getpageframeinfo3;

    if (info->num > MAX_FRAME_TYPES)
        return -E2BIG;
    for (u64 i = 0; i < info->num; i++) {
        xen_pfn_t frame;

        if (!copy_elem_from_guest(&frame, info->array, i))
            return -EFAULT;
        frame = frame_type(d, MFN(frame));
        if (!copy_elem_to_guest(info->array, i, &frame))
            return -EFAULT;
    }
    return 0;
}

/* ---- The table ---- */

static const struct command {
    domctl_fn *fn;
    bool needs_domain, copies_back;
} commands[] = {
    [XEN_DOMCTL_createdomain]      = { create_domain, false, true },
    [XEN_DOMCTL_destroydomain]     = { destroy_domain, true, false },
    [XEN_DOMCTL_pausedomain]       = { pause_domain, true, false },
    [XEN_DOMCTL_unpausedomain]     = { unpause_domain, true, false },
    [XEN_DOMCTL_getdomaininfo]     = { get_domain_info, false, true },
    [XEN_DOMCTL_max_mem]           = { max_mem, true, false },
    [XEN_DOMCTL_setvcpucontext]    = { set_vcpu_context, true, false },
    [XEN_DOMCTL_getvcpucontext]    = { get_vcpu_context, true, false },
    [XEN_DOMCTL_getvcpuinfo]       = { get_vcpu_info, true, true },
    [XEN_DOMCTL_max_vcpus]         = { max_vcpus, true, false },
    [XEN_DOMCTL_setdomainhandle]   = { set_handle, true, false },
    [XEN_DOMCTL_hypercall_init]    = { hypercall_init, true, false },
    [XEN_DOMCTL_set_address_size]  = { set_address_size, true, false },
    [XEN_DOMCTL_get_address_size]  = { get_address_size, true, true },
    [XEN_DOMCTL_getpageframeinfo3] = { get_frame_types, true, false },
};

/* The domain is good to the end of the call, even if it is destroyed by it. */
static int run(const struct command *c, struct xen_domctl *op)
{
    struct domain *d = NULL;

    if (c->needs_domain) {
        d = domain_by_id(op->domain);
        if (!d)
            return -ESRCH;
    }
    return c->fn(d, op);
}

/*
 * Version before right, as the ABI has it: a caller that is too old learns so. Results go back only
 * where the command has some, and only on success.
 */
long do_domctl(XEN_GUEST_HANDLE(xen_domctl_t) uop)
{
    const struct command *c;
    struct xen_domctl op;
    int rc;

    if (!copy_from_guest(&op, uop))
        return -EFAULT;
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -EACCES;
    if (!policy_may_control())
        return -EPERM;
    if (op.cmd >= ARRAY_SIZE(commands))
        return -ENOSYS;
    c = &commands[index_nospec(op.cmd, ARRAY_SIZE(commands))];
    if (!c->fn)
        return -ENOSYS;
    if (!control_claim())
        return hypercall_restart(handle_addr(uop));
    rc = run(c, &op);
    control_release();
    if (rc == -ERESTART)
        return hypercall_restart(handle_addr(uop));
    if (rc == 0 && c->copies_back && !copy_to_guest(uop, &op))
        rc = -EFAULT;
    return rc;
}
