/* SPDX-License-Identifier: MIT */
/*
 * Claims: free frames that the toolstack sets aside for a domain before it fills it, so that nobody
 * else takes them meanwhile.
 *
 * A claim of N pages is of those that the domain does not have yet. What the domain gets comes off
 * it, and while it is not used up, what the domain gives back is put to it again. Whoever takes
 * frames, the hypervisor too, must leave as many free as are promised to others.
 *
 * d->claim is atomic; the sum of all is guarded by the heap's lock, with the free frames that it is
 * compared with (page_alloc.c). The sum is the larger by what is off a claim already while the
 * frames are still being taken. A dying domain has no claim, and gets none: d->dying is set, then
 * the claim is dropped; it grows from 0 only with d->lock held.
 */
#include "domain/domain.h"
#include "control/policy.h"
#include "hypercall/guest_access.h"
#include "lib/atomic.h"
#include "mm/internal.h"

u64 claim_use(struct domain *d, u64 frames)
{
    u64 old = READ_ONCE(d->claim), used;

    do
        used = min(old, frames);
    while (used != 0 && !cas(&d->claim, &old, old - used));
    return used;
}

void claim_restore(struct domain *d, u64 used)
{
    bool dying;

    if (used == 0)
        return;
    spin_lock(&d->lock);
    dying = d->dying;
    if (!dying)
        atomic_add(&d->claim, used);
    spin_unlock(&d->lock);
    if (dying)
        heap_unpromise(used);
}

void claim_grow(struct domain *d, u64 frames)
{
    u64 old = READ_ONCE(d->claim);

    if (likely(old == 0))
        return;
    /* The frames are free by now, and may be somebody's already: a promise all the same. */
    heap_promise_freed(frames);
    while (old != 0)
        if (cas(&d->claim, &old, old + frames))
            return;
    heap_unpromise(frames);
}

void claim_drop(struct domain *d)
{
    heap_unpromise(atomic_xchg(&d->claim, 0));
}

/* A second claim, or one of what it has already or may never have, is -EINVAL. */
static int claim_make(struct domain *d, u64 pages)
{
    u64 has = READ_ONCE(d->tot_pages);

    if (d->dying || d->claim != 0 || pages <= has || pages > d->max_pages)
        return -EINVAL;
    if (!heap_promise(pages - has))
        return -ENOMEM;
    atomic_add(&d->claim, pages - has);
    return 0;
}

MEMORY_OP(claim_pages)
{
    struct xen_memory_reservation r;
    struct domain *d;
    int rc = 0;

    if (start != 0)
        return -EINVAL;
    if (!copy_arg_from_guest(&r, arg))
        return -EFAULT;
    if (!handle_is_null(r.extent_start) || r.extent_order != 0 || r.mem_flags != 0)
        return -EINVAL;
    d = domain_by_id(r.domid);
    if (d == NULL)
        return -EINVAL;
    if (!policy_may_control())
        return -EPERM;
    if (r.nr_extents == 0) {
        claim_drop(d);
        return 0;
    }
    spin_lock(&d->lock);
    rc = claim_make(d, r.nr_extents);
    spin_unlock(&d->lock);
    return rc;
}
