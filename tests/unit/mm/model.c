/* SPDX-License-Identifier: MIT */
/* The brute-force invariant. */
#include <string.h>

#include "model.h"

static struct expected {
    u64 refs;
    u64 uses;
    unsigned int as;            /* enum page_use of the uses */
    u64 has, used;              /* linear entries: of this table; of others that name it */
} expected[FRAMES];

u64 linear_seen;

static void hold_reference(u64 mfn)
{
    require(mfn < FRAMES, "something holds frame %lu", (unsigned long)mfn);
    expected[mfn].refs++;
}

static void hold_use(u64 mfn, unsigned int use, const char *who)
{
    struct expected *e = &expected[mfn];

    hold_reference(mfn);
    require(e->uses == 0 || e->as == use, "frame %lu: used as %u, and as %u by a %s",
            (unsigned long)mfn, e->as, use, who);
    e->uses++;
    e->as = use;
}

static void hold_root(mfn_t m)
{
    if (!mfn_eq(m, INVALID_MFN))
        hold_use(m.v, USE_L4, "root");
}

static void holders_outside_tables(void)
{
    for (unsigned int d = 0; d < DOMAINS; d++) {
        for (unsigned int i = 0; i < VCPUS; i++) {
            struct test_vcpu *t = &vcpus[d][i];

            hold_root(t->v.kernel_root);
            hold_root(t->v.user_root);
            for (unsigned int n = 0; n < t->nr_gdt; n++)
                hold_use(t->gdt[n].v, USE_SEGDESC, "GDT");
            for (unsigned int n = 0; n < t->v.nr_unfinished; n++)
                hold_reference(page_to_mfn(t->v.unfinished[n]).v);
        }
    }
}

/* What an entry may be, said again without the tables of pt_entry.c. */
static void check_flags(const struct domain *owner, unsigned int level, u64 pte)
{
    u64 forbidden = level > 1 ? PTE_PSE | PTE_G | PTE_PWT | PTE_PCD
                              : PTE_G | (owner->privileged ? 0 : PTE_PAT | PTE_PWT | PTE_PCD);
    u64 needed = level > 1 ? PTE_USER | PTE_A : PTE_USER;

    require(!(pte & forbidden) && (pte & needed) == needed, "level %u entry %#lx in domain %u",
            level, (unsigned long)pte, owner->id);
}

/* An entry of level-4 table @table that names a level-4 table: itself, or another. */
static void holders_in_linear(u64 table, u64 pte)
{
    u64 mfn = pte_mfn(pte).v;

    require(!(pte & PTE_RW), "linear entry %#lx is writable", (unsigned long)pte);
    if (mfn == table)
        return;
    hold_use(mfn, USE_L4, "linear entry");
    expected[mfn].used++;
    expected[table].has++;
    linear_seen++;
}

static void holders_in_entry(const struct domain *owner, u64 table, unsigned int level, u64 pte)
{
    u64 mfn = pte_mfn(pte).v;
    bool device = mfn >= FRAMES || (mfn >= HOLE_FIRST && mfn < HOLE_END);

    check_flags(owner, level, pte);
    if (device) {
        require(level == 1 && owner->privileged && mfn < DEVICE_END,
                "level %u entry %#lx of domain %u names a device", level, (unsigned long)pte,
                owner->id);
        return;
    }
    require(page_owner(&frame_table[mfn]) == owner->id || (level == 1 && owner->privileged),
            "level %u entry of domain %u names frame %lu of %u", level, owner->id,
            (unsigned long)mfn, page_owner(&frame_table[mfn]));
    if (level == 4 && frame_table[mfn].type >> TYPE_SHIFT == USE_L4)
        holders_in_linear(table, pte);
    else if (level > 1)
        hold_use(mfn, level - 1, "table entry");
    else if (pte & PTE_RW)
        hold_use(mfn, USE_WRITABLE, "writable mapping");
    else
        hold_reference(mfn);
}

static void holders_in_table(u64 mfn, unsigned int level, unsigned int end, bool child)
{
    const struct domain *owner = domain_by_id(page_owner(&frame_table[mfn]));
    const u64 *table = mfn_to_virt(MFN(mfn));

    require(owner != NULL, "frame %lu is a table of nobody", (unsigned long)mfn);
    for (unsigned int i = 0; i < end; i++) {
        u64 addr = table[i] & owner->absent_mask;

        require((table[i] & PTE_P) || addr == 0 || addr >= FRAMES * PAGE_SIZE ||
                (level == 4 && i >= 256 && i < 272), "level %u entry %#lx of domain %u is absent",
                level, (unsigned long)table[i], owner->id);
    }
    for (unsigned int i = 0; i < end; i++)
        if ((table[i] & PTE_P) && !(level == 4 && i >= 256 && i < 272))
            holders_in_entry(owner, mfn, level, table[i]);
    if (child)
        hold_reference(pte_mfn(table[end]).v);
}

static void holders_of_frame(u64 mfn)
{
    const struct page *pg = &frame_table[mfn];
    unsigned int use = pg->type >> TYPE_SHIFT;
    bool table = use >= USE_L1 && use <= USE_L4;

    if (pg->count & PAGE_ALLOCATED)
        hold_reference(mfn);
    if ((pg->count & PAGE_REFS) == 0)
        return;
    require(!(pg->type & TYPE_BUSY), "frame %lu is BUSY", (unsigned long)mfn);
    if (pg->type & TYPE_PINNED)
        hold_use(mfn, use, "pin");
    if (pg->type & TYPE_PARTIAL) {
        hold_reference(mfn);
        holders_in_table(mfn, use, (unsigned int)(pg->type & TYPE_INDEX), pg->type & TYPE_CHILD);
    } else if (table && (pg->type & TYPE_LIVE)) {
        holders_in_table(mfn, use, PTE_COUNT, false);
    }
}

static void check_live(u64 mfn, const struct page *pg)
{
    const struct expected *e = &expected[mfn];
    u64 *table = mfn_to_virt(MFN(mfn));

    require((u32)pg->type == e->uses && pg->type >> TYPE_SHIFT == e->as,
            "frame %lu: %u uses as %lu, expected %lu as %u", (unsigned long)mfn, (u32)pg->type,
            (unsigned long)(pg->type >> TYPE_SHIFT), (unsigned long)e->uses, e->as);
    for (unsigned int i = 256; e->as == USE_L4 && i < 272; i++)
        require(table[i] == ((u64)i << 40 | PTE_P) || (i == HV_FIRST_SLOT && table[i] == 0),
                "frame %lu: slot %u is %#lx",
                (unsigned long)mfn, i, (unsigned long)table[i]);
    for (unsigned int i = 0; e->as == USE_SEGDESC && i < PTE_COUNT; i++) {
        u64 desc = table[i];

        require(descriptor_ok(&desc) && desc == table[i], "frame %lu: descriptor %#lx",
                (unsigned long)mfn, (unsigned long)table[i]);
    }
}

static void check_linear(u64 mfn, const struct page *pg)
{
    const struct expected *e = &expected[mfn];
    u64 has = pg->type & TYPE_LIVE || pg->type & TYPE_PARTIAL ? pg->type & TYPE_HAS : 0;
    u64 used = pg->type & TYPE_LIVE ? pg->type & TYPE_USED : 0;

    require(has == e->has * TYPE_HAS_ONE && used == e->used * TYPE_USED_ONE,
            "frame %lu: type word %#lx, expected %lu linear entries, and %lu that name it",
            (unsigned long)mfn, (unsigned long)pg->type, (unsigned long)e->has,
            (unsigned long)e->used);
    require(e->has == 0 || e->used == 0, "frame %lu: linear entries, and is named by some",
            (unsigned long)mfn);
}

static void check_frame(u64 mfn)
{
    const struct page *pg = &frame_table[mfn];
    const struct expected *e = &expected[mfn];

    require((pg->count & PAGE_REFS) == e->refs, "frame %lu: %lu references, expected %lu",
            (unsigned long)mfn, (unsigned long)(pg->count & PAGE_REFS), (unsigned long)e->refs);
    if (e->refs == 0)
        return;
    check_linear(mfn, pg);
    if (pg->type & TYPE_LIVE)
        check_live(mfn, pg);
    else
        require(e->uses == 0, "frame %lu: not in use, expected %lu uses as %u",
                (unsigned long)mfn, (unsigned long)e->uses, e->as);
}

static void check_sums(void)
{
    u64 owned[DOMAINS] = { 0 }, all = 0;

    for (u64 mfn = 1; mfn < FRAMES; mfn++)
        for (unsigned int d = 0; d < DOMAINS; d++)
            if ((frame_table[mfn].count & PAGE_REFS) &&
                page_owner(&frame_table[mfn]) == domains[d].id)
                owned[d]++;
    for (unsigned int d = 0; d < DOMAINS; d++) {
        require(owned[d] == domains[d].tot_pages, "domain %u: %lu frames, counted %lu",
                domains[d].id, (unsigned long)owned[d], (unsigned long)domains[d].tot_pages);
        all += owned[d];
    }
    require(all + heap_free_frames() == heap_total_frames(), "%lu frames used, %lu free, of %lu",
            (unsigned long)all, (unsigned long)heap_free_frames(),
            (unsigned long)heap_total_frames());
}

void model_check(void)
{
    memset(expected, 0, sizeof(expected));
    holders_outside_tables();
    for (u64 mfn = 1; mfn < FRAMES; mfn++)
        holders_of_frame(mfn);
    for (u64 mfn = 1; mfn < FRAMES; mfn++)
        check_frame(mfn);
    check_sums();
    tlb_check();
}
