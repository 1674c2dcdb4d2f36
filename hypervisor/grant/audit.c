/* SPDX-License-Identifier: MIT */
/*
 * The audit of the grants (control/audit.h): each pin of a grant is one handle's. For a moment the
 * handles take their pins away; none may be left. The machine stands still meanwhile.
 */
#include "control/audit.h"
#include "grant/internal.h"

static u32 nr_grants(const struct domain *d)
{
    return d->grants.nr_frames * GRANTS_PER_FRAME;
}

/*
 * The table's pages hold themselves, each pin its frame, each mapping for devices what an entry
 * would.
 */
void audit_grant_holders(const struct domain *d)
{
    for (u32 i = 0; i < d->grants.nr_frames && !d->dead; i++)
        audit_ref(virt_to_mfn(d->grants.frames[i]));
    for (u32 ref = 0; ref < nr_grants(d); ref++)
        if (active_of(d, ref)->pins != 0)
            audit_ref(MFN(active_of(d, ref)->frame));
    for (u32 handle = 0; handle < d->grants.track.made; handle++) {
        u64 word = *maptrack_slot((struct domain *)d, handle);
        mfn_t m;

        if (!(word & TRACK_DEVICE))
            continue;
        m = grant_pinned_frame(domain_by_id(track_granter(word)), track_ref(word));
        if (word & TRACK_READONLY)
            audit_ref(m);
        else
            audit_use(m, USE_WRITABLE);
    }
}

/* One handle's pin is taken away (@by: -1) or given back (1). */
static void move_pin(const struct domain *d, u32 handle, int by)
{
    u64 word = *maptrack_slot((struct domain *)d, handle);
    const struct domain *rd = domain_by_id(track_granter(word));
    struct active_grant *a;

    if (!(word & TRACK_USED))
        return;
    if (rd == NULL || track_ref(word) >= nr_grants(rd) || (word & TRACK_BUSY)) {
        if (by < 0)
            audit_wrong("domain %u, handle %u: %lx names no grant", d->id, handle, word);
        return;
    }
    a = active_of(rd, track_ref(word));
    a->pins += (u32)by;
    a->writers += word & TRACK_READONLY ? 0 : (u32)by;
    if (by < 0 && a->grantee != d->id)
        audit_wrong("domain %u, grant %u is domain %u's, and mapped by %u", rd->id,
                    track_ref(word), a->grantee, d->id);
}

static void move_pins(int by)
{
    for (struct domain *d = domain_at_or_above(0); d; d = domain_at_or_above(d->id + 1u))
        for (u32 handle = 0; handle < d->grants.track.made; handle++)
            move_pin(d, handle, by);
}

void audit_grants(void)
{
    move_pins(-1);
    for (struct domain *d = domain_at_or_above(0); d; d = domain_at_or_above(d->id + 1u))
        for (u32 ref = 0; ref < nr_grants(d); ref++) {
            const struct active_grant *a = active_of(d, ref);

            if (a->pins != 0 || a->writers != 0)
                audit_wrong("domain %u, grant %u: %d pins, %d of writers, have no handle", d->id,
                            ref, (int)a->pins, (int)a->writers);
        }
    move_pins(1);
}
