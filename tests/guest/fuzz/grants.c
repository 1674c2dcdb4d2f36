/* SPDX-License-Identifier: MIT */
/* Grants to ourselves: making, mapping, copying, undoing. */
#include "fuzz.h"

#define FROM_REF 16             /* the lower ones are left to others */

uint32_t handles[NR_REFS];

static volatile struct grant_entry_v1 *entries;

static struct made {
    uint64_t addr;              /* where it is mapped; 0: nowhere */
    uint64_t entry;             /* as it maps the frame */
    uint32_t flags;
} made[NR_REFS];

bool grants_init(void)
{
    uint64_t va = pv_vmap_alloc(1);
    xen_pfn_t mfn = 0;
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };

    set_xen_guest_handle(setup.frame_list, &mfn);
    if (HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1) || setup.status ||
        pv_map(va, pv_mfn(mfn), PV_PROT_RW))
        return false;
    entries = (volatile struct grant_entry_v1 *)va;
    return true;
}

/* What calls have overwritten is first mapped again, as our own: or the handle would be lost. */
static void unmap_for_sure(unsigned int i)
{
    struct gnttab_unmap_grant_ref op = { .host_addr = made[i].addr, .handle = handles[i] };

    HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);
    if (op.status == GNTST_okay)
        return;
    if (made[i].flags & GNTMAP_contains_pte)
        pv_write_pte(made[i].addr, made[i].entry);
    else
        pv_update_va(made[i].addr, made[i].entry, UVMF_NONE);
    HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);
    if (op.status != GNTST_okay)
        pv_panic("fuzz: handle %u at %#lx can't be given up: %d\n", op.handle, made[i].addr,
                 op.status);
}

void grants_reset(void)
{
    for (unsigned int i = 0; i < NR_REFS; i++) {
        if (made[i].addr)
            unmap_for_sure(i);
        made[i].addr = 0;
        handles[i] = ~0u;
        entries[FROM_REF + i].flags = 0;
    }
}

/* Not one that may be given back: its handle would be lost if a call overwrites the mapping. */
static uint64_t granted_mfn(struct run *r)
{
    return frames[GIVE_FRAMES + below(r, DATA_FRAMES - GIVE_FRAMES)].mfn;
}

/* A grant's entry is only memory; this is no hypercall, but makes some succeed. */
static uint32_t some_ref(struct run *r)
{
    uint32_t ref = FROM_REF + (uint32_t)below(r, NR_REFS);
    volatile struct grant_entry_v1 *e = &entries[ref];

    if (percent(r, 10))
        return (uint32_t)(percent(r, 50) ? below(r, 512) + 100 : wild(r) | 1u << 20);
    if (!(e->flags & (GTF_reading | GTF_writing)) && percent(r, 60)) {
        e->flags = 0;
        e->domid = percent(r, 90) ? own_id : (domid_t)wild(r);
        e->frame = (uint32_t)(percent(r, 90) ? granted_mfn(r) : ~0u);
        __asm__ volatile("" ::: "memory");
        e->flags = (uint16_t)(percent(r, 90)
                                  ? GTF_permit_access | (percent(r, 30) ? GTF_readonly : 0)
                                  : below(r, 64) & ~(GTF_reading | GTF_writing));
    }
    return ref;
}

static domid_t granter(struct run *r)
{
    return percent(r, 90) ? own_id : some_domain(r);
}

static long status_of(long rc, int status)
{
    return rc ? rc : status < 0 ? -0x20000 + status : 0;
}

static long call_map(struct run *r, unsigned int cmd)
{
    unsigned int i = (unsigned int)below(r, NR_REFS);
    bool by_entry = percent(r, 30);
    unsigned int t = (unsigned int)below(r, 2), slot = (unsigned int)below(r, SPARE_SLOTS);
    gnttab_map_grant_ref_t op = {
        .ref = some_ref(r), .dom = granter(r),
        .flags = GNTMAP_host_map | (percent(r, 40) ? GNTMAP_readonly : 0) |
                 (by_entry ? GNTMAP_contains_pte : 0),
        .host_addr = by_entry ? spare_l1[t] << PV_PAGE_SHIFT | slot * 8 : spare_va(t, slot),
    };
    uint32_t count = percent(r, 93) ? 1 : percent(r, 50) ? 0 : 0x80000000u;
    void *where;
    long rc;

    if (percent(r, 8))
        op.host_addr = by_entry ? frames[below(r, DATA_FRAMES)].mfn << PV_PAGE_SHIFT
                                : bad_address(r);
    if (percent(r, 4))
        op.flags = (uint32_t)below(r, 2) ? GNTMAP_device_map : 0;
    where = put_arg(r, &op, sizeof(op));
    if (where == r->fixed || made[i].addr)
        return -XEN_EAGAIN;     /* a mapping whose handle nobody can tell can't be undone */
    r->args[0] = op.flags;
    r->args[1] = op.ref;
    r->args[2] = op.host_addr;
    if (op.ref < 512)
        r->args[3] = entries[op.ref].flags | (uint64_t)entries[op.ref].domid << 16 |
                     (uint64_t)entries[op.ref].frame << 32;
    rc = HYPERVISOR_grant_table_op(cmd, where, count);
    if (rc || !count || !get_arg(r, where, &op, sizeof(op)))
        return rc;
    if (op.status == GNTST_okay) {
        handles[i] = op.handle;
        made[i].addr = op.host_addr;
        made[i].flags = op.flags;
        made[i].entry = op.dev_bus_addr | (op.flags & GNTMAP_readonly ? PV_PROT_RO : PV_PROT_RW);
        if (!(op.flags & GNTMAP_host_map)) {
            struct gnttab_unmap_grant_ref undo = { .dev_bus_addr = op.dev_bus_addr,
                                                   .handle = op.handle };

            HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &undo, 1);
            made[i].addr = 0;
            if (fuzz_compare)
                handles[i] = ~0u;
        }
    }
    return status_of(rc, op.status);
}

static long call_unmap(struct run *r, unsigned int cmd)
{
    unsigned int i = (unsigned int)below(r, NR_REFS);
    gnttab_unmap_grant_ref_t op = { .handle = handles[i], .host_addr = made[i].addr };
    void *where;
    long rc;

    if (percent(r, 5))
        op.handle = (uint32_t)wild(r) | 1u << 24;
    if (percent(r, 5) && op.host_addr)
        op.host_addr ^= PV_PAGE_SIZE << 5;
    if (percent(r, 5))
        op.dev_bus_addr = wild(r) | 1;
    where = put_arg(r, &op, sizeof(op));
    r->args[0] = op.handle;
    r->args[1] = op.host_addr;
    r->args[2] = op.dev_bus_addr;
    if (where != r->page)
        return HYPERVISOR_grant_table_op(cmd, (void *)bad_address(r), 1);
    rc = HYPERVISOR_grant_table_op(cmd, where, 1);
    if (rc == 0 && get_arg(r, where, &op, sizeof(op)) && op.status == GNTST_okay &&
        op.handle == handles[i] && op.host_addr && op.host_addr == made[i].addr) {
        made[i].addr = 0;
        /* Whose it will be next depends on the hypervisor's list of free ones. */
        if (fuzz_compare)
            handles[i] = ~0u;
    }
    return status_of(rc, op.status);
}

static void fill_side(struct run *r, struct gnttab_copy_ptr *side, bool by_ref)
{
    side->domid = by_ref ? granter(r) : percent(r, 90) ? DOMID_SELF : some_domain(r);
    side->offset = (uint16_t)small_or_wild(r, 64);
    if (by_ref)
        side->u.ref = some_ref(r);
    else
        side->u.gmfn = percent(r, 90) ? frames[below(r, TABLES_END)].mfn : wild(r) | 1UL << 50;
}

static long call_copy(struct run *r, unsigned int cmd)
{
    gnttab_copy_t op = { .len = (uint16_t)small_or_wild(r, 64) };
    void *where;
    long rc;

    if (percent(r, 40))
        op.flags |= GNTCOPY_source_gref;
    if (percent(r, 40))
        op.flags |= GNTCOPY_dest_gref;
    fill_side(r, &op.source, op.flags & GNTCOPY_source_gref);
    fill_side(r, &op.dest, op.flags & GNTCOPY_dest_gref);
    r->args[0] = op.flags | (uint64_t)op.len << 32;
    r->args[1] = op.source.u.gmfn;
    r->args[2] = op.dest.u.gmfn;
    r->args[3] = op.source.domid | (uint64_t)op.dest.domid << 16 |
                 (uint64_t)op.source.offset << 32 | (uint64_t)op.dest.offset << 48;
    where = put_arg(r, &op, sizeof(op));
    rc = HYPERVISOR_grant_table_op(cmd, where, 1);
    return rc == 0 && get_arg(r, where, &op, sizeof(op)) ? status_of(rc, op.status) : rc;
}

static long call_setup(struct run *r, unsigned int cmd)
{
    static xen_pfn_t list[8];
    gnttab_setup_table_t op = { .dom = some_domain(r), .nr_frames = (uint32_t)below(r, 2) };
    void *where;
    long rc;

    if (percent(r, 10))
        op.nr_frames = 0x10000 + (uint32_t)below(r, 1000);
    set_xen_guest_handle(op.frame_list, percent(r, 90) ? list : (xen_pfn_t *)bad_address(r));
    r->args[0] = op.dom;
    r->args[1] = op.nr_frames;
    r->args[2] = (uint64_t)op.frame_list.p;
    where = put_arg(r, &op, sizeof(op));
    rc = HYPERVISOR_grant_table_op(cmd, where, percent(r, 90) ? 1 : (unsigned int)below(r, 4));
    return rc == 0 && get_arg(r, where, &op, sizeof(op)) ? status_of(rc, op.status) : rc;
}

static long call_query(struct run *r, unsigned int cmd)
{
    gnttab_query_size_t op = { .dom = some_domain(r) };
    void *where = put_arg(r, &op, sizeof(op));
    long rc = HYPERVISOR_grant_table_op(cmd, where, percent(r, 90) ? 1 : (unsigned int)below(r, 4));

    return rc == 0 && get_arg(r, where, &op, sizeof(op)) ? status_of(rc, op.status) : rc;
}

static long call_version(struct run *r, unsigned int cmd)
{
    gnttab_get_version_t op = { .dom = some_domain(r) };

    return HYPERVISOR_grant_table_op(cmd, put_arg(r, &op, sizeof(op)), 1);
}

static long call_set_version(struct run *r, unsigned int cmd)
{
    gnttab_set_version_t op = { .version = percent(r, 60) ? 1 : (uint32_t)wild(r) | 4 };

    return HYPERVISOR_grant_table_op(cmd, put_arg(r, &op, sizeof(op)), 1);
}

static long call_unknown(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_grant_table_op(cmd + (unsigned int)below(r, 1000), r->page, 1);
}

static const struct op ops[] = {
    OP("grant_table_op.map_grant_ref", call_map, GNTTABOP_map_grant_ref, 6),
    OP("grant_table_op.unmap_grant_ref", call_unmap, GNTTABOP_unmap_grant_ref, 6),
    OP("grant_table_op.copy", call_copy, GNTTABOP_copy, 6),
    OP("grant_table_op.setup_table", call_setup, GNTTABOP_setup_table, 2),
    OP("grant_table_op.query_size", call_query, GNTTABOP_query_size, 1),
    OP("grant_table_op.get_version", call_version, GNTTABOP_get_version, 1),
    OP_ALONE("grant_table_op.set_version", call_set_version, GNTTABOP_set_version, 1),
    OP_NEVER("grant_table_op.unknown", call_unknown, 100, 1, ANY, "there is no such command"),
};
const struct op_table grant_table = { ops, PV_ARRAY_SIZE(ops) };
