/* SPDX-License-Identifier: MIT */
/*
 * Changing page-table entries: by update_va_mapping, by mmu_update and by plain stores.
 *
 * The window is WINDOW pages of addresses that share one L1. Each has two frames it may be mapped
 * to; an operation alternates between them, or between two flags for the same frame.
 */
#include "bench.h"

#define WINDOW 128

static uint64_t window;                             /* address of its first page */
static void *pages;                                 /* 2 * WINDOW pages to map there */
static struct mmu_update requests[2][WINDOW];       /* by turn */
static uint64_t entries[2];                         /* for update_va_mapping, by turn */
static volatile uint64_t *first_entry;              /* where it lies: mapped read-only */
static unsigned int turn;

static uint64_t frame_entry(unsigned int page, uint64_t flags)
{
    return pv_pte(pv_va_to_mfn((char *)pages + page * PV_PAGE_SIZE), flags);
}

static void open_window(void)
{
    if (!window) {
        window = pv_vmap_alloc(WINDOW);
        pages = pv_alloc_pages(2 * WINDOW);
        must_hold(window && pages, "memory for the window");
    }
    for (unsigned int i = 0; i < WINDOW; i++)
        must_be_zero(pv_map(window + i * PV_PAGE_SIZE,
                            pv_pte_mfn(frame_entry(i, 0)), PV_PROT_RW), "the window");
    turn = 0;
}

static void close_window(void)
{
    must_be_zero(pv_unmap(window, WINDOW), "the window unmapped");
}

/* Fills both turns of page i; an operation's first sample writes turn 1. */
static void plan(unsigned int i, uint64_t first, uint64_t second)
{
    uint64_t maddr = pv_pte_maddr(pv_current_root(), window + i * PV_PAGE_SIZE, 1);

    requests[0][i] = (struct mmu_update){ .ptr = maddr | MMU_NORMAL_PT_UPDATE, .val = first };
    requests[1][i] = (struct mmu_update){ .ptr = maddr | MMU_NORMAL_PT_UPDATE, .val = second };
    if (i == 0) {
        entries[0] = first;
        entries[1] = second;
        first_entry = (uint64_t *)pv_find_pte(pv_current_root(), window, 1);
    }
}

static void plan_frames(void)
{
    open_window();
    for (unsigned int i = 0; i < WINDOW; i++)
        plan(i, frame_entry(i, PV_PROT_RW), frame_entry(WINDOW + i, PV_PROT_RW));
}

static void plan_flags(void)
{
    open_window();
    for (unsigned int i = 0; i < WINDOW; i++)
        plan(i, frame_entry(i, PV_PROT_RW), frame_entry(i, PV_PROT_RW & ~PV_PTE_D));
}

static void plan_protection(void)
{
    open_window();
    for (unsigned int i = 0; i < WINDOW; i++)
        plan(i, frame_entry(i, PV_PROT_RW), frame_entry(i, PV_PROT_RW & ~PV_PTE_RW));
}

static void plan_presence(void)
{
    open_window();
    for (unsigned int i = 0; i < WINDOW; i++)
        plan(i, frame_entry(i, PV_PROT_RW), 0);
}

static void next_turn(void)
{
    turn ^= 1;
}

/* Brings the entry to where the timed turn, the other one, changes it. */
static void write_first_page(unsigned int which)
{
    turn = which;
    must_be_zero(HYPERVISOR_mmu_update(requests[!which], 1, NULL, DOMID_SELF), "mmu_update");
}

static void before_mapping(void)
{
    write_first_page(0);
}

static void before_unmapping(void)
{
    write_first_page(1);
}

static void check_entry(unsigned int i, uint64_t value)
{
    const uint64_t *pte = pv_find_pte(pv_current_root(), window + i * PV_PAGE_SIZE, 1);

    /* The other bits may be the hypervisor's, or set by the processor. */
    must_hold(((*pte ^ value) & (PV_PTE_FRAME | PV_PTE_P | PV_PTE_RW)) == 0,
              "an entry as written");
}

static void check_first(void)
{
    check_entry(0, entries[turn]);
}

static void check_all(void)
{
    for (unsigned int i = 0; i < WINDOW; i++)
        check_entry(i, requests[turn][i].val);
}

static long run_update_va(void)
{
    return HYPERVISOR_update_va_mapping(window, entries[turn], UVMF_NONE);
}

static long run_update_va_invlpg(void)
{
    return HYPERVISOR_update_va_mapping(window, entries[turn], UVMF_INVLPG);
}

static long run_update_va_flush(void)
{
    return HYPERVISOR_update_va_mapping(window, entries[turn], UVMF_TLB_FLUSH);
}

static long run_update_one(void)
{
    return HYPERVISOR_mmu_update(requests[turn], 1, NULL, DOMID_SELF);
}

static long run_update_all(void)
{
    return HYPERVISOR_mmu_update(requests[turn], WINDOW, NULL, DOMID_SELF);
}

static long run_store(void)
{
    *first_entry = entries[turn];
    return 0;
}

#define ONE_ENTRY .before = next_turn, .after = check_first, .teardown = close_window
#define ALL_ENTRIES .before = next_turn, .run = run_update_all, .after = check_all,        \
    .teardown = close_window, .count = WINDOW

const struct operation table_operations[] = {
    { .name = "update_va_mapping, new frame", .setup = plan_frames, .run = run_update_va,
      ONE_ENTRY },
    { .name = "update_va_mapping, new frame, INVLPG", .setup = plan_frames,
      .run = run_update_va_invlpg, ONE_ENTRY },
    { .name = "update_va_mapping, new frame, TLB flush", .setup = plan_frames,
      .run = run_update_va_flush, ONE_ENTRY },
    { .name = "update_va_mapping, flags", .setup = plan_flags, .run = run_update_va, ONE_ENTRY },
    { .name = "update_va_mapping, flags, INVLPG", .setup = plan_flags,
      .run = run_update_va_invlpg, ONE_ENTRY },
    { .name = "update_va_mapping, protection, INVLPG", .setup = plan_protection,
      .run = run_update_va_invlpg, ONE_ENTRY },
    { .name = "mmu_update of 1, new frame", .setup = plan_frames, .run = run_update_one,
      ONE_ENTRY },
    { .name = "mmu_update of 1, flags", .setup = plan_flags, .run = run_update_one, ONE_ENTRY },
    { .name = "mmu_update of 1, protection", .setup = plan_protection, .run = run_update_one,
      ONE_ENTRY },
    { .name = "mmu_update of 1, map", .setup = plan_presence, .before = before_mapping,
      .run = run_update_one, .after = check_first, .teardown = close_window },
    { .name = "mmu_update of 1, unmap", .setup = plan_presence, .before = before_unmapping,
      .run = run_update_one, .after = check_first, .teardown = close_window },
    { .name = "PTE write, emulated, new frame", .setup = plan_frames, .run = run_store,
      ONE_ENTRY },
    { .name = "PTE write, emulated, flags", .setup = plan_flags, .run = run_store, ONE_ENTRY },
    { .name = "mmu_update of 128, new frame, per entry", .setup = plan_frames, ALL_ENTRIES },
    { .name = "mmu_update of 128, flags, per entry", .setup = plan_flags, ALL_ENTRIES },
    { .name = "mmu_update of 128, protection, per entry", .setup = plan_protection,
      ALL_ENTRIES },
    { .name = NULL },
};
