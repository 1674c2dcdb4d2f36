/* SPDX-License-Identifier: MIT */
/*
 * Free frames: who may have which, and what must have happened to them before. The blocks
 * themselves are buddy.c's.
 *
 * A frame that comes back from a domain may still be written to: by a CPU that has an old
 * translation of it. So each return is stamped with the flush clock (tlb.c), and whoever takes a
 * frame first has every CPU flush that has not done so since. After that it is cleared: at
 * hand-out, or by a CPU that had nothing else to do (heap_scrub), after such a flush as well. That
 * order is the rule of this file: flush, then clear, then hand out. What was cleared before the
 * flush might hold what the old owner wrote afterwards.
 *
 * In the order of reading: before the frame table exists; taking; clearing what is free; the door's
 * functions.
 */
#include "domain/domain.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/internal.h"

#define SCRUB_ORDER 4           /* what is cleared in one go, with interrupts off */
#define LOW_END     (1ull << (32 - PAGE_SHIFT))     /* first frame of the high zones */
#define LOW_ZONES   ((u32)(LOW_END - 1))            /* a mask of zones: below 4 GiB */

static spinlock_t heap_lock = SPINLOCK_INIT(LOCK_HEAP);
/* Guarded by heap_lock, as all that is in buddy.c. */
static u64 total_frames;                            /* ever given by heap_add() */
static u64 scrub_frames;                            /* in no list: an idle CPU is clearing them */
static u64 promised;                                /* of all free ones, to domains: claims.c */
static u64 last_return;                             /* stamp: when a domain's frame came back */
static u64 last_scrub;                              /* what last_return was when one looked */
static u32 waiting;                                 /* CPUs that want scrub_frames; atomic */

/* ---- Before the frame table exists ---- */

/*
 * The free ranges of the boot memory map, from which the frame table and the direct map's tables
 * are taken before there are records to make lists of. One CPU, no lock.
 */
#define MAX_EARLY 160
static struct { u64 from, end; } early[MAX_EARLY];
static unsigned int nr_early;
static bool started;            /* the ranges are the heap now: they are not looked at any more */

mfn_t heap_early_run(u64 frames)
{
    for (unsigned int i = 0; i < nr_early; i++) {
        u64 end = min(early[i].end, LOW_END);

        if (early[i].from < end && end - early[i].from >= frames) {
            mfn_t m = MFN(early[i].from);

            early[i].from += frames;
            memset(mfn_to_virt(m), 0, frames << PAGE_SHIFT);
            return m;
        }
    }
    panic("memory: none left for the hypervisor's own tables");
}

mfn_t heap_early_frame(void)
{
    return heap_early_run(1);
}

/* ---- Taking ---- */

/* Clears frames @from to @end of the block that begins at @mfn: what is before is clear. */
static void clear_frames(u64 mfn, u64 from, u64 end)
{
    if (from < end)
        memset(mfn_to_virt(MFN(mfn + from)), 0, (end - from) << PAGE_SHIFT);
}

/* What is still to be done to frames that were taken. */
struct taken {
    u64 clear;          /* so many of them, the first ones, are clear */
    u64 stamp;          /* all CPUs must have flushed since; 0: no need */
};

/* The zones that lie below 2^@bits bytes; 0 bits: no limit. */
static u32 zones_below(unsigned int bits)
{
    if (bits == 0 || bits >= ZONES + PAGE_SHIFT)
        return ALL_ZONES;
    return bits > PAGE_SHIFT ? (1u << (bits - PAGE_SHIFT)) - 1 : 0;
}

/* Whether so many can go and what is promised is left; @claimed of that is the taker's own. */
static bool enough_free(u64 frames, u64 claimed)
{
    return buddy_frames + scrub_frames >= frames + promised - claimed;
}

/*
 * A block of any of @zones, from above 4 GiB if there is one: what lies below is kept for those who
 * can't use other memory. *@t says what the caller still has to do to it. What is just
 * being cleared is not to be had yet: *later says that there is some.
 */
static u64 take_any(unsigned int order, u32 zones, u64 claimed, struct taken *t, bool *later)
{
    u64 mfn = 0;
    bool enough;

    spin_lock(&heap_lock);
    enough = enough_free(1ull << order, claimed);
    if (likely(enough))
        mfn = buddy_take(zones & ~LOW_ZONES, order, &t->clear);
    if (mfn == 0 && enough)
        mfn = buddy_take(zones & LOW_ZONES, order, &t->clear);
    if (mfn != 0)
        promised -= claimed;
    t->stamp = last_return;
    *later = enough && scrub_frames != 0;
    spin_unlock(&heap_lock);
    return mfn;
}

/*
 * The flush and the clearing are done without the lock: the frames are in no list, so nobody else
 * can come by them. A stamp of 0: no domain has given anything back since the machine started.
 */
static mfn_t take_frames(unsigned int order, u32 zones, u64 claimed)
{
    struct taken t;
    u64 mfn;
    bool later, waits = false;

    if (order > MAX_ORDER)
        return INVALID_MFN;
    while ((mfn = take_any(order, zones, claimed, &t, &later)) == 0 && later) {
        if (!waits)
            atomic_add(&waiting, 1);    /* no idle CPU begins anew, so that this ends soon */
        waits = true;
        cpu_wait();
    }
    if (waits)
        atomic_sub(&waiting, 1);
    if (mfn == 0)
        return INVALID_MFN;
    if (t.stamp != 0)
        tlb_flush_since(t.stamp);
    clear_frames(mfn, t.clear, 1ull << order);
    return MFN(mfn);
}

mfn_t heap_take(unsigned int order, unsigned int bits, u64 claimed)
{
    return take_frames(order, zones_below(bits), claimed);
}

/* ---- Clearing what is free ---- */

/*
 * A piece of SCRUB_ORDER at a time, since interrupts are off and the CPU may have to run a guest at
 * any moment. While it is being cleared the piece is in no list, but counted in scrub_frames, so
 * that the sum stays true and an allocation that finds nothing waits rather than fails.
 */
bool heap_scrub(void)
{
    unsigned int order;
    u64 mfn = 0, clear = 0, stamp;
    bool calm;

    spin_lock(&heap_lock);
    stamp = last_return;
    /*
     * While frames come back one by one, each would want a flush of all CPUs: later. And who waits
     * for scrub_frames would wait for ever if the idle CPUs took the next piece at once.
     */
    calm = last_scrub == stamp && READ_ONCE(waiting) == 0;
    last_scrub = stamp;
    if (calm)
        mfn = buddy_take_dirty(SCRUB_ORDER, &order, &clear);
    if (mfn != 0)
        scrub_frames += 1ull << order;
    spin_unlock(&heap_lock);
    if (!calm)
        return true;
    if (mfn == 0)
        return false;
    if (stamp != 0)
        tlb_flush_since(stamp);
    clear_frames(mfn, clear, 1ull << order);
    spin_lock(&heap_lock);
    scrub_frames -= 1ull << order;
    buddy_add(mfn, order, 1ull << order);
    spin_unlock(&heap_lock);
    return true;
}

/* ---- The door's functions ---- */

/* As the largest blocks that are aligned to their sizes; what they hold is not known. */
static void add_range(u64 from, u64 end)
{
    spin_lock(&heap_lock);
    total_frames += end - from;
    while (from < end) {
        unsigned int order = from ? (unsigned int)__builtin_ctzll(from) : 0;

        order = min(order, (unsigned int)MAX_ORDER);
        while (from + (1ull << order) > end)
            order--;
        buddy_add(from, order, 0);
        from += 1ull << order;
    }
    spin_unlock(&heap_lock);
}

void heap_add(mfn_t from, mfn_t end)
{
    if (from.v == 0)
        from.v = 1;                     /* 0 ends buddy.c's lists */
    if (from.v >= end.v)
        return;
    if (started) {
        add_range(from.v, end.v);
    } else {
        if (nr_early == MAX_EARLY)
            panic("memory: the map has more than %u free ranges", MAX_EARLY);
        early[nr_early].from = from.v;
        early[nr_early++].end = end.v;
    }
}

void heap_start(void)
{
    started = true;
    for (unsigned int i = 0; i < nr_early; i++)
        if (early[i].from < early[i].end)
            add_range(early[i].from, early[i].end);
}

/* Frames of nobody, each with one reference: the hypervisor's. */
static mfn_t alloc_from(unsigned int order, u32 zones)
{
    mfn_t m = take_frames(order, zones, 0);

    if (mfn_eq(m, INVALID_MFN))
        return m;
    for (u64 i = 0; i < 1ull << order; i++)
        frame_table[m.v + i].count = (u64)OWNER_NONE << PAGE_OWNER_SHIFT | 1;
    return m;
}

mfn_t alloc_loose_frames(unsigned int order, unsigned int bits)
{
    return alloc_from(order, zones_below(bits));
}

mfn_t alloc_hv_frames(unsigned int order)
{
    if (!started) {
        BUG_ON(order != 0);
        return heap_early_frame();
    }
    return alloc_from(order, ALL_ZONES);
}

void *alloc_hv_pages(unsigned int order)
{
    mfn_t m = alloc_hv_frames(order);

    return mfn_eq(m, INVALID_MFN) ? NULL : mfn_to_virt(m);
}

void *alloc_hv_low_page(void)
{
    mfn_t m = alloc_from(0, LOW_ZONES);

    return mfn_eq(m, INVALID_MFN) ? NULL : mfn_to_virt(m);
}

void free_hv_pages(void *p, unsigned int order)
{
    u64 mfn = virt_to_mfn(p).v;
    /* Of a domain's frames and pages shared with one, old translations may be left. */
    bool shared = page_owner(mfn_to_page(MFN(mfn))) != OWNER_NONE;

    for (u64 i = 0; i < 1ull << order; i++) {
        frame_table[mfn + i].count = 0;
        frame_table[mfn + i].type = 0;
    }
    spin_lock(&heap_lock);
    if (shared)
        last_return = tlb_stamp();
    buddy_add(mfn, order, 0);
    spin_unlock(&heap_lock);
}

void heap_free_frame(struct page *pg)
{
    u64 mfn = page_to_mfn(pg).v;

    pg->count = 0;
    pg->type = 0;
    spin_lock(&heap_lock);
    last_return = tlb_stamp();
    buddy_add(mfn, 0, 0);
    spin_unlock(&heap_lock);
}

void heap_note_return(void)
{
    spin_lock(&heap_lock);
    last_return = tlb_stamp();
    spin_unlock(&heap_lock);
}

mfn_t alloc_boot_frames(struct domain *d, u64 frames, bool high)
{
    u64 from;

    spin_lock(&heap_lock);
    from = buddy_take_run(high ? LOW_END : 1, frames);
    spin_unlock(&heap_lock);
    if (from == 0)
        return INVALID_MFN;
    domain_add_pages(d, frames);
    own_frames(d, MFN(from), frames);
    return MFN(from);
}

bool heap_promise(u64 frames)
{
    bool enough;

    spin_lock(&heap_lock);
    /* Not by the sum, which a guest's number may let overflow. */
    enough = enough_free(0, 0) && frames <= buddy_frames + scrub_frames - promised;
    if (enough)
        promised += frames;
    spin_unlock(&heap_lock);
    return enough;
}

void heap_promise_freed(u64 frames)
{
    spin_lock(&heap_lock);
    promised += frames;
    spin_unlock(&heap_lock);
}

void heap_unpromise(u64 frames)
{
    spin_lock(&heap_lock);
    promised -= frames;
    spin_unlock(&heap_lock);
}

u64 heap_promised(void)
{
    u64 frames;

    spin_lock(&heap_lock);
    frames = promised;
    spin_unlock(&heap_lock);
    return frames;
}

/* Without the lock: the other CPUs are parked, which they are only where they hold none. */
u64 heap_listed_frames(void)
{
    return buddy_count();
}

u64 heap_free_frames(void)
{
    u64 frames;

    spin_lock(&heap_lock);
    frames = buddy_frames + scrub_frames;
    spin_unlock(&heap_lock);
    return frames;
}

u64 heap_total_frames(void)
{
    return total_frames;
}
