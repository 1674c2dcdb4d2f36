/* SPDX-License-Identifier: MIT */
/*
 * memory_op: what memory there is, and a domain's own changes of its reservation.
 *
 * A command that takes a list stops for pending work and goes on with the index of the next extent
 * in the high bits of cmd, as the ABI has it (memory.h). Such commands return how many extents were
 * done: less than asked is no error code but the count.
 */
#include "boot/boot.h"
#include "control/policy.h"
#include "domain/domain.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "mm/internal.h"

#define CMD_BITS        6               /* of the command; above them, the first extent to do */
#define MAX_ORDER_GUEST 9               /* a guest's largest extent: 2 MiB */
#define MAX_ORDER_PRIV  18

typedef long memory_fn(XEN_GUEST_HANDLE(void) arg, unsigned long start);

/* ---- Queries ---- */

static long op_maximum_ram_page(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    return (long)(max_mfn - 1);
}

static int domain_of_arg(XEN_GUEST_HANDLE(void) arg, struct domain **d)
{
    struct xen_memory_domain dom;

    if (!copy_arg_from_guest(&dom, arg))
        return -EFAULT;
    return policy_table_owner(dom.domid, d);
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

    /* A PV guest keeps its own P2M and says how far it goes in shared_info. */
    return rc ? rc : (long)READ_ONCE(d->shared_info->arch.max_pfn) - 1;
}

static long op_machphys_mapping(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    struct xen_machphys_mapping m = {
        .v_start = M2P_VIRT,
        .v_end = M2P_VIRT + ALIGN_UP(max_mfn * sizeof(u64), 2ul << 20),
        .max_mfn = max_mfn - 1,
    };

    return copy_arg_to_guest(arg, &m) ? 0 : -EFAULT;
}

struct e820_entry {
    u64 addr, size;
    u32 type;
} __packed;

static long op_machine_memory_map(XEN_GUEST_HANDLE(void) arg, unsigned long start)
{
    struct xen_memory_map map;
    unsigned int n;

    if (!current->domain->privileged)
        return -EPERM;
    if (!copy_arg_from_guest(&map, arg))
        return -EFAULT;
    n = min(map.nr_entries, bootinfo.nr_mem);
    for (unsigned int i = 0; i < n; i++) {
        const struct mem_range *r = &bootinfo.mem[i];
        struct e820_entry e = { .addr = r->base, .size = r->len, .type = r->type };

        if (!copy_to_guest_raw(handle_addr(map.buffer) + i * sizeof(e), &e, sizeof(e)))
            return -EFAULT;
    }
    map.nr_entries = n;
    return copy_arg_to_guest(arg, &map) ? 0 : -EFAULT;
}

/* ---- Changes: each does one extent, true if it could ---- */

struct change {
    struct domain *d;
    struct xen_memory_reservation r;
};

static bool give_mfn(const struct change *c, unsigned long i, mfn_t m)
{
    xen_pfn_t out = m.v;

    return handle_is_null(c->r.extent_start) ||
           copy_elem_to_guest(c->r.extent_start, i, &out);
}

static unsigned int address_bits(const struct change *c)
{
    return c->r.mem_flags & 0xff;
}

static bool populate_extent(const struct change *c, unsigned long i)
{
    u64 frames = 1ull << c->r.extent_order;
    xen_pfn_t pfn;
    mfn_t m;

    if (!copy_elem_from_guest(&pfn, c->r.extent_start, i) ||
        alloc_domain_frames(c->d, c->r.extent_order, address_bits(c), &m))
        return false;
    for (u64 k = 0; k < frames; k++)
        m2p_set(mfn_add(m, k), PFN(pfn + k));
    return give_mfn(c, i, m);
}

static bool increase_extent(const struct change *c, unsigned long i)
{
    mfn_t m;

    return alloc_domain_frames(c->d, c->r.extent_order, address_bits(c), &m) == 0 &&
           give_mfn(c, i, m);
}

static bool decrease_frame(struct domain *d, mfn_t m)
{
    struct page *pg = mfn_to_page(m);
    bool ok;

    if (!get_page(m, d->id))
        return false;
    /* A pin is the guest's own: it goes with the frame, or the frame could never be freed. */
    if (type_clear_pin(pg))
        put_page_and_type(pg);
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

static long change_reservation(XEN_GUEST_HANDLE(void) arg, unsigned long start, unsigned int cmd,
                               bool (*extent)(const struct change *c, unsigned long i))
{
    struct change c;
    unsigned long i;
    int rc;

    if (!copy_arg_from_guest(&c.r, arg))
        return -EFAULT;
    if (c.r.nr_extents > ~0ul >> CMD_BITS || start > c.r.nr_extents ||
        (!handle_is_null(c.r.extent_start) &&
         !handle_range_ok(c.r.extent_start, 0, c.r.nr_extents)))
        return (long)start;
    rc = policy_table_owner(c.r.domid, &c.d);
    if (rc)
        return rc;
    if (c.r.extent_order > (current->domain->privileged ? MAX_ORDER_PRIV : MAX_ORDER_GUEST))
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

static memory_fn *const ops[] = {
    [XENMEM_increase_reservation] = op_increase,
    [XENMEM_decrease_reservation] = op_decrease,
    [XENMEM_maximum_ram_page] = op_maximum_ram_page,
    [XENMEM_current_reservation] = op_current_reservation,
    [XENMEM_maximum_reservation] = op_maximum_reservation,
    [XENMEM_populate_physmap] = op_populate,
    [XENMEM_machine_memory_map] = op_machine_memory_map,
    [XENMEM_machphys_mapping] = op_machphys_mapping,
    [XENMEM_maximum_gpfn] = op_maximum_gpfn,
};

long do_memory_op(unsigned long cmd, XEN_GUEST_HANDLE(void) arg)
{
    unsigned long op = cmd & (BIT(CMD_BITS) - 1), start = cmd >> CMD_BITS;

    if (op >= ARRAY_SIZE(ops))
        return -ENOSYS;
    op = index_nospec(op, ARRAY_SIZE(ops));
    return ops[op] != NULL ? ops[op](arg, start) : -ENOSYS;
}
