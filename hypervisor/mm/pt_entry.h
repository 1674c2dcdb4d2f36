/* SPDX-License-Identifier: MIT */
/*
 * Which bits of a page-table entry a guest may set: the levels as rows of one table, and what
 * every update asks of it, inline. pt_entry.c has the references that an entry holds.
 */
#ifndef MM_PT_ENTRY_H
#define MM_PT_ENTRY_H

#include "domain/domain.h"
#include "mm/internal.h"

struct level {
    u64 allowed;            /* bits a guest may set, the address among them */
    u64 io_allowed;         /* more, for a domain with device rights: cache control */
    u64 forced;             /* bits every present entry gets */
    u64 ignored;            /* bits accepted and then cleared: we use no global mappings */
    enum page_use target;   /* what a present entry uses its target as; USE_NONE at level 1 */
};
extern const struct level pte_levels[5];

static inline bool pte_flags_ok(unsigned int level, u64 pte, const struct domain *d)
{
    u64 allowed = pte_levels[level].allowed;

    if (!(pte & PTE_P))
        return true;
    if (d->privileged)
        allowed |= pte_levels[level].io_allowed;
    return !(pte & ~allowed) && (cpu_has.nx || !(pte & PTE_NX));
}

static inline u64 pte_adjust(unsigned int level, u64 pte)
{
    return pte & PTE_P ? (pte | pte_levels[level].forced) & ~pte_levels[level].ignored : pte;
}

static inline bool pte_is_hv_slot(unsigned int level, unsigned int index)
{
    return level == 4 && index >= HV_FIRST_SLOT && index < HV_END_SLOT;
}

#endif
