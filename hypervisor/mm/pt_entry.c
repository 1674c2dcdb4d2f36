/* SPDX-License-Identifier: MIT */
/*
 * One page-table entry, any level: which bits a guest may set, and the references that a
 * present entry holds. The four levels are rows of one table, not four copies of the code.
 *
 * A level-1 entry holds a reference on the frame it maps and, if it is writable, a writable use. An
 * entry of level n > 1 holds a reference and a use as a table of level n - 1. What is not RAM
 * (device memory) has no owner and no count: only a privileged domain may map it.
 */
#include "boot/boot.h"
#include "domain/domain.h"
#include "mm/internal.h"

static const struct level {
    u64 allowed;            /* bits a guest may set beside the address */
    u64 io_allowed;         /* more, for a domain with device rights: cache control */
    u64 forced;             /* bits every present entry gets */
    u64 ignored;            /* bits accepted and then cleared: we use no global mappings */
    enum page_use target;   /* what a present entry uses its target as; USE_NONE: see above */
} levels[5] = {
    [1] = { PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D | PTE_G | PTE_AVAIL | PTE_AVAIL_HI | PTE_NX,
            PTE_PWT | PTE_PCD | PTE_PAT, PTE_USER, PTE_G, USE_NONE },
    [2] = { PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D | PTE_AVAIL | PTE_AVAIL_HI | PTE_NX,
            0, PTE_USER | PTE_A, 0, USE_L1 },
    [3] = { PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D | PTE_AVAIL | PTE_AVAIL_HI | PTE_NX,
            0, PTE_USER | PTE_A, 0, USE_L2 },
    [4] = { PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D | PTE_AVAIL | PTE_AVAIL_HI | PTE_NX,
            0, PTE_USER | PTE_A, 0, USE_L3 },
};

bool pte_flags_ok(unsigned int level, u64 pte, const struct domain *d)
{
    u64 allowed = levels[level].allowed | PTE_ADDR;

    if (!(pte & PTE_P))
        return true;
    if (d->privileged)
        allowed |= levels[level].io_allowed;
    return !(pte & ~allowed) && (cpu_has.nx || !(pte & PTE_NX));
}

u64 pte_adjust(unsigned int level, u64 pte)
{
    return pte & PTE_P ? (pte | levels[level].forced) & ~levels[level].ignored : pte;
}

bool pte_is_hv_slot(unsigned int level, unsigned int index)
{
    return level == 4 && index >= HV_FIRST_SLOT && index < HV_END_SLOT;
}

/* Not a frame that the ABI's domain may map: which of its errors it is. */
static int unmappable(mfn_t m, const struct domain *d)
{
    if (mfn_is_ram(m) && (u32)READ_ONCE(mfn_to_page(m)->count) != 0)
        return -EBUSY;          /* somebody else's */
    if (d->privileged && mfn_is_device(m))
        return 0;
    return m.v == PTE_ADDR >> PAGE_SHIFT ? -EINVAL : -EPERM;
}

static int get_mapped_frame(u64 pte, const struct domain *d, u16 owner)
{
    mfn_t m = pte_mfn(pte);
    struct page *pg;
    int rc;

    if (!get_page(m, owner))
        return unmappable(m, d);
    if (!(pte & PTE_RW))
        return 0;
    pg = mfn_to_page(m);
    rc = get_page_type(pg, USE_WRITABLE);
    if (rc)
        put_page(pg);
    return rc == -EINVAL ? -EBUSY : rc;     /* in use as something else: the ABI's own error */
}

int pte_get(unsigned int level, u64 pte, const struct domain *d, u16 owner)
{
    if (level == 1)
        return get_mapped_frame(pte, d, owner);
    return get_page_and_type(pte_mfn(pte), d->id, levels[level].target);
}

/* The frame that a present entry holds; NULL for device memory, which has no count. */
static struct page *held_frame(u64 pte)
{
    mfn_t m = pte_mfn(pte);
    struct page *pg = mfn_to_page(m);

    /* An entry that maps RAM keeps its count above zero. */
    return mfn_is_ram(m) && (u32)READ_ONCE(pg->count) != 0 ? pg : NULL;
}

int pte_put(unsigned int level, u64 pte)
{
    struct page *pg = held_frame(pte);
    int rc = 0;

    if (pg == NULL)
        return 0;
    if (level > 1)
        rc = put_type_slice(pg);
    else if (pte & PTE_RW)
        put_page_type(pg);
    if (rc == 0)
        put_page(pg);
    return rc;
}

void pte_put_whole(unsigned int level, u64 pte)
{
    struct page *pg = held_frame(pte);

    if (pg == NULL)
        return;
    if (level > 1 || (pte & PTE_RW))
        put_page_type(pg);
    put_page(pg);
}
