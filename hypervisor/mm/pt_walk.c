/* SPDX-License-Identifier: MIT */
/*
 * Walks of a guest's page tables, in software, through the direct map.
 *
 * Another vCPU may change or give up a table in the middle of a walk. So an entry read on the way
 * is a hint: it is read with a fixup, and what the walk arrives at counts only once a reference
 * and a use as level 1 are held, both taken only if the frame is this domain's validated L1
 * table.
 */
#include "domain/domain.h"
#include "lib/atomic.h"
#include "mm/internal.h"
#include "x86/extable.h"

/*
 * Reads one entry of a table frame: 0, which is not present either, if the frame can't be read. The
 * number may be a guest's own, from a frame that stopped being a table a moment ago: so it may be
 * no RAM at all, or a frame that the direct map does not have (the image's alias has holes in no
 * build, but a walk must not rely on it). The fixup makes that a miss.
 */
static inline u64 peek_entry(mfn_t table, unsigned int index)
{
    u64 pte;

    if (!mfn_is_ram(table))
        return 0;
    __asm__ volatile goto("1: mov %1, %0" EXTABLE("1b", "%l[fault]")
                          : "=r"(pte)
                          : "m"(((const u64 *)mfn_to_virt(table))[index])
                          : : fault);
    return pte;

fault:
    return 0;
}

/* From *@table, of level @level, to the one below it on the way to @va. */
static inline bool descend(mfn_t *table, unsigned long va, unsigned int level)
{
    u64 pte = peek_entry(*table, pt_index(va, level));

    *table = pte_mfn(pte);
    return pte & PTE_P;
}

/*
 * Never looks for PSE: no validated table has it, and what is read from a frame that is none is
 * only a hint. *@l1 is such a hint as well.
 */
static inline bool walk_to_l1(mfn_t root, unsigned long va, mfn_t *l1)
{
    *l1 = root;
    return descend(l1, va, 4) && descend(l1, va, 3) && descend(l1, va, 2);
}

/* Frame @m of domain @d, held, if it is a validated level-1 table. */
static inline struct page *get_l1_table(mfn_t m, const struct domain *d)
{
    struct page *pg = mfn_to_page(m);

    if (!get_page(m, d->id))
        return NULL;
    if (get_live_type(pg, USE_L1))
        return pg;
    put_page(pg);
    return NULL;
}

u64 *guest_l1e_get(struct vcpu *v, unsigned long va, struct page **table)
{
    mfn_t l1;

    if (!guest_range_ok(va, 1) || !walk_to_l1(v->kernel_root, va, &l1))
        return NULL;
    *table = get_l1_table(l1, v->domain);
    return *table ? (u64 *)mfn_to_virt(l1) + pt_index(va, 1) : NULL;
}

/* What @va maps to at this moment, as the level-1 entry's value; 0: nothing. */
static u64 peek_l1e(struct vcpu *v, unsigned long va)
{
    mfn_t l1;

    if (!guest_range_ok(va, 1) || !walk_to_l1(v->kernel_root, va, &l1))
        return 0;
    return peek_entry(l1, pt_index(va, 1));
}

mfn_t mm_guest_frame(struct vcpu *v, unsigned long va)
{
    u64 pte = peek_l1e(v, va);

    return pte & PTE_P ? pte_mfn(pte) : INVALID_MFN;
}

u64 *mm_mapped_l1_get(struct vcpu *v, unsigned long va, struct page **table)
{
    u64 pte = peek_l1e(v, va);

    *table = pte & PTE_P ? get_l1_table(pte_mfn(pte), v->domain) : NULL;
    return *table ? (u64 *)mfn_to_virt(pte_mfn(pte)) + va % PAGE_SIZE / sizeof(u64) : NULL;
}
