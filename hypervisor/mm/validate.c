/* SPDX-License-Identifier: MIT */
/*
 * Going through a page table's entries: upwards, each is judged and takes a reference and a use of
 * what it names, one level down; downwards, each gives them back. page_type.c says when, and has
 * the argument why that makes tables safe; pt_entry.h says what one entry holds.
 *
 * Both ways stop for pending work, so a guest that pins a tree of tables keeps a CPU no longer than
 * one entry takes. Recursion ends by the levels: a table holds BUSY only tables below its own.
 */
#include "lib/atomic.h"
#include "mm/pt_entry.h"
#include "mm/validate.h"

static u64 *table_of(struct page *pg)
{
    return mfn_to_virt(page_to_mfn(pg));
}

/* Most entries of most tables are empty: the first present one from @i up; PTE_COUNT: none. */
static unsigned int present_from(const u64 *table, unsigned int i)
{
    while (i < PTE_COUNT && !(table[i] & PTE_P))
        i++;
    return i;
}

/* One more than the last present one below @end; 0: none. */
static unsigned int present_below(const u64 *table, unsigned int end)
{
    while (end > 0 && !(table[end - 1] & PTE_P))
        end--;
    return end;
}

/* ---- Upwards: take ---- */

/*
 * The reference and use that the entry at *@slot shall hold. The entry is read once: the guest
 * can't write the frame any more (it is BUSY, and was flushed), but the processor sets accessed
 * bits in tables that others walk. 0; -ERESTART, perhaps with w->child set; or what is wrong with
 * it.
 *
 * @level, here and in take_entries(), is w->use's: a constant where it is 1.
 */
static always_inline int take_entry(struct walk *w, const struct domain *d, unsigned int level,
                                    u64 *slot)
{
    u64 pte = READ_ONCE(*slot);     /* judged, and what is judged is used */
    int rc;

    if (level > 1 && w->child) {
        /* An earlier try left the reference; only the use is missing. */
        rc = get_page_type(mfn_to_page(pte_mfn(pte)), (enum page_use)(w->use - 1));
        if (rc == 0)
            w->child = false;
        return rc;
    }
    if (!pte_flags_ok(level, pte, d))
        return -EINVAL;
    rc = pte_get(level, pte, d, d->id);
    /* Not fit for a level-3 table: perhaps it is meant to be a level-4 one. */
    if (level == 4 && rc == -EINVAL)
        rc = linear_get(w->pg, pte, &w->has);
    if (rc == 0 && pte_adjust(level, pte) != pte)
        *slot = pte_adjust(level, pte);
    return rc;
}

/*
 * From w->index on. On an error w->index is the entry that failed: those below hold references. It
 * stops for pending work between entries; a level-1 table is short enough to be done in one go.
 */
static always_inline int take_entries(struct walk *w, const struct domain *d, unsigned int level,
                                      u64 *table)
{
    w->index = present_from(table, w->index);
    while (w->index < PTE_COUNT) {
        if (!pte_is_hv_slot(level, w->index)) {
            int rc = take_entry(w, d, level, &table[w->index]);

            if (rc)
                return rc;
        }
        w->index = present_from(table, w->index + 1);
        if (level > 1 && w->index < PTE_COUNT && preempt_needed())
            return -ERESTART;
    }
    return 0;
}

/* The entries that are not present; the others are judged when they are taken. */
static bool absent_entries_ok(const struct walk *w, const struct domain *d, const u64 *table)
{
    if (likely(d->absent_mask == 0))
        return true;
    for (unsigned int i = 0; i < PTE_COUNT; i++)
        if (!(table[i] & PTE_P) && !pte_absent_ok(table[i], d) &&
            !pte_is_hv_slot(w->use - USE_L1 + 1, i))
            return false;
    return true;
}

/*
 * Our slots are written last: a table that turns out unfit is the guest's again as it was. Nothing
 * is asked of what stood there: the guest can never see or walk it.
 */
int take_table(struct walk *w, const struct domain *d)
{
    u64 *table = table_of(w->pg);
    int rc;

    if (!absent_entries_ok(w, d, table))
        return -EINVAL;
    /* A level-1 table has by far the most entries, and needs the least for each. */
    if (w->use == USE_L1)
        return take_entries(w, d, 1, table);
    rc = take_entries(w, d, w->use - USE_L1 + 1, table);
    if (rc == 0 && w->use == USE_L4)
        hv_install_slots(table);
    return rc;
}

/*
 * The processor reads the page without asking anybody, so what could do harm is mended or refused
 * (descriptor_ok): what is left are segments of ring 3, and call gates that ring 3 can't use.
 */
int take_descriptors(struct walk *w)
{
    u64 *desc = table_of(w->pg);

    for (unsigned int i = 0; i < PTE_COUNT; i++)
        if (!descriptor_ok(&desc[i]))
            return -EINVAL;
    w->index = 0;   /* descriptors hold nothing that a failure would have to drop */
    return 0;
}

/* ---- Downwards: drop ---- */

/*
 * What an earlier drop of the entry at w->index left: the child itself is PARTIAL or finished by
 * now, by whoever came along. Its use is gone; the bare reference goes when it is settled.
 */
static int drop_child(struct walk *w)
{
    struct page *child = mfn_to_page(pte_mfn(table_of(w->pg)[w->index]));
    int rc = type_settle(child);

    if (rc)
        return rc;
    put_page(child);
    w->child = false;
    return 0;
}

static always_inline int drop_entry(struct walk *w, unsigned int level, u64 pte)
{
    if (level == 4 && pte_is_linear(w->pg, pte))
        return linear_put(w->pg, pte, &w->has);
    return pte_put(level, pte);
}

/*
 * From w->index down. -ERESTART: entries below w->index still hold theirs, and with w->child the
 * one there a bare reference.
 */
static always_inline int drop_entries(struct walk *w, unsigned int level, u64 *table)
{
    w->index = present_below(table, w->index);
    while (w->index > 0) {
        unsigned int i = w->index - 1;

        if (!pte_is_hv_slot(level, i) && drop_entry(w, level, table[i])) {
            w->index = i;
            w->child = true;
            return -ERESTART;
        }
        w->index = present_below(table, i);
        if (level > 1 && w->index > 0 && preempt_needed())
            return -ERESTART;
    }
    return 0;
}

int drop_table(struct walk *w)
{
    if (w->child && drop_child(w))
        return -ERESTART;
    if (w->use == USE_L1)
        return drop_entries(w, 1, table_of(w->pg));
    return drop_entries(w, w->use - USE_L1 + 1, table_of(w->pg));
}
