/* SPDX-License-Identifier: MIT */
/*
 * Frames that become a domain's.
 *
 * The account comes first, so that a domain never has more than its limit; then the frames, of
 * which nobody holds a reference yet; then its record says who owns them, and from that moment on
 * everybody can find them.
 */
#include "domain/domain.h"
#include "lib/atomic.h"
#include "mm/internal.h"

void own_frames(const struct domain *d, mfn_t m, u64 frames)
{
    for (u64 i = 0; i < frames; i++)
        store_release(&frame_table[m.v + i].count,
                      (u64)d->id << PAGE_OWNER_SHIFT | PAGE_ALLOCATED | 1);
}

/*
 * The domain may have begun to die meanwhile. Who destroys it set d->dying before it looked for
 * frames: it has found these, or we find the flag; of both, one takes a frame back.
 */
static bool given_in_vain(struct domain *d, mfn_t m, u64 frames)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!READ_ONCE(d->dying))
        return false;
    for (u64 i = 0; i < frames; i++) {
        /* -EBUSY: it was the other one. */
        (void)release_domain_frame(d, mfn_to_page(mfn_add(m, i)));
    }
    return true;
}

bool give_to_domain(struct domain *d, mfn_t m, u64 frames)
{
    own_frames(d, m, frames);
    return !given_in_vain(d, m, frames);
}

/*
 * Nothing is undone for a domain that dies meanwhile: the frames were its own for a moment, and
 * giving back the owner's references also sets the account right.
 */
int alloc_domain_frames_at(struct domain *d, unsigned int order, unsigned int bits, pfn_t pfn,
                           mfn_t *out)
{
    u64 frames = 1ull << order, claimed;
    mfn_t m;

    spin_lock(&d->lock);
    if (d->dying || d->tot_pages + frames > d->max_pages) {
        spin_unlock(&d->lock);
        return -ENOMEM;
    }
    domain_add_pages(d, frames);
    spin_unlock(&d->lock);
    claimed = claim_use(d, frames);
    m = heap_take(order, bits, claimed);
    if (mfn_eq(m, INVALID_MFN)) {
        claim_restore(d, claimed);
        domain_sub_pages(d, frames);
        return -ENOMEM;
    }
    /* As long as they are nobody's: once they are the domain's, it can give them back. */
    for (u64 i = 0; i < frames && pfn.v != INVALID_PFN.v; i++)
        m2p_set(mfn_add(m, i), PFN(pfn.v + i));
    *out = m;
    return likely(give_to_domain(d, m, frames)) ? 0 : -ENOMEM;
}

int alloc_domain_frames(struct domain *d, unsigned int order, unsigned int bits, mfn_t *out)
{
    return alloc_domain_frames_at(d, order, bits, INVALID_PFN, out);
}
