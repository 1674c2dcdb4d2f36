/* SPDX-License-Identifier: MIT */
/* Grants that the guest makes to itself: mapping, unmapping and copying. */
#include "bench.h"

#define REF   16u
#define MANY  32u

static volatile struct grant_entry_v1 *table;
static char *page, *target;
static uint64_t window;
static struct gnttab_map_grant_ref map[MANY];
static struct gnttab_unmap_grant_ref unmap[MANY];
static struct gnttab_copy copy;

static void offer(unsigned int ref, void *what)
{
    table[ref].frame = (uint32_t)pv_va_to_mfn(what).nr;
    table[ref].domid = 0;
    table[ref].flags = GTF_permit_access;
}

static void prepare(void)
{
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };
    xen_pfn_t frame = 0;
    uint64_t va;

    if (table)
        return;
    va = pv_vmap_alloc(1);
    window = pv_vmap_alloc(MANY);
    page = pv_alloc_pages(1);
    target = pv_alloc_pages(1);
    must_hold(va && window && page && target, "memory for grants");
    set_xen_guest_handle(setup.frame_list, &frame);
    must_be_zero(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1), "setup_table");
    must_be_zero(setup.status, "setup_table's status");
    must_be_zero(pv_map(va, pv_mfn(frame), PV_PROT_RW), "the grant table mapped");
    table = (volatile struct grant_entry_v1 *)va;
    for (unsigned int i = 0; i < MANY; i++) {
        must_be_zero(pv_map(window + i * PV_PAGE_SIZE, pv_va_to_mfn(page), PV_PROT_RO), "a window");
        must_be_zero(pv_unmap(window + i * PV_PAGE_SIZE, 1), "the window");
        offer(REF + i, page);
    }
}

static void plan(unsigned int i, uint32_t flags)
{
    uint64_t va = window + i * PV_PAGE_SIZE;

    map[i] = (struct gnttab_map_grant_ref){ .flags = GNTMAP_host_map | flags, .ref = REF + i };
    map[i].host_addr = flags & GNTMAP_contains_pte ? pv_pte_maddr(pv_current_root(), va, 1) : va;
    unmap[i].host_addr = map[i].host_addr;
}

static void prepare_maps(void)
{
    prepare();
    for (unsigned int i = 0; i < MANY; i++)
        plan(i, 0);
}

static void prepare_readonly(void)
{
    prepare();
    plan(0, GNTMAP_readonly);
}

static void prepare_pte(void)
{
    prepare();
    plan(0, GNTMAP_contains_pte);
}

static long run_map(void)
{
    return HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, map, 1);
}

static long run_unmap(void)
{
    return HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, unmap, 1);
}

static long run_map_many(void)
{
    return HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, map, MANY);
}

static long run_unmap_many(void)
{
    return HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, unmap, MANY);
}

static void note_handles(unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        must_be_zero(map[i].status, "a mapping's status");
        unmap[i].handle = map[i].handle;
    }
}

static void check_unmapped(unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        must_be_zero(unmap[i].status, "an unmapping's status");
        must_hold(table[REF + i].flags == GTF_permit_access, "the grant unused");
    }
}

static void undo_map(void)
{
    note_handles(1);
    must_be_zero(run_unmap(), "unmap_grant_ref");
    check_unmapped(1);
}

static void do_map(void)
{
    must_be_zero(run_map(), "map_grant_ref");
    note_handles(1);
}

static void check_unmap(void)
{
    check_unmapped(1);
}

static void undo_many(void)
{
    note_handles(MANY);
    must_be_zero(run_unmap_many(), "unmap_grant_ref");
    check_unmapped(MANY);
}

static void do_many(void)
{
    must_be_zero(run_map_many(), "map_grant_ref");
    note_handles(MANY);
}

static void check_many(void)
{
    check_unmapped(MANY);
}

/* ---- Copies ---- */

static void plan_copy(unsigned int len, bool to_ref)
{
    struct gnttab_copy_ptr grant = { .u.ref = REF, .domid = 0 };
    struct gnttab_copy_ptr frame = { .domid = DOMID_SELF };

    prepare();
    frame.u.gmfn = pv_va_to_mfn(target).nr;
    copy = (struct gnttab_copy){ .len = (uint16_t)len };
    copy.flags = to_ref ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
    copy.source = to_ref ? frame : grant;
    copy.dest = to_ref ? grant : frame;
}

static void plan_copy_page(void)
{
    plan_copy(PV_PAGE_SIZE, false);
}

static void plan_copy_back(void)
{
    plan_copy(PV_PAGE_SIZE, true);
}

static void plan_copy_some(void)
{
    plan_copy(64, false);
}

static void mark(void)
{
    page[1] = ++target[1];
    (copy.flags & GNTCOPY_dest_gref ? page : target)[1] = 0;
}

static long run_copy(void)
{
    return HYPERVISOR_grant_table_op(GNTTABOP_copy, &copy, 1);
}

static void check_copy(void)
{
    must_be_zero(copy.status, "a copy's status");
    must_hold(page[1] == target[1], "bytes copied");
}

const struct operation grant_operations[] = {
    { .name = "grant map", .setup = prepare_maps, .run = run_map, .after = undo_map },
    { .name = "grant map, read-only", .setup = prepare_readonly, .run = run_map,
      .after = undo_map },
    { .name = "grant map, by entry", .setup = prepare_pte, .run = run_map, .after = undo_map },
    { .name = "grant map of 32, each", .setup = prepare_maps, .run = run_map_many,
      .after = undo_many, .count = MANY },
    { .name = "grant unmap", .setup = prepare_maps, .before = do_map, .run = run_unmap,
      .after = check_unmap },
    { .name = "grant unmap, read-only", .setup = prepare_readonly, .before = do_map,
      .run = run_unmap, .after = check_unmap },
    { .name = "grant unmap, by entry", .setup = prepare_pte, .before = do_map, .run = run_unmap,
      .after = check_unmap },
    { .name = "grant unmap of 32, each", .setup = prepare_maps, .before = do_many,
      .run = run_unmap_many, .after = check_many, .count = MANY },
    { .name = "grant copy, 4096 from grant", .setup = plan_copy_page, .before = mark,
      .run = run_copy, .after = check_copy },
    { .name = "grant copy, 4096 to grant", .setup = plan_copy_back, .before = mark,
      .run = run_copy, .after = check_copy },
    { .name = "grant copy, 64 from grant", .setup = plan_copy_some, .before = mark,
      .run = run_copy, .after = check_copy },
    { .name = NULL },
};
