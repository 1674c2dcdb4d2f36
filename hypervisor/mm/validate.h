/* SPDX-License-Identifier: MIT */
/*
 * What a frame's contents must be to have a use, and what they then hold: for page_type.c, while
 * the frame is BUSY and so this CPU's alone.
 */
#ifndef MM_VALIDATE_H
#define MM_VALIDATE_H

#include "mm/internal.h"

/*
 * Progress through a table, while BUSY: the payload of its type word, unpacked. It is this CPU's
 * alone until one of "the moves out of BUSY" packs it again.
 */
struct walk {
    struct page *pg;
    enum page_use use;
    unsigned int index;     /* entries below hold their references */
    bool child;             /* the entry at index holds a bare reference */
    u64 has;                /* the entries below that name another level-4 table, in the word */
    bool was_partial;       /* the frame holds a reference on itself */
};

/*
 * The entries of a table of domain @d take what they name, from w->index upwards. 0; -ERESTART: the
 * time is over, and w says how far it came; another error: an entry is not fit, and those below
 * w->index hold theirs, for drop_table().
 */
int take_table(struct walk *w, const struct domain *d);
/* The same for a page of descriptors, which hold nothing: 0 or -EINVAL. */
int take_descriptors(struct walk *w);
/* Entries below w->index give back what they hold: 0, or -ERESTART and w says how far it came. */
int drop_table(struct walk *w);

#endif
