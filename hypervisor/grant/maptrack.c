/* SPDX-License-Identifier: MIT */
/*
 * Handles of mappings: a domain's own table, made as it is needed, up to a limit. It is never
 * smaller again while the domain lives.
 */
#include "grant/internal.h"
#include "lib/atomic.h"

static u64 *slot_of(const struct maptrack *t, u32 handle)
{
    return &t->pages[handle / HANDLES_PER_PAGE][handle % HANDLES_PER_PAGE];
}

/* One more page of handles, the list of free ones. The lock is held. */
static bool more_handles(struct maptrack *t)
{
    u32 from = t->made;
    u64 *page;

    if (from >= t->limit)
        return false;
    if (t->pages == NULL)
        t->pages = alloc_hv_pages(0);
    page = t->pages != NULL ? alloc_hv_pages(0) : NULL;
    if (page == NULL)
        return false;
    for (u32 i = 0; i < HANDLES_PER_PAGE; i++)
        page[i] = track_word(i + 1 < HANDLES_PER_PAGE ? from + i + 1 : MAX_HANDLES, 0, 0);
    t->pages[from / HANDLES_PER_PAGE] = page;
    t->first_free = from;
    store_release(&t->made, from + HANDLES_PER_PAGE);
    return true;
}

/* The domain's own vCPUs are the only ones that want its lock. */
u64 *maptrack_get(struct domain *d, u32 *handle)
{
    struct maptrack *t = &d->grants.track;
    u64 *slot = NULL;

    spin_lock(&t->lock);
    if (t->first_free != MAX_HANDLES || more_handles(t)) {
        *handle = t->first_free;
        slot = slot_of(t, *handle);
        t->first_free = track_ref(*slot);
    }
    spin_unlock(&t->lock);
    return slot;
}

/* The word becomes the link in one store: whoever looks by the handle sees it unused. */
void maptrack_put(struct domain *d, u32 handle)
{
    struct maptrack *t = &d->grants.track;

    spin_lock(&t->lock);
    WRITE_ONCE(*slot_of(t, handle), track_word(t->first_free, 0, 0));
    t->first_free = handle;
    spin_unlock(&t->lock);
}

u64 *maptrack_slot(struct domain *d, u32 handle)
{
    struct maptrack *t = &d->grants.track;
    u32 made = load_acquire(&t->made);

    return handle < made ? slot_of(t, (u32)index_nospec(handle, made)) : NULL;
}
