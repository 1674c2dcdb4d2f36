/* SPDX-License-Identifier: MIT */
/* The state that grant/ keeps in a domain; grant.h is the room's door. */
#ifndef GRANT_GRANT_TYPES_H
#define GRANT_GRANT_TYPES_H

#include "lib/spinlock.h"
#include "mm/layout.h"
#include <xen/grant_table.h>

#define MAX_GRANT_FRAMES    64u
#define GRANTS_PER_FRAME    (PAGE_SIZE / (u32)sizeof(grant_entry_v1_t))

/* Entries are the domain's to write at any time: what is read of one is read once, then checked. */
struct grant_table {
    spinlock_t lock;                /* guards growth */
    u32 nr_frames;                  /* grows only; a frame below it is there, and stays */
    u32 max_frames;
    grant_entry_v1_t *frames[MAX_GRANT_FRAMES];     /* shared with the domain */
};

#endif
