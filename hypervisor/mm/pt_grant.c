/* SPDX-License-Identifier: MIT */
/*
 * Level-1 entries that map a frame of another domain because that one has granted it.
 *
 * Such an entry holds what any entry holds: a reference on the frame and, if it is writable, a
 * writable use. So it needs no mark: when the guest overwrites it by other means, or its table
 * goes, the references go with it, as for any entry. What cannot happen is that it comes to be a
 * second time: a copy of it would be judged as a mapping of the guest's own frame, and refused.
 */
#include "domain/domain.h"
#include "lib/atomic.h"
#include "mm/pt_entry.h"

/*
 * The entry that a grant operation names: by the address that it maps, or by its own machine
 * address (@machine). Comes with its table, of which the caller then has a use and a reference;
 * NULL if it is no entry of a level-1 table of the running domain.
 */
static u64 *entry_get(struct vcpu *v, u64 addr, bool machine, struct page **table)
{
    mfn_t m = maddr_to_mfn(MADDR(addr));
    struct page *pg;

    if (!machine)
        return guest_l1e_get(v, addr, table);
    if (addr % sizeof(u64) != 0 || !get_page(m, v->domain->id))
        return NULL;
    pg = mfn_to_page(m);
    if (!get_live_type(pg, USE_L1)) {
        put_page(pg);
        return NULL;
    }
    *table = pg;
    return maddr_to_virt(MADDR(addr));
}

int mm_grant_map(u64 addr, bool machine, mfn_t m, bool writable, unsigned int avail, u16 owner)
{
    struct vcpu *v = current;
    u64 pte = mfn_to_maddr(m).v | PTE_P | PTE_A | PTE_D | ((u64)avail * PTE_AVAIL_1 & PTE_AVAIL);
    struct page *table;
    u64 *slot = entry_get(v, addr, machine, &table);
    int rc;

    if (slot == NULL)
        return -EINVAL;
    rc = pt_write(v->domain, table, slot, writable ? pte | PTE_RW : pte, false, owner);
    put_live_type(table);
    put_page(table);
    return rc;
}

/*
 * Accessed, dirty and available bits may be what they will. Between the look and the exchange the
 * guest may have put another frame there: then nothing is done, since whoever replaced the entry
 * has dropped its references.
 */
int mm_grant_unmap(u64 addr, bool machine, mfn_t m, bool writable)
{
    const u64 must = mfn_to_maddr(m).v | PTE_P | (writable ? PTE_RW : 0);
    struct page *table;
    u64 *slot = entry_get(current, addr, machine, &table);
    int rc = -EINVAL;
    u64 old;

    if (slot == NULL)
        return -EINVAL;
    old = READ_ONCE(*slot);
    while (rc && (old & (PTE_ADDR | PTE_P | PTE_RW)) == must)
        if (cas(slot, &old, 0))
            rc = 0;
    if (rc == 0)
        pte_put_whole(1, old);
    put_page_and_type(table);
    return rc;
}
