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
#include "lib/atomic.h"
#include "mm/batch.h"
#include "mm/pt_entry.h"

/* What the processor changes in a table on its own. */
#define PTE_AD (PTE_A | PTE_D)

#define UPDATES_PER_LOOK 32     /* before it asks for other work */

/* Differences that no reference depends on, so that old and new entry hold the same. */
static bool same_references(u64 old, u64 new)
{
    const u64 soft = PTE_NX | PTE_AVAIL | PTE_AVAIL_HI | PTE_USER | PTE_A | PTE_D;

    return (old & new & PTE_P) && !((old ^ new) & ~soft);
}

/*
 * Writes @new over an entry that still is *@old, but for bits of PTE_AD, of which the latest are
 * kept if @keep_ad says so. False: it changed, and *@old is what it is now.
 */
static bool write_same(u64 *slot, u64 *old, u64 new, bool keep_ad)
{
    u64 judged = *old;

    while (!cas(slot, old, keep_ad ? new | (*old & PTE_AD) : new))
        if ((*old ^ judged) & ~PTE_AD)
            return false;
    return true;
}

/* What @new, judged and present, of @table's domain is to hold. */
static always_inline int entry_get(unsigned int level, struct domain *d, struct page *table,
                                   u64 new, u16 pg_owner)
{
    int rc = pte_get(level, new, d, pg_owner);

    return level == 4 && rc == -EINVAL ? linear_add(table, new) : rc;
}

/*
 * What @old held. The rest of a long devalidation is left to the way out, so this can't fail after
 * the new entry has been written.
 */
static always_inline void entry_put(unsigned int level, struct page *table, u64 old)
{
    if (level == 4 && pte_is_linear(table, old))
        linear_remove(table, old);
    else
        pte_put_whole(level, old);
}

/*
 * pt_write() with the level given: a constant where the caller knows it.
 *
 * The loops: an entry that holds the same as before needs no references, as long as the old one
 * does not change to something else; then it is judged as any other. Once the new entry's
 * references are held, whatever the entry has become meanwhile is what is replaced, and dropped.
 */
static always_inline int write_entry(unsigned int level, struct domain *d, struct page *table,
                                     u64 *slot, u64 new, bool keep_ad, u16 pg_owner)
{
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
        rc = entry_get(level, d, table, new, pg_owner);
        if (rc)
            return rc;
    }
    while (!write_same(slot, &old, new, keep_ad))
        ;
    if (old & PTE_P)
        entry_put(level, table, old);
    return 0;
}

/* The upper levels: apart, or the many updates of level 1 would save the registers for these. */
static __attribute__((noinline)) int write_upper(struct domain *d, struct page *table, u64 *slot,
                                                 u64 new, bool keep_ad, u16 pg_owner)
{
    unsigned int level = type_use(table->type) - USE_L1 + 1;

    /* Tables lead to tables of their own domain. */
    if (pg_owner != d->id)
        return -EINVAL;
    return write_entry(level, d, table, slot, new, keep_ad, pg_owner);
}

int pt_write(struct domain *d, struct page *table, u64 *slot, u64 new, bool keep_ad, u16 pg_owner)
{
    if (likely(type_use(table->type) == USE_L1))
        return write_entry(1, d, table, slot, new, keep_ad, pg_owner);
    return write_upper(d, table, slot, new, keep_ad, pg_owner);
}

/*
 * For a guest's own compare-and-exchange on its table, which the hypervisor emulates: unlike in
 * write_entry() an entry that changed is the guest's to see, not ours to try again. References for
 * @new are taken first, and dropped again if it is not written.
 */
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
    /*
     * The table that the last request was for, and its entries: held on to, since the next request
     * is mostly for the same one. Let go of before any other frame is touched. NULL: none.
     */
    struct page *table;
    u64 *entries;
};

/* Its last use may have been ours, so this can begin a devalidation; see update_entry(). */
static void release_table(struct update *u)
{
    if (u->table) {
        put_live_type(u->table);
        put_page(u->table);
    }
    u->table = NULL;
}

/* Holds the frame as what it is in use as, if that is a table; the caller has a reference. */
static bool hold_table(struct update *u, struct page *pg, u64 *entries)
{
    enum page_use use = type_live_use(READ_ONCE(pg->type));

    if (!is_table_use(use) || !get_live_type(pg, use))
        return false;
    u->table = pg;
    u->entries = entries;
    return true;
}

/*
 * A plain page: an ordinary store, as the guest could do itself. The writable use, if only for a
 * moment, keeps it from being made a table under the store. Drops the caller's reference.
 */
static int store_data(struct page *pg, u64 *slot, u64 val)
{
    int rc = get_page_type(pg, USE_WRITABLE);

    if (rc == 0) {
        WRITE_ONCE(*slot, val);
        put_page_type(pg);
    }
    put_page(pg);
    return rc;
}

/*
 * Where `u` holds the table already, nothing has to be looked up. It was found by the number that
 * the request gives, so equal records are the same frame.
 */
static int update_entry(struct update *u, const struct mmu_update *req, bool keep_ad)
{
    unsigned int index = req->ptr % PAGE_SIZE / sizeof(u64);
    mfn_t m = maddr_to_mfn(MADDR(req->ptr));
    struct page *pg = mfn_to_page(m);

    /* Not judged yet, the frame number may be any: its record could even seem to be at NULL. */
    if (u->table == NULL || pg != u->table) {
        release_table(u);
        /* The last use of it may have been ours: first its rest is finished. */
        if (mm_put_pending(current))
            return -ERESTART;
        if (!get_page(m, u->pt_owner->id))
            return -EINVAL;
        if (!hold_table(u, pg, mfn_to_virt(m)))
            return store_data(pg, (u64 *)mfn_to_virt(m) + index, req->val);
    }
    return pt_write(u->pt_owner, u->table, &u->entries[index], req->val, keep_ad, u->pg_owner);
}

/*
 * Whether to let interrupts in after update number @i. One of a level-1 entry is short; one above
 * may make a whole table of the level below, and take another apart.
 */
static bool time_to_look(const struct update *u, unsigned int i)
{
    return (i + 1) % UPDATES_PER_LOOK == 0 || (u->table && type_use(u->table->type) != USE_L1);
}

/* The M2P is the owner's notion of his own frames: he may say what he likes, of those alone. */
static int update_m2p(const struct update *u, const struct mmu_update *req)
{
    mfn_t m = maddr_to_mfn(MADDR(req->ptr));

    if (!get_page(m, u->pg_owner))
        return -EINVAL;
    m2p_set(m, PFN(req->val));
    put_page(mfn_to_page(m));
    return 0;
}

/* The low bits of the address say what is asked for (MMU_ in xen.h); slots are 8 bytes apart. */
static int one_update(struct update *u, const struct mmu_update *req)
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

/*
 * @foreigndom: low half, whose frames may be mapped; high half, whose tables are changed, as its id
 * plus one, 0 for the caller's own.
 */
static int resolve_owners(unsigned int foreigndom, struct update *u)
{
    unsigned int pt = foreigndom >> 16;
    int rc;

    rc = policy_foreign_owner((u16)foreigndom, &u->pg_owner);
    if (rc)
        return rc;
    u->pt_owner = current->domain;
    if (pt == 0)
        return 0;
    /* Named by its id, and only so. */
    return pt - 1 == DOMID_SELF ? -ESRCH : policy_domain((u16)(pt - 1), &u->pt_owner);
}

void batch_note_done(XEN_GUEST_HANDLE(uint) pdone, unsigned int done)
{
    if (!copy_to_guest(pdone, &done))
        guest_printk(LOG_DEBUG, "domain %u: its count of updates done can't be written\n",
                     current->domain->id);
}

/*
 * A request at a time, copied, judged, done: what fails ends the batch, and *@pdone says where.
 * Between requests it gives way to pending work, and always when a devalidation was left
 * unfinished: the next request could leave another, and there is room for a few only.
 */
long do_mmu_update(XEN_GUEST_HANDLE(mmu_update_t) ureqs, unsigned int count,
                   XEN_GUEST_HANDLE(uint) pdone, unsigned int foreigndom)
{
    struct update u = { .table = NULL };
    unsigned int i, before = batch_begin(&count, pdone);
    int rc;

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
        if (i + 1 < count &&
            (mm_put_pending(current) || (time_to_look(&u, i) && preempt_needed())))
            rc = -ERESTART;
    }
    release_table(&u);
    before += i;
    if (!handle_is_null(pdone))
        batch_note_done(pdone, before);
    if (rc == -ERESTART)
        return hypercall_restart(handle_elem(ureqs, i), (count - i) | COUNT_RESTARTED);
    return rc;
}

/* ---- update_va_mapping ---- */

/* The bitmap is as long as the caller has vCPUs, which 4 bytes hold. */
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

/*
 * @where: UVMF_ALL, or the guest's address of a vCPU bitmap. What is flushed of too many CPUs costs
 * the caller time and nobody safety.
 */
static int flush_on(struct vcpu *v, unsigned long va, unsigned long where, unsigned long type)
{
    u64 cpus = READ_ONCE(v->domain->tlb_cpus);
    int rc;

    if (where != UVMF_ALL) {
        rc = flush_mask_cpus(v->domain, where, &cpus);
        if (rc)
            return rc;
    }
    if (type == UVMF_INVLPG)
        tlb_flush_page_cpus(cpus, va);
    else if (type == UVMF_TLB_FLUSH)
        tlb_flush_cpus(cpus);
    return 0;
}

/* @va has been found to be the guest's. */
static inline int flush_after(struct vcpu *v, unsigned long va, unsigned long flags)
{
    unsigned long type = flags & UVMF_FLUSHTYPE_MASK, where = flags & ~UVMF_FLUSHTYPE_MASK;

    if (type == UVMF_NONE)
        return 0;
    if (where != UVMF_LOCAL)
        return flush_on(v, va, where, type);
    if (type == UVMF_INVLPG)
        invlpg(va);
    else if (type == UVMF_TLB_FLUSH)
        tlb_flush_local();
    return 0;
}

/*
 * Hot: the commonest way to change one entry. The walk gives the slot with its table held, so the
 * level is known and pt_write() is compiled for 1 alone.
 */
static inline long update_va(unsigned long va, u64 val, unsigned long flags, u16 pg_owner)
{
    struct vcpu *v = current;
    struct page *table;
    u64 *slot;
    int rc;

    slot = guest_l1e_get(v, va, &table);
    if (slot == NULL)
        return -EINVAL;
    rc = write_entry(1, v->domain, table, slot, val, false, pg_owner);
    put_live_type(table);
    put_page(table);
    return rc ? rc : flush_after(v, va, flags);
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
