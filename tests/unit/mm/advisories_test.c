/* SPDX-License-Identifier: MIT */
/*
 * Faults that were once found in Xen's memory management, by the numbers of its advisories: each is
 * tried here. docs/security.md has the list of all, with the places of the other tests.
 */
#include "tree.h"

static struct domain *const guest = &domains[1], *const other = &domains[0];

static void in_use(void)
{
    begin();
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    assert_int_equal(ext(MMUEXT_NEW_BASEPTR, frame[L4]), 0);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L4]), 0);
}

static long memory_op(unsigned int cmd, xen_pfn_t *list, u64 nr, unsigned int order)
{
    struct xen_memory_reservation r = {
        .nr_extents = nr, .extent_order = order, .domid = DOMID_SELF,
    };
    long rc;

    r.extent_start.p = list;
    rc = do_memory_op(cmd, (XEN_GUEST_HANDLE(void)){ &r });
    leave_to_guest();
    return rc;
}

/* The way to DATA by the tree's first entries, as another CPU takes it. */
static const unsigned int way[4];

static void touch_on_this_cpu(void)
{
    run_as(guest->vcpus[host_cpu()]);
    assert_non_null(tlb_touch(way));
}

static void touch_everywhere(void)
{
    machine_set_odds(&(struct machine_options){ .cpus = CPUS });
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        struct vcpu *v = guest->vcpus[cpu];

        if (mfn_eq(v->kernel_root, INVALID_MFN)) {
            assert_int_equal(get_page_and_type(MFN(frame[L4]), guest->id, USE_L4), 0);
            v->kernel_root = MFN(frame[L4]);
        }
        machine_on(cpu, touch_on_this_cpu);
    }
}

/* ---- Entries ---- */

static void xsa_148_167_176_no_superpage_gets_in(void **state)
{
    (void)state;
    for (unsigned int at = L4; at <= L2; at++) {
        in_use();
        /* A new entry, the same one with one bit more, and one that is there before. */
        assert_int_equal(update(slot(at, 3), entry(DATA, PTE_RW | PTE_PSE)), -EINVAL);
        assert_int_equal(update(slot(at, 0), words(at)[0] | PTE_PSE), -EINVAL);
        nothing_wrong();
        begin();
        words(at)[3] = entry(OTHER, PTE_PSE);
        assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), -EINVAL);
        nothing_is_held();
    }
}

static void xsa_182_a_change_of_flags_gives_no_right(void **state)
{
    (void)state;
    in_use();
    assert_int_equal(update(slot(L1, 5), entry(L1, 0)), 0);
    for (unsigned int bit = 1; bit < 12; bit++)
        (void)update(slot(L1, 5), entry(L1, 1ull << bit | PTE_RW));
    assert_false(words(L1)[5] & PTE_RW);
    nothing_wrong();
}

/* ---- Uses ---- */

static void take_and_give_back(enum page_use use)
{
    if (get_page_type(page(DATA), use) == 0)
        put_page_type(page(DATA));
    leave_to_guest();
}

static void xsa_37_no_state_and_use_meet_in_an_assertion(void **state)
{
    (void)state;
    for (enum page_use held = USE_NONE; held <= USE_WRITABLE; held++) {
        for (enum page_use wanted = USE_L1; wanted <= USE_WRITABLE; wanted++) {
            begin();
            if (held != USE_NONE)
                assert_int_equal(get_page_type(page(DATA), held), 0);
            take_and_give_back(wanted);
            assert_int_equal(page_use(page(DATA)), held);
            if (held != USE_NONE)
                put_page_type(page(DATA));
            take_and_give_back(wanted);
            nothing_is_held();
        }
    }
}

static void xsa_241_408_a_frame_changes_its_use_after_a_flush(void **state)
{
    (void)state;
    for (enum page_use use = USE_L1; use <= USE_SEGDESC; use++) {
        in_use();
        touch_everywhere();
        assert_int_equal(update(slot(L1, 0), 0), 0);
        assert_non_null(tlb_any());
        assert_int_equal(get_page_and_type(MFN(frame[DATA]), guest->id, use), 0);
        assert_null(machine_guard(tlb_check));
        put_page_and_type(page(DATA));
        nothing_wrong();
    }
}

static void xsa_286_no_cpu_walks_on_through_a_table_that_was(void **state)
{
    (void)state;
    for (unsigned int at = L4; at <= L2; at++) {
        in_use();
        touch_everywhere();
        assert_int_equal(update(slot(at, 0), 0), 0);
        for (unsigned int i = at + 1; i <= L1; i++)
            assert_int_equal(get_page_and_type(MFN(frame[i]), guest->id, USE_WRITABLE), 0);
        assert_null(machine_guard(tlb_check));
        for (unsigned int i = at + 1; i <= L1; i++)
            put_page_and_type(page(i));
        nothing_wrong();
    }
}

static void xsa_294_a_change_of_mode_flushes(void **state)
{
    struct vcpu *v;

    (void)state;
    in_use();
    v = current;
    assert_int_equal(ext(MMUEXT_NEW_USER_BASEPTR, frame[L4]), 0);
    assert_non_null(tlb_touch(way));
    v->cpu.kernel_mode = false;
    mm_load_root(v);
    assert_null(tlb_any());
    v->cpu.kernel_mode = true;
}

/* ---- Work ---- */

static void xsa_45_290_pins_and_roots_give_way(void **state)
{
    (void)state;
    begin();
    for (unsigned int i = 0; i < PTE_COUNT; i++) {
        words(L2)[i] = entry(L1, PTE_RW);
        words(L3)[i] = entry(L2, PTE_RW);
    }
    machine_set_odds(&(struct machine_options){ .cpus = 1, .softirq_odds = 1 });
    for (unsigned int i = 0; i < PTE_COUNT + PTE_COUNT / 2; i++) {
        assert_int_equal(ext(i % 2 ? MMUEXT_PIN_L4_TABLE : MMUEXT_NEW_BASEPTR, frame[L4]),
                         -ERESTART);
        nothing_wrong();
    }
    machine_set_odds(&(struct machine_options){ .cpus = 1 });
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L4]), 0);
    nothing_is_held();
}

static void xsa_264_long_lists_give_way(void **state)
{
    static struct mmu_update reqs[1000];
    unsigned int calls = 0, done = 0;
    u64 args[] = { (u64)reqs, ARRAY_SIZE(reqs), (u64)&done, DOMID_SELF };
    long rc;

    (void)state;
    in_use();
    for (unsigned int i = 0; i < ARRAY_SIZE(reqs); i++)
        reqs[i] = (struct mmu_update){ slot(L1, i % PTE_COUNT), entry(OTHER, 0) };
    machine_set_odds(&(struct machine_options){ .cpus = 1, .softirq_odds = 1 });
    do {
        rc = do_mmu_update((XEN_GUEST_HANDLE(mmu_update_t)){ (void *)args[0] },
                           (unsigned int)args[1], (XEN_GUEST_HANDLE(uint)){ (void *)args[2] },
                           (unsigned int)args[3]);
        memcpy(args, restart_args, 2 * sizeof(*args));
        leave_to_guest();
        calls++;
    } while (rc == -ERESTART);
    assert_int_equal(rc, 0);
    assert_int_equal(done, ARRAY_SIZE(reqs));
    assert_true(calls >= ARRAY_SIZE(reqs) / 32);
    nothing_wrong();
}

static void xsa_279_a_failed_update_flushes_nothing(void **state)
{
    u64 clock;

    (void)state;
    in_use();
    clock = tlb_clock;
    assert_int_equal(do_update_va_mapping(0, entry(L1, PTE_RW), UVMF_TLB_FLUSH | UVMF_ALL),
                     -EBUSY);
    assert_int_equal(do_update_va_mapping(HV_VIRT_START, 0, UVMF_INVLPG | UVMF_ALL), -EINVAL);
    assert_int_equal(tlb_clock, clock);
}

/* ---- Frame numbers ---- */

static void xsa_32_113_248_machphys_updates_of_strange_frames(void **state)
{
    static const u64 strange[] = { 0, HOLE_FIRST, FRAMES, DEVICE_END, 1ull << 40, ~0ull >> 12 };
    mfn_t foreign;

    (void)state;
    begin();
    assert_int_equal(alloc_domain_frames(other, 0, 0, &foreign), 0);
    m2p_set(foreign, PFN(5));
    for (unsigned int i = 0; i < ARRAY_SIZE(strange); i++)
        assert_int_equal(update(strange[i] << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 7), -EINVAL);
    assert_int_equal(update(foreign.v << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 7), -EINVAL);
    assert_int_equal(m2p_get(foreign).v, 5);
    assert_int_equal(update(frame[DATA] << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 7), 0);
    assert_int_equal(m2p_get(MFN(frame[DATA])).v, 7);
    nothing_is_held();
}

/* ---- Owners ---- */

static void xsa_252_a_table_that_is_given_back_stays_one(void **state)
{
    xen_pfn_t mfn;
    u64 free_before;

    (void)state;
    for (unsigned int name = L4; name <= DATA; name++) {
        begin();
        assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
        free_before = heap_free_frames();
        mfn = frame[name];
        assert_int_equal(memory_op(XENMEM_decrease_reservation, &mfn, 1, 0), 1);
        assert_int_equal(page_use(page(name)), name == DATA ? USE_WRITABLE : USE_L4 - name);
        assert_int_equal(heap_free_frames(), free_before);
        assert_int_equal(memory_op(XENMEM_decrease_reservation, &mfn, 1, 0), 0);
        nothing_wrong();
        assert_int_equal(ext(MMUEXT_UNPIN_TABLE, frame[L4]), 0);
        assert_int_equal(heap_free_frames(), free_before + 1);
        nothing_wrong();
    }
}

static void xsa_100_214_a_frame_comes_without_past(void **state)
{
    xen_pfn_t mfn;
    mfn_t m;

    (void)state;
    in_use();
    touch_everywhere();
    memset(words(DATA), 0xa5, PAGE_SIZE);
    assert_int_equal(update(slot(L1, 0), 0), 0);
    mfn = frame[DATA];
    assert_int_equal(memory_op(XENMEM_decrease_reservation, &mfn, 1, 0), 1);
    do
        assert_int_equal(alloc_domain_frames(other, 0, 0, &m), 0);
    while (m.v != mfn);
    assert_int_equal(page(DATA)->type, 0);
    assert_int_equal(page_owner(page(DATA)), other->id);
    for (unsigned int i = 0; i < PTE_COUNT; i++)
        assert_int_equal(words(DATA)[i], 0);
    assert_null(machine_guard(tlb_check));
    nothing_wrong();
}

static void xsa_31_158_huge_extents_are_not_even_begun(void **state)
{
    static const unsigned int cmds[] = {
        XENMEM_populate_physmap, XENMEM_increase_reservation, XENMEM_decrease_reservation,
    };
    xen_pfn_t list[2] = { 0 };
    u64 free_before;

    (void)state;
    begin();
    free_before = heap_free_frames();
    for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++) {
        list[0] = frame[DATA];
        assert_int_equal(memory_op(cmds[i], list, 1, MAX_EXTENT_ORDER + 1), 0);
        assert_int_equal(memory_op(cmds[i], list, 1, 63), 0);
        assert_int_equal(memory_op(cmds[i], list, 1, ~0u), 0);
        assert_int_equal(memory_op(cmds[i], list, ~0ull, 0), 0);
        assert_int_equal(memory_op(cmds[i], list, 1ull << 61, 0), 0);
    }
    assert_int_equal(heap_free_frames(), free_before);
    nothing_is_held();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xsa_148_167_176_no_superpage_gets_in),
        cmocka_unit_test(xsa_182_a_change_of_flags_gives_no_right),
        cmocka_unit_test(xsa_37_no_state_and_use_meet_in_an_assertion),
        cmocka_unit_test(xsa_241_408_a_frame_changes_its_use_after_a_flush),
        cmocka_unit_test(xsa_286_no_cpu_walks_on_through_a_table_that_was),
        cmocka_unit_test(xsa_294_a_change_of_mode_flushes),
        cmocka_unit_test(xsa_45_290_pins_and_roots_give_way),
        cmocka_unit_test(xsa_264_long_lists_give_way),
        cmocka_unit_test(xsa_279_a_failed_update_flushes_nothing),
        cmocka_unit_test(xsa_32_113_248_machphys_updates_of_strange_frames),
        cmocka_unit_test(xsa_252_a_table_that_is_given_back_stays_one),
        cmocka_unit_test(xsa_100_214_a_frame_comes_without_past),
        cmocka_unit_test(xsa_31_158_huge_extents_are_not_even_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
