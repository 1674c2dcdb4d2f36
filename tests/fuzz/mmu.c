/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls that change page tables and memory, with any arguments at all, on the fake machine
 * of the unit tests (tests/unit/mm): after each call the brute-force model looks at every frame,
 * and at the end both domains are destroyed and every frame must be free. What a table holds is
 * judged there too: an entry never names a frame that its domain may not have, nor has a bit that
 * is reserved.
 *
 * The unit test mm_fuzz plays guests that mostly know what they do, for long; here each input is a
 * few calls, and numbers are as wild as they come.
 */
#include "fuzz.h"
#include "hypercall/hypercall.h"
#include "lifetime.h"
#include "model.h"
#include "mm/pt_entry.h"

enum { UPDATED, TABLE_UPDATED, VA_UPDATED, PINNED, ROOT, STORED, FREED, EXCHANGED, REFUSED };
FUZZ_GOALS(GOAL("an update"), GOAL("an update of a table"), GOAL("an update of an address"),
           GOAL("a pin"), GOAL("a root"), GOAL("a store into a table"), GOAL("frames freed"),
           GOAL("frames exchanged"), GOAL("a refusal"))

#define MAX_CALLS 12

/* The numbers of the tree's frames: level 4 down to 1, then data. */
static u64 tree[DOMAINS][5];

static u64 wild_mfn(struct fuzz_input *in)
{
    static const u64 values[] = {
        0, 1, FRAMES - 1, FRAMES, DEVICE_END - 1, DEVICE_END, HOLE_FIRST, HOLE_END - 1, HOLE_END,
        PTE_ADDR >> PAGE_SHIFT, 1ull << 39, 1ull << 40, 1ull << 51, ~0ull, ~0ull - 1,
        ~0ull >> PAGE_SHIFT, (0ull - FRAME_TABLE_VIRT) / sizeof(struct page),
        (1ull << 60) + 5, ((1ull << 40) - 1) / sizeof(struct page), 0x7f000000000,
    };
    u64 how = fuzz_take(in, 1);

    if (how < 96)
        return tree[how & 1][how % 5];
    if (how < 200)
        return how - 96;
    return how < 248 ? values[how % ARRAY_SIZE(values)] : fuzz_take(in, 8);
}

static u64 wild_entry(struct fuzz_input *in)
{
    static const u64 flags[] = {
        PTE_P | PTE_USER, PTE_P | PTE_USER | PTE_RW, PTE_P | PTE_USER | PTE_RW | PTE_A | PTE_D, 0,
    };
    u64 how = fuzz_take(in, 1), entry = wild_mfn(in) << PAGE_SHIFT | flags[how & 3];

    if (how >> 2 == 0)
        return fuzz_take(in, 8);
    if (how >> 2 < 16)
        entry ^= 1ull << fuzz_below(in, 64);
    return entry;
}

static u64 wild_index(struct fuzz_input *in)
{
    static const u64 few[] = { 0, 1, 2, 255, 256, 271, 272, 511 };

    return few[fuzz_below(in, ARRAY_SIZE(few))];
}

static u64 wild_va(struct fuzz_input *in)
{
    u64 va = 0;

    for (unsigned int level = 1; level <= 4; level++)
        va |= wild_index(in) << (12 + 9 * (level - 1));
    if (va >> 47)
        va |= 0xffffull << 48;
    return fuzz_take(in, 1) % 16 ? va : va ^ 1ull << fuzz_below(in, 64);
}

static unsigned int wild_domid(struct fuzz_input *in)
{
    static const unsigned int few[] = {
        DOMID_SELF, DOMID_SELF, DOMID_SELF, 0, DOM_PLAIN_ID, DOMID_IO, DOMID_XEN, 99,
    };

    return few[fuzz_below(in, ARRAY_SIZE(few))];
}

/* ---- Calls ---- */

static long count(long rc, unsigned int goal)
{
    if (rc >= 0)
        REACHED(goal);
    else
        REACHED(REFUSED);
    return rc;
}

static void call_update(struct fuzz_input *in)
{
    u64 mfn = wild_mfn(in), index = wild_index(in), how = fuzz_take(in, 1);
    unsigned int owners = wild_domid(in);
    struct mmu_update req = {
        .ptr = (mfn << PAGE_SHIFT) + index * 8 + (how % 8 < 5 ? 0 : how >> 5),
        .val = wild_entry(in),
    };
    bool table = mfn < FRAMES && page_use(&frame_table[mfn]) >= USE_L1 &&
                 page_use(&frame_table[mfn]) <= USE_L4;

    if (how >> 3 == 1)
        owners |= (wild_domid(in) + 1) << 16;
    count(do_mmu_update((XEN_GUEST_HANDLE(mmu_update_t)){ &req }, 1,
                        (XEN_GUEST_HANDLE(uint)){ NULL }, owners),
          table ? TABLE_UPDATED : UPDATED);
}

static void call_va(struct fuzz_input *in)
{
    u64 va = wild_va(in), entry = wild_entry(in), flags = fuzz_below(in, 8);

    count(do_update_va_mapping(va, entry, flags), VA_UPDATED);
}

static void call_ext(struct fuzz_input *in)
{
    struct mmuext_op op = { .cmd = (unsigned int)fuzz_take(in, 1) % 24 };
    unsigned int goal = op.cmd == MMUEXT_NEW_BASEPTR ? ROOT : PINNED, bitmap = 3;

    if (op.cmd == MMUEXT_FLUSH_CACHE || op.cmd == MMUEXT_FLUSH_CACHE_GLOBAL)
        return;                 /* wbinvd is not a program's to execute */
    op.arg1.mfn = wild_mfn(in);
    /* Others read a bitmap of vCPUs there; here a bad pointer would be the test's own fault. */
    if (op.cmd == MMUEXT_COPY_PAGE)
        op.arg2.src_mfn = wild_mfn(in);
    else
        op.arg2.vcpumask.p = &bitmap;
    count(do_mmuext_op((XEN_GUEST_HANDLE(mmuext_op_t)){ &op }, 1,
                       (XEN_GUEST_HANDLE(uint)){ NULL }, wild_domid(in)), goal);
}

/* A store by the guest, as emulate_pte.c carries it out. */
static void call_store(struct fuzz_input *in)
{
    u64 va = wild_va(in), entry = wild_entry(in), old;
    struct page *table;
    u64 *slot = mm_mapped_l1_get(current, va, &table);

    if (slot == NULL)
        return;
    old = READ_ONCE(*slot);
    count(mm_exchange_l1e(current->domain, table, slot, &old, entry), STORED);
    put_page_and_type(table);
}

static void call_reservation(struct fuzz_input *in)
{
    bool give = fuzz_take(in, 1) & 1;
    xen_pfn_t frame = give ? wild_mfn(in) : fuzz_take(in, 1);
    struct xen_memory_reservation r = {
        .nr_extents = 1, .extent_order = (unsigned int)fuzz_below(in, 3),
        .domid = (domid_t)wild_domid(in),
    };

    r.extent_start.p = &frame;
    if (r.extent_order != 0 && !give)
        r.mem_flags = (unsigned int)fuzz_below(in, 24);
    if (do_memory_op(give ? XENMEM_decrease_reservation : XENMEM_populate_physmap,
                     (XEN_GUEST_HANDLE(void)){ &r }) > 0)
        REACHED(FREED);
}

static void call_exchange(struct fuzz_input *in)
{
    xen_pfn_t old[4], new[4] = { 1, 2, 3, 4 };
    struct xen_memory_exchange x = {
        .in = { .extent_order = (unsigned int)fuzz_below(in, 3), .domid = DOMID_SELF },
        .out = { .extent_order = (unsigned int)fuzz_below(in, 3), .domid = DOMID_SELF },
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(old); i++)
        old[i] = wild_mfn(in);
    x.in.nr_extents = 4u >> x.in.extent_order;
    x.out.nr_extents = 4u >> x.out.extent_order;
    x.in.extent_start.p = old;
    x.out.extent_start.p = new;
    count(do_memory_op(XENMEM_exchange, (XEN_GUEST_HANDLE(void)){ &x }), EXCHANGED);
}

/* ---- A machine for each input ---- */

static void write_trees(void)
{
    unsigned int found[DOMAINS] = { 0 };

    for (u64 mfn = 1; mfn < FRAMES; mfn++) {
        for (unsigned int d = 0; d < DOMAINS; d++) {
            if ((frame_table[mfn].count & PAGE_REFS) && found[d] < 5 &&
                page_owner(&frame_table[mfn]) == domains[d].id)
                tree[d][found[d]++] = mfn;
        }
    }
    for (unsigned int d = 0; d < DOMAINS; d++) {
        for (unsigned int i = 0; i < 4; i++)
            ((u64 *)mfn_to_virt(MFN(tree[d][i])))[0] =
                tree[d][i + 1] << PAGE_SHIFT | PTE_P | PTE_USER | PTE_A | PTE_RW;
        /* The table of level 1 is also mapped, so that there is something to store through. */
        ((u64 *)mfn_to_virt(MFN(tree[d][3])))[1] =
            tree[d][3] << PAGE_SHIFT | PTE_P | PTE_USER | PTE_A;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(struct fuzz_input *in) = {
        call_update, call_update, call_update, call_ext, call_ext, call_va, call_store,
        call_reservation, call_exchange,
    };
    struct fuzz_input in = { data, size };
    u64 how = fuzz_take(&in, 1);
    struct domain *d = &domains[how & 1];

    machine_reset(1, &(struct machine_options){ .cpus = 1, .softirq_odds = how & 2 ? 3 : 0 });
    populate_all();
    write_trees();
    run_as(d->vcpus[0]);
    if (how & 4)
        (void)mm_new_baseptr(current, MFN(tree[how & 1][0]));
    leave_to_guest();
    for (unsigned int i = 0; i < MAX_CALLS && in.size > 0; i++) {
        calls[fuzz_take(&in, 1) % ARRAY_SIZE(calls)](&in);
        leave_to_guest();
        model_check();
    }
    destroy_all();
    return 0;
}
