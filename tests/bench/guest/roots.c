/* SPDX-License-Identifier: MIT */
/* Whole tables: pinning an L1, loading another root, flushing. */
#include "bench.h"

#define ENTRIES 512
#define HV_FIRST_SLOT 256 /* of an L4, the hypervisor's own: 256 to 271 */
#define HV_END_SLOT   272

static void *table, *pages;
static struct mmuext_op op;
static pv_mfn_t roots[2];
static unsigned int turn;

static void plan_op(unsigned int cmd, pv_mfn_t mfn)
{
    op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = mfn.nr };
}

static long run_mmuext(void)
{
    return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* ---- An L1, with 512 entries present or none ---- */

static void make_table(unsigned int present)
{
    uint64_t *entry;

    if (!pages)
        pages = pv_alloc_pages(ENTRIES);
    table = entry = pv_alloc_page();
    must_hold(pages && table, "memory for an L1");
    for (unsigned int i = 0; i < present; i++)
        entry[i] = pv_pte(pv_va_to_mfn((char *)pages + i * PV_PAGE_SIZE), PV_PROT_RW);
    must_be_zero(pv_protect((uint64_t)table, 1, PV_PROT_RO), "an L1 without a writable mapping");
}

static void make_full_table(void)
{
    make_table(ENTRIES);
    plan_op(MMUEXT_PIN_L1_TABLE, pv_va_to_mfn(table));
}

static void make_empty_table(void)
{
    make_table(0);
    plan_op(MMUEXT_PIN_L1_TABLE, pv_va_to_mfn(table));
}

static void make_full_table_to_unpin(void)
{
    make_table(ENTRIES);
    plan_op(MMUEXT_UNPIN_TABLE, pv_va_to_mfn(table));
}

static void make_empty_table_to_unpin(void)
{
    make_table(0);
    plan_op(MMUEXT_UNPIN_TABLE, pv_va_to_mfn(table));
}

static void pin_table(void)
{
    must_be_zero(pv_pin(pv_va_to_mfn(table), 1), "MMUEXT_PIN_L1_TABLE");
}

static void unpin_table(void)
{
    must_be_zero(pv_unpin(pv_va_to_mfn(table)), "MMUEXT_UNPIN_TABLE");
}

/* Fails while the frame is a table. */
static void free_table(void)
{
    must_be_zero(pv_free_table(table), "an L1 that is no table any more");
}

/* ---- Roots ---- */

/* A second root with the guest's entries of the one in use. */
static void make_root(void)
{
    const uint64_t *current = pv_find_pte(pv_current_root(), 0, 4);

    roots[0] = pv_current_root();
    table = pv_alloc_table();
    must_hold(table, "a page for a root");
    roots[1] = pv_va_to_mfn(table);
    must_be_zero(pv_pin(roots[1], 4), "MMUEXT_PIN_L4_TABLE");
    for (unsigned int i = 0; i < ENTRIES; i++) {
        if ((i < HV_FIRST_SLOT || i >= HV_END_SLOT) && current[i])
            must_be_zero(pv_write_pte((roots[1].nr << PV_PAGE_SHIFT) + i * sizeof(uint64_t),
                                      current[i]), "an entry of the root");
    }
    turn = 0;
}

static void plan_switch(void)
{
    turn ^= 1;
    plan_op(MMUEXT_NEW_BASEPTR, roots[turn]);
}

static void free_root(void)
{
    must_be_zero(pv_load_root(roots[0]), "MMUEXT_NEW_BASEPTR");
    unpin_table();
    free_table();
}

static void plan_same_root(void)
{
    plan_op(MMUEXT_NEW_BASEPTR, pv_current_root());
}

static void make_user_root(void)
{
    must_be_zero(pv_user_init(), "user mode");
    make_root();
    roots[0] = pv_user_root();
}

static void plan_user_switch(void)
{
    turn ^= 1;
    plan_op(MMUEXT_NEW_USER_BASEPTR, roots[turn]);
}

static void free_user_root(void)
{
    must_be_zero(pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, roots[0]), "MMUEXT_NEW_USER_BASEPTR");
    unpin_table();
    free_table();
}

static void plan_same_user_root(void)
{
    must_be_zero(pv_user_init(), "user mode");
    plan_op(MMUEXT_NEW_USER_BASEPTR, pv_user_root());
}

static void plan_flush(void)
{
    plan_op(MMUEXT_TLB_FLUSH_LOCAL, pv_mfn(0));
}

static void plan_invlpg(void)
{
    op = (struct mmuext_op){ .cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = (uint64_t)&turn };
}

const struct operation root_operations[] = {
    { .name = "pin L1, empty", .setup = make_empty_table, .run = run_mmuext,
      .after = unpin_table, .teardown = free_table },
    { .name = "unpin L1, empty", .setup = make_empty_table_to_unpin, .before = pin_table,
      .run = run_mmuext, .teardown = free_table },
    { .name = "pin L1, 512 present", .setup = make_full_table, .run = run_mmuext,
      .after = unpin_table, .teardown = free_table },
    { .name = "unpin L1, 512 present", .setup = make_full_table_to_unpin, .before = pin_table,
      .run = run_mmuext, .teardown = free_table },
    { .name = "new_baseptr, another root", .setup = make_root, .before = plan_switch,
      .run = run_mmuext, .teardown = free_root },
    { .name = "new_baseptr, the same root", .setup = plan_same_root, .run = run_mmuext },
    { .name = "new_user_baseptr, another root", .setup = make_user_root,
      .before = plan_user_switch, .run = run_mmuext, .teardown = free_user_root },
    { .name = "new_user_baseptr, the same root", .setup = plan_same_user_root,
      .run = run_mmuext },
    { .name = "TLB_FLUSH_LOCAL", .setup = plan_flush, .run = run_mmuext },
    { .name = "INVLPG_LOCAL", .setup = plan_invlpg, .run = run_mmuext },
    { .name = NULL },
};
