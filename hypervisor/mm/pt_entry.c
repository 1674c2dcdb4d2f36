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
#include "mm/pt_entry.h"

#define ALLOWED \
    (PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D | PTE_AVAIL | PTE_AVAIL_HI | PTE_NX | PTE_ADDR)

const struct level pte_levels[5] = {
    [1] = { .allowed = ALLOWED | PTE_G, .io_allowed = PTE_PWT | PTE_PCD | PTE_PAT,
            .forced = PTE_USER, .ignored = PTE_G },
    [2] = { .allowed = ALLOWED, .forced = PTE_USER | PTE_A, .target = USE_L1 },
    [3] = { .allowed = ALLOWED, .forced = PTE_USER | PTE_A, .target = USE_L2 },
    [4] = { .allowed = ALLOWED, .forced = PTE_USER | PTE_A, .target = USE_L3 },
};

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
    return get_page_and_type(pte_mfn(pte), d->id, pte_levels[level].target);
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
