/* SPDX-License-Identifier: MIT */
/*
 * The audit of the frames (control/audit.h): every frame's references and uses are counted anew
 * from those who hold them (page-table entries, pins, roots, descriptor tables, grants, pages that
 * the hypervisor shares) and compared with the frame's record.
 *
 * The counts lie in memory of their own. If there is not enough of it for all frames at once, they
 * are counted in windows: all holders for some frames, then all holders for the next ones. Guests
 * can see to it that nothing but scattered frames is free, and the machine stands still meanwhile:
 * more than a few windows there are not.
 */
#include "control/audit.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/pt_entry.h"

/* What was found to hold one frame. */
struct tally {
    u32 refs, uses;
};
#define TALLIES_PER_PAGE (PAGE_SIZE / sizeof(struct tally))
#define LARGEST_ORDER    13                     /* 32 MiB: 16 GiB of frames in one window */
#define MAX_SPLIT        4u                     /* at most 16 windows instead of one */

/* The frames that are counted now: [from, end), the first one's tally being of[0]. */
static struct {
    struct tally *of;
    u64 from, end;
} window;

/* The frames of the machine by who has them, over all windows. */
static u64 free_frames, hv_frames, domain_frames, shared_frames;

/* ---- Counting ---- */

void audit_ref(mfn_t m)
{
    if (m.v >= window.from && m.v < window.end)
        window.of[m.v - window.from].refs++;
}

void audit_use(mfn_t m, enum page_use use)
{
    if (m.v < window.from || m.v >= window.end)
        return;
    if (page_use(mfn_to_page(m)) != use)
        audit_wrong("frame %lx is held as use %u, its type is %lx", m.v, use,
                    mfn_to_page(m)->type);
    window.of[m.v - window.from].refs++;
    window.of[m.v - window.from].uses++;
}

/* What a present entry that holds RAM holds: pt_entry.h's rule, told the other way round. */
static void count_entry(unsigned int level, u64 pte)
{
    if (!(pte & PTE_P))
        return;
    if (level > 1)
        audit_use(pte_mfn(pte), pte_levels[level].target);
    else if (pte & PTE_RW)
        audit_use(pte_mfn(pte), USE_WRITABLE);
    else
        audit_ref(pte_mfn(pte));
}

/* An entry for its own table holds nothing (pt_linear.c); any other is one of TYPE_HAS. */
static u64 count_linear(const struct page *table, u64 pte)
{
    if (mfn_eq(pte_mfn(pte), page_to_mfn(table)))
        return 0;
    audit_use(pte_mfn(pte), USE_L4);
    return TYPE_HAS_ONE;
}

/* Device memory has no holders, as it has no record: a writable entry there is no use of any. */
static void count_table(const struct page *pg)
{
    u64 word = pg->type;
    unsigned int level = type_use(word) - USE_L1 + 1;
    unsigned int end = word & TYPE_PARTIAL ? (unsigned int)(word & TYPE_INDEX) : PTE_COUNT;
    const u64 *table = mfn_to_virt(page_to_mfn(pg));
    u64 linear = 0;

    for (unsigned int i = 0; i < end; i++) {
        if (pte_is_hv_slot(level, i) || !held_frame(table[i]))
            continue;
        if (level == 4 && (table[i] & PTE_P) && pte_is_linear(pg, table[i]))
            linear += count_linear(pg, table[i]);
        else
            count_entry(level, table[i]);
    }
    if ((word & TYPE_HAS) != linear)
        audit_wrong("frame %lx has %lu linear entries; type %lx", page_to_mfn(pg).v,
                    (u64)(linear / TYPE_HAS_ONE), word);
    if (word & TYPE_PARTIAL)
        audit_ref(page_to_mfn(pg));
    if (word & TYPE_CHILD)
        audit_ref(pte_mfn(table[end]));
}

/* A frame as a holder: by its entries if it is a table, by its pin. */
static void count_frame(const struct page *pg)
{
    u64 word = pg->type;

    if ((pg->count & PAGE_HEAP) || (u32)pg->count == 0)
        return;
    if ((word & (TYPE_LIVE | TYPE_PARTIAL)) && is_table_use(type_use(word)))
        count_table(pg);
    if (word & TYPE_PINNED)
        audit_use(page_to_mfn(pg), type_use(word));
}

static void count_root(mfn_t root)
{
    if (!mfn_eq(root, INVALID_MFN))
        audit_use(root, USE_L4);
}

/* Everything of a vCPU that holds frames, whether it runs or not: the others are parked. */
static void count_vcpu(const struct vcpu *v)
{
    count_root(v->kernel_root);
    count_root(v->user_root);
    for (unsigned int i = 0; i < v->nr_unfinished; i++)
        audit_ref(page_to_mfn(v->unfinished[i]));
    if (v->info_page)
        audit_use(page_to_mfn(v->info_page), USE_WRITABLE);
    audit_descriptor_holders(v);
}

static void count_holders(void)
{
    for (u64 m = 0; m < max_mfn; m++)
        count_frame(mfn_to_page(MFN(m)));
    for (struct domain *d = domain_at_or_above(0); d; d = domain_at_or_above(d->id + 1u)) {
        for (unsigned int i = 0; i < d->max_vcpus; i++)
            count_vcpu(d->vcpus[i]);
        if (!d->dead)
            audit_ref(virt_to_mfn(d->shared_info));
        audit_grant_holders(d);
        audit_event_holders(d);
    }
}

/* ---- Comparing ---- */

static void compare(mfn_t m, u32 refs, u64 uses)
{
    const struct tally *t = &window.of[m.v - window.from];
    const struct page *pg = mfn_to_page(m);

    if (t->refs != refs || t->uses != uses)
        audit_wrong("frame %lx: %u references and %u uses are held; count %lx, type %lx", m.v,
                    t->refs, t->uses, pg->count, pg->type);
}

/* A free block: its other frames' records are empty. */
static void check_block(u64 mfn)
{
    u64 frames = 1ull << buddy_order(mfn);

    for (u64 i = 1; i < frames; i++)
        if (frame_table[mfn + i].count || frame_table[mfn + i].type)
            audit_wrong("frame %lx lies in the free block at %lx; count %lx, type %lx", mfn + i,
                        mfn, frame_table[mfn + i].count, frame_table[mfn + i].type);
    free_frames += frames;
}

/* A domain's frame, or a page of ours that it shares: the record's counts against the tally. */
static void check_owned(mfn_t m, struct page *pg)
{
    struct domain *d = domain_by_id(page_owner(pg));
    u64 word = pg->type;
    u32 refs = (u32)pg->count;
    u64 uses = word & TYPE_LIVE ? (u32)word : 0;

    if (d == NULL) {
        audit_wrong("frame %lx belongs to domain %u, which does not exist", m.v, page_owner(pg));
        return;
    }
    if (word & TYPE_BUSY)
        audit_wrong("frame %lx is busy: type %lx", m.v, word);
    if (pg->count & PAGE_SHARED) {
        d->audited.shared++;
        shared_frames++;
        uses--;                 /* the hypervisor's own use stays to the end (frame.c) */
    } else {
        d->audited.frames++;
        domain_frames++;
        refs -= (pg->count & PAGE_ALLOCATED) != 0;
    }
    compare(m, refs, uses);
}

/* Our slots are the same in every level-4 table, but that a user root does not show the M2P. */
static void check_slots(mfn_t m)
{
    const u64 *l4 = mfn_to_virt(m), *ours = mfn_to_virt(hv_root());

    for (unsigned int i = HV_FIRST_SLOT; i < HV_END_SLOT; i++)
        if (l4[i] != ours[i] && (i != pt_index(M2P_VIRT, 4) || l4[i] != 0))
            audit_wrong("frame %lx: slot %u of this level-4 table is not ours", m.v, i);
}

/*
 * Each frame is free, nobody's, the hypervisor's, the M2P's or a domain's; the record says which.
 */
static void check_frame(mfn_t m)
{
    struct page *pg = mfn_to_page(m);

    if (pg->count & PAGE_HEAP) {
        check_block(m.v);
        compare(m, 0, 0);
    } else if ((u32)pg->count == 0) {
        if (pg->count || pg->type)
            audit_wrong("frame %lx has no reference; count %lx, type %lx", m.v, pg->count,
                        pg->type);
        compare(m, 0, 0);
    } else if (page_owner(pg) == OWNER_NONE) {
        hv_frames++;
        if ((u32)pg->count != 1 || pg->type)
            audit_wrong("frame %lx is the hypervisor's; count %lx, type %lx", m.v, pg->count,
                        pg->type);
        compare(m, 0, 0);
    } else if (page_owner(pg) == DOMID_XEN) {
        compare(m, (u32)pg->count - 1, 0);      /* the M2P's, which nobody allocated */
    } else {
        check_owned(m, pg);
        if (page_use(pg) == USE_L4)
            check_slots(m);
    }
}

/* ---- The whole ---- */

static void check_totals(void)
{
    u64 all = free_frames + hv_frames + domain_frames + shared_frames, claims = 0;

    for (struct domain *d = domain_at_or_above(0); d; d = domain_at_or_above(d->id + 1u))
        claims += d->claim;
    if (claims != heap_promised())
        audit_wrong("%lu frames are claimed, %lu promised", claims, heap_promised());

    if (all != heap_total_frames())
        audit_wrong("%lu frames are free, %lu the hypervisor's, %lu domains', %lu shared: not %lu",
                    free_frames, hv_frames, domain_frames, shared_frames, heap_total_frames());
    if (heap_listed_frames() != free_frames || heap_free_frames() != free_frames)
        audit_wrong("%lu frames are free, %lu in lists, %lu counted", free_frames,
                    heap_listed_frames(), heap_free_frames());
}

/* Holders of all frames are looked at for each window: that is what a small window costs. */
static void audit_window(u64 frames)
{
    window.end = min(window.from + frames, max_mfn);
    memset(window.of, 0, (window.end - window.from) * sizeof(struct tally));
    count_holders();
    for (u64 m = window.from; m < window.end; m++)
        check_frame(MFN(m));
}

/*
 * Room for the tallies: of all frames, or of as many as there is memory for, within limits. While
 * the machine stands still no frame is just being cleared, so the allocation waits for nobody.
 */
static bool get_window(unsigned int *order)
{
    unsigned int least;

    *order = 0;
    while (*order < LARGEST_ORDER && (TALLIES_PER_PAGE << *order) < max_mfn)
        ++*order;
    least = *order - min(*order, MAX_SPLIT);
    while ((window.of = alloc_hv_pages(*order)) == NULL && *order > least)
        --*order;
    return window.of != NULL;
}

bool audit_frames(u64 *frames)
{
    unsigned int order;

    if (!get_window(&order))
        return false;
    free_frames = hv_frames = domain_frames = shared_frames = 0;
    for (struct domain *d = domain_at_or_above(0); d; d = domain_at_or_above(d->id + 1u))
        d->audited = (struct audited){ 0 };
    for (window.from = 0; window.from < max_mfn; window.from = window.end)
        audit_window(TALLIES_PER_PAGE << order);
    check_totals();
    free_hv_pages(window.of, order);
    *frames = free_frames + hv_frames + domain_frames + shared_frames;
    return true;
}
