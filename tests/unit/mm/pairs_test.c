/* SPDX-License-Identifier: MIT */
/*
 * Two CPUs, systematically: each operation of a list with each other one in the middle of it,
 * at every atomic operation of the first, on machines that begin in different states;
 * afterwards the model must hold, and a frame that was data must still become a table without a
 * stale translation left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "hypercall/hypercall.h"
#include "model.h"

/*
 * The frames. A is the tree that all vCPUs run on; B is another, first in the making. A1 maps D
 * and E writable, B1 maps E.
 */
enum { A4, A3, A2, A1, B4, B3, B2, B1, D, E, NAMES };
static u64 frame[NAMES];

/* How a machine begins. */
enum {
    B_PINNED = 1,       /* all of B is in use */
    B_HOSTILE = 2,      /* B1 maps B4 writable, and B2 names B4 as a table */
    B_HALF = 4,         /* a pin of B4 was given up half-way */
    IMPATIENT = 8,      /* there is always a softirq */
    SETUPS = 16
};

static struct domain *guest(void)
{
    return &domains[1];
}

/* ---- Hypercalls of the running vCPU, with their restarts ---- */

static long ext(unsigned int cmd, u64 mfn, unsigned int tries)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };
    long rc = -ERESTART;

    while (rc == -ERESTART && tries-- > 0) {
        rc = do_mmuext_op((XEN_GUEST_HANDLE(mmuext_op_t)){ &op }, 1,
                          (XEN_GUEST_HANDLE(uint)){ NULL }, DOMID_SELF);
        leave_to_guest();
    }
    return rc;
}

#define TRIES 10000u

static long update(u64 table, unsigned int index, u64 val)
{
    struct mmu_update req = { .ptr = (table << PAGE_SHIFT) + index * 8ull, .val = val };
    long rc;

    do {
        rc = do_mmu_update((XEN_GUEST_HANDLE(mmu_update_t)){ &req }, 1,
                           (XEN_GUEST_HANDLE(uint)){ NULL }, DOMID_SELF);
        leave_to_guest();
    } while (rc == -ERESTART);
    return rc;
}

static u64 entry(unsigned int name, u64 flags)
{
    return frame[name] << PAGE_SHIFT | PTE_P | PTE_USER | flags;
}

/* ---- The operations ---- */

static void flush_and_touch(void)
{
    static const unsigned int way[4] = { 3, 0, 0, 0 };

    tlb_flush_local();
    tlb_touch(way);
}

static void unmap_d(void)
{
    update(frame[A1], 0, 0);
}

/* Of D's entry only bits on which no reference depends. */
static void soften_d(void)
{
    update(frame[A1], 0, entry(D, PTE_RW | PTE_A | PTE_D));
}

/* E takes D's place by a store of the guest, as emulate_pte.c carries it out. */
static void store_e(void)
{
    mfn_t m = MFN(frame[A1]);
    u64 *slot = mfn_to_virt(m), old;

    if (get_page_and_type(m, guest()->id, USE_L1))
        return;
    old = READ_ONCE(*slot);
    while (mm_exchange_l1e(guest(), mfn_to_page(m), slot, &old, entry(E, PTE_RW)) == -EAGAIN)
        ;
    put_page_and_type(mfn_to_page(m));
    leave_to_guest();
}

/* Another CPU sees D while it is mapped once more. */
static void lend_d(void)
{
    if (update(frame[A1], 3, entry(D, PTE_RW)) == 0)
        machine_on(2, flush_and_touch);
    update(frame[A1], 3, 0);
}

static void pin_d(void)
{
    ext(MMUEXT_PIN_L1_TABLE, frame[D], TRIES);
}

static void pin_b4(void)
{
    ext(MMUEXT_PIN_L4_TABLE, frame[B4], TRIES);
}

static void begin_pin_b4(void)
{
    ext(MMUEXT_PIN_L4_TABLE, frame[B4], 1);
}

static void unpin_b4(void)
{
    ext(MMUEXT_UNPIN_TABLE, frame[B4], TRIES);
}

static void pin_b2(void)
{
    ext(MMUEXT_PIN_L2_TABLE, frame[B2], TRIES);
}

static void pin_b1(void)
{
    ext(MMUEXT_PIN_L1_TABLE, frame[B1], TRIES);
}

static void map_b3_writable(void)
{
    update(frame[A1], 5, entry(B3, PTE_RW));
}

static void run_on_b(void)
{
    ext(MMUEXT_NEW_BASEPTR, frame[B4], TRIES);
}

static void give_back(unsigned int name)
{
    xen_pfn_t mfn = frame[name];
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    r.extent_start.p = &mfn;
    (void)do_memory_op(XENMEM_decrease_reservation, (XEN_GUEST_HANDLE(void)){ &r });
    leave_to_guest();
}

static void give_back_d(void)
{
    give_back(D);
}

static void give_back_b2(void)
{
    give_back(B2);
}

static void change_entry_of_b(void)
{
    update(frame[B3], 0, 0);
}

/* Two level-4 tables may name each other neither at once nor one after the other. */
static void name_b4_in_a4(void)
{
    update(frame[A4], 300, entry(B4, 0));
}

static void name_a4_in_b4(void)
{
    update(frame[B4], 300, entry(A4, 0));
}

static void descriptors_in_d(void)
{
    if (get_page_and_type(MFN(frame[D]), guest()->id, USE_SEGDESC) == 0)
        put_page_and_type(mfn_to_page(MFN(frame[D])));
    leave_to_guest();
}

static const struct {
    const char *name;
    void (*fn)(void);
} ops[] = {
    { "unmap D", unmap_d }, { "soften D's entry", soften_d }, { "store E's entry", store_e },
    { "lend D", lend_d }, { "pin D", pin_d }, { "pin B4", pin_b4 },
    { "begin to pin B4", begin_pin_b4 }, { "unpin B4", unpin_b4 }, { "pin B2", pin_b2 },
    { "pin B1", pin_b1 }, { "map B3 writable", map_b3_writable }, { "run on B", run_on_b },
    { "give D back", give_back_d }, { "give B2 back", give_back_b2 },
    { "change an entry of B3", change_entry_of_b }, { "descriptors in D", descriptors_in_d },
    { "name B4 in A4", name_b4_in_a4 }, { "name A4 in B4", name_a4_in_b4 },
};

/* ---- One run ---- */

static void build_tree(unsigned int top)
{
    for (unsigned int i = 0; i < 3; i++)
        *(u64 *)mfn_to_virt(MFN(frame[top + i])) = entry(top + i + 1, PTE_RW);
}

static void *table(unsigned int name)
{
    return mfn_to_virt(MFN(frame[name]));
}

static unsigned int setup;

static void begin(void)
{
    for (unsigned int i = 0; i < NAMES; i++) {
        mfn_t m;

        require(alloc_domain_frames(guest(), 0, 0, &m) == 0, "no memory");
        frame[i] = m.v;
    }
    build_tree(A4);
    build_tree(B4);
    ((u64 *)table(A1))[0] = entry(D, PTE_RW);
    ((u64 *)table(A1))[1] = entry(E, PTE_RW);
    ((u64 *)table(B1))[0] = entry(E, PTE_RW);
    /* More than one table below B2, so that there is something to stop between. */
    ((u64 *)table(B2))[1] = entry(B1, PTE_RW);
    if (setup & B_HOSTILE) {
        ((u64 *)table(B1))[1] = entry(B4, PTE_RW);
        ((u64 *)table(B2))[2] = entry(B4, PTE_RW);
    }
    for (unsigned int i = 0; i < CPUS; i++) {
        struct vcpu *v = guest()->vcpus[i];

        require(get_page_and_type(MFN(frame[A4]), guest()->id, USE_L4) == 0, "A is no tree");
        v->kernel_root = MFN(frame[A4]);
    }
}

static void begin_on_cpu(void)
{
    run_as(guest()->vcpus[host_cpu()]);
}

static void begin_b(void)
{
    if (setup & B_PINNED)
        pin_b4();
    if (setup & B_HALF) {
        raise_softirq(SOFTIRQ_TIMER);
        begin_pin_b4();
    }
    model_check();
}

static unsigned int first, second;

static void step(unsigned int cpu)
{
    ops[cpu == 0 ? first : second].fn();
}

static void finish(void)
{
    model_check();
    machine_on(0, unmap_d);
    machine_on(0, pin_d);
    model_check();
}

/* The pair with the second at the @at-th atomic operation of the first: false if there is none. */
static bool run_pair(unsigned int at)
{
    struct machine_options options = { .cpus = CPUS, .softirq_odds = setup & IMPATIENT ? 1 : 0 };
    const char *wrong;
    bool reached = false;

    machine_reset(1, &(struct machine_options){ .cpus = CPUS });
    wrong = machine_guard(begin);
    for (unsigned int i = CPUS; wrong == NULL && i-- > 0;)
        machine_on(i, begin_on_cpu);
    if (wrong == NULL)
        wrong = machine_guard(begin_b);
    machine_set_odds(&options);
    if (wrong == NULL)
        reached = machine_run_pair(at, step, &wrong);
    machine_set_odds(&(struct machine_options){ .cpus = CPUS });
    if (wrong == NULL)
        wrong = machine_guard(finish);
    if (wrong != NULL)
        fail_msg("setup %u: '%s' with '%s' at its atomic operation %u: %s", setup,
                 ops[first].name, ops[second].name, at, wrong);
    return reached;
}

static void all_pairs(void)
{
    unsigned long runs = 0;

    for (first = 0; first < ARRAY_SIZE(ops); first++) {
        for (second = 0; second < ARRAY_SIZE(ops); second++) {
            unsigned int at = 1;

            while (run_pair(at))
                at++;
            runs += at;
        }
    }
    printf("# setup %u: %lu runs\n", setup, runs);
    assert_true(runs > 1000);
}

static void xsa_242_401_every_pair_at_every_point(void **state)
{
    (void)state;
    for (setup = 0; setup < IMPATIENT; setup++)
        all_pairs();
}

static void xsa_299_every_pair_with_interruptions(void **state)
{
    (void)state;
    for (setup = IMPATIENT; setup < SETUPS; setup++)
        all_pairs();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xsa_242_401_every_pair_at_every_point),
        cmocka_unit_test(xsa_299_every_pair_with_interruptions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
