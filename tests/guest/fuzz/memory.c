/* SPDX-License-Identifier: MIT */
/* memory_op. What gives frames away takes others back at once, so the domain keeps its size. */
#include "fuzz.h"

#define LIST 4

static struct xen_memory_reservation reservation(struct run *r, xen_pfn_t *list, unsigned int n)
{
    struct xen_memory_reservation op = { .nr_extents = n, .domid = DOMID_SELF };

    if (percent(r, 10))
        op.domid = some_domain(r);
    set_xen_guest_handle(op.extent_start, list);
    return op;
}

/* As a result: all of them, some, none. */
static long part(long rc, unsigned int n)
{
    return rc < 0 ? rc : rc == 0 && n ? -0x30000 : rc == (long)n ? 0 : -0x30001;
}

static void give_back(xen_pfn_t mfn)
{
    struct xen_memory_reservation op = { .nr_extents = 1, .domid = DOMID_SELF };

    set_xen_guest_handle(op.extent_start, &mfn);
    HYPERVISOR_memory_op(XENMEM_decrease_reservation, &op);
}

/* More than the domain may have, but for what it has given back. */
static long call_increase(struct run *r, unsigned int cmd)
{
    xen_pfn_t list[LIST];
    unsigned int n = (unsigned int)below(r, 3);
    struct xen_memory_reservation op = reservation(r, list, n);
    void *where;
    long rc;

    if (percent(r, 15))
        op.extent_order = 30 + (unsigned int)below(r, 1000);
    if (percent(r, 20))
        op.mem_flags = (unsigned int)below(r, 13);      /* too few address bits */
    where = put_arg(r, &op, sizeof(op));
    memset(list, 0xff, sizeof(list));
    rc = HYPERVISOR_memory_op(cmd, where);
    for (long i = 0; i < rc && i < LIST; i++)
        give_back(list[i]);
    return part(rc, n);
}

/*
 * A data frame of ours, unmapped or not; what else maps it keeps it in memory, but it is not ours
 * any more: the next reset gives its place another.
 */
static long call_decrease(struct run *r, unsigned int cmd)
{
    unsigned int i = (unsigned int)below(r, GIVE_FRAMES);
    xen_pfn_t list[LIST] = { frames[i].mfn, wild(r) | 1UL << 45 };
    struct xen_memory_reservation op = reservation(r, list, percent(r, 90) ? 1 : 2);
    long rc;

    if (percent(r, 15))
        list[0] = wild(r) | 1UL << 45;
    if (percent(r, 10))
        op.extent_order = 30 + (unsigned int)below(r, 1000);
    if (frames[i].gone || set_home(i, 0))
        return -XEN_EAGAIN;
    rc = HYPERVISOR_memory_op(cmd, put_arg(r, &op, sizeof(op)));
    if (rc > 0 && list[0] == frames[i].mfn) {
        frames[i].gone = true;
        if (fuzz_compare) {
            forget_entries(frames[i].mfn);
            frames[i].mfn = NOBODYS_MFN + i;
        }
    } else
        set_home(i, PV_PROT_RW);
    return part(rc, (unsigned int)op.nr_extents);
}

/* In the place of a frame that is gone, or into a place that there is not. */
static long call_populate(struct run *r, unsigned int cmd)
{
    unsigned int i = 0;
    xen_pfn_t pfn, list[1];
    struct xen_memory_reservation op = reservation(r, list, 1);
    void *where;
    long rc;

    while (i < GIVE_FRAMES && !frames[i].gone)
        i++;
    if (i == GIVE_FRAMES)
        return -XEN_EAGAIN;
    pfn = list[0] = pv_va_to_pfn(frames[i].home).nr;
    if (percent(r, 10))
        op.extent_order = 30 + (unsigned int)below(r, 50);
    if (percent(r, 10))
        op.mem_flags = 1 + (unsigned int)below(r, 12);
    where = put_arg(r, &op, sizeof(op));
    rc = HYPERVISOR_memory_op(cmd, where);
    if (rc == 1) {
        frames[i].mfn = list[0];
        frames[i].gone = false;
        pv_set_pfn(pv_pfn(pfn), pv_mfn(list[0]));
        set_home(i, PV_PROT_RW);
    }
    return part(rc, 1);
}

static long call_exchange(struct run *r, unsigned int cmd)
{
    unsigned int i = (unsigned int)below(r, GIVE_FRAMES);
    xen_pfn_t in = frames[i].mfn, out = pv_va_to_pfn(frames[i].home).nr;
    struct xen_memory_exchange op = { .in = reservation(r, &in, 1),
                                      .out = reservation(r, &out, 1) };
    long rc;

    op.out.domid = op.in.domid;
    if (frames[i].gone)
        return -XEN_EAGAIN;
    if (percent(r, 20))         /* none that it could take from us */
        in = percent(r, 50) ? wild(r) | 1UL << 45 : spare_l1[below(r, 2)];
    if (percent(r, 10))
        op.out.extent_order = (unsigned int)small_or_wild(r, 64);
    if (percent(r, 5))
        op.nr_exchanged = wild(r);
    if (percent(r, 5))
        op.in.nr_extents = wild(r);
    if (percent(r, 10))
        op.out.mem_flags = 1 + (unsigned int)below(r, 12);
    set_home(i, 0);
    r->args[0] = in;
    r->args[1] = op.nr_exchanged;
    r->args[2] = op.in.nr_extents;
    r->args[3] = op.out.extent_order;
    rc = HYPERVISOR_memory_op(cmd, put_arg(r, &op, sizeof(op)));
    if (out != pv_va_to_pfn(frames[i].home).nr) {
        if (fuzz_compare)
            forget_entries(frames[i].mfn);
        frames[i].mfn = out;
        pv_set_pfn(pv_va_to_pfn(frames[i].home), pv_mfn(out));
    }
    set_home(i, PV_PROT_RW);
    return rc;
}

static long call_number(struct run *r, unsigned int cmd)
{
    struct xen_memory_domain op = { .domid = some_domain(r) };
    long rc = HYPERVISOR_memory_op(cmd, put_arg(r, &op, sizeof(op)));

    return rc > 0 ? 0 : rc;
}

static long call_mapping(struct run *r, unsigned int cmd)
{
    struct xen_machphys_mapping op;

    memset(&op, 0, sizeof(op));
    return HYPERVISOR_memory_op(cmd, put_arg(r, &op, sizeof(op)));
}

static long call_map(struct run *r, unsigned int cmd)
{
    static char room[64 * 20];
    struct xen_memory_map op = { .nr_entries = percent(r, 80) ? 64 : (unsigned int)below(r, 2) };

    set_xen_guest_handle(op.buffer, percent(r, 90) ? room : (void *)bad_address(r));
    return HYPERVISOR_memory_op(cmd, put_arg(r, &op, sizeof(op)));
}

/* Which error it is, where nothing is of use to us, is each hypervisor's own choice. */
static long call_physmap(struct run *r, unsigned int cmd)
{
    struct xen_add_to_physmap op = { .domid = some_domain(r), .space = (unsigned int)below(r, 7) };

    op.idx = small_or_wild(r, 4);
    op.gpfn = wild(r) | 1UL << 45;
    return HYPERVISOR_memory_op(cmd, put_arg(r, &op, sizeof(op))) < 0 ? -XEN_ENOSYS : 0;
}

static long call_unknown(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_memory_op(cmd + below(r, 16), r->page);
}

static const struct op ops[] = {
    OP_ALONE("memory_op.increase_reservation", call_increase, XENMEM_increase_reservation, 2),
    OP_ALONE("memory_op.decrease_reservation", call_decrease, XENMEM_decrease_reservation, 2),
    OP_ALONE("memory_op.populate_physmap", call_populate, XENMEM_populate_physmap, 2),
    OP_ALONE("memory_op.exchange", call_exchange, XENMEM_exchange, 2),
    OP("memory_op.maximum_ram_page", call_number, XENMEM_maximum_ram_page, 1),
    OP("memory_op.current_reservation", call_number, XENMEM_current_reservation, 1),
    OP("memory_op.maximum_reservation", call_number, XENMEM_maximum_reservation, 1),
    OP("memory_op.maximum_gpfn", call_number, XENMEM_maximum_gpfn, 1),
    OP("memory_op.machphys_mapping", call_mapping, XENMEM_machphys_mapping, 1),
    OP_NEVER("memory_op.memory_map", call_map, XENMEM_memory_map, 1,
             FIRST, "nobody has set a map for the first domain"),
    OP_NEVER("memory_op.machine_memory_map", call_map, XENMEM_machine_memory_map, 1,
             GUEST, "the first domain's privilege"),
    OP_NEVER("memory_op.add_to_physmap", call_physmap, XENMEM_add_to_physmap, 1,
             ANY, "for translated guests only"),
    OP_NEVER("memory_op.unknown", call_unknown, 40, 1, ANY, "there is no such command"),
};
const struct op_table memory_table = { ops, PV_ARRAY_SIZE(ops) };
