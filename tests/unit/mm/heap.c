/* SPDX-License-Identifier: MIT */
/* The real buddy.c and page_alloc.c, and what a test wants to see of them. */
#include "mm/buddy.c"
#include "mm/page_alloc.c"

#include "heap.h"

void heap_reset(void)
{
    memset(free_list, 0, sizeof(free_list));
    memset(zones_with, 0, sizeof(zones_with));
    buddy_frames = total_frames = promised = last_return = last_scrub = scrub_frames = 0;
    nr_early = 0;
    started = false;
}

static bool frames_clear(u64 mfn, u64 frames)
{
    const u64 *word = mfn_to_virt(MFN(mfn));

    for (u64 i = 0; i < frames * PTE_COUNT; i++)
        if (word[i] != 0)
            return false;
    return true;
}

static bool block_sound(u64 mfn, unsigned int order, unsigned int zone, const char **why)
{
    u64 buddy = mfn ^ (1ull << order);

    *why = "a block on the wrong list";
    if (!is_head(mfn, order) || top_bit(mfn) != zone || clear_of(mfn) > 1ull << order)
        return false;
    *why = "a block not aligned to its size";
    if (mfn % (1ull << order))
        return false;
    *why = "frames inside a free block are marked";
    for (u64 i = 1; i < 1ull << order; i++)
        if (frame_table[mfn + i].count || frame_table[mfn + i].type)
            return false;
    *why = "two free buddies side by side";
    return order == MAX_ORDER || buddy >= max_mfn ||
           !is_head(buddy, order);
}

static bool list_sound(unsigned int zone, unsigned int dirty, unsigned int order, u64 *sum,
                       const char **why)
{
    u64 prev = 0;

    *why = "a list that is there, or not, against its mark";
    if ((zones_with[dirty][order] >> zone & 1) != (free_list[zone][dirty][order] != 0))
        return false;
    for (u64 mfn = free_list[zone][dirty][order]; mfn != 0; prev = mfn, mfn = next_of(mfn)) {
        *why = "a broken list";
        if (prev_of(mfn) != prev || *sum > total_frames)
            return false;
        if (!block_sound(mfn, order, zone, why))
            return false;
        *why = "a clear block among the others, or one that is not clear";
        if (dirty != (clear_of(mfn) < 1ull << order) || !frames_clear(mfn, clear_of(mfn)))
            return false;
        *sum += 1ull << order;
    }
    return true;
}

bool heap_sound(const char **why)
{
    u64 sum = 0;

    for (unsigned int zone = 0; zone < ZONES; zone++)
        for (unsigned int order = 0; order <= MAX_ORDER; order++)
            if (!list_sound(zone, 0, order, &sum, why) || !list_sound(zone, 1, order, &sum, why))
                return false;
    *why = "free frames miscounted";
    return sum == heap_free_frames();
}

bool heap_frame_is_free(u64 mfn)
{
    for (unsigned int order = 0; order <= MAX_ORDER; order++)
        if (is_head(ALIGN_DOWN(mfn, 1ull << order), order))
            return true;
    return false;
}

u64 heap_shape(void)
{
    u64 shape = 0;

    for (unsigned int zone = 0; zone < ZONES; zone++)
        for (unsigned int i = 0; i < 2 * (MAX_ORDER + 1); i++)
            for (u64 mfn = free_list[zone][i & 1][i / 2]; mfn != 0; mfn = next_of(mfn))
                shape += (mfn + 1) * 0x9e3779b97f4a7c15ull ^ i / 2;
    return shape;
}
