/* SPDX-License-Identifier: MIT */
/*
 * Taking a dying domain's frames from it.
 *
 * There are no circles among references: an entry of a table names tables of the level below, or
 * a level-4 table that names no other (pt_linear.c).
 * So once roots and descriptor tables are dropped, dropping each frame's pin (if it has one) and
 * the owner's own reference is all: whatever was held by tables goes with them. A frame that
 * another domain still maps stays until that is over; its owner's record waits for it.
 *
 * Frames are found by looking at the record of every frame of the machine: some five instructions a
 * frame, less than a list through each domain's frames would cost while it lives.
 */
#include "domain/domain.h"
#include "lib/atomic.h"
#include "mm/internal.h"

/* How often to look for pending work: a frame that is somebody else's costs next to nothing. */
#define FRAMES_PER_LOOK 1024

static void drop_root(mfn_t *root)
{
    struct page *pg;

    if (mfn_eq(*root, INVALID_MFN))
        return;
    pg = mfn_to_page(*root);
    *root = INVALID_MFN;
    put_page_and_type(pg);
}

void mm_drop_roots(struct vcpu *v)
{
    drop_root(&v->kernel_root);
    drop_root(&v->user_root);
}

/*
 * A frame that is the domain's, or was until just now (0: nothing to do). The pin goes first, then
 * what is left of the table, then the owner's own reference. Most frames have no holder but their
 * owner: those are neither in use nor pinned nor PARTIAL, each of which is a reference, too.
 *
 * A table that is dropped in slices is PARTIAL in between, and holds itself: it is finished here,
 * now or when this is called for the same frame again.
 */
static int release_frame(struct domain *d, mfn_t m)
{
    struct page *pg = mfn_to_page(m);
    u64 count = READ_ONCE(pg->count);
    int rc;

    if (count >> PAGE_OWNER_SHIFT != d->id)
        return 0;
    if (count == ((u64)d->id << PAGE_OWNER_SHIFT | PAGE_ALLOCATED | 1)) {
        (void)release_domain_frame(d, pg);      /* -EBUSY: whoever gave it has taken it back */
        return 0;
    }
    if (!get_page(m, d->id))
        return 0;
    if (type_clear_pin(pg)) {
        (void)put_type_slice(pg);
        put_page(pg);
    }
    rc = type_settle(pg);
    if (rc == 0)
        (void)release_domain_frame(d, pg);      /* -EBUSY: the domain itself had done that */
    put_page(pg);
    return rc;
}

/*
 * d->next_frame remembers the place between calls; the control room's claim guards it. Frames that
 * come to the domain behind it are taken back by whoever gives them (domain_frames.c).
 */
int mm_domain_release(struct domain *d)
{
    while (d->next_frame < max_mfn) {
        int rc = release_frame(d, MFN(d->next_frame));

        if (rc)
            return rc;
        d->next_frame++;
        if (d->next_frame % FRAMES_PER_LOOK == 0 && preempt_needed())
            return -ERESTART;
    }
    return 0;
}
