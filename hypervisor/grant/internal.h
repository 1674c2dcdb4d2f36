/* SPDX-License-Identifier: MIT */
/* Between the files of grant/. */
#ifndef GRANT_INTERNAL_H
#define GRANT_INTERNAL_H

#include "grant/grant.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"

/* ---- pin.c: grants in use ---- */
/* The record of a reference below the table's end; what is in it is under the table's lock. */
static inline struct active_grant *active_of(const struct domain *rd, u32 ref)
{
    return &rd->grants.active[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

/*
 * Pins @rd's grant @ref, which must be for @grantee: GNTST_okay, and *@m is the frame, on which
 * the pin keeps a reference; or another status.
 */
int grant_pin(struct domain *rd, u16 grantee, u32 ref, bool write, mfn_t *m);
/* Of a pin of this kind. The last one may free the frame, and with it @rd: it is not used after. */
void grant_unpin(struct domain *rd, u32 ref, bool write);
/* The frame of a grant that the caller has pinned. */
mfn_t grant_pinned_frame(const struct domain *rd, u32 ref);

/* ---- maptrack.c: handles ---- */
/* What of the mapping's flags is kept, as the ABI has it. */
#define TRACK_HOST          ((u32)GNTMAP_host_map)      /* mapped for the processor */
#define TRACK_DEVICE        ((u32)GNTMAP_device_map)    /* held for devices */
#define TRACK_USED          (TRACK_HOST | TRACK_DEVICE)
#define TRACK_READONLY      ((u32)GNTMAP_readonly)
#define TRACK_PTE           ((u32)GNTMAP_contains_pte)  /* its address is that of the entry */
#define TRACK_MAPPING       (TRACK_USED | TRACK_READONLY | TRACK_PTE)
#define TRACK_BUSY          0x8000u                     /* someone is unmapping it */

static inline u64 track_word(u32 ref, u16 granter, u16 flags)
{
    return (u64)ref << 32 | (u64)granter << 16 | flags;
}

static inline u32 track_ref(u64 word)
{
    return (u32)(word >> 32);
}

static inline u16 track_granter(u64 word)
{
    return (u16)(word >> 16);
}

/* A handle, and its word, not in use yet: the caller fills it in, or puts the handle back. */
u64 *maptrack_get(struct domain *d, u32 *handle);       /* NULL: it has as many as it may */
void maptrack_put(struct domain *d, u32 handle);
u64 *maptrack_slot(struct domain *d, u32 handle);       /* NULL: there is no such handle */

/*
 * ---- The calls ---- Each does a list of @count operations, writes a status into each, and goes
 * on after a restart with what is left. The result is 0, or -EFAULT where the list is not the
 * guest's memory.
 */
long grant_op_map(XEN_GUEST_HANDLE(void) arg, unsigned int count);
long grant_op_unmap(XEN_GUEST_HANDLE(void) arg, unsigned int count);
long grant_op_copy(XEN_GUEST_HANDLE(void) arg, unsigned int count);

#endif
