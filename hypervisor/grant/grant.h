/* SPDX-License-Identifier: MIT */
/*
 * The door of grant/: a domain lets others use single frames of its memory.
 *
 * In which order to read the room:
 *
 *     grant_types.h                       what is kept: tables, grants in use, handles
 *     grant_entry.[hc], pin.c             one entry, and one grant in use
 *     maptrack.c, grant_map.c             mappings, by handle
 *     grant_copy.c                        copies, which leave nothing behind
 *     grant_table.c                       the hypercall, and a table's size
 *     audit.c                             every pin counted once more
 */
#ifndef GRANT_GRANT_H
#define GRANT_GRANT_H

#include "domain/domain.h"

/*
 * With one frame (none, if @max_frames is 0); -ENOMEM. @max_handles: how many mappings it may
 * have.
 */
int grant_domain_init(struct domain *d, u32 max_frames, u32 max_handles);
/* Gives up what it maps of others; its tables are gone. 0 or -ERESTART. */
int grant_domain_release(struct domain *d);
void grant_domain_unshare(struct domain *d);    /* its table's frames are its own no more */
void grant_domain_free(struct domain *d);       /* nobody looks at it any more */
/* Makes the table of @d at least @nr frames long: 0, -EINVAL: more than it may be, -ENOMEM. */
int grant_table_grow(struct domain *d, u32 nr);

#endif
