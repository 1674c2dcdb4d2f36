/* SPDX-License-Identifier: MIT */
/*
 * Free frames: a buddy allocator in zones, one for each power of two of frame numbers. So frames
 * below an address are a set of zones, and nobody looks through lists for them.
 *
 * A free block's links and order live in its first frame's record, never in the frame: a dead
 * domain's stale translation could still write there. What is handed out is safe because every
 * CPU has flushed since the last frame came back from a domain, and is cleared: by a CPU that has
 * nothing else to do (heap_scrub), after such a flush too, or else at hand-out.
 *
 * A free block's head: count = PAGE_HEAP | order | how many frames from its first one on are
 * clear, type = links. Its other frames: both words zero. Frame 0 is never free, so 0 ends a list.
 * Blocks that are clear throughout have lists of their own, from which is taken first. All guarded
 * by heap_lock.
 */
#include "domain/domain.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/internal.h"

#define MAX_ORDER   15
#define ORDER_SHIFT 32
#define CLEAR_SHIFT 48          /* where an owner would stand: a free frame has none */
#define SCRUB_ORDER 4           /* what is cleared in one go, with interrupts off */
#define LOW_END     (1ull << (32 - PAGE_SHIFT))     /* first frame of the high zone */

#define ZONES       32          /* each has the number of the highest bit in its frames' numbers */
#define LOW_ZONES   ((u32)(LOW_END - 1))    /* a mask of zones */
#define ALL_ZONES   0xffffffffu

static spinlock_t heap_lock = SPINLOCK_INIT(LOCK_HEAP);
/* Frame number of the first block, 0: none. [0]: those that are clear, [1]: the others. */
static u32 free_list[ZONES][2][MAX_ORDER + 1];
static u32 zones_with[2][MAX_ORDER + 1];            /* where free_list has some */
static u64 free_frames, total_frames;
static u64 scrub_frames;                            /* in no list: an idle CPU is clearing them */
static u32 waiting;                                 /* CPUs that want those; atomic */
static u64 last_return;                             /* stamp: when a domain's frame came back */
static u64 last_scrub;                              /* what last_return was when one looked */

/* ---- Before the frame table exists ---- */

#define MAX_EARLY 160
static struct { u64 from, end; } early[MAX_EARLY];
static unsigned int nr_early;
static bool started;

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

/* ---- Blocks ---- */

/* The number of the highest bit set. */
static unsigned int top_bit(u64 n)
{
    return 63 - (unsigned int)__builtin_clzll(n);
}

static u64 head_word(unsigned int order, u64 clear)
{
    return PAGE_HEAP | (u64)order << ORDER_SHIFT | clear << CLEAR_SHIFT;
}

static u64 clear_of(u64 mfn)
{
    return frame_table[mfn].count >> CLEAR_SHIFT;
}

static bool is_head(u64 mfn, unsigned int order)
{
    return frame_table[mfn].count == head_word(order, clear_of(mfn));
}

static u32 next_of(u64 mfn)
{
    return (u32)(frame_table[mfn].type >> 32);
}

static u32 prev_of(u64 mfn)
{
    return (u32)frame_table[mfn].type;
}

static void set_links(u64 mfn, u32 next, u32 prev)
{
    frame_table[mfn].type = (u64)next << 32 | prev;
}

static void list_push(u64 mfn, unsigned int order, u64 clear)
{
    unsigned int zone = top_bit(mfn), dirty = clear < 1ull << order;
    u32 *head = &free_list[zone][dirty][order];

    set_links(mfn, *head, 0);
    if (*head)
        set_links(*head, next_of(*head), (u32)mfn);
    *head = (u32)mfn;
    zones_with[dirty][order] |= 1u << zone;
    frame_table[mfn].count = head_word(order, clear);
}

static void list_remove(u64 mfn, unsigned int order)
{
    unsigned int zone = top_bit(mfn), dirty = clear_of(mfn) < 1ull << order;
    u32 next = next_of(mfn), prev = prev_of(mfn);

    if (prev)
        set_links(prev, next, prev_of(prev));
    else
        free_list[zone][dirty][order] = next;
    if (next)
        set_links(next, next_of(next), prev);
    else if (!prev)
        zones_with[dirty][order] &= ~(1u << zone);
    frame_table[mfn].count = 0;
    frame_table[mfn].type = 0;
}

/* @clear frames at its beginning are clear. */
static void free_block(u64 mfn, unsigned int order, u64 clear)
{
    free_frames += 1ull << order;
    for (; order < MAX_ORDER; order++) {
        u64 size = 1ull << order, buddy = mfn ^ size, other;

        if (buddy >= max_mfn || !is_head(buddy, order))
            break;
        other = clear_of(buddy);
        list_remove(buddy, order);
        if (buddy < mfn)
            clear = other == size ? size + clear : other;
        else if (clear == size)
            clear += other;
        mfn = min(mfn, buddy);
    }
    list_push(mfn, order, clear);
}

/*
 * Splits a block of @have down to the one of @order in it that begins @at frames from its first
 * one; returns how many of its frames are clear.
 */
static u64 split_block(u64 mfn, unsigned int have, unsigned int order, u64 at)
{
    u64 clear = clear_of(mfn);

    list_remove(mfn, have);
    while (have > order) {
        u64 half = 1ull << --have;
        u64 low = min(clear, half), high = clear - low;
        bool up = at >= half;

        list_push(up ? mfn : mfn + half, have, up ? low : high);
        mfn += up ? half : 0;
        at -= up ? half : 0;
        clear = up ? high : low;
    }
    free_frames -= 1ull << order;
    return clear;
}

/* A block of the highest of @zones, with its clear frames; 0: there is none. */
static u64 take_block(u32 zones, unsigned int order, u64 *clear)
{
    for (unsigned int i = 0; i < 2; i++)
        for (unsigned int have = order; have <= MAX_ORDER; have++)
            if (zones_with[i][have] & zones) {
                u64 mfn = free_list[top_bit(zones_with[i][have] & zones)][i][have];

                *clear = split_block(mfn, have, order, 0);
                return mfn;
            }
    return 0;
}

static void clear_frames(u64 mfn, u64 from, u64 end)
{
    if (from < end)
        memset(mfn_to_virt(MFN(mfn + from)), 0, (end - from) << PAGE_SHIFT);
}

static u32 zones_below(unsigned int bits)
{
    if (bits == 0 || bits >= ZONES + PAGE_SHIFT)
        return ALL_ZONES;
    return bits > PAGE_SHIFT ? (1u << (bits - PAGE_SHIFT)) - 1 : 0;
}

/* What is just being cleared is not to be had yet: *later says that there is some. */
static u64 take_any(unsigned int order, u32 zones, u64 *clear, u64 *stamp, bool *later)
{
    u64 mfn;

    spin_lock(&heap_lock);
    mfn = take_block(zones & ~LOW_ZONES, order, clear);
    if (mfn == 0)
        mfn = take_block(zones & LOW_ZONES, order, clear);
    *stamp = last_return;
    *later = scrub_frames != 0;
    spin_unlock(&heap_lock);
    return mfn;
}

static mfn_t take_frames(unsigned int order, u32 zones)
{
    u64 mfn, stamp, clear;
    bool later, waits = false;

    if (order > MAX_ORDER)
        return INVALID_MFN;
    while ((mfn = take_any(order, zones, &clear, &stamp, &later)) == 0 && later) {
        if (!waits)
            atomic_add(&waiting, 1);    /* no idle CPU begins anew, so that this ends soon */
        waits = true;
        cpu_wait();
    }
    if (waits)
        atomic_sub(&waiting, 1);
    if (mfn == 0)
        return INVALID_MFN;
    if (stamp != 0)
        tlb_flush_since(stamp);
    clear_frames(mfn, clear, 1ull << order);
    return MFN(mfn);
}

mfn_t heap_take(unsigned int order, unsigned int bits)
{
    return take_frames(order, zones_below(bits));
}

/* ---- Clearing what is free ---- */

/* The first frame of any block that is not clear, and its order; 0: there is none. */
static u64 find_dirty(unsigned int *order)
{
    for (*order = 0; *order <= MAX_ORDER; ++*order)
        if (zones_with[1][*order])
            return free_list[top_bit(zones_with[1][*order])][1][*order];
    return 0;
}

/* Takes a piece of a dirty block out of the heap, its clear frames first; 0: there is none. */
static u64 take_dirty(unsigned int *order, u64 *clear)
{
    unsigned int have;
    u64 mfn = find_dirty(&have), at;

    if (mfn == 0)
        return 0;
    *order = min(have, (unsigned int)SCRUB_ORDER);
    at = ALIGN_DOWN(clear_of(mfn), 1ull << *order);
    *clear = split_block(mfn, have, *order, at);
    return mfn + at;
}

bool heap_scrub(void)
{
    unsigned int order;
    u64 mfn = 0, clear = 0, stamp;
    bool calm;

    spin_lock(&heap_lock);
    stamp = last_return;
    /* While frames come back one by one, each would want a flush of all CPUs: later. */
    calm = last_scrub == stamp && READ_ONCE(waiting) == 0;
    last_scrub = stamp;
    if (calm)
        mfn = take_dirty(&order, &clear);
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
    free_block(mfn, order, 1ull << order);
    spin_unlock(&heap_lock);
    return true;
}

/* ---- The door's functions ---- */

static void add_range(u64 from, u64 end)
{
    spin_lock(&heap_lock);
    total_frames += end - from;
    while (from < end) {
        unsigned int order = from ? (unsigned int)__builtin_ctzll(from) : 0;

        order = min(order, (unsigned int)MAX_ORDER);
        while (from + (1ull << order) > end)
            order--;
        free_block(from, order, 0);
        from += 1ull << order;
    }
    spin_unlock(&heap_lock);
}

void heap_add(mfn_t from, mfn_t end)
{
    if (from.v == 0)
        from.v = 1;
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

static mfn_t alloc_from(unsigned int order, u32 zones)
{
    mfn_t m = take_frames(order, zones);

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
    bool shared = page_owner(mfn_to_page(MFN(mfn))) != OWNER_NONE;

    for (u64 i = 0; i < 1ull << order; i++) {
        frame_table[mfn + i].count = 0;
        frame_table[mfn + i].type = 0;
    }
    spin_lock(&heap_lock);
    if (shared)
        last_return = tlb_stamp();
    free_block(mfn, order, 0);
    spin_unlock(&heap_lock);
}

void heap_free_frame(struct page *pg)
{
    u64 mfn = page_to_mfn(pg).v;

    pg->count = 0;
    pg->type = 0;
    spin_lock(&heap_lock);
    last_return = tlb_stamp();
    free_block(mfn, 0, 0);
    spin_unlock(&heap_lock);
}

void heap_note_return(void)
{
    spin_lock(&heap_lock);
    last_return = tlb_stamp();
    spin_unlock(&heap_lock);
}

static unsigned int head_order(u64 mfn)
{
    return (unsigned int)(frame_table[mfn].count >> ORDER_SHIFT) & 63;
}

/* The first run of @frames free frames, of whatever blocks it is made; 0: there is none. */
static u64 find_run(u64 frames)
{
    u64 from = 0, at = 1;

    while (at < max_mfn) {
        if (!(frame_table[at].count & PAGE_HEAP)) {
            from = 0;
            at++;
            continue;
        }
        if (from == 0)
            from = at;
        at += 1ull << head_order(at);
        if (at - from >= frames)
            return from;
    }
    return 0;
}

mfn_t alloc_boot_frames(struct domain *d, u64 frames)
{
    u64 from, at;

    spin_lock(&heap_lock);
    from = find_run(frames);
    for (at = from; from != 0 && at < from + frames;) {
        unsigned int order = head_order(at);

        list_remove(at, order);
        free_frames -= 1ull << order;
        at += 1ull << order;
    }
    for (; from != 0 && at > from + frames; at--)
        free_block(at - 1, 0, 0);
    spin_unlock(&heap_lock);
    if (from == 0)
        return INVALID_MFN;
    domain_add_pages(d, frames);
    own_frames(d, MFN(from), frames);
    return MFN(from);
}

u64 heap_listed_frames(void)
{
    u64 frames = 0;

    for (unsigned int i = 0; i < ZONES * 2 * (MAX_ORDER + 1); i++) {
        unsigned int order = i % (MAX_ORDER + 1), dirty = i / (MAX_ORDER + 1) % 2;
        u32 before = 0, *list = free_list[i / (MAX_ORDER + 1) / 2][dirty];

        for (u32 mfn = list[order]; mfn != 0; before = mfn, mfn = next_of(mfn)) {
            if (!is_head(mfn, order) || prev_of(mfn) != before ||
                dirty != (clear_of(mfn) < 1ull << order))
                return ~0ull;
            frames += 1ull << order;
        }
    }
    return frames;
}

u64 heap_free_frames(void)
{
    u64 frames;

    spin_lock(&heap_lock);
    frames = free_frames + scrub_frames;
    spin_unlock(&heap_lock);
    return frames;
}

u64 heap_total_frames(void)
{
    return total_frames;
}
