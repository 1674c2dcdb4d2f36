/* SPDX-License-Identifier: MIT */
/*
 * Free blocks of 2^order frames: a buddy allocator in zones. buddy.h says what its functions do;
 * the caller holds heap_lock.
 *
 * A free block's links and order live in its first frame's record, never in the frame: a dead
 * domain's stale translation could still write there.
 *
 *     a free block's head     count = PAGE_HEAP | order | its clear frames, type = next | previous
 *     its other frames        both words zero
 *
 * Links are frame numbers. Frame 0 is never free, so 0 ends a list. Blocks that are clear
 * throughout have lists of their own, from which is taken first: then nobody clears what need not
 * be, and the idle CPUs find at once what does.
 */
#include "lib/types.h"
#include "mm/buddy.h"
#include "mm/internal.h"

#define ORDER_SHIFT 32
#define CLEAR_SHIFT 48          /* where an owner would stand: a free frame has none */
BUILD_ASSERT(MAX_ORDER < 64 - CLEAR_SHIFT);      /* 2^MAX_ORDER clear frames are a number there */

/* The first block, 0: none. [0]: those that are clear throughout, [1]: the others. */
static u32 free_list[ZONES][2][MAX_ORDER + 1];
/* The zones in which free_list has a block: a bit is set exactly while the list has one. */
static u32 zones_with[2][MAX_ORDER + 1];
u64 buddy_frames;

/* ---- A block's record ---- */

/* The number of the highest bit set: a frame's zone. 0, which has none, is never free. */
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

unsigned int buddy_order(u64 mfn)
{
    return (unsigned int)(frame_table[mfn].count >> ORDER_SHIFT) & 63;
}

/* Whether a free block of @order begins at @mfn. Any frame below max_mfn can be asked. */
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

/* ---- Lists ---- */

/* At the front of the list that order, zone and clear frames say; writes the record. */
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

/* From wherever in that list it is; its record is empty then. */
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

/* ---- Joining and splitting ---- */

/*
 * Buddies lie in the same zone: their numbers differ in bit @order alone, and where that is the
 * highest one, the buddy is frame 0, which is never free.
 */
void buddy_add(u64 mfn, unsigned int order, u64 clear)
{
    buddy_frames += 1ull << order;
    for (; order < MAX_ORDER; order++) {
        u64 size = 1ull << order, buddy = mfn ^ size, other;

        if (buddy >= max_mfn || !is_head(buddy, order))
            break;
        other = clear_of(buddy);
        list_remove(buddy, order);
        /* The clear frames of the upper half count only if the lower half is clear throughout. */
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
 * one; returns how many of its frames are clear. The other halves go back to the lists.
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
    buddy_frames -= 1ull << order;
    return clear;
}

/* ---- Taking ---- */

u64 buddy_take(u32 zones, unsigned int order, u64 *clear)
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

/* The first frame of any block that is not clear, and its order; 0: there is none. */
static u64 find_dirty(unsigned int *order)
{
    for (*order = 0; *order <= MAX_ORDER; ++*order)
        if (zones_with[1][*order])
            return free_list[top_bit(zones_with[1][*order])][1][*order];
    return 0;
}

u64 buddy_take_dirty(unsigned int limit, unsigned int *order, u64 *clear)
{
    unsigned int have;
    u64 mfn = find_dirty(&have), at;

    if (mfn == 0)
        return 0;
    *order = min(have, limit);
    at = ALIGN_DOWN(clear_of(mfn), 1ull << *order);
    *clear = split_block(mfn, have, *order, at);
    return mfn + at;
}

/*
 * The first run of @frames free frames, of whatever blocks it is made, from @at on, where no block
 * lies across; 0: there is none.
 */
static u64 find_run(u64 at, u64 frames)
{
    u64 from = 0;

    while (at < max_mfn) {
        if (!(frame_table[at].count & PAGE_HEAP)) {
            from = 0;
            at++;
            continue;
        }
        if (from == 0)
            from = at;
        at += 1ull << buddy_order(at);
        if (at - from >= frames)
            return from;
    }
    return 0;
}

u64 buddy_take_run(u64 first, u64 frames)
{
    u64 from = find_run(first, frames), at = from;

    if (from == 0)
        return 0;
    while (at < from + frames) {
        unsigned int order = buddy_order(at);

        list_remove(at, order);
        buddy_frames -= 1ull << order;
        at += 1ull << order;
    }
    /* What the last block has beyond the run. */
    for (; at > from + frames; at--)
        buddy_add(at - 1, 0, 0);
    return from;
}

/* ---- The audit's count ---- */

/* The frames of one list; ~0: it is broken. */
static u64 count_list(unsigned int zone, unsigned int dirty, unsigned int order)
{
    u64 frames = 0;
    u32 before = 0;

    for (u32 mfn = free_list[zone][dirty][order]; mfn != 0; before = mfn, mfn = next_of(mfn)) {
        if (!is_head(mfn, order) || prev_of(mfn) != before ||
            dirty != (clear_of(mfn) < 1ull << order))
            return ~0ull;
        frames += 1ull << order;
    }
    return frames;
}

u64 buddy_count(void)
{
    u64 frames = 0;

    for (unsigned int i = 0; i < ZONES * 2 * (MAX_ORDER + 1); i++) {
        unsigned int order = i % (MAX_ORDER + 1), lists = i / (MAX_ORDER + 1);
        u64 some = count_list(lists / 2, lists % 2, order);

        if (some == ~0ull)
            return some;
        frames += some;
    }
    return frames;
}
