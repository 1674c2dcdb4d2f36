/* SPDX-License-Identifier: MIT */
/*
 * A frame's owner and its general references.
 *
 * Owner and count share one word, so that "it is still d's, and now I hold it" is one atomic
 * step: there is no moment at which a frame could change hands between the check and the
 * reference. A frame is freed by whoever drops its last reference. The owner's own reference
 * (PAGE_ALLOCATED) keeps it until the domain gives it back or is destroyed. The count never
 * wraps: a guest's references are refused above PAGE_REFS_LIMIT, and what is left of the range is
 * the hypervisor's reserve, of which it takes a few at most (a PARTIAL frame's, a vCPU's
 * unfinished one). The owner's record outlives its frames (domain.h): also when the owner is dead,
 * and the last references are another domain's.
 *
 * Lock rules: none here; d->lock guards only d's counters.
 */
#include "domain/domain.h"
#include "lib/atomic.h"
#include "mm/internal.h"

u64 max_mfn;

/* One more reference on a frame of which the caller holds one, from the hypervisor's reserve. */
void get_page_again(struct page *pg)
{
    u64 now = atomic_add(&pg->count, 1);

    BUG_ON((u32)now <= 1);
}

/*
 * Nobody maps the page any more: it is the hypervisor's alone again, which frees it with what it
 * belongs to. Its own use is the only one left: a mapping's use goes before its reference. A CPU
 * may still have a stale translation, hence the note: the page is not used again without a flush.
 */
static void take_back_shared(struct page *pg)
{
    BUG_ON(pg->type != (type_make(USE_WRITABLE) | TYPE_LIVE | 1));
    pg->type = 0;
    heap_note_return();
    store_release(&pg->count, (u64)OWNER_NONE << PAGE_OWNER_SHIFT | 1);
}

/*
 * By whoever dropped the last reference, so nobody else looks at the record. The M2P forgets the
 * frame before anybody else can get it. A count that went below zero is our own bug, and stops the
 * machine here rather than corrupt the next owner's frame.
 */
void free_domain_frame(struct page *pg)
{
    u16 owner = page_owner(pg);
    struct domain *d = domain_by_id(owner);

    BUG_ON(d == NULL || (u32)READ_ONCE(pg->count) != 0);
    m2p_set(page_to_mfn(pg), INVALID_PFN);
    if (pg->count & PAGE_SHARED) {
        take_back_shared(pg);
        domain_unref(d);
        return;
    }
    /* A use without a reference would let the frame be freed under a mapping. */
    BUG_ON(pg->type & (TYPE_LIVE | TYPE_BUSY | TYPE_PARTIAL));
    heap_free_frame(pg);
    claim_grow(d, 1);
    domain_sub_pages(d, 1);
}

void share_hv_page(void *p, struct domain *d)
{
    struct page *pg = mfn_to_page(virt_to_mfn(p));

    /*
     * The hypervisor's own reference and its own writable use stay until unshare_hv_page(): the
     * guest may map the page writable, and can neither free it nor make a table of it.
     */
    domain_ref(d);
    pg->type = type_make(USE_WRITABLE) | TYPE_LIVE | 1;
    store_release(&pg->count, (u64)d->id << PAGE_OWNER_SHIFT | PAGE_SHARED | 1);
}

void unshare_hv_page(void *p)
{
    put_page(mfn_to_page(virt_to_mfn(p)));
}

/*
 * The bit is what is given up, and a bit can be taken once: two vCPUs that give back the same frame
 * at once, or a guest and its destroyer, get one 0 and one -EBUSY.
 */
int release_domain_frame(struct domain *d, struct page *pg)
{
    u64 old = READ_ONCE(pg->count);

    do {
        if ((old >> PAGE_OWNER_SHIFT) != d->id || !(old & PAGE_ALLOCATED))
            return -EBUSY;
    } while (!cas(&pg->count, &old, old & ~PAGE_ALLOCATED));
    put_page(pg);
    return 0;
}

/*
 * One step from "the owner's own reference is the only one" to "nobody's": a frame that is mapped,
 * is a table or is being looked at has more than that one, and stays.
 */
bool take_from_domain(const struct domain *d, mfn_t m)
{
    u64 alone = (u64)d->id << PAGE_OWNER_SHIFT | PAGE_ALLOCATED | 1;

    return mfn_is_ram(m) &&
           cas(&mfn_to_page(MFN(index_nospec(m.v, max_mfn)))->count, &alone,
               (u64)OWNER_NONE << PAGE_OWNER_SHIFT | 1);
}

/*
 * A word of its own for each frame, written whole: readers, guests among them, see an old number or
 * the new one.
 */
void m2p_set(mfn_t m, pfn_t p)
{
    ((u64 *)M2P_RW_VIRT)[m.v] = p.v;
}

pfn_t m2p_get(mfn_t m)
{
    return m.v < max_mfn ? PFN(((u64 *)M2P_RW_VIRT)[m.v]) : INVALID_PFN;
}
