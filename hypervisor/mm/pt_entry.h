/* SPDX-License-Identifier: MIT */
/*
 * One page-table entry: which bits a guest may set, and the references that a present entry holds.
 * The four levels are rows of one table, not four copies of the code. All is inline, so that where
 * the level is known to be 1, as it nearly always is, nothing of the others remains.
 *
 * A level-1 entry holds a reference on the frame it maps and, if it is writable, a writable use. An
 * entry of level n > 1 holds a reference and a use as a table of level n - 1. What is not RAM
 * (device memory) has no owner and no count: only a privileged domain may map it.
 */
#ifndef MM_PT_ENTRY_H
#define MM_PT_ENTRY_H

#include "domain/domain.h"
#include "mm/internal.h"

/* What a level's entries may say: a row of pte_levels. */
struct level {
    u64 allowed;            /* bits a guest may set, the address among them */
    u64 io_allowed;         /* more, for a domain with device rights: cache control */
    u64 forced;             /* bits every present entry gets */
    u64 ignored;            /* bits accepted and then cleared: we use no global mappings */
    enum page_use target;   /* what a present entry uses its target as; USE_NONE at level 1 */
};

#define PTE_ALLOWED \
    (PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D | PTE_AVAIL | PTE_AVAIL_HI | PTE_NX | PTE_ADDR)

static const struct level pte_levels[5] = {
    [1] = { .allowed = PTE_ALLOWED | PTE_G, .io_allowed = PTE_PWT | PTE_PCD | PTE_PAT,
            .forced = PTE_USER, .ignored = PTE_G },
    [2] = { .allowed = PTE_ALLOWED, .forced = PTE_USER | PTE_A, .target = USE_L1 },
    [3] = { .allowed = PTE_ALLOWED, .forced = PTE_USER | PTE_A, .target = USE_L2 },
    [4] = { .allowed = PTE_ALLOWED, .forced = PTE_USER | PTE_A, .target = USE_L3 },
};

/*
 * L1TF: a processor that has it reads on, speculatively, from the address in an entry that is not
 * present, if the cache holds it. So of a domain that is checked for it (it has a mask), such an
 * entry must have no address at all, or one above all memory.
 */
static inline bool pte_absent_ok(u64 pte, const struct domain *d)
{
    return (pte & d->absent_mask) - 1 >= (max_mfn << PAGE_SHIFT) - 1;
}

/*
 * Whether a guest may have this entry, but for the frame it names. PSE is never allowed: a large
 * page would map frames that nobody took references on. Without NX in the processor its bit is
 * reserved, and an entry with it would fault in our own walks as well.
 */
static inline bool pte_flags_ok(unsigned int level, u64 pte, const struct domain *d)
{
    u64 allowed = pte_levels[level].allowed;

    if (!(pte & PTE_P))
        return pte_absent_ok(pte, d);
    if (d->privileged)
        allowed |= pte_levels[level].io_allowed;
    return !(pte & ~allowed) && (cpu_has.nx || !(pte & PTE_NX));
}

/*
 * As the entry is stored. USER, since guest kernels run in ring 3 too; accessed at the upper
 * levels, so that the processor has nothing to write there; no global mappings, which no load of
 * CR3 flushes.
 */
static inline u64 pte_adjust(unsigned int level, u64 pte)
{
    return pte & PTE_P ? (pte | pte_levels[level].forced) & ~pte_levels[level].ignored : pte;
}

/* Guests read these slots as ours, and a validation neither judges nor counts what is in them. */
static inline bool pte_is_hv_slot(unsigned int level, unsigned int index)
{
    return level == 4 && index >= HV_FIRST_SLOT && index < HV_END_SLOT;
}

/* pt_entry.c: @m is no frame of those that @d may map; which of the ABI's errors it is, or 0. */
int pte_unmappable(mfn_t m, const struct domain *d);

/*
 * For a level-1 entry of a table of @d: a reference on @owner's frame, and a writable use if it is
 * writable. 0 without either for device memory, where @d may map it. Always inline: a table has 512
 * such entries, and validating it consists of this.
 */
static always_inline int get_mapped_frame(u64 pte, const struct domain *d, u16 owner)
{
    mfn_t m = pte_mfn(pte);
    int rc;

    if (!get_page(m, owner))
        return pte_unmappable(m, d);
    /* What we use ourselves has one way of being cached. */
    if (unlikely(pte & PTE_CACHE) && (mfn_to_page(m)->count & PAGE_SHARED)) {
        put_page(mfn_to_page(m));
        return -EACCES;
    }
    if (!(pte & PTE_RW))
        return 0;
    rc = get_writable(mfn_to_page(m));
    if (rc)
        put_page(mfn_to_page(m));
    return rc == -EINVAL ? -EBUSY : rc;     /* in use as something else: the ABI's own error */
}

/*
 * References for what a present entry of a table of domain @d names: 0, -EINVAL, -EPERM, -EBUSY,
 * -ERESTART.
 */
static always_inline int pte_get(unsigned int level, u64 pte, const struct domain *d, u16 owner)
{
    if (level == 1)
        return get_mapped_frame(pte, d, owner);
    return get_page_and_type(pte_mfn(pte), d->id, pte_levels[level].target);
}

/* The frame that a present entry holds; NULL for device memory, which has no count. */
static inline struct page *held_frame(u64 pte)
{
    mfn_t m = pte_mfn(pte);
    struct page *pg = mfn_to_page(m);

    /* An entry that maps RAM keeps its count above zero. */
    return mfn_is_ram(m) && (u32)READ_ONCE(pg->count) != 0 ? pg : NULL;
}

/*
 * Gives them back: 0, or -ERESTART when the child's devalidation ran out of time; then the entry
 * still holds a bare reference on the child.
 */
static inline int pte_put(unsigned int level, u64 pte)
{
    struct page *pg = held_frame(pte);
    int rc = 0;

    if (pg == NULL)
        return 0;
    if (level > 1)
        rc = put_type_slice(pg);
    else if (pte & PTE_RW)
        put_writable(pg);
    if (rc == 0)
        put_page(pg);
    return rc;
}

/* The same, the rest of a long devalidation left to the running vCPU's way out. */
static inline void pte_put_whole(unsigned int level, u64 pte)
{
    struct page *pg = held_frame(pte);

    if (pg == NULL)
        return;
    if (level > 1)
        put_page_type(pg);
    else if (pte & PTE_RW)
        put_writable(pg);
    put_page(pg);
}

#endif
