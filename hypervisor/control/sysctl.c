/* SPDX-License-Identifier: MIT */
/* sysctl: what the toolstack asks about the machine, and about all domains at once. */
#include "boot/boot.h"
#include "control/control.h"
#include "control/policy.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "lib/string.h"

typedef int sysctl_fn(struct xen_sysctl *op);

/*
 * A domain that is gone may have left pages that are just about to be free: that takes until every
 * CPU has been on its way out once, and then the figure is exact.
 */
static int physinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_physinfo *info = &op->u.physinfo;
    struct cpuid_regs basic = cpuid(1, 0), extended = cpuid(0x80000001, 0);

    if (retire_pending())
        return -ERESTART;
    memset(info, 0, sizeof(*info));
    info->threads_per_core = info->cores_per_socket = 1;
    info->nr_cpus = cpu_count();
    info->max_cpu_id = info->nr_cpus - 1;
    info->nr_nodes = 1;
    info->cpu_khz = tsc_scale.khz;
    info->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    info->total_pages = boot_ram_bytes() >> PAGE_SHIFT;
    info->free_pages = heap_free_frames();
    info->outstanding_pages = heap_promised();
    info->max_mfn = max_mfn - 1;
    info->hw_cap[0] = basic.d;
    info->hw_cap[1] = basic.c;
    info->hw_cap[2] = extended.d;
    info->hw_cap[3] = extended.c;
    return 0;
}

/*
 * In the order of ids, as many as the caller has room for. The list may change meanwhile: each
 * entry is true of its own moment.
 */
static int domain_info_list(struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *list = &op->u.getdomaininfolist;
    u32 id = list->first_domain;

    for (list->num_domains = 0; list->num_domains < list->max_domains; list->num_domains++) {
        struct domain *d = domain_at_or_above(id);
        struct xen_domctl_getdomaininfo info;

        if (!d)
            break;
        domain_info(d, &info);
        if (!copy_elem_to_guest(list->buffer, list->num_domains, &info))
            return -EFAULT;
        id = d->id + 1u;
    }
    return 0;
}

static sysctl_fn *const commands[] = {
    [XEN_SYSCTL_physinfo]          = physinfo,
    [XEN_SYSCTL_getdomaininfolist] = domain_info_list,
    [XEN_SYSCTL_debug_keys]        = debug_keys,
};

/* As do_domctl(): version, right, command, claim. Here every command answers. */
long do_sysctl(XEN_GUEST_HANDLE(xen_sysctl_t) uop)
{
    struct xen_sysctl op;
    sysctl_fn *fn;
    int rc;

    if (!copy_from_guest(&op, uop))
        return -EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -EACCES;
    if (!policy_may_control())
        return -EPERM;
    if (op.cmd >= ARRAY_SIZE(commands))
        return -ENOSYS;
    fn = commands[index_nospec(op.cmd, ARRAY_SIZE(commands))];
    if (!fn)
        return -ENOSYS;
    if (!control_claim())
        return hypercall_restart(handle_addr(uop));
    rc = fn(&op);
    control_release();
    if (rc == -ERESTART)
        return hypercall_restart(handle_addr(uop));
    if (rc == 0 && !copy_to_guest(uop, &op))
        rc = -EFAULT;
    return rc;
}
