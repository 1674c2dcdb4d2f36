/* SPDX-License-Identifier: MIT */
/*
 * The rules of particular entries: absent ones on a CPU that has L1TF, linear ones; and the roots
 * of a new vCPU.
 */
#include "tree.h"

/* ---- Entries that are not present, on a CPU that has L1TF ---- */

#define ABSENT_MASK (PTE_ADDR & ((1ull << 40) - 1))

static void an_absent_entry_has_no_address_of_memory(void **state)
{
    static const struct {
        u64 pte;
        bool ok;
    } absent[] = {
        { 0, true }, { 0xffe, true }, { PTE_NX, true }, { PAGE_SIZE, false },
        { (FRAMES - 1) * PAGE_SIZE | 0xabe, false }, { FRAMES * PAGE_SIZE, true },
        { PTE_ADDR, true }, { 1ull << 39, true }, { 1ull << 40 | PAGE_SIZE, false },
        { PTE_NX | PTE_AVAIL_HI | HOLE_FIRST * PAGE_SIZE, false }, { 0x7ull << 49, true },
    };
    struct vcpu *v = &vcpus[1][0].v;

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(absent); i++) {
        int expected = absent[i].ok ? 0 : -EINVAL;

        for (unsigned int at = L4; at <= L1; at++) {
            begin();
            domains[1].absent_mask = ABSENT_MASK;
            words(at)[7] = absent[i].pte;
            assert_int_equal(ext(MMUEXT_PIN_L1_TABLE + L1 - at, frame[at]), expected);
            assert_int_equal(mm_take_roots(v, MFN(frame[L4]), INVALID_MFN), expected);
            mm_drop_roots(v);
            if (expected == 0)
                ext(MMUEXT_UNPIN_TABLE, frame[at]);
            nothing_is_held();
            words(at)[7] = 0;
            assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
            assert_int_equal(update(slot(at, 7), absent[i].pte), expected);
            assert_int_equal(words(at)[7], expected ? 0 : absent[i].pte);
        }
        assert_int_equal(ext(MMUEXT_NEW_BASEPTR, frame[L4]), 0);
        assert_int_equal(do_update_va_mapping(0, absent[i].pte, 0), expected);
        assert_int_equal(words(L1)[0], expected ? entry(DATA, PTE_RW) : absent[i].pte);
        nothing_wrong();
    }
}

static void a_store_into_a_table_is_judged_so_too(void **state)
{
    u64 old;

    (void)state;
    begin();
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    domains[1].absent_mask = ABSENT_MASK;
    old = words(L1)[7];
    assert_int_equal(mm_exchange_l1e(&domains[1], page(L1), &words(L1)[7], &old, PAGE_SIZE),
                     -EINVAL);
    assert_int_equal(words(L1)[7], 0);
    assert_int_equal(mm_exchange_l1e(&domains[1], page(L1), &words(L1)[7], &old, PTE_ADDR), 0);
    nothing_wrong();
}

static void other_domains_absent_entries_are_their_own(void **state)
{
    (void)state;
    begin();
    words(L1)[7] = PAGE_SIZE;
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    assert_int_equal(update(slot(L2, 7), PAGE_SIZE), 0);
    cpu_has.l1tf = true;
    assert_int_equal(mm_absent_mask(false), ABSENT_MASK);
    assert_int_equal(mm_absent_mask(true), 0);
    boot_options.l1tf_dom0 = L1TF_ON;
    boot_options.l1tf_domu = L1TF_OFF;
    assert_int_equal(mm_absent_mask(false), 0);
    assert_int_equal(mm_absent_mask(true), ABSENT_MASK);
    cpu_has.l1tf = false;
    assert_int_equal(mm_absent_mask(true), ABSENT_MASK);
    boot_options.l1tf_dom0 = boot_options.l1tf_domu = L1TF_BY_CPU;
    assert_int_equal(mm_absent_mask(false), 0);
}

/* ---- Linear entries ---- */

#define HAS(n)  ((u64)(n) * TYPE_HAS_ONE)
#define USED(n) ((u64)(n) * TYPE_USED_ONE)

static u64 linear_counts(unsigned int name)
{
    return page(name)->type & (TYPE_HAS | TYPE_USED);
}

static void a_level_4_table_maps_itself_read_only(void **state)
{
    (void)state;
    begin();
    words(L4)[5] = entry(L4, 0);
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    assert_int_equal(page(L4)->type & 0xffffffff, 1);
    nothing_wrong();
    assert_int_equal(update(slot(L4, 6), entry(L4, PTE_A)), 0);
    nothing_wrong();
    /* Not writable: neither a new entry, nor the old one with one bit more (XSA-182). */
    assert_int_equal(update(slot(L4, 7), entry(L4, PTE_RW)), -EINVAL);
    assert_int_equal(update(slot(L4, 6), entry(L4, PTE_RW | PTE_A)), -EINVAL);
    assert_int_equal(update(slot(L4, 6), entry(L4, PTE_NX | PTE_A)), 0);
    assert_int_equal(update(slot(L4, 6), 0), 0);
    nothing_wrong();
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L4]), 0);
    nothing_is_held();
}

/* OTHER and OTHER2 are level-4 tables without lower ones. */
static void xsa_240_linear_entries_go_one_table_deep(void **state)
{
    (void)state;
    begin();
    words(L4)[5] = entry(OTHER, 0);
    /* Not in use yet as level 4, it is taken for level 3: legal, while it is empty. */
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    assert_int_equal(page_use(page(OTHER)), USE_L3);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L4]), 0);
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[OTHER]), 0);
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[OTHER2]), 0);
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    assert_int_equal(linear_counts(L4), HAS(1));
    assert_int_equal(linear_counts(OTHER), USED(1));
    nothing_wrong();
    assert_int_equal(update(slot(L4, 6), entry(OTHER, 0)), 0);
    assert_int_equal(linear_counts(OTHER), USED(2));
    /* A table that is named has none itself, but for itself; one that has some is not named. */
    assert_int_equal(update(slot(OTHER, 0), entry(OTHER2, 0)), -EINVAL);
    assert_int_equal(update(slot(OTHER, 0), entry(L4, 0)), -EINVAL);
    assert_int_equal(update(slot(OTHER2, 0), entry(L4, 0)), -EINVAL);
    assert_int_equal(update(slot(OTHER, 1), entry(OTHER, 0)), 0);
    assert_int_equal(update(slot(OTHER2, 0), entry(OTHER, 0)), 0);
    assert_int_equal(update(slot(L4, 6), entry(OTHER, PTE_RW)), -EINVAL);
    nothing_wrong();
    /* A linear entry holds it in use. */
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[OTHER]), 0);
    assert_int_equal(page_use(page(OTHER)), USE_L4);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[OTHER2]), 0);
    assert_int_equal(update(slot(L4, 5), 0), 0);
    nothing_wrong();
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L4]), 0);
    nothing_is_held();
}

static void lower_tables_have_no_linear_entries(void **state)
{
    (void)state;
    for (unsigned int at = L3; at <= L2; at++) {
        begin();
        assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
        assert_int_equal(update(slot(at, 5), entry(at, 0)), -EINVAL);
        assert_int_equal(update(slot(at, 5), entry(L4, 0)), -EINVAL);
        nothing_wrong();
    }
}

/* Interrupted at every entry, given up, and gone on with; the named table goes last or first. */
static void xsa_309_linear_counts_outlive_an_interruption(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < 40; i++) {
        begin();
        for (unsigned int n = 0; n < 60; n++)
            words(L4)[n + 1] = n % 3 ? entry(OTHER, 0) : entry(L3, PTE_RW);
        words(OTHER)[0] = entry(OTHER3, PTE_RW);
        assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[OTHER]), 0);
        machine_set_odds(&(struct machine_options){ .cpus = 1, .softirq_odds = 1 + i % 4 });
        for (unsigned int n = 0; n < i; n++)
            if (ext(MMUEXT_PIN_L4_TABLE, frame[L4]) == 0)
                break;
        nothing_wrong();
        for (unsigned int n = 0; n < 1000; n++)
            if (ext(MMUEXT_PIN_L4_TABLE, frame[L4]) != -ERESTART)
                break;
        assert_int_equal(linear_counts(L4), HAS(40));
        assert_int_equal(linear_counts(OTHER), USED(40));
        assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[i % 2 ? OTHER : L4]), 0);
        nothing_wrong();
        assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[i % 2 ? L4 : OTHER]), 0);
        machine_set_odds(&(struct machine_options){ .cpus = 1 });
        leave_to_guest();
        nothing_is_held();
    }
}

/* ---- The roots of a new vCPU ---- */

/*
 * Two trees as the roots of a new vCPU, while there is always something else to do: each try gets
 * further than the last one, and who gives up in between leaves nothing behind.
 */
static void two_big_roots(unsigned int tries, int expected)
{
    struct vcpu *v = &vcpus[1][1].v;
    int rc = -ERESTART;

    begin();
    for (unsigned int i = 0; i < 60; i++) {
        words(L2)[i] = entry(L1, PTE_RW);
        words(L3)[i] = entry(L2, PTE_RW);
        words(L4)[i] = entry(L3, PTE_RW);
        words(OTHER)[i] = entry(OTHER2, PTE_RW);
        words(OTHER2)[i] = entry(OTHER3, PTE_RW);
    }
    machine_set_odds(&(struct machine_options){ .cpus = 1, .softirq_odds = 1 });
    while (rc == -ERESTART && tries-- > 0) {
        rc = mm_take_roots(v, MFN(frame[L4]), MFN(frame[OTHER]));
        leave_to_guest();
        nothing_wrong();
    }
    assert_int_equal(rc, expected);
    if (rc == 0) {
        assert_int_not_equal(words(L4)[HV_FIRST_SLOT], 0);
        assert_int_equal(words(OTHER)[HV_FIRST_SLOT], 0);   /* user mode does not see the M2P */
    }
    machine_set_odds(&(struct machine_options){ .cpus = 1 });
    mm_drop_roots(v);
    leave_to_guest();
    for (unsigned int i = 0; i < NAMES; i++)
        while (type_settle(page(i)))
            ;
    nothing_is_held();
}

static void xsa_310_new_roots_are_taken_step_by_step(void **state)
{
    (void)state;
    for (unsigned int tries = 0; tries < 250; tries += 10)
        two_big_roots(tries, -ERESTART);
    two_big_roots(400, 0);
}

static void new_roots_in_place_of_those_of_a_try_given_up(void **state)
{
    struct vcpu *v = &vcpus[1][1].v;

    (void)state;
    begin();
    assert_int_equal(mm_take_roots(v, MFN(frame[L4]), MFN(frame[L3])), -EINVAL);
    nothing_is_held();
    assert_int_equal(mm_take_roots(v, INVALID_MFN, MFN(frame[L4])), -EINVAL);
    nothing_is_held();
    v->kernel_root = MFN(frame[OTHER]);
    assert_int_equal(get_page_and_type(v->kernel_root, DOM_PLAIN_ID, USE_L4), 0);
    assert_int_equal(mm_take_roots(v, MFN(frame[L4]), INVALID_MFN), 0);
    nothing_wrong();
    assert_int_equal(page_use(page(OTHER)), USE_NONE);
    mm_drop_roots(v);
    nothing_is_held();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absent_entry_has_no_address_of_memory),
        cmocka_unit_test(a_store_into_a_table_is_judged_so_too),
        cmocka_unit_test(other_domains_absent_entries_are_their_own),
        cmocka_unit_test(a_level_4_table_maps_itself_read_only),
        cmocka_unit_test(xsa_240_linear_entries_go_one_table_deep),
        cmocka_unit_test(lower_tables_have_no_linear_entries),
        cmocka_unit_test(xsa_309_linear_counts_outlive_an_interruption),
        cmocka_unit_test(xsa_310_new_roots_are_taken_step_by_step),
        cmocka_unit_test(new_roots_in_place_of_those_of_a_try_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
