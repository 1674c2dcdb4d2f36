/* SPDX-License-Identifier: MIT */
/*
 * memory_op: what memory there is, and a domain's own changes of its reservation.
 *
 * A command that takes a list stops for pending work and goes on with the index of the next extent
 * in the high bits of cmd, as the ABI has it (memory.h). Such commands return how many extents were
 * done: less than asked is no error code but the count.
 */
#include "control/policy.h"
#include "domain/domain.h"
#include "grant/grant.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "mm/internal.h"

#define CMD_BITS        6               /* of the command; above them, the first extent to do */

#define XENMEM_ACCESS_OP 21             /* of tools; memory.h does not have it */

typedef long memory_fn(XEN_GUEST_HANDLE(void) arg, unsigned long start);

/* ---- Queries ---- */

static long op_maximum_ram_page(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    return (long)max_mfn;
}

/* The domain that a query names in its only field; 0 or a negative errno. */
static int domain_of_arg(XEN_GUEST_HANDLE(void) arg, struct domain **d)
{
    struct xen_memory_domain dom;

    if (!copy_arg_from_guest(&dom, arg))
        return -EFAULT;
    return policy_domain(dom.domid, d);
}

static long op_current_reservation(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    struct domain *d;
    int rc = domain_of_arg(arg, &d);

    return rc ? rc : (long)READ_ONCE(d->tot_pages);
}

static long op_maximum_reservation(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    struct domain *d;
    int rc = domain_of_arg(arg, &d);

    return rc ? rc : (long)READ_ONCE(d->max_pages);
}

static long op_maximum_gpfn(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    struct domain *d;
    int rc = domain_of_arg(arg, &d);
    u64 max_pfn;

    if (rc)
        return rc;
    /* A PV guest keeps its own P2M and says how far it goes in shared_info. */
    max_pfn = READ_ONCE(d->shared_info->arch.max_pfn);
    return max_pfn ? (long)(max_pfn - 1) : 0;
}

/* Where guests see the M2P: constants of the ABI, but for how far it is filled. */
static long op_machphys_mapping(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    struct xen_machphys_mapping m = {
        .v_start = M2P_VIRT,
        .v_end = M2P_VIRT + M2P_WINDOW,
        .max_mfn = max_mfn - 1,
    };

    return copy_arg_to_guest(arg, &m) ? 0 : -EFAULT;
}

/* ---- Changes: each does one extent, true if it could ---- */

/*
 * A change of a reservation: the argument as read, and whose it is. @i below: index of an extent.
 */
struct change {
    struct domain *d;
    struct xen_memory_reservation r;
};

/* Tells the guest a new extent's first frame; a null list means that it does not want to know. */
static bool give_mfn(const struct change *c, unsigned long i, mfn_t m)
{
    xen_pfn_t out = m.v;

    return handle_is_null(c->r.extent_start) ||
           copy_elem_to_guest(c->r.extent_start, i, &out);
}

static unsigned int address_bits(const struct change *c)
{
    return XENMEMF_get_address_bits(c->r.mem_flags);
}

/*
 * The pfn is read from the place where the frame's number then goes. If that can't be written, the
 * frames stay the domain's all the same and the count ends before them: the ABI's own loose end, at
 * the cost of a guest that gave a bad pointer.
 */
static bool populate_extent(const struct change *c, unsigned long i)
{
    xen_pfn_t pfn;
    mfn_t m;

    return copy_elem_from_guest(&pfn, c->r.extent_start, i) &&
           alloc_domain_frames_at(c->d, c->r.extent_order, address_bits(c), PFN(pfn), &m) == 0 &&
           give_mfn(c, i, m);
}

static bool increase_extent(const struct change *c, unsigned long i)
{
    mfn_t m;

    return alloc_domain_frames(c->d, c->r.extent_order, address_bits(c), &m) == 0 &&
           give_mfn(c, i, m);
}

/*
 * Gives one frame back. It need not be free at once: whoever still maps it (the guest by a table of
 * its own, another by a grant) keeps it until that is over.
 */
static bool decrease_frame(struct domain *d, mfn_t m)
{
    struct page *pg = mfn_to_page(m);
    bool ok;

    if (!get_page(m, d->id))
        return false;
    /* A pin goes on holding it (XSA-252): the frame is freed when the guest unpins it. */
    ok = release_domain_frame(d, pg) == 0;
    put_page(pg);
    return ok;
}

static bool decrease_extent(const struct change *c, unsigned long i)
{
    xen_pfn_t mfn;

    if (!copy_elem_from_guest(&mfn, c->r.extent_start, i))
        return false;
    for (u64 k = 0; k < 1ull << c->r.extent_order; k++)
        if (!decrease_frame(c->d, MFN(mfn + k)))
            return false;
    return true;
}

/*
 * Extents from @start on, until one can't be done: how many are done, or a negative errno before
 * the first. The count is all the state that a restart needs; it travels in the command's high
 * bits.
 */
static long change_reservation(XEN_GUEST_HANDLE(void) arg, unsigned long start, unsigned int cmd,
                               bool (*extent)(const struct change *c, unsigned long i))
{
    struct change c;
    unsigned long i;
    int rc;

    /* As the ABI has it: what can't be read has no extents that could be done. */
    if (!copy_arg_from_guest(&c.r, arg))
        return (long)start;
    if (c.r.nr_extents > ~0ul >> CMD_BITS || start > c.r.nr_extents ||
        (!handle_is_null(c.r.extent_start) &&
         !handle_range_ok(c.r.extent_start, 0, c.r.nr_extents)))
        return (long)start;
    rc = policy_domain(c.r.domid, &c.d);
    if (rc)
        return domain_by_id(c.r.domid) ? rc : (long)start;
    if (c.r.extent_order > MAX_EXTENT_ORDER)
        return (long)start;
    for (i = start; i < c.r.nr_extents && extent(&c, i); i++)
        if (i + 1 < c.r.nr_extents && (preempt_needed() || mm_put_pending(current)))
            return hypercall_restart(cmd | (i + 1) << CMD_BITS);
    return (long)i;
}

static long op_increase(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    return change_reservation(arg, start, XENMEM_increase_reservation, increase_extent);
}

static long op_decrease(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    return change_reservation(arg, start, XENMEM_decrease_reservation, decrease_extent);
}

static long op_populate(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    return change_reservation(arg, start, XENMEM_populate_physmap, populate_extent);
}

/* ---- Frames that belong to a domain but not to its memory: its grant table's ---- */

/*
 * The shared pages of @d's grant table, which grows as far as asked within its own limit. They are
 * the hypervisor's, marked as @d's (share_hv_page): the caller maps them with @d as their owner.
 */
static long grant_frames(struct domain *d, const struct xen_mem_acquire_resource *r)
{
    int rc;

    if (r->id != XENMEM_resource_grant_table_id_shared || r->frame > MAX_GRANT_FRAMES ||
        r->nr_frames > MAX_GRANT_FRAMES)
        return -EINVAL;
    rc = grant_table_grow(d, (u32)r->frame + r->nr_frames);
    if (rc)
        return rc;
    for (u32 i = 0; i < r->nr_frames; i++) {
        xen_pfn_t mfn = virt_to_mfn(d->grants.frames[r->frame + i]).v;

        if (!copy_elem_to_guest(r->frame_list, i, &mfn))
            return -EFAULT;
    }
    return 0;
}

static long op_acquire_resource(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    struct xen_mem_acquire_resource r;
    struct domain *d;
    int rc;

    if (!copy_arg_from_guest(&r, arg))
        return -EFAULT;
    if (r.pad)
        return -EINVAL;
    /* Nobody has business with his own: a guest uses GNTTABOP_setup_table. */
    rc = policy_other_domain(r.domid, &d);
    if (rc)
        return rc;
    if (r.type != XENMEM_resource_grant_table)
        return -EOPNOTSUPP;
    if (!handle_is_null(r.frame_list))
        return grant_frames(d, &r);
    r.nr_frames = d->grants.max_frames;
    return copy_arg_to_guest(arg, &r) ? 0 : -EFAULT;
}

static memory_fn *const ops[] = {
    [XENMEM_increase_reservation] = op_increase,
    [XENMEM_decrease_reservation] = op_decrease,
    [XENMEM_maximum_ram_page] = op_maximum_ram_page,
    [XENMEM_current_reservation] = op_current_reservation,
    [XENMEM_maximum_reservation] = op_maximum_reservation,
    [XENMEM_populate_physmap] = op_populate,
    [XENMEM_memory_map] = op_memory_map,
    [XENMEM_set_memory_map] = op_set_memory_map,
    [XENMEM_machine_memory_map] = op_machine_memory_map,
    [XENMEM_exchange] = op_exchange,
    [XENMEM_machphys_mapping] = op_machphys_mapping,
    [XENMEM_maximum_gpfn] = op_maximum_gpfn,
    [XENMEM_acquire_resource] = op_acquire_resource,
    [XENMEM_machphys_mfn_list] = op_machphys_mfn_list,
    [XENMEM_claim_pages] = op_claim_pages,
    [XENMEM_machphys_compat_mfn_list] = op_compat_mfn_list,
    [XENMEM_add_to_physmap] = op_add_to_physmap,
    [XENMEM_add_to_physmap_batch] = op_add_to_physmap_batch,
    [XENMEM_remove_from_physmap] = op_remove_from_physmap,
    [XENMEM_set_pod_target] = op_pod_target,
    [XENMEM_get_pod_target] = op_pod_target,
    [XENMEM_get_sharing_freed_pages] = op_sharing_pages,
    [XENMEM_get_sharing_shared_pages] = op_sharing_pages,
    [XENMEM_ACCESS_OP] = op_access,
    [XENMEM_get_vnumainfo] = op_vnuma_info,
    [XENMEM_reserved_device_memory_map] = op_reserved_device_map,
};

long do_memory_op(unsigned long cmd, XEN_GUEST_HANDLE(void) arg)
{
    unsigned long op = cmd & (BIT(CMD_BITS) - 1), start = cmd >> CMD_BITS;

    if (op >= ARRAY_SIZE(ops))
        return -ENOSYS;
    op = index_nospec(op, ARRAY_SIZE(ops));
    return ops[op] != NULL ? ops[op](arg, start) : -ENOSYS;
}
