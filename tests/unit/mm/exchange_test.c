/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange, above all what it leaves behind when it fails half-way: each chunk is exchanged
 * wholly or not at all, and the domain never has a frame more or less.
 */
#include "tree.h"

#define IN 8u

static struct domain *guest;
static xen_pfn_t in[IN], out[IN];
static u64 free_before;

static struct xen_memory_exchange request(unsigned int in_order, unsigned int out_order)
{
    struct xen_memory_exchange x = {
        .in = { .nr_extents = IN >> in_order, .extent_order = in_order, .domid = DOMID_SELF },
        .out = { .nr_extents = IN >> out_order, .extent_order = out_order, .domid = DOMID_SELF },
    };

    x.in.extent_start.p = in;
    x.out.extent_start.p = out;
    return x;
}

/* The domain has IN frames more than the tree; each holds its own number. */
static void begin_exchange(void)
{
    begin();
    guest = &domains[1];
    for (unsigned int i = 0; i < IN; i++) {
        mfn_t m;

        assert_int_equal(alloc_domain_frames(guest, 0, 0, &m), 0);
        in[i] = m.v;
        out[i] = 1000 + i;
        *(u64 *)mfn_to_virt(m) = m.v;
        m2p_set(m, PFN(500 + i));
    }
    free_before = heap_free_frames();
}

static long exchange(struct xen_memory_exchange *x)
{
    long rc;

    do {
        rc = do_memory_op(XENMEM_exchange, (XEN_GUEST_HANDLE(void)){ x });
        leave_to_guest();
    } while (rc == -ERESTART);
    nothing_wrong();
    assert_int_equal(guest->tot_pages, NAMES + IN);
    assert_int_equal(heap_free_frames(), free_before);
    return rc;
}

static bool is_guests(u64 mfn)
{
    return frame_table[mfn].count ==
           ((u64)guest->id << PAGE_OWNER_SHIFT | PAGE_ALLOCATED | 1);
}

/* From the @from-th on, the frames are as they were. */
static void untouched(unsigned int from)
{
    for (unsigned int i = from; i < IN; i++) {
        assert_true(is_guests(in[i]));
        assert_int_equal(*(u64 *)mfn_to_virt(MFN(in[i])), in[i]);
        assert_int_equal(m2p_get(MFN(in[i])).v, 500 + i);
        assert_int_equal(out[i], 1000 + i);
    }
}

static void single_frames_become_one_extent(void **state)
{
    struct xen_memory_exchange x;

    (void)state;
    begin_exchange();
    x = request(0, 3);
    assert_int_equal(exchange(&x), 0);
    assert_int_equal(x.nr_exchanged, IN);
    for (unsigned int k = 0; k < IN; k++) {
        assert_true(is_guests(out[0] + k));
        assert_int_equal(m2p_get(MFN(out[0] + k)).v, 1000 + k);
        assert_int_equal(*(u64 *)mfn_to_virt(MFN(out[0] + k)), 0);
    }
    for (unsigned int i = 0; i < IN; i++)
        assert_true(in[i] - out[0] < IN || m2p_get(MFN(in[i])).v == INVALID_PFN.v);
}

/* The @bad-th frame is one that can't be given up; chunks of 1 << @order frames. */
static void refused_at(unsigned int order, unsigned int bad, xen_pfn_t mfn)
{
    struct xen_memory_exchange x;
    xen_pfn_t old = in[bad];
    unsigned int done = bad >> order << order;

    x = request(0, order);
    in[bad] = mfn;
    assert_int_equal(exchange(&x), -EINVAL);
    assert_int_equal(x.nr_exchanged, done);
    in[bad] = old;
    for (unsigned int i = done; i < IN; i++) {
        assert_true(is_guests(in[i]));
        assert_int_equal(*(u64 *)mfn_to_virt(MFN(in[i])), in[i]);
    }
    for (unsigned int i = 0; i < done >> order; i++)
        assert_true(is_guests(out[i]) && out[i] < FRAMES);
}

static void xsa_159_287_frames_of_a_chunk_that_fails_stay_the_domains(void **state)
{
    (void)state;
    for (unsigned int order = 0; order <= 3; order++) {
        for (unsigned int bad = 0; bad < IN; bad++) {
            begin_exchange();
            refused_at(order, bad, ~0ul);
            begin_exchange();
            refused_at(order, bad, HOLE_FIRST);
            begin_exchange();
            refused_at(order, bad, 0);
            if (bad > 0) {
                begin_exchange();
                refused_at(order, bad, in[bad - 1]);
            }
            /* In use: by a table, as a table. */
            begin_exchange();
            assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, frame[L4]), 0);
            refused_at(order, bad, frame[DATA]);
            begin_exchange();
            assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, frame[OTHER]), 0);
            refused_at(order, bad, frame[OTHER]);
        }
    }
}

static void xsa_159_without_memory_nothing_changes(void **state)
{
    struct xen_memory_exchange x;

    (void)state;
    begin_exchange();
    /* What is left has no room for one extent of eight frames. */
    while (heap_free_frames() >= IN)
        assert_false(mfn_eq(alloc_hv_frames(0), INVALID_MFN));
    free_before = heap_free_frames();
    x = request(0, 3);
    assert_int_equal(do_memory_op(XENMEM_exchange, (XEN_GUEST_HANDLE(void)){ &x }), -ENOMEM);
    assert_int_equal(x.nr_exchanged, 0);
    assert_int_equal(heap_free_frames(), free_before);
    assert_int_equal(guest->tot_pages, NAMES + IN);
    untouched(0);
}

static void a_domain_that_dies_meanwhile_keeps_none(void **state)
{
    struct xen_memory_exchange x;

    (void)state;
    begin_exchange();
    guest->dying = true;
    x = request(0, 3);
    assert_int_equal(do_memory_op(XENMEM_exchange, (XEN_GUEST_HANDLE(void)){ &x }), -ESRCH);
    assert_int_equal(guest->tot_pages, NAMES);
    assert_int_equal(heap_free_frames(), free_before + IN);
    nothing_wrong();
}

/* Lists that lie in the hypervisor's range, or only reach it: nothing is read or written there. */
static void xsa_29_212_lists_are_checked_before_anything_is_done(void **state)
{
    static const u64 bad[] = {
        HV_VIRT_START, HV_VIRT_START - 8, HV_VIRT_END - 8, 1ull << 47, (1ull << 47) - 8,
    };
    struct xen_memory_exchange x;

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        begin_exchange();
        x = request(0, 0);
        x.in.extent_start.p = (void *)bad[i];
        assert_int_equal(exchange(&x), -EFAULT);
        untouched(0);
        x = request(0, 0);
        x.out.extent_start.p = (void *)bad[i];
        assert_int_equal(exchange(&x), -EFAULT);
        untouched(0);
        /* A start that was said to be done already must not lead past the lists' ends. */
        x = request(0, 0);
        x.nr_exchanged = (bad[i] - (u64)out) / sizeof(*out);
        assert_int_equal(exchange(&x), -EINVAL);
        untouched(0);
    }
}

static void sizes_that_make_no_sense(void **state)
{
    struct xen_memory_exchange x;

    (void)state;
    begin_exchange();
    x = request(0, 0);
    x.in.nr_extents = 1ull << 61;
    x.out.nr_extents = 1ull << 61;
    assert_int_equal(exchange(&x), -EFAULT);
    x = request(0, 3);
    x.out.nr_extents = 2;
    assert_int_equal(exchange(&x), -EINVAL);
    x = request(0, 3);
    x.in.nr_extents = x.out.nr_extents = 1ull << 63;
    assert_int_equal(exchange(&x), -EINVAL);
    x = request(0, 3);
    x.out.extent_order = MAX_EXTENT_ORDER + 1;
    assert_int_equal(exchange(&x), -EPERM);
    x = request(0, 3);
    x.nr_exchanged = 3;
    assert_int_equal(exchange(&x), -EINVAL);
    x = request(0, 0);
    x.out.domid = 3;
    assert_int_equal(exchange(&x), -EINVAL);
    untouched(0);
}

static void a_restart_goes_on_with_the_next_chunk(void **state)
{
    struct xen_memory_exchange x;

    (void)state;
    for (unsigned int order = 0; order <= 3; order++) {
        begin_exchange();
        machine_set_odds(&(struct machine_options){ .cpus = 1, .softirq_odds = 1 });
        x = request(0, order);
        assert_int_equal(exchange(&x), 0);
        assert_int_equal(x.nr_exchanged, IN);
        for (unsigned int i = 0; i < IN >> order; i++)
            assert_true(is_guests(out[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_frames_become_one_extent),
        cmocka_unit_test(xsa_159_287_frames_of_a_chunk_that_fails_stay_the_domains),
        cmocka_unit_test(xsa_159_without_memory_nothing_changes),
        cmocka_unit_test(a_domain_that_dies_meanwhile_keeps_none),
        cmocka_unit_test(xsa_29_212_lists_are_checked_before_anything_is_done),
        cmocka_unit_test(sizes_that_make_no_sense),
        cmocka_unit_test(a_restart_goes_on_with_the_next_chunk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
