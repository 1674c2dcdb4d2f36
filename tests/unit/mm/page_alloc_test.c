/* SPDX-License-Identifier: MIT */
/* The buddy allocator against a list of what was handed out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "heap.h"
#include "hypercall/hypercall.h"
#include "machine.h"
#include "mm/buddy.h"

#define HELD   64
#define ROUNDS 40000

static struct held {
    u64 mfn;
    unsigned int order;
    struct domain *d;           /* NULL: the hypervisor's */
    u64 mark;
} held[HELD];
static unsigned int nr_held;

static void sound(void)
{
    const char *why;

    if (!heap_sound(&why))
        fail_msg("the heap: %s", why);
}

static u64 *words(u64 mfn)
{
    return mfn_to_virt(MFN(mfn));
}

static void is_mine_alone(const struct held *h)
{
    for (unsigned int i = 0; i < nr_held; i++)
        assert_true(h->mfn + (1ull << h->order) <= held[i].mfn ||
                    held[i].mfn + (1ull << held[i].order) <= h->mfn);
    assert_false(h->mfn < HOLE_END && h->mfn + (1ull << h->order) > HOLE_FIRST);
    assert_true(h->mfn > 0 && h->mfn + (1ull << h->order) <= FRAMES);
    for (u64 i = 0; i < 1ull << h->order; i++) {
        assert_false(heap_frame_is_free(h->mfn + i));
        assert_int_equal(words(h->mfn + i)[0] | words(h->mfn + i)[511], 0);
        assert_int_equal(page_owner(mfn_to_page(MFN(h->mfn + i))), h->d ? h->d->id : OWNER_NONE);
    }
}

static void take(unsigned int order, struct domain *d)
{
    struct held h = { .order = order, .d = d, .mark = rng() };
    u64 before = heap_free_frames();
    mfn_t m = INVALID_MFN;

    if (d == NULL)
        m = alloc_hv_frames(order);
    else if (alloc_domain_frames(d, order, 0, &m))
        m = INVALID_MFN;
    if (mfn_eq(m, INVALID_MFN)) {
        assert_int_equal(heap_free_frames(), before);
        return;
    }
    assert_int_equal(heap_free_frames(), before - (1ull << order));
    h.mfn = m.v;
    is_mine_alone(&h);
    for (u64 i = 0; i < 1ull << order; i++)
        words(h.mfn + i)[0] = words(h.mfn + i)[511] = h.mark + i;
    held[nr_held++] = h;
}

static void give(unsigned int i)
{
    struct held h = held[i];

    for (u64 k = 0; k < 1ull << h.order; k++) {
        assert_true(words(h.mfn + k)[0] == h.mark + k && words(h.mfn + k)[511] == h.mark + k);
        if (h.d != NULL)
            assert_int_equal(release_domain_frame(h.d, mfn_to_page(MFN(h.mfn + k))), 0);
    }
    if (h.d == NULL)
        free_hv_pages(mfn_to_virt(MFN(h.mfn)), h.order);
    held[i] = held[--nr_held];
}

static void begin(void)
{
    machine_reset(5, &(struct machine_options){ .cpus = 1 });
    nr_held = 0;
}

static void taken_frames_never_overlap_and_all_come_back(void **state)
{
    u64 shape, frames;

    (void)state;
    begin();
    frames = heap_free_frames();
    shape = heap_shape();
    assert_int_equal(frames, FRAMES - 1 - (HOLE_END - HOLE_FIRST));
    assert_int_equal(frames, heap_total_frames());
    for (unsigned int round = 0; round < ROUNDS; round++) {
        if (nr_held == HELD || (nr_held > 0 && below(20) < 9))
            give((unsigned int)below(nr_held));
        else if (below(8) == 0)
            (void)heap_scrub();
        else
            take(below(4) ? (unsigned int)below(2) : (unsigned int)below(7),
                 below(2) ? NULL : &domains[below(DOMAINS)]);
        sound();
    }
    while (nr_held > 0)
        give(0);
    sound();
    assert_int_equal(heap_free_frames(), frames);
    assert_int_equal(heap_shape(), shape);
    assert_int_equal(domains[0].tot_pages + domains[1].tot_pages, 0);
}

static void a_domain_gets_no_more_than_its_limit(void **state)
{
    mfn_t m;

    (void)state;
    begin();
    domains[1].max_pages = 5;
    assert_int_equal(alloc_domain_frames(&domains[1], 2, 0, &m), 0);
    assert_int_equal(alloc_domain_frames(&domains[1], 1, 0, &m), -ENOMEM);
    assert_int_equal(domains[1].tot_pages, 4);
    assert_int_equal(alloc_domain_frames(&domains[1], 0, 0, &m), 0);
    assert_int_equal(alloc_domain_frames(&domains[1], 0, 0, &m), -ENOMEM);
    domains[1].max_pages = FRAMES;
    assert_int_equal(alloc_domain_frames(&domains[1], 10, 0, &m), -ENOMEM);
    assert_int_equal(domains[1].tot_pages, 5);
    sound();
}

static void frames_lie_below_the_address_that_was_asked_for(void **state)
{
    const unsigned int bits = PAGE_SHIFT + 4;       /* below frame 16 */
    unsigned int got = 0;
    mfn_t m;

    (void)state;
    begin();
    while (alloc_domain_frames(&domains[0], 0, bits, &m) == 0) {
        assert_true(m.v > 0 && m.v < 16);
        got++;
    }
    assert_int_equal(got, 15);
    assert_int_equal(alloc_domain_frames(&domains[0], 0, 0, &m), 0);
    assert_true(m.v >= 16);
    sound();
}

static void a_run_of_frames_may_span_blocks_but_no_hole(void **state)
{
    mfn_t m;

    (void)state;
    begin();
    assert_true(mfn_eq(alloc_boot_frames(&domains[0], 1, true), INVALID_MFN));  /* it is small */
    m = alloc_boot_frames(&domains[0], FRAMES - HOLE_END - 3, false);
    assert_int_equal(m.v, HOLE_END);
    sound();
    assert_int_equal(heap_free_frames(), HOLE_FIRST - 1 + 3);
    assert_int_equal(domains[0].tot_pages, FRAMES - HOLE_END - 3);
    assert_true(mfn_eq(alloc_boot_frames(&domains[0], HOLE_FIRST, false), INVALID_MFN));
    assert_int_equal(alloc_boot_frames(&domains[0], HOLE_FIRST - 1, false).v, 1);
    sound();
    assert_int_equal(heap_free_frames(), 3);
}

/* What comes back dirty is clear in the end, and taken before what is not. */
static void an_idle_cpu_clears_what_is_free(void **state)
{
    unsigned int steps = 0;
    const char *why;
    mfn_t m;

    (void)state;
    begin();
    memset(words(1), 0xa5, (HOLE_FIRST - 1) * PAGE_SIZE);
    memset(words(HOLE_END), 0xa5, (FRAMES - HOLE_END) * PAGE_SIZE);
    while (heap_scrub()) {
        assert_true(heap_sound(&why));
        assert_true(++steps <= FRAMES);
    }
    assert_int_equal(heap_free_frames(), heap_total_frames());
    for (u64 mfn = 1; mfn < FRAMES; mfn++)
        if (mfn < HOLE_FIRST || mfn >= HOLE_END)
            assert_int_equal(words(mfn)[0] | words(mfn)[511], 0);
    m = alloc_hv_frames(0);
    words(m.v)[0] = 1;
    free_hv_pages(words(m.v), 0);
    assert_false(heap_scrub() && heap_scrub());
    assert_int_equal(words(m.v)[0], 0);
    sound();
}

/* CPU 0's domain gets two; on CPU 1 it gives them back at once, and another domain gets one. */
static void get_or_lose(unsigned int cpu)
{
    mfn_t m;

    if (cpu == 0) {
        assert_int_equal(alloc_domain_frames_at(&domains[0], 1, 0, PFN(7), &m), 0);
        return;
    }
    for (u64 mfn = 1; mfn < FRAMES; mfn++)
        if ((u32)frame_table[mfn].count && page_owner(mfn_to_page(MFN(mfn))) == domains[0].id)
            assert_int_equal(release_domain_frame(&domains[0], mfn_to_page(MFN(mfn))), 0);
    assert_int_equal(alloc_domain_frames_at(&domains[1], 0, 0, PFN(9), &m), 0);
}

/* Or its guest could write what other domains' frames are known as. */
static void nobody_names_a_frame_that_is_not_his_any_more(void **state)
{
    const char *wrong = NULL;
    bool more = true;

    (void)state;
    for (unsigned int at = 1; more; at++) {
        machine_reset(5, &(struct machine_options){ .cpus = 2 });
        nr_held = 0;
        more = machine_run_pair(at, get_or_lose, &wrong);
        assert_null(wrong);
        for (u64 mfn = 1; mfn < FRAMES; mfn++)
            if ((u32)frame_table[mfn].count && page_owner(mfn_to_page(MFN(mfn))) == domains[1].id)
                assert_int_equal(m2p_get(MFN(mfn)).v, 9);
    }
}

static bool asked, answered;
static unsigned int begun_meanwhile;

static unsigned int dirty_frames(void)
{
    unsigned int n = 0;

    for (u64 mfn = HOLE_END; mfn < FRAMES; mfn++)
        n += words(mfn)[0] != 0;
    return n;
}

/* CPU 0 clears; CPU 1 asks for what there is not. */
static void clear_or_ask(unsigned int cpu)
{
    mfn_t m;

    if (cpu == 1) {
        asked = true;
        assert_int_equal(alloc_domain_frames(&domains[0], 0, PAGE_SHIFT, &m), -ENOMEM);
        answered = true;
        return;
    }
    for (unsigned int i = 0; i < FRAMES; i++) {
        bool waits = asked && !answered;
        unsigned int before = dirty_frames();

        (void)heap_scrub();
        if (waits && !answered && dirty_frames() != before)
            begun_meanwhile++;
    }
}

/* Or memory that is all dirty would keep it waiting, with interrupts off, until all is clear. */
static long claim(unsigned int id, u64 pages)
{
    struct xen_memory_reservation r = { .nr_extents = pages, .domid = domains[id].id };

    return do_memory_op(XENMEM_claim_pages, (XEN_GUEST_HANDLE(void)){ &r });
}

/* What is promised is the sum of the claims, and domain 1's is so much. */
static void claimed_is(u64 pages)
{
    assert_int_equal(domains[1].claim, pages);
    assert_int_equal(heap_promised(), pages);
    sound();
}

static void what_is_claimed_nobody_else_gets(void **state)
{
    u64 free;
    mfn_t m[8], other;

    (void)state;
    begin();
    current->domain->privileged = true;
    free = heap_free_frames();
    domains[1].max_pages = 2 * FRAMES;
    assert_int_equal(claim(1, free + 1), -ENOMEM);
    claimed_is(0);
    assert_int_equal(claim(1, free), 0);
    assert_int_equal(claim(1, free), -EINVAL);
    claimed_is(free);
    assert_int_equal(alloc_domain_frames(&domains[0], 0, 0, &other), -ENOMEM);
    assert_true(mfn_eq(alloc_hv_frames(0), INVALID_MFN));
    assert_true(mfn_eq(alloc_loose_frames(0, 0), INVALID_MFN));
    for (unsigned int i = 0; i < 8; i++)
        assert_int_equal(alloc_domain_frames(&domains[1], 0, 0, &m[i]), 0);
    claimed_is(free - 8);
    /* A block that there is not: the claim is as before. */
    assert_int_equal(alloc_domain_frames(&domains[1], MAX_ORDER, 0, &other), -ENOMEM);
    claimed_is(free - 8);
    /* What goes back is promised again; nobody else can take it. */
    assert_int_equal(release_domain_frame(&domains[1], mfn_to_page(m[0])), 0);
    claimed_is(free - 7);
    assert_int_equal(alloc_domain_frames(&domains[0], 0, 0, &other), -ENOMEM);
    assert_int_equal(claim(1, 0), 0);
    claimed_is(0);
    assert_int_equal(release_domain_frame(&domains[1], mfn_to_page(m[1])), 0);
    claimed_is(0);
    assert_int_equal(alloc_domain_frames(&domains[0], 0, 0, &other), 0);
    assert_int_equal(release_domain_frame(&domains[0], mfn_to_page(other)), 0);
    /* It has 6: one that is no more than that is no claim; 9 are 3 more. */
    assert_int_equal(claim(1, 6), -EINVAL);
    assert_int_equal(claim(1, 2 * FRAMES + 1), -EINVAL);
    assert_int_equal(claim(1, ~0ull), -EINVAL);
    assert_int_equal(claim(1, 9), 0);
    claimed_is(3);
    /* More than the claim: the rest is of what is free for all. */
    assert_int_equal(alloc_domain_frames(&domains[1], 2, 0, &other), 0);
    claimed_is(0);
    assert_int_equal(claim(1, 13), 0);
    claimed_is(3);
    claim_drop(&domains[1]);
    claimed_is(0);
    domains[1].dying = true;
    assert_int_equal(claim(1, 13), -EINVAL);
    current->domain->privileged = false;
    assert_int_equal(claim(1, 13), -EPERM);
    domains[1].dying = false;
}

static void who_waits_for_what_is_being_cleared_waits_for_no_more(void **state)
{
    const char *wrong = NULL;
    bool more = true;
    mfn_t m;

    (void)state;
    for (unsigned int at = 1; more; at++) {
        machine_reset(5, &(struct machine_options){ .cpus = 2 });
        nr_held = 0;
        asked = answered = false;
        /* So that who clears flushes first, which is where the other one comes in. */
        assert_int_equal(alloc_domain_frames(&domains[1], 0, 0, &m), 0);
        assert_int_equal(release_domain_frame(&domains[1], mfn_to_page(m)), 0);
        memset(words(HOLE_END), 0xa5, (FRAMES - HOLE_END) * PAGE_SIZE);
        more = machine_run_pair(at, clear_or_ask, &wrong);
        assert_null(wrong);
        assert_int_equal(begun_meanwhile, 0);
        sound();
    }
}

/* A frame that its owner can still write, by a stale translation, is cleared after that is gone. */
static void xsa_100_a_frame_is_cleared_after_the_flush(void **state)
{
    u64 clock;
    mfn_t m;

    (void)state;
    begin();
    while (heap_scrub())
        ;
    assert_int_equal(alloc_domain_frames(&domains[1], 0, 0, &m), 0);
    assert_int_equal(release_domain_frame(&domains[1], mfn_to_page(m)), 0);
    clock = tlb_clock;
    /* The first look finds that something has come back, and leaves it for the next one. */
    assert_true(heap_scrub());
    assert_int_equal(tlb_clock, clock);
    words(m.v)[0] = 1;
    assert_true(heap_scrub());
    assert_true(tlb_clock > clock);
    assert_int_equal(words(m.v)[0], 0);
    assert_false(heap_scrub());
    sound();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_frames_never_overlap_and_all_come_back),
        cmocka_unit_test(a_domain_gets_no_more_than_its_limit),
        cmocka_unit_test(frames_lie_below_the_address_that_was_asked_for),
        cmocka_unit_test(an_idle_cpu_clears_what_is_free),
        cmocka_unit_test(nobody_names_a_frame_that_is_not_his_any_more),
        cmocka_unit_test(what_is_claimed_nobody_else_gets),
        cmocka_unit_test(who_waits_for_what_is_being_cleared_waits_for_no_more),
        cmocka_unit_test(xsa_100_a_frame_is_cleared_after_the_flush),
        cmocka_unit_test(a_run_of_frames_may_span_blocks_but_no_hole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
