/* SPDX-License-Identifier: MIT */
/*
 * What hostile guests do. Frames have a favourite use by their number, so that trees of tables come
 * about; and now and then everything is chosen without sense.
 */
#include <string.h>

#include "hypercall/hypercall.h"
#include "machine.h"
#include "steps.h"

struct step_counts steps;

static bool one_in(unsigned int n)
{
    return below(n) == 0;
}

/* ---- Choices ---- */

/* Frames by favourite use: level 1 to 4, or 0 for data and descriptors. */
static unsigned int favourite(u64 mfn)
{
    static const u8 uses[10] = { 0, 1, 2, 0, 1, 3, 0, 1, 4, 2 };

    return uses[mfn % 10];
}

static u64 strange_mfn(void)
{
    static const u64 values[] = {
        0, FRAMES - 1, FRAMES, DEVICE_END, DEVICE_END - 1, HOLE_FIRST, HOLE_END - 1,
        PTE_ADDR >> PAGE_SHIFT, 1ull << 39, 1ull << 51, ~0ull, ~0ull - 1, ~0ull >> PAGE_SHIFT,
        /* Whose record would lie at NULL; or, scaled by its size, at a frame's of RAM. */
        (0ull - FRAME_TABLE_VIRT) / sizeof(struct page), (1ull << 60) + 5,
        ((0ull - FRAME_TABLE_VIRT) / sizeof(struct page)) & (PTE_ADDR >> PAGE_SHIFT),
        /* The first number that is too large for a record in the frame table's slot. */
        1ull << 40, ((1ull << 40) - 1) / sizeof(struct page),
    };

    return one_in(2) ? below(DEVICE_END + 4) : values[below(ARRAY_SIZE(values))];
}

/* A frame of domain @d whose favourite use is @level, as a rule. */
static u64 some_mfn(const struct domain *d, unsigned int level)
{
    u64 mfn = 0;

    if (one_in(40))
        return strange_mfn();
    for (unsigned int tries = 0; tries < 60; tries++) {
        mfn = 1 + below(FRAMES - 1);
        if (page_owner(&frame_table[mfn]) == d->id && (frame_table[mfn].count & PAGE_REFS) &&
            (favourite(mfn) == level || one_in(25)))
            break;
    }
    return mfn;
}

static unsigned int some_index(unsigned int level)
{
    static const unsigned int few[] = { 0, 1, 2, 255, 272, 511 };

    if (one_in(30))
        return (unsigned int)below(PTE_COUNT);
    return few[below(level == 4 ? 6 : 3)];
}

static u64 some_flags(unsigned int level)
{
    u64 flags = PTE_P | PTE_USER | PTE_A;

    if (level > 1 || !one_in(3))
        flags |= PTE_RW;
    if (one_in(20))
        flags ^= 1ull << below(12);
    if (one_in(20))
        flags ^= 1ull << (52 + below(12));
    if (one_in(50))
        flags |= rng() & PTE_ADDR;
    return flags;
}

/* An entry for a table at @level of domain @d. */
static u64 some_entry(const struct domain *d, unsigned int level)
{
    u64 mfn;

    if (one_in(4))
        return one_in(2) ? 0 : rng() & (one_in(4) ? 0xfffff : ~0ull) & ~PTE_P;
    if (level == 4 && one_in(3))
        return some_mfn(d, 4) << PAGE_SHIFT | (some_flags(4) & (one_in(8) ? ~0ull : ~PTE_RW));
    /* Level 1 maps data; or a table, read-only more often than not. */
    mfn = some_mfn(d, level > 1 ? level - 1 : one_in(4) ? (unsigned int)below(5) : 0);
    if (level == 1 && favourite(mfn) != 0 && !one_in(4))
        return mfn << PAGE_SHIFT | (some_flags(1) & ~PTE_RW);
    return mfn << PAGE_SHIFT | some_flags(level);
}

/* ---- Hypercalls, with their restarts ---- */

struct call {
    long (*fn)(const u64 *args);
    u64 args[4];
};

/*
 * As the guest executes it: again after each -ERESTART. It may also never come back to it, or
 * another vCPU may run first: what is unfinished then stays so.
 */
static long execute(struct call *c)
{
    long rc;

    steps.calls++;
    for (;;) {
        memcpy(restart_args, c->args, sizeof(c->args));
        rc = c->fn(c->args);
        if (rc != -ERESTART)
            break;
        memcpy(c->args, restart_args, sizeof(c->args));
        steps.restarts++;
        leave_to_guest();
        if (one_in(12)) {
            steps.abandoned++;
            break;
        }
    }
    *(rc < 0 ? &steps.refused : &steps.done) += 1;
    if (!one_in(8))
        leave_to_guest();
    return rc;
}

static long call_mmu_update(const u64 *a)
{
    return do_mmu_update((XEN_GUEST_HANDLE(mmu_update_t)){ (void *)a[0] }, (unsigned int)a[1],
                         (XEN_GUEST_HANDLE(uint)){ (void *)a[2] }, (unsigned int)a[3]);
}

static long call_mmuext_op(const u64 *a)
{
    return do_mmuext_op((XEN_GUEST_HANDLE(mmuext_op_t)){ (void *)a[0] }, (unsigned int)a[1],
                        (XEN_GUEST_HANDLE(uint)){ (void *)a[2] }, (unsigned int)a[3]);
}

static long call_memory_op(const u64 *a)
{
    return do_memory_op(a[0], (XEN_GUEST_HANDLE(void)){ (void *)a[1] });
}

static long call_update_va(const u64 *a)
{
    return do_update_va_mapping(a[0], a[1], a[2]);
}

static u64 domain_argument(const struct domain *d)
{
    return d == current->domain ? DOMID_SELF : d->id;
}

/* The domain of which a vCPU asks something: its own, as a rule. */
static struct domain *some_domain(void)
{
    return one_in(12) ? &domains[below(DOMAINS)] : current->domain;
}

static void step_update(void)
{
    struct domain *d = some_domain(), *of = d;
    struct mmu_update req[4];
    unsigned int n = 1 + (unsigned int)below(4), done;
    u64 tables = d == current->domain ? 0 : (d->id + 1ull) << 16;

    /* Whose frames another domain's tables may map is up to the privileged one: not judged here. */
    if (d == current->domain && one_in(12))
        of = &domains[below(DOMAINS)];
    for (unsigned int i = 0; i < n; i++) {
        unsigned int level = 1 + (unsigned int)below(4);
        u64 table = some_mfn(d, level);

        req[i].ptr = (table << PAGE_SHIFT) + some_index(level) * 8ull;
        if (one_in(6))
            req[i].ptr |= below(8);
        req[i].val = some_entry(level == 1 ? of : d, level);
    }
    execute(&(struct call){ call_mmu_update,
                            { (u64)req, n, (u64)&done, tables | domain_argument(of) } });
}

static long mmuext(struct mmuext_op *op, u64 domid)
{
    unsigned int done;

    return execute(&(struct call){ call_mmuext_op, { (u64)op, 1, (u64)&done, domid } });
}

static void step_pin(void)
{
    static const unsigned int pins[] = {
        MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE,
    };
    struct domain *d = some_domain();
    unsigned int level = 1 + (unsigned int)below(4);
    struct mmuext_op op = { .cmd = pins[level - 1] };

    op.arg1.mfn = some_mfn(d, level);
    steps.pinned += mmuext(&op, domain_argument(d)) == 0;
}

static void step_unpin(void)
{
    struct domain *d = some_domain();
    struct mmuext_op op = { .cmd = MMUEXT_UNPIN_TABLE };

    op.arg1.mfn = some_mfn(d, 1 + (unsigned int)below(4));
    steps.unpinned += mmuext(&op, domain_argument(d)) == 0;
}

static void step_root(void)
{
    struct mmuext_op op = { .cmd = one_in(2) ? MMUEXT_NEW_BASEPTR : MMUEXT_NEW_USER_BASEPTR };

    op.arg1.mfn = some_mfn(current->domain, 4);
    if (op.cmd == MMUEXT_NEW_USER_BASEPTR && one_in(4))
        op.arg1.mfn = 0;
    steps.roots += mmuext(&op, DOMID_SELF) == 0;
}

static void step_page(void)
{
    struct mmuext_op op = { .cmd = one_in(3) ? MMUEXT_COPY_PAGE : MMUEXT_CLEAR_PAGE };

    op.arg1.mfn = some_mfn(current->domain, (unsigned int)below(5));
    op.arg2.src_mfn = some_mfn(current->domain, (unsigned int)below(5));
    mmuext(&op, DOMID_SELF);
}

static void step_update_va(void)
{
    unsigned long va = 0;

    for (unsigned int level = 1; level <= 4; level++)
        va |= (unsigned long)some_index(level) << (12 + 9 * (level - 1));
    if (va >> 47)
        va |= 0xffffull << 48;
    execute(&(struct call){ call_update_va, { va, some_entry(current->domain, 1), below(8) } });
}

static void step_memory(void)
{
    bool give = !one_in(3);
    xen_pfn_t frames[4];
    struct xen_memory_reservation r = { .nr_extents = 1 + below(2), .domid = DOMID_SELF };
    long rc;

    if (one_in(6))
        r.extent_order = 1;
    r.extent_start.p = frames;
    for (unsigned int i = 0; i < ARRAY_SIZE(frames); i++)
        frames[i] = give ? some_mfn(current->domain, (unsigned int)below(5)) : i;
    if (give && current->domain->tot_pages < 20)
        return;
    rc = execute(&(struct call){ call_memory_op,
                                 { give ? XENMEM_decrease_reservation : XENMEM_populate_physmap,
                                   (u64)&r } });
    *(give ? &steps.freed : &steps.allocated) += rc > 0 ? (unsigned long)rc : 0;
}

/* ---- Not hypercalls ---- */

/* As set_gdt does: descriptor pages come and go. */
static void step_gdt(void)
{
    struct test_vcpu *t = container_of(current, struct test_vcpu, v);
    mfn_t m = MFN(some_mfn(t->v.domain, 0));

    if (t->nr_gdt == GDT_HELD || (t->nr_gdt > 0 && one_in(2))) {
        mfn_t old = t->gdt[t->nr_gdt - 1];

        put_page_and_type(mfn_to_page(old));
        t->nr_gdt--;
    } else if (get_page_and_type(m, t->v.domain->id, USE_SEGDESC) == 0) {
        t->gdt[t->nr_gdt++] = m;
        steps.gdts++;
    }
    leave_to_guest();
}

/* A way through the tables as they are now, to something that is there, as a rule. */
static void some_way(unsigned int index[4])
{
    u64 mfn = read_cr3() >> PAGE_SHIFT;

    for (unsigned int level = 4; level >= 1; level--) {
        const u64 *table = mfn_to_virt(MFN(mfn % FRAMES));

        do
            index[level - 1] = some_index(level);
        while (level == 4 && index[3] >= HV_FIRST_SLOT && index[3] < HV_END_SLOT);
        for (unsigned int tries = 0; tries < 6 && !(table[index[level - 1]] & PTE_P); tries++)
            index[level - 1] = level == 4 && one_in(2) ? 272 : (unsigned int)below(3);
        mfn = pte_mfn(table[index[level - 1]]).v;
    }
}

static void step_touch(void)
{
    for (unsigned int i = 0; i < 4; i++) {
        unsigned int index[4];

        some_way(index);
        steps.touched += tlb_touch(index) != NULL;
    }
    tlb_check();
}

/* The guest stores through whatever its CPU still believes: this must never reach a table. */
static void step_store(void)
{
    const struct tlb_entry *e = tlb_any();

    if (e == NULL || !e->writable)
        return;
    tlb_check();
    ((u64 *)mfn_to_virt(MFN(e->mfn)))[some_index(4)] =
        one_in(3) ? 0 : some_entry(current->domain, 1 + (unsigned int)below(4));
    steps.stores++;
}

/* This CPU has nothing to do. */
static void step_idle(void)
{
    (void)heap_scrub();
}

void random_step(unsigned int cpu)
{
    static const struct {
        unsigned int share;
        void (*fn)(void);
    } all[] = {
        { 34, step_update }, { 10, step_pin }, { 6, step_unpin }, { 4, step_root },
        { 5, step_page }, { 6, step_update_va }, { 6, step_memory }, { 4, step_gdt },
        { 11, step_touch }, { 2, step_idle }, { 12, step_store },
    };
    u64 at = below(100);

    if (one_in(6)) {
        u64 id = cpu + CPUS * below((VCPUS - cpu + CPUS - 1) / CPUS);

        run_as(&vcpus[below(DOMAINS)][id].v);
        /* It was in the middle of its way out. */
        leave_to_guest();
    }
    if (mm_put_pending(current))
        leave_to_guest();
    for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
        if (at < all[i].share) {
            all[i].fn();
            return;
        }
        at -= all[i].share;
    }
}
