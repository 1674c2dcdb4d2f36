/* SPDX-License-Identifier: MIT */
/* The state that grant/ keeps in a domain; grant.h is the room's door. */
#ifndef GRANT_GRANT_TYPES_H
#define GRANT_GRANT_TYPES_H

#include "lib/spinlock.h"
#include "mm/layout.h"
#include <xen/grant_table.h>

#define MAX_GRANT_FRAMES    64u
#define GRANTS_PER_FRAME    (PAGE_SIZE / (u32)sizeof(grant_entry_v1_t))

/*
 * What others do with one grant, whatever its entry says by now. While there are pins, the record
 * holds a reference on the frame, and so the granter's record exists (domain.h).
 */
struct active_grant {
    u32 frame;                      /* as it was at the first pin */
    u16 grantee;
    u32 pins;                       /* mappings, and copies under way */
    u32 writers;                    /* those among them that write */
};

#define ACTIVE_ORDER        1       /* of the pages of one frame's worth of entries */
BUILD_ASSERT(GRANTS_PER_FRAME * sizeof(struct active_grant) == PAGE_SIZE << ACTIVE_ORDER);

/*
 * The mappings that a domain has made, by handle. A word is
 *   in use: [63:32] reference; [31:16] granter; [15:0] TRACK_ flags, HOST or DEVICE among them
 *   free:   [63:32] the next free handle; [15:0] 0
 * The list of free ones is guarded by the lock; one in use is changed by compare-and-exchange, by
 * whoever unmaps it.
 */
#define HANDLES_PER_PAGE    (PAGE_SIZE / 8u)
#define MAX_HANDLE_PAGES    (PAGE_SIZE / 8u)
#define MAX_HANDLES         (HANDLES_PER_PAGE * MAX_HANDLE_PAGES)
struct maptrack {
    spinlock_t lock;
    u64 **pages;                    /* a page of pointers, from the first mapping on */
    u32 made;                       /* handles below are there, and stay */
    u32 first_free;                 /* MAX_HANDLES: none */
    u32 limit;                      /* how many there may be */
    u32 next_release;               /* the domain's end: those below are done */
};

/* Entries are the domain's to write at any time: what is read of one is read once, then checked. */
struct grant_table {
    spinlock_t lock;                /* guards growth, and the active grants */
    u32 nr_frames;                  /* grows only; a frame below it is there, and stays */
    u32 max_frames;
    grant_entry_v1_t *frames[MAX_GRANT_FRAMES];     /* shared with the domain */
    struct active_grant *active[MAX_GRANT_FRAMES];
    struct maptrack track;
};

#endif
