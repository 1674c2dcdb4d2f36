/* SPDX-License-Identifier: MIT */
/*
 * Free frames: a buddy allocator in two zones, below 4 GiB and above.
 *
 * A free block's links and order live in its first frame's record, never in the frame: a dead
 * domain's stale translation could still write there. What is handed out is safe because every
 * CPU has flushed since the last frame came back from a domain (flush_before_use), and is cleared
 * at hand-out.
 *
 * A free block's head: count = PAGE_HEAP | order, type = links. Its other frames: both words zero.
 * Frame 0 is never free, so 0 ends a list. All guarded by heap_lock.
 */
#include "domain/domain.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/internal.h"

#define MAX_ORDER   18
#define ORDER_SHIFT 32
#define LOW_END     (1ull << (32 - PAGE_SHIFT))     /* first frame of the high zone */

enum zone { ZONE_LOW, ZONE_HIGH, ZONES };

static spinlock_t heap_lock = SPINLOCK_INIT(LOCK_HEAP);
static u32 free_list[ZONES][MAX_ORDER + 1];         /* frame number of the first block, 0: none */
static u64 free_frames, total_frames;
static u64 last_return;                             /* stamp: when a domain's frame came back */

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

static enum zone zone_of(u64 mfn)
{
    return mfn < LOW_END ? ZONE_LOW : ZONE_HIGH;
}

static u64 head_word(unsigned int order)
{
    return PAGE_HEAP | (u64)order << ORDER_SHIFT;
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

static void list_push(u64 mfn, unsigned int order)
{
    u32 *head = &free_list[zone_of(mfn)][order];

    set_links(mfn, *head, 0);
    if (*head)
        set_links(*head, next_of(*head), (u32)mfn);
    *head = (u32)mfn;
    frame_table[mfn].count = head_word(order);
}

static void list_remove(u64 mfn, unsigned int order)
{
    u32 next = next_of(mfn), prev = prev_of(mfn);

    if (prev)
        set_links(prev, next, prev_of(prev));
    else
        free_list[zone_of(mfn)][order] = next;
    if (next)
        set_links(next, next_of(next), prev);
    frame_table[mfn].count = 0;
    frame_table[mfn].type = 0;
}

static void free_block(u64 mfn, unsigned int order)
{
    free_frames += 1ull << order;
    for (; order < MAX_ORDER; order++) {
        u64 buddy = mfn ^ (1ull << order);

        if (buddy >= max_mfn || frame_table[buddy].count != head_word(order))
            break;
        list_remove(buddy, order);
        mfn = min(mfn, buddy);
    }
    list_push(mfn, order);
}

/* Splits a block of @have down to @order; the low part is what is returned. */
static void split_block(u64 mfn, unsigned int have, unsigned int order)
{
    list_remove(mfn, have);
    while (have > order) {
        have--;
        list_push(mfn + (1ull << have), have);
    }
    free_frames -= 1ull << order;
}

static u64 take_block(enum zone zone, unsigned int order, u64 limit)
{
    for (unsigned int have = order; have <= MAX_ORDER; have++)
        for (u64 mfn = free_list[zone][have]; mfn != 0; mfn = next_of(mfn))
            if (mfn + (1ull << order) <= limit) {
                split_block(mfn, have, order);
                return mfn;
            }
    return 0;
}

static mfn_t take_frames(unsigned int order, u64 limit)
{
    u64 mfn = 0, stamp;

    if (order > MAX_ORDER)
        return INVALID_MFN;
    spin_lock(&heap_lock);
    if (limit > LOW_END)
        mfn = take_block(ZONE_HIGH, order, limit);
    if (mfn == 0)
        mfn = take_block(ZONE_LOW, order, limit);
    stamp = last_return;
    spin_unlock(&heap_lock);
    if (mfn == 0)
        return INVALID_MFN;
    if (stamp != 0)
        tlb_flush_since(stamp);
    return MFN(mfn);
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
        free_block(from, order);
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

static u64 limit_of(unsigned int bits)
{
    if (bits == 0 || bits >= 64)
        return ~0ull;
    return bits > PAGE_SHIFT ? 1ull << (bits - PAGE_SHIFT) : 0;
}

static mfn_t alloc_below(unsigned int order, u64 limit)
{
    mfn_t m = take_frames(order, limit);

    if (mfn_eq(m, INVALID_MFN))
        return m;
    memset(mfn_to_virt(m), 0, (u64)PAGE_SIZE << order);
    for (u64 i = 0; i < 1ull << order; i++)
        frame_table[m.v + i].count = (u64)OWNER_NONE << PAGE_OWNER_SHIFT | 1;
    return m;
}

mfn_t alloc_loose_frames(unsigned int order, unsigned int bits)
{
    return alloc_below(order, limit_of(bits));
}

mfn_t alloc_hv_frames(unsigned int order)
{
    if (!started) {
        BUG_ON(order != 0);
        return heap_early_frame();
    }
    return alloc_below(order, ~0ull);
}

void *alloc_hv_pages(unsigned int order)
{
    mfn_t m = alloc_hv_frames(order);

    return mfn_eq(m, INVALID_MFN) ? NULL : mfn_to_virt(m);
}

void *alloc_hv_low_page(void)
{
    mfn_t m = alloc_below(0, LOW_END);

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
    free_block(mfn, order);
    spin_unlock(&heap_lock);
}

void heap_free_frame(struct page *pg)
{
    u64 mfn = page_to_mfn(pg).v;

    pg->count = 0;
    pg->type = 0;
    spin_lock(&heap_lock);
    last_return = tlb_stamp();
    free_block(mfn, 0);
    spin_unlock(&heap_lock);
}

void heap_note_return(void)
{
    spin_lock(&heap_lock);
    last_return = tlb_stamp();
    spin_unlock(&heap_lock);
}

static void set_owner(struct domain *d, mfn_t m, u64 frames)
{
    for (u64 i = 0; i < frames; i++)
        store_release(&frame_table[m.v + i].count,
                      (u64)d->id << PAGE_OWNER_SHIFT | PAGE_ALLOCATED | 1);
}

/*
 * The domain may have begun to die meanwhile. Who destroys it set d->dying before it looked for
 * frames: it has found these, or we find the flag; of both, one takes a frame back.
 */
static bool given_in_vain(struct domain *d, mfn_t m, u64 frames)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!READ_ONCE(d->dying))
        return false;
    for (u64 i = 0; i < frames; i++) {
        /* -EBUSY: it was the other one. */
        (void)release_domain_frame(d, mfn_to_page(mfn_add(m, i)));
    }
    return true;
}

bool give_to_domain(struct domain *d, mfn_t m, u64 frames)
{
    set_owner(d, m, frames);
    return !given_in_vain(d, m, frames);
}

int alloc_domain_frames(struct domain *d, unsigned int order, unsigned int bits, mfn_t *out)
{
    u64 frames = 1ull << order;
    mfn_t m;

    spin_lock(&d->lock);
    if (d->dying || d->tot_pages + frames > d->max_pages) {
        spin_unlock(&d->lock);
        return -ENOMEM;
    }
    domain_add_pages(d, frames);
    spin_unlock(&d->lock);
    m = take_frames(order, limit_of(bits));
    if (mfn_eq(m, INVALID_MFN)) {
        domain_sub_pages(d, frames);
        return -ENOMEM;
    }
    memset(mfn_to_virt(m), 0, frames << PAGE_SHIFT);
    *out = m;
    return likely(give_to_domain(d, m, frames)) ? 0 : -ENOMEM;
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
        free_block(at - 1, 0);
    spin_unlock(&heap_lock);
    if (from == 0)
        return INVALID_MFN;
    domain_add_pages(d, frames);
    set_owner(d, MFN(from), frames);
    return MFN(from);
}

u64 heap_listed_frames(void)
{
    u64 frames = 0;

    for (unsigned int i = 0; i < ZONES * (MAX_ORDER + 1); i++) {
        unsigned int zone = i / (MAX_ORDER + 1), order = i % (MAX_ORDER + 1);
        u32 before = 0;

        for (u32 mfn = free_list[zone][order]; mfn != 0; before = mfn, mfn = next_of(mfn)) {
            if (frame_table[mfn].count != head_word(order) || prev_of(mfn) != before)
                return ~0ull;
            frames += 1ull << order;
        }
    }
    return frames;
}

u64 heap_free_frames(void)
{
    return READ_ONCE(free_frames);
}

u64 heap_total_frames(void)
{
    return total_frames;
}
