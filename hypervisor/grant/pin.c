/* SPDX-License-Identifier: MIT */
/*
 * Grants in use. A pin says to the granter, by the marks in its entry, that someone may be using
 * the frame, and keeps a reference on it, so that it stays the granter's frame that was granted,
 * whatever the granter does meanwhile. All but the entry is guarded by the granter's table lock.
 */
#include "grant/grant_entry.h"
#include "grant/internal.h"
#include "lib/atomic.h"

static grant_entry_v1_t *entry_of(const struct domain *rd, u32 ref)
{
    return &rd->grants.frames[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

/* The first pin: from now on it is this frame, and this grantee. */
static int take_frame(struct domain *rd, struct active_grant *a, grant_entry_v1_t *e, u16 grantee,
                      bool write)
{
    u32 frame = READ_ONCE(e->frame);

    if (!get_page(MFN(frame), rd->id)) {
        grant_entry_release(e, GTF_reading | (write ? GTF_writing : 0));
        return GNTST_bad_page;
    }
    a->frame = frame;
    a->grantee = grantee;
    return GNTST_okay;
}

/*
 * Pins after the first go by the record, not by the entry, which the granter may have changed: the
 * same grantee, and for the first writer the entry must still allow it.
 */
static int pin_locked(struct domain *rd, struct active_grant *a, grant_entry_v1_t *e, u16 grantee,
                      bool write)
{
    int status = GNTST_okay;

    if (a->pins != 0 && (a->grantee != grantee || a->pins == ~0u))
        return GNTST_general_error;
    if (a->pins == 0 || (write && a->writers == 0))
        status = grant_entry_claim(e, grantee, write);
    if (status == GNTST_okay && a->pins == 0)
        status = take_frame(rd, a, e, grantee, write);
    if (status == GNTST_okay) {
        a->pins++;
        a->writers += write;
    }
    return status;
}

/* A table only grows, so a reference that is below its end stays there. */
int grant_pin(struct domain *rd, u16 grantee, u32 ref, bool write, mfn_t *m)
{
    struct grant_table *t = &rd->grants;
    u32 end = load_acquire(&t->nr_frames) * GRANTS_PER_FRAME;
    struct active_grant *a;
    int status;

    if (ref >= end)
        return GNTST_bad_gntref;
    ref = (u32)index_nospec(ref, end);
    a = active_of(rd, ref);
    spin_lock(&t->lock);
    status = pin_locked(rd, a, entry_of(rd, ref), grantee, write);
    m->v = a->frame;
    spin_unlock(&t->lock);
    return status;
}

void grant_unpin(struct domain *rd, u32 ref, bool write)
{
    struct active_grant *a = active_of(rd, ref);
    struct page *last = NULL;
    u16 marks = 0;

    spin_lock(&rd->grants.lock);
    BUG_ON(a->pins == 0 || (write && a->writers == 0));
    a->writers -= write;
    if (write && a->writers == 0)
        marks |= GTF_writing;
    if (--a->pins == 0) {
        marks |= GTF_reading;
        last = mfn_to_page(MFN(a->frame));
    }
    if (marks != 0)
        grant_entry_release(entry_of(rd, ref), marks);
    spin_unlock(&rd->grants.lock);
    /* The last: it may be all that keeps the granter's record, and with it the lock. */
    if (last != NULL)
        put_page(last);
}

mfn_t grant_pinned_frame(const struct domain *rd, u32 ref)
{
    return MFN(READ_ONCE(active_of(rd, ref)->frame));
}
