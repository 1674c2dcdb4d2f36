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

bool peek_entry(mfn_t table, unsigned int index, u64 *pte)
{
    const u64 *p = (const u64 *)mfn_to_virt(table) + index;
    bool ok = false;

    if (!mfn_is_ram(table))
        return false;
    __asm__ volatile("1: mov %2, %0; movb $1, %1; 2:" EXTABLE("1b", "2b")
                     : "=&r"(*pte), "+qm"(ok)
                     : "m"(*p));
    return ok;
}

static bool walk_to_l1(mfn_t root, unsigned long va, mfn_t *l1)
{
    u64 pte;

    for (unsigned int level = 4; level > 1; level--) {
        if (!peek_entry(root, pt_index(va, level), &pte) || !(pte & PTE_P))
            return false;
        root = pte_mfn(pte);
    }
    *l1 = root;
    return true;
}

u64 *guest_l1e_get(struct vcpu *v, unsigned long va, struct page **table)
{
    struct page *pg;
    mfn_t l1;

    if (!guest_range_ok(va, 1) || !walk_to_l1(v->kernel_root, va, &l1))
        return NULL;
    if (!get_page(l1, v->domain->id))
        return NULL;
    pg = mfn_to_page(l1);
    if (!get_live_type(pg, USE_L1)) {
        put_page(pg);
        return NULL;
    }
    *table = pg;
    return (u64 *)mfn_to_virt(l1) + pt_index(va, 1);
}

u64 guest_l1e_peek(struct vcpu *v, unsigned long va)
{
    u64 pte;
    mfn_t l1;

    if (!guest_range_ok(va, 1) || !walk_to_l1(v->kernel_root, va, &l1) ||
        !peek_entry(l1, pt_index(va, 1), &pte))
        return 0;
    return pte;
}

u64 *mm_mapped_l1_get(struct vcpu *v, unsigned long va, struct page **table)
{
    u64 pte = guest_l1e_peek(v, va);
    struct page *pg;

    if (!(pte & PTE_P) || !get_page(pte_mfn(pte), v->domain->id))
        return NULL;
    pg = mfn_to_page(pte_mfn(pte));
    if (!get_live_type(pg, USE_L1)) {
        put_page(pg);
        return NULL;
    }
    *table = pg;
    return (u64 *)mfn_to_virt(pte_mfn(pte)) + va % PAGE_SIZE / sizeof(u64);
}
