/* SPDX-License-Identifier: MIT */
/*
 * Free blocks: what is on the lists, and nothing about who may have it or when. For page_alloc.c
 * alone, which holds heap_lock around every call: there is no lock in here.
 *
 * A block is 2^order frames, aligned to its size. So many of its frames, from the first one on, are
 * known to be clear: where a function says @clear, that is the number.
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "lib/types.h"

#define MAX_ORDER   15

/*
 * A zone is all frames whose numbers have the same highest bit; a set of zones is a mask. So "below
 * 2^n bytes" is a set of zones for each n, and no list need be looked through for it.
 */
#define ZONES       32
#define ALL_ZONES   0xffffffffu

/* Frames on the lists, all blocks together. */
extern u64 buddy_frames;

/*
 * Puts a block, whose records are empty, on the lists; with a free buddy it becomes one block, as
 * often as that goes. Of the joined block those frames count as clear that lie in one run from its
 * first one on.
 */
void buddy_add(u64 mfn, unsigned int order, u64 clear);
/*
 * Takes a block out of @zones: from clear blocks first, of those from the smallest that are large
 * enough, of those from the highest zone. Its first frame, with empty records; 0: there is none.
 */
u64 buddy_take(u32 zones, unsigned int order, u64 *clear);
/*
 * Takes a piece of any block that is not clear, with its first frame that is not: of 2^@limit
 * frames, or the whole block if it is smaller. *@order says how large it is; 0: all is clear.
 */
u64 buddy_take_dirty(unsigned int limit, unsigned int *order, u64 *clear);
/*
 * Takes the first run of @frames frames that are all free, of whatever blocks it is made, in or
 * behind the zone that begins with frame @first; 0: there is none. Looks at one frame after the
 * other: for the builder of the first domain, once.
 */
u64 buddy_take_run(u64 first, u64 frames);
/* The order of the free block that begins at @mfn. */
unsigned int buddy_order(u64 mfn);
/* buddy_frames, counted anew along the lists; ~0: a list or a record is broken. */
u64 buddy_count(void);

#endif
