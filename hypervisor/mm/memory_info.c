/* SPDX-License-Identifier: MIT */
/*
 * Sub-ops of memory_op that say something of the machine, and those for guests whose frame numbers
 * the hypervisor translates, or shares, or pages out: PV guests have none of that, but get the
 * ABI's answers, in its order of checks.
 */
#include "control/policy.h"
#include "domain/domain.h"
#include "hypercall/guest_access.h"
#include "mm/internal.h"

/* What a domain that is there gets for an operation that its kind has not. */
static long refuse(domid_t domid, int error)
{
    struct domain *d;
    int rc = policy_domain(domid, &d);

    return rc ? rc : error;
}

/* ---- The M2P ---- */

/*
 * The frames of the M2P, a run (2 MiB) an entry: a toolstack maps them read-only, with DOMID_XEN as
 * their owner, which only a privileged domain may name.
 */
MEMORY_OP(machphys_mfn_list)
{
    struct xen_machphys_mfn_list list;
    xen_pfn_t mfn = 0;
    unsigned int i;

    if (!copy_arg_from_guest(&list, arg))
        return -EFAULT;
    for (i = 0; i < list.max_extents && i * M2P_RUN_FRAMES * PAGE_SIZE < max_mfn * sizeof(u64);
         i++) {
        mfn_t m = m2p_run(i);

        /* In place of a hole, what came before it. */
        if (!mfn_eq(m, INVALID_MFN))
            mfn = m.v;
        if (!copy_elem_to_guest(list.extent_start, i, &mfn))
            return -EFAULT;
    }
    list.nr_extents = i;
    return copy_arg_to_guest(arg, &list) ? 0 : -EFAULT;
}

/* There are no 32-bit guests, so there is no M2P for them. */
MEMORY_OP(compat_mfn_list)
{
    return -EOPNOTSUPP;
}

/* ---- Translated guests ---- */

MEMORY_OP(add_to_physmap)
{
    struct xen_add_to_physmap x;

    if (!copy_arg_from_guest(&x, arg))
        return -EFAULT;
    return x.space == XENMAPSPACE_gmfn_foreign ? -ENOSYS : refuse(x.domid, -EACCES);
}

MEMORY_OP(add_to_physmap_batch)
{
    struct xen_add_to_physmap_batch x;

    if (!copy_arg_from_guest(&x, arg))
        return -EFAULT;
    return x.space == XENMAPSPACE_gmfn_range ? -EOPNOTSUPP : refuse(x.domid, -EACCES);
}

MEMORY_OP(remove_from_physmap)
{
    struct xen_remove_from_physmap x;

    return copy_arg_from_guest(&x, arg) ? refuse(x.domid, -EACCES) : -EFAULT;
}

MEMORY_OP(pod_target)
{
    struct xen_pod_target x;

    return copy_arg_from_guest(&x, arg) ? refuse(x.domid, -EINVAL) : -EFAULT;
}

/* Of all domains: none is shared, so none was saved. */
MEMORY_OP(sharing_pages)
{
    return 0;
}

MEMORY_OP(access)
{
    struct { u8 op, access; domid_t domid; } x;
    struct domain *d;
    int rc;

    if (!copy_from_guest_raw(&x, handle_addr(arg), sizeof(u32)))
        return -EFAULT;
    rc = policy_other_domain(x.domid, &d);
    if (rc)
        return rc;
    return d == current->domain ? -EPERM : -ENODEV;
}

/* ---- The machine ---- */

MEMORY_OP(vnuma_info)
{
    struct xen_vnuma_topology_info x;

    if (!copy_arg_from_guest(&x, arg))
        return -EFAULT;
    return x.pad ? -EINVAL : refuse(x.domid, -EOPNOTSUPP);
}

/* Ranges that an IOMMU would have to map one to one: we use none. */
MEMORY_OP(reserved_device_map)
{
    struct { u32 flags, nr_entries; } x;

    if (!copy_from_guest_raw(&x, handle_addr(arg), sizeof(x)))
        return -EFAULT;
    if (x.flags & ~1u)
        return -EINVAL;
    x.nr_entries = 0;
    return copy_to_guest_raw(handle_addr(arg), &x, sizeof(x)) ? 0 : -EFAULT;
}
