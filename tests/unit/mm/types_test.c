/* SPDX-License-Identifier: MIT */
/* The rules of frames and entries one by one, through the calls that guests make. */
#include "tree.h"

static void a_pin_makes_the_whole_tree_and_an_unpin_ends_it(void **state)
{
    (void)state;
    begin();
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    nothing_wrong();
    for (unsigned int i = L4; i <= L1; i++)
        assert_int_equal(page_use(page(i)), USE_L4 - i);
    assert_int_equal(page_use(page(DATA)), USE_WRITABLE);
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), -EINVAL);
    assert_int_equal(ext(MMUEXT_PIN_L3_TABLE, frame[L4]), -EINVAL);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L3]), -EINVAL);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L4]), 0);
    nothing_is_held();
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L4]), -EINVAL);
}

static void no_table_is_mapped_writable_by_its_own_tree(void **state)
{
    (void)state;
    for (unsigned int victim = L4; victim <= L1; victim++) {
        begin();
        words(L1)[7] = entry(victim, PTE_RW);
        assert_true(ext(MMUEXT_PIN_L4_TABLE, frame[L4]) < 0);
        nothing_is_held();
        words(L1)[7] = entry(victim, 0);
        assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
        assert_true(update(slot(L1, 7), entry(victim, PTE_RW)) < 0);
        assert_true(update(slot(L1, 8), entry(victim, PTE_RW)) < 0);
        assert_int_equal(words(L1)[7], entry(victim, 0));
        nothing_wrong();
    }
}

static void no_table_is_its_own_lower_table(void **state)
{
    (void)state;
    for (unsigned int at = L4; at < L1; at++) {
        for (unsigned int to = L4; to <= at; to++) {
            begin();
            words(at)[5] = entry(to, PTE_RW);
            assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), -EINVAL);
            nothing_is_held();
        }
    }
}

static void a_writable_frame_becomes_no_table_nor_descriptors(void **state)
{
    (void)state;
    begin();
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    for (unsigned int cmd = MMUEXT_PIN_L1_TABLE; cmd <= MMUEXT_PIN_L4_TABLE; cmd++)
        assert_int_equal(ext(cmd, frame[DATA]), -EINVAL);
    assert_int_equal(get_page_and_type(MFN(frame[DATA]), DOM_PLAIN_ID, USE_SEGDESC), -EINVAL);
    nothing_wrong();
    assert_int_equal(update(slot(L1, 0), entry(DATA, 0)), 0);
    assert_int_equal(get_page_and_type(MFN(frame[DATA]), DOM_PLAIN_ID, USE_SEGDESC), 0);
    assert_true(update(slot(L1, 0), entry(DATA, PTE_RW)) < 0);
    assert_true(update(slot(DATA, 0), 0) < 0);
    put_page_and_type(page(DATA));
    nothing_wrong();
}

/*
 * Bit by bit, at every level: what is refused changes nothing; what is let in stands in the
 * table.
 */
static void each_bit_of_an_entry(struct domain *d)
{
    for (unsigned int level = 1; level <= 4; level++) {
        unsigned int name = L4 + 4 - level;
        u64 refused = level > 1 ? PTE_PWT | PTE_PCD | PTE_PSE | PTE_G
                      : d->privileged ? 0 : PTE_PWT | PTE_PCD | PTE_PAT;

        for (unsigned int bit = 1; bit < 64; bit++) {
            u64 old = words(name)[0], new = entry(name + 1, PTE_A) ^ (1ull << bit);
            bool address = (1ull << bit) & PTE_ADDR;

            if (address && pte_mfn(new).v < DEVICE_END)
                continue;
            if (address || (refused >> bit & 1)) {
                assert_true(update(slot(name, 0), new) < 0);
                assert_int_equal(words(name)[0], old);
            } else {
                assert_int_equal(update(slot(name, 0), new), 0);
                assert_int_equal(words(name)[0] | PTE_A,
                                 (new | PTE_USER | PTE_A) & ~(level == 1 ? PTE_G : 0));
            }
            nothing_wrong();
        }
    }
}

static void each_bit_of_an_entry_is_judged(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < DOMAINS; i++) {
        begin_as(&domains[i]);
        assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
        each_bit_of_an_entry(&domains[i]);
    }
}

static void the_hypervisors_slots_are_its_own(void **state)
{
    (void)state;
    begin();
    for (unsigned int i = HV_FIRST_SLOT; i < HV_END_SLOT; i++)
        words(L4)[i] = entry(OTHER, PTE_RW);
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    nothing_wrong();
    for (unsigned int i = HV_FIRST_SLOT; i < HV_END_SLOT; i++) {
        assert_int_equal(update(slot(L4, i), 0), -EINVAL);
        assert_int_equal(update(slot(L4, i), entry(L3, PTE_RW)), -EINVAL);
    }
    assert_int_equal(update(slot(L4, HV_FIRST_SLOT - 1), entry(L3, PTE_RW)), 0);
    assert_int_equal(update(slot(L4, HV_END_SLOT), entry(L3, PTE_RW)), 0);
    assert_int_equal(page_use(page(OTHER)), USE_NONE);
    nothing_wrong();
}

static void a_count_at_its_end_refuses(void **state)
{
    struct page *data;
    u64 count, type;

    (void)state;
    begin();
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    data = page(DATA);
    count = data->count;
    type = data->type;
    data->count = (count & ~PAGE_REFS) | (PAGE_REFS_LIMIT + 1ull);
    assert_false(get_page(MFN(frame[DATA]), DOM_PLAIN_ID));
    assert_true(update(slot(L1, 1), entry(DATA, 0)) < 0);
    data->count--;
    assert_int_equal(update(slot(L1, 1), entry(DATA, 0)), 0);
    assert_true(update(slot(L1, 2), entry(DATA, 0)) < 0);
    assert_int_equal(update(slot(L1, 1), 0), 0);
    data->count = count;
    data->type = (type & ~0xffffffffull) | PAGE_REFS_LIMIT;
    assert_true(update(slot(L1, 1), entry(DATA, PTE_RW)) < 0);
    assert_int_equal(update(slot(L1, 1), entry(DATA, 0)), 0);
    data->type = type;
    nothing_wrong();
}

static void a_root_is_a_whole_tree_or_nothing(void **state)
{
    (void)state;
    begin();
    assert_int_equal(ext(MMUEXT_PIN_L3_TABLE, frame[L3]), 0);
    for (unsigned int i = L3; i <= L1; i++)
        assert_int_equal(ext(MMUEXT_NEW_BASEPTR, frame[i]), -EINVAL);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L3]), 0);
    assert_int_equal(ext(MMUEXT_NEW_BASEPTR, frame[OTHER]), 0);
    assert_int_equal(ext(MMUEXT_NEW_BASEPTR, ~0ul), -EINVAL);
    assert_int_equal(ext(MMUEXT_NEW_USER_BASEPTR, ~0ul), -EINVAL);
    assert_int_equal(ext(MMUEXT_NEW_BASEPTR, frame[L4]), 0);
    assert_int_equal(ext(MMUEXT_NEW_USER_BASEPTR, frame[L4]), 0);
    assert_int_equal(page(L4)->type & 0xffffffff, 2);
    assert_int_equal(read_cr3() >> PAGE_SHIFT, frame[L4]);
    nothing_wrong();
    assert_int_equal(ext(MMUEXT_NEW_USER_BASEPTR, 0), 0);
    assert_int_equal(ext(MMUEXT_NEW_BASEPTR, frame[OTHER]), 0);
    nothing_wrong();
    assert_int_equal(page_use(page(L4)), USE_NONE);
}

/* Good tables first at each level, so that there is much to give back, in slices or at once. */
static void xsa_58_299_a_tree_with_one_bad_entry_leaves_nothing_behind(void **state)
{
    (void)state;
    for (unsigned int odds = 0; odds < 4; odds++) {
        begin();
        for (unsigned int i = 0; i < 100; i++) {
            words(L2)[i] = entry(OTHER, PTE_RW);
            words(L3)[i] = entry(OTHER2, PTE_RW);
            words(L4)[i] = entry(OTHER3, PTE_RW);
        }
        words(L4)[100] = entry(L3, PTE_RW);
        words(L3)[100] = entry(L2, PTE_RW);
        words(L2)[100] = entry(L1, PTE_RW);
        words(L1)[511] = entry(DATA, PTE_RW) ^ 1ull << 45;
        machine_set_odds(&(struct machine_options){ .cpus = 1, .softirq_odds = odds });
        for (unsigned int tries = 0; tries < 1000; tries++)
            if (ext(MMUEXT_PIN_L4_TABLE, frame[L4]) != -ERESTART)
                break;
        machine_set_odds(&(struct machine_options){ .cpus = 1 });
        nothing_is_held();
    }
}

/* No hypercall keeps a CPU from its events: with one waiting, a validation stops between tables. */
static void a_long_validation_gives_way(void **state)
{
    (void)state;
    begin();
    words(L2)[1] = entry(L1, PTE_RW);
    machine_set_odds(&(struct machine_options){ .cpus = 1, .softirq_odds = 1 });
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), -ERESTART);
    machine_set_odds(&(struct machine_options){ .cpus = 1 });
    nothing_wrong();
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L4]), 0);
    nothing_is_held();
}

static void a_freed_frame_has_no_number(void **state)
{
    xen_pfn_t mfn;
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    (void)state;
    begin();
    mfn = frame[OTHER];
    m2p_set(MFN(mfn), PFN(77));
    r.extent_start.p = &mfn;
    assert_int_equal(do_memory_op(XENMEM_decrease_reservation, (XEN_GUEST_HANDLE(void)){ &r }), 1);
    assert_true(m2p_get(MFN(frame[OTHER])).v == INVALID_PFN.v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pin_makes_the_whole_tree_and_an_unpin_ends_it),
        cmocka_unit_test(no_table_is_mapped_writable_by_its_own_tree),
        cmocka_unit_test(no_table_is_its_own_lower_table),
        cmocka_unit_test(a_writable_frame_becomes_no_table_nor_descriptors),
        cmocka_unit_test(each_bit_of_an_entry_is_judged),
        cmocka_unit_test(the_hypervisors_slots_are_its_own),
        cmocka_unit_test(a_count_at_its_end_refuses),
        cmocka_unit_test(a_root_is_a_whole_tree_or_nothing),
        cmocka_unit_test(xsa_58_299_a_tree_with_one_bad_entry_leaves_nothing_behind),
        cmocka_unit_test(a_long_validation_gives_way),
        cmocka_unit_test(a_freed_frame_has_no_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
