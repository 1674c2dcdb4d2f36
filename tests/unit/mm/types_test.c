/* SPDX-License-Identifier: MIT */
/* The rules of frames and entries one by one, through the calls that guests make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "hypercall/hypercall.h"
#include "model.h"

enum { L4, L3, L2, L1, DATA, OTHER, OTHER2, OTHER3, NAMES };    /* a tree from L4 down to DATA */
static u64 frame[NAMES];

static u64 *words(unsigned int name)
{
    return mfn_to_virt(MFN(frame[name]));
}

static struct page *page(unsigned int name)
{
    return mfn_to_page(MFN(frame[name]));
}

static u64 entry(unsigned int name, u64 flags)
{
    return frame[name] << PAGE_SHIFT | PTE_P | PTE_USER | flags;
}

static long ext(unsigned int cmd, u64 mfn)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };
    long rc = do_mmuext_op((XEN_GUEST_HANDLE(mmuext_op_t)){ &op }, 1,
                           (XEN_GUEST_HANDLE(uint)){ NULL }, DOMID_SELF);

    leave_to_guest();
    return rc;
}

static long update(u64 ptr, u64 val)
{
    struct mmu_update req = { .ptr = ptr, .val = val };
    long rc = do_mmu_update((XEN_GUEST_HANDLE(mmu_update_t)){ &req }, 1,
                            (XEN_GUEST_HANDLE(uint)){ NULL }, DOMID_SELF);

    leave_to_guest();
    return rc;
}

static u64 slot(unsigned int name, unsigned int index)
{
    return (frame[name] << PAGE_SHIFT) + index * 8ull;
}

static void nothing_wrong(void)
{
    const char *wrong = machine_guard(model_check);

    if (wrong != NULL)
        fail_msg("%s", wrong);
}

/* The tree is written but nothing is a table yet. */
static void begin_as(struct domain *d)
{
    machine_reset(1, &(struct machine_options){ .cpus = 1 });
    run_as(d->vcpus[0]);
    for (unsigned int i = 0; i < NAMES; i++) {
        mfn_t m;

        assert_int_equal(alloc_domain_frames(d, 0, 0, &m), 0);
        frame[i] = m.v;
    }
    for (unsigned int i = L4; i < DATA; i++)
        words(i)[0] = entry(i + 1, PTE_RW);
}

static void begin(void)
{
    begin_as(&domains[1]);
}

static void nothing_is_held(void)
{
    nothing_wrong();
    for (unsigned int i = 0; i < NAMES; i++) {
        assert_int_equal(page_use(page(i)), USE_NONE);
        assert_int_equal(page(i)->count & PAGE_REFS, 1);
    }
}

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
static void a_tree_with_one_bad_entry_leaves_nothing_behind(void **state)
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

/*
 * Two trees as the roots of a new vCPU, while there is always something else to do: each try gets
 * further than the last one, and who gives up in between leaves nothing behind.
 */
static void two_big_roots(unsigned int tries, int expected)
{
    struct vcpu *v = domains[1].vcpus[1];
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
    struct vcpu *v = domains[1].vcpus[1];

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
        cmocka_unit_test(a_pin_makes_the_whole_tree_and_an_unpin_ends_it),
        cmocka_unit_test(no_table_is_mapped_writable_by_its_own_tree),
        cmocka_unit_test(no_table_is_its_own_lower_table),
        cmocka_unit_test(a_level_4_table_maps_itself_read_only),
        cmocka_unit_test(xsa_240_linear_entries_go_one_table_deep),
        cmocka_unit_test(lower_tables_have_no_linear_entries),
        cmocka_unit_test(xsa_309_linear_counts_outlive_an_interruption),
        cmocka_unit_test(a_writable_frame_becomes_no_table_nor_descriptors),
        cmocka_unit_test(each_bit_of_an_entry_is_judged),
        cmocka_unit_test(the_hypervisors_slots_are_its_own),
        cmocka_unit_test(a_count_at_its_end_refuses),
        cmocka_unit_test(a_root_is_a_whole_tree_or_nothing),
        cmocka_unit_test(a_tree_with_one_bad_entry_leaves_nothing_behind),
        cmocka_unit_test(xsa_310_new_roots_are_taken_step_by_step),
        cmocka_unit_test(new_roots_in_place_of_those_of_a_try_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
