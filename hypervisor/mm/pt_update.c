/* SPDX-License-Identifier: MIT */
/*
 * Changes of page tables in use: mmu_update and update_va_mapping.
 *
 * The order is always: references for the new entry, the atomic write, then the old entry's
 * references. So what is visible in a table is held at every moment, and a failure changes
 * nothing. The write compares with the value that was judged: another vCPU that changed the entry
 * meanwhile makes us judge again. Only the processor's accessed and dirty bits may change unseen:
 * no reference depends on them.
 *
 * No flush here is needed for safety (page_type.c's stamps see to that): the guest asks for those
 * it needs itself.
 */
#include "control/policy.h"
#include "domain/domain.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "mm/pt_entry.h"

#define PTE_AD (PTE_A | PTE_D)

/* Differences that no reference depends on, so that old and new entry hold the same. */
static bool same_references(u64 old, u64 new)
{
    const u64 soft = PTE_NX | PTE_AVAIL | PTE_AVAIL_HI | PTE_USER | PTE_A | PTE_D;

    return (old & new & PTE_P) && !((old ^ new) & ~soft);
}

static bool write_same(u64 *slot, u64 *old, u64 new, bool keep_ad)
{
    u64 seen = *old;

    do {
        if ((seen ^ *old) & ~PTE_AD) {
            *old = seen;
            return false;
        }
        *old = seen;
    } while (!cas(slot, &seen, keep_ad ? new | (seen & PTE_AD) : new));
    return true;
}

int pt_write(struct domain *d, struct page *table, u64 *slot, u64 new, bool keep_ad, u16 pg_owner)
{
    unsigned int level = type_use(table->type) - USE_L1 + 1;
    u64 old = READ_ONCE(*slot);
    int rc;

    if (pte_is_hv_slot(level, ((u64)slot / sizeof(*slot)) % PTE_COUNT) ||
        !pte_flags_ok(level, new, d))
        return -EINVAL;
    new = pte_adjust(level, new);
    while (same_references(old, new))
        if (write_same(slot, &old, new, keep_ad))
            return 0;
    if (new & PTE_P) {
        rc = pte_get(level, new, d, pg_owner);
        if (rc)
            return rc;
    }
    while (!write_same(slot, &old, new, keep_ad))
        ;
    if (old & PTE_P)
        pte_put_whole(level, old);
    return 0;
}

int mm_exchange_l1e(struct domain *d, struct page *table, u64 *slot, u64 *old, u64 new)
{
    u64 seen = *old, was = *old;
    int rc;

    BUG_ON(type_use(table->type) != USE_L1);
    if (!pte_flags_ok(1, new, d))
        return -EINVAL;
    new = pte_adjust(1, new);
    rc = new & PTE_P ? pte_get(1, new, d, d->id) : 0;
    if (rc)
        return rc;
    if (!cas(slot, &seen, new)) {
        was = new;          /* what nobody sees holds nothing */
        *old = seen;
        rc = -EAGAIN;
    }
    if (was & PTE_P)
        pte_put_whole(1, was);
    return rc;
}

/* ---- mmu_update ---- */

struct update {
    u16 pg_owner;               /* whose frames level-1 entries may map */
    struct domain *pt_owner;    /* whose tables are changed */
};

static int write_table_or_data(const struct update *u, struct page *pg, u64 *slot,
                               const struct mmu_update *req, bool keep_ad)
{
    enum page_use use = page_use(pg);
    int rc;

    if (is_table_use(use) && get_live_type(pg, use)) {
        rc = pt_write(u->pt_owner, pg, slot, req->val, keep_ad, u->pg_owner);
    } else {
        /* A plain page: an ordinary store, as the guest could do itself. */
        rc = get_page_type(pg, USE_WRITABLE);
        if (rc)
            return rc;
        WRITE_ONCE(*slot, req->val);
    }
    put_page_type(pg);
    return rc;
}

static int update_entry(const struct update *u, const struct mmu_update *req, bool keep_ad)
{
    maddr_t addr = MADDR(req->ptr & ~7ull);
    mfn_t m = maddr_to_mfn(addr);
    struct page *pg;
    int rc;

    if (!get_page(m, u->pt_owner->id))
        return -EINVAL;
    pg = mfn_to_page(m);
    rc = write_table_or_data(u, pg, maddr_to_virt(addr), req, keep_ad);
    put_page(pg);
    return rc;
}

static int update_m2p(const struct update *u, const struct mmu_update *req)
{
    mfn_t m = maddr_to_mfn(MADDR(req->ptr));

    if (!get_page(m, u->pg_owner))
        return -EINVAL;
    m2p_set(m, PFN(req->val));
    put_page(mfn_to_page(m));
    return 0;
}

static int one_update(const struct update *u, const struct mmu_update *req)
{
    switch (req->ptr & 7) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_NO_TRANSLATE:
        return update_entry(u, req, false);
    case MMU_PT_UPDATE_PRESERVE_AD:
        return update_entry(u, req, true);
    case MMU_MACHPHYS_UPDATE:
        return update_m2p(u, req);
    default:
        return -ENOSYS;
    }
}

static int resolve_owners(unsigned int foreigndom, struct update *u)
{
    unsigned int pt = foreigndom >> 16;
    int rc;

    rc = policy_foreign_owner((u16)foreigndom, &u->pg_owner);
    if (rc)
        return rc;
    u->pt_owner = current->domain;
    return pt ? policy_domain((u16)(pt - 1), &u->pt_owner) : 0;
}

/*
 * The count is a courtesy: by the ABI, a pointer that can't be written to is no error of the call.
 */
void note_done(XEN_GUEST_HANDLE(uint) pdone, unsigned int done)
{
    if (!handle_is_null(pdone) && !copy_to_guest(pdone, &done))
        guest_printk(LOG_DEBUG, "domain %u: its count of updates done can't be written\n",
                     current->domain->id);
}

/* A restarted call says so in the count; what was done before is then in *pdone. */
#define COUNT_RESTARTED 0x80000000u

long do_mmu_update(XEN_GUEST_HANDLE(mmu_update_t) ureqs, unsigned int count,
                   XEN_GUEST_HANDLE(uint) pdone, unsigned int foreigndom)
{
    struct update u;
    unsigned int i, before = 0;
    int rc;

    if ((count & COUNT_RESTARTED) && !handle_is_null(pdone) && !copy_from_guest(&before, pdone))
        return -EFAULT;
    count &= ~COUNT_RESTARTED;
    if (!handle_range_ok(ureqs, 0, count))
        return -EFAULT;
    rc = resolve_owners(foreigndom, &u);
    for (i = 0; rc == 0 && i < count; i++) {
        struct mmu_update req;

        if (!copy_elem_from_guest(&req, ureqs, i)) {
            rc = -EFAULT;
            break;
        }
        rc = one_update(&u, &req);
        if (rc)
            break;
        if ((i & 31) == 31 && i + 1 < count && preempt_needed())
            rc = -ERESTART;
        if (mm_put_pending(current) && i + 1 < count)
            rc = -ERESTART;
    }
    before += i;
    note_done(pdone, before);
    if (rc == -ERESTART)
        return hypercall_restart(handle_elem(ureqs, i), (count - i) | COUNT_RESTARTED);
    return rc;
}

/* ---- update_va_mapping ---- */

static bool read_vcpu_mask(unsigned long ptr, u64 *mask)
{
    *mask = 0;
    return copy_from_guest_raw(mask, ptr, sizeof(u32));
}

BUILD_ASSERT(MAX_VCPUS <= 32);

int flush_mask_cpus(const struct domain *d, unsigned long ptr, u64 *cpus)
{
    u64 vcpus;

    *cpus = 0;
    if (!read_vcpu_mask(ptr, &vcpus))
        return -EFAULT;
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        if ((vcpus & BIT(i)) && d->vcpus[i] != NULL)
            *cpus |= BIT(READ_ONCE(d->vcpus[i]->processor));
    *cpus &= READ_ONCE(d->tlb_cpus);
    return 0;
}

static int flush_after(struct vcpu *v, unsigned long va, unsigned long flags)
{
    unsigned long where = flags & ~UVMF_FLUSHTYPE_MASK;
    u64 cpus = BIT(this_cpu_id());
    int rc;

    if (where == UVMF_ALL) {
        cpus = READ_ONCE(v->domain->tlb_cpus);
    } else if (where != UVMF_LOCAL) {
        rc = flush_mask_cpus(v->domain, where, &cpus);
        if (rc)
            return rc;
    }
    if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_INVLPG)
        tlb_flush_page_cpus(cpus, va);
    else if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_TLB_FLUSH)
        tlb_flush_cpus(cpus);
    return 0;
}

static long update_va(unsigned long va, u64 val, unsigned long flags, u16 pg_owner)
{
    struct vcpu *v = current;
    struct page *table;
    u64 *slot;
    int rc;

    slot = guest_l1e_get(v, va, &table);
    if (slot == NULL)
        return -EINVAL;
    rc = pt_write(v->domain, table, slot, val, false, pg_owner);
    put_page_and_type(table);
    if (rc == 0 && (flags & UVMF_FLUSHTYPE_MASK) != UVMF_NONE)
        rc = flush_after(v, va, flags);
    return rc;
}

long do_update_va_mapping(unsigned long va, u64 val, unsigned long flags)
{
    return update_va(va, val, flags, current->domain->id);
}

long do_update_va_mapping_otherdomain(unsigned long va, u64 val, unsigned long flags,
                                      domid_t domid)
{
    u16 pg_owner;
    int rc = policy_foreign_owner(domid, &pg_owner);

    return rc ? rc : update_va(va, val, flags, pg_owner);
}
