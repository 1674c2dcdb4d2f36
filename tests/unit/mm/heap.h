/* SPDX-License-Identifier: MIT */
/* A look inside the real buddy.c and page_alloc.c (heap.c). */
#ifndef TESTS_MM_HEAP_H
#define TESTS_MM_HEAP_H

#include "lib/types.h"

/* All lists empty, as before the first heap_add(). */
void heap_reset(void);
/*
 * What must hold between calls: lists are well linked, blocks aligned and apart, no two free
 * buddies side by side, and the sum is what heap_free_frames() says. *@why names what does not.
 */
bool heap_sound(const char **why);
bool heap_frame_is_free(u64 mfn);
/* A number for the sizes of all free blocks: equal heaps have equal numbers. */
u64 heap_shape(void);

#endif
