/* SPDX-License-Identifier: MIT */
/*
 * Linear page tables: an entry of a level-4 table that names a level-4 table, itself or another, so
 * that a guest sees all of its tables at fixed addresses: the processor takes the named table for
 * one of level 3, and all others for one level less than what they are.
 *
 * The rules. Level 4 only, and never writable: so nothing below can be written through it, whatever
 * it says. An entry that names its own table holds nothing: it is there just as long. One that
 * names another holds what a root holds, a reference and a use as level 4, but never validates it:
 * a table in use already is all that will do, so nobody waits here, and no validation comes back to
 * where it began. A table that has such entries is named by none, and the other way round:
 * so references form no circle, and what a devalidation goes through is one table deeper at most,
 * however many there are. Both counts stand in the type word, and change together with it: TYPE_HAS
 * before the named table's TYPE_USED, so that of two tables that are made to name each other
 * at once at least one is refused. While a table is BUSY its TYPE_HAS is the walk's; PARTIAL keeps
 * it.
 *
 * What a guest can read through such an entry besides its own tables: the processor goes on through
 * the hypervisor's slots as well, to tables of the hypervisor in place of pages. Only its own
 * accesses get that far, in a copy from the guest's memory; and what they find are tables, since
 * the hypervisor maps all memory by pages of 4 KiB (hv_map.c).
 */
#include "domain/domain.h"
#include "lib/atomic.h"
#include "mm/internal.h"

static bool names_itself(const struct page *table, u64 pte)
{
    return mfn_eq(pte_mfn(pte), page_to_mfn(table));
}

bool pte_is_linear(const struct page *table, u64 pte)
{
    /* Any other holds a use of what it names as level 3. */
    return names_itself(table, pte) ||
           type_use(READ_ONCE(mfn_to_page(pte_mfn(pte))->type)) == USE_L4;
}

/* One more linear entry that names @pg: false if it is not in use as level 4 or has some itself. */
static bool use_linear(struct page *pg)
{
    u64 word = READ_ONCE(pg->type);

    do {
        if (!type_can_share(word, USE_L4) || (word & TYPE_HAS) || (word & TYPE_USED) == TYPE_USED)
            return false;
    } while (!cas(&pg->type, &word, word + TYPE_USED_ONE + 1));
    return true;
}

/* Writable, it would let the guest write its own tables: one level down it maps them as pages. */
int linear_get(const struct page *table, u64 pte, u64 *has)
{
    struct page *pg = mfn_to_page(pte_mfn(pte));

    if (pte & PTE_RW)
        return -EINVAL;
    if (names_itself(table, pte))
        return 0;
    if (!get_page(pte_mfn(pte), page_owner(table)))
        return -EINVAL;
    if (!use_linear(pg)) {
        put_page(pg);
        return -EINVAL;
    }
    *has += TYPE_HAS_ONE;
    return 0;
}

/*
 * The use goes first: while its reference is held the named table can't be freed under us. On
 * -ERESTART that table is PARTIAL, and *@has counts the entry no more: the walk's `child` has it.
 */
int linear_put(const struct page *table, u64 pte, u64 *has)
{
    struct page *pg = mfn_to_page(pte_mfn(pte));
    int rc;

    if (names_itself(table, pte))
        return 0;
    *has -= TYPE_HAS_ONE;
    rc = put_linear_slice(pg);
    if (rc == 0)
        put_page(pg);
    return rc;
}

/* One more linear entry in @table, which is in use: false if others name it. */
static bool have_linear(struct page *table)
{
    u64 word = READ_ONCE(table->type);

    do {
        if ((word & TYPE_USED) || (word & TYPE_HAS) == TYPE_HAS)
            return false;
    } while (!cas(&table->type, &word, word + TYPE_HAS_ONE));
    return true;
}

/*
 * TYPE_HAS first, and given back if the named table is not fit: the order that the head asks for.
 */
int linear_add(struct page *table, u64 pte)
{
    u64 has = 0;
    int rc;

    if (names_itself(table, pte))
        return linear_get(table, pte, &has);
    if (!have_linear(table))
        return -EINVAL;
    rc = linear_get(table, pte, &has);
    if (rc)
        atomic_sub(&table->type, TYPE_HAS_ONE);
    return rc;
}

void linear_remove(struct page *table, u64 pte)
{
    struct page *pg = mfn_to_page(pte_mfn(pte));

    if (names_itself(table, pte))
        return;
    if (put_linear_slice(pg))
        leave_unfinished(pg);
    put_page(pg);
    atomic_sub(&table->type, TYPE_HAS_ONE);
}
