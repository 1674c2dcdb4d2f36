/* SPDX-License-Identifier: MIT */
/*
 * map_grant_ref and unmap_grant_ref.
 *
 * Three things are counted, each by itself:
 *  - the entry of the mapping domain's table, which holds a reference on the frame and a writable
 *    use if it is writable, as any entry does (pt_grant.c); a mapping for devices holds the same;
 *  - the handle, which holds one pin of the grant;
 *  - the pin, which holds the marks in the granter's entry and a reference on the frame (pin.c).
 * So whatever a guest does to its entries, no frame is mapped without a reference, nor written
 * without a writable use. If it overwrites a mapping by itself, the entry's references go, and the
 * handle stays, until the domain ends: unmapping looks for the mapping, with its very rights, and
 * clears it, before it drops the pin. Only that keeps the frame in the granter's hands: a granter
 * that sees no marks must be sure that nobody looks at its frame any more.
 *
 * For the same reason every CPU that runs the mapping domain flushes its whole TLB before the pin
 * goes: its tables may lead to the entry by more addresses than the one that it names here.
 */
#include "grant/internal.h"
#include "lib/atomic.h"

#define BATCH 32                /* unmapped entries a flush */
#define HANDLES_PER_LOOK 64     /* of a domain that ends, before it asks for other work */

/* ---- Map ---- */

/*
 * What a mapping for devices holds: the same as an entry, so that the frame stays as it is while a
 * device may use it.
 */
static bool device_get(mfn_t m, u16 owner, bool write)
{
    return write ? get_page_and_type(m, owner, USE_WRITABLE) == 0 : get_page(m, owner);
}

static void device_put(mfn_t m, bool write)
{
    if (write)
        put_page_and_type(mfn_to_page(m));
    else
        put_page(mfn_to_page(m));
}

/*
 * The mappings themselves, of a frame that is pinned. 0, -EINVAL or -ERESTART. The one that can
 * always be taken back comes first, so nothing fails behind an entry that is written.
 */
static int map_frame(const struct gnttab_map_grant_ref *op, mfn_t m, u16 granter, bool write)
{
    int rc = 0;

    if ((op->flags & GNTMAP_device_map) && !device_get(m, granter, write))
        return -EINVAL;
    if (op->flags & GNTMAP_host_map)
        rc = mm_grant_map(op->host_addr, op->flags & GNTMAP_contains_pte, m, write,
                          op->flags >> _GNTMAP_guest_avail0, granter);
    if (rc && (op->flags & GNTMAP_device_map))
        device_put(m, write);
    return rc;
}

/* The status, or -ERESTART. */
static int map_pinned(struct domain *d, struct domain *rd, struct gnttab_map_grant_ref *op,
                      mfn_t m)
{
    u32 handle;
    u64 *slot = maptrack_get(d, &handle);
    int rc;

    if (slot == NULL)
        return GNTST_no_space;
    rc = map_frame(op, m, rd->id, !(op->flags & GNTMAP_readonly));
    if (rc) {
        maptrack_put(d, handle);
        return rc == -ERESTART ? rc : GNTST_general_error;
    }
    op->handle = handle;
    op->dev_bus_addr = mfn_to_maddr(m).v;
    store_release(slot, track_word(op->ref, rd->id, (u16)(op->flags & TRACK_MAPPING)));
    return GNTST_okay;
}

/*
 * In the order of what can be refused cheaply. The grant is pinned before anything is mapped, and
 * for the granter's frame as it is then.
 */
static int map_one(struct domain *d, struct gnttab_map_grant_ref *op)
{
    bool write = !(op->flags & GNTMAP_readonly);
    struct domain *rd;
    int status;
    mfn_t m;

    if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)))
        return GNTST_bad_gntref;
    rd = domain_by_id(op->dom);
    if (rd == NULL)
        return GNTST_bad_domain;
    status = grant_pin(rd, d->id, op->ref, write, &m);
    if (status != GNTST_okay)
        return status;
    status = map_pinned(d, rd, op, m);
    if (status != GNTST_okay)
        grant_unpin(rd, op->ref, write);
    return status;
}

/*
 * Before each operation but the first it asks for other work. What one of them could not finish
 * (-ERESTART) has changed nothing, and is done again.
 */
long grant_op_map(XEN_GUEST_HANDLE(void) arg, unsigned int count)
{
    struct domain *d = current->domain;
    gnttab_map_grant_ref_t op;
    XEN_GUEST_HANDLE(gnttab_map_grant_ref_t) ops = { .p = arg.p };

    if (!handle_range_ok(ops, 0, count))
        return -EFAULT;
    for (unsigned int i = 0; i < count; i++) {
        int status = -ERESTART;

        if (i == 0 || !preempt_needed()) {
            if (!copy_elem_from_guest(&op, ops, i))
                return -EFAULT;
            status = map_one(d, &op);
        }
        if (status == -ERESTART)
            return hypercall_restart(GNTTABOP_map_grant_ref, handle_elem(ops, i), count - i);
        op.status = (s16)status;
        if (!copy_elem_to_guest(ops, i, &op))
            return -EFAULT;
    }
    return 0;
}

/* ---- Unmap ---- */

/* One operation between its two halves: the mapping is gone, what it held is not. */
struct undo {
    struct domain *rd;          /* NULL: there is nothing more to do */
    u64 *slot;
    u64 rest;                   /* of the handle */
    u32 handle;
    s16 status;
};

/* Which of the handle's mappings the operation names. */
static u16 named_by(const struct gnttab_unmap_grant_ref *op, u64 word)
{
    return (u16)(((op->host_addr ? TRACK_HOST : 0) | (op->dev_bus_addr ? TRACK_DEVICE : 0)) & word);
}

static int unmap_frame(const struct gnttab_unmap_grant_ref *op, u64 word, u16 named, mfn_t m)
{
    bool write = !(word & TRACK_READONLY);

    if ((named & TRACK_DEVICE) && op->dev_bus_addr != mfn_to_maddr(m).v)
        return GNTST_bad_dev_addr;
    if ((named & TRACK_HOST) && mm_grant_unmap(op->host_addr, word & TRACK_PTE, m, write))
        return GNTST_general_error;
    if (named & TRACK_DEVICE)
        device_put(m, write);
    return GNTST_okay;
}

/*
 * Who sets BUSY has the handle to himself, and nobody else unmaps by it: two vCPUs, or one call
 * that names it twice, drop its pin once.
 */
static int claim_handle(u64 *slot, const struct gnttab_unmap_grant_ref *op, u64 *word, u16 *named)
{
    *word = READ_ONCE(*slot);
    do {
        if (!(*word & TRACK_USED))
            return GNTST_bad_handle;
        if (*word & TRACK_BUSY)
            return GNTST_eagain;
        *named = named_by(op, *word);
    } while (!cas(slot, word, (*word & ~(u64)*named) | TRACK_BUSY));
    return GNTST_okay;
}

/*
 * The first half: the handle is claimed, the mapping found as it is named, and cleared. Where that
 * fails the handle is what it was. u->rd says that the second half is due.
 */
static void unmap_begin(struct domain *d, const struct gnttab_unmap_grant_ref *op, struct undo *u)
{
    struct domain *rd;
    u16 named;
    u64 word;

    *u = (struct undo){ .handle = op->handle, .slot = maptrack_slot(d, op->handle) };
    u->status = GNTST_bad_handle;
    if (u->slot == NULL)
        return;
    u->status = (s16)claim_handle(u->slot, op, &word, &named);
    if (u->status != GNTST_okay)
        return;
    rd = domain_by_id(track_granter(word));
    BUG_ON(rd == NULL);         /* the pin keeps a frame of it, and that its record */
    u->status = (s16)unmap_frame(op, word, named, grant_pinned_frame(rd, track_ref(word)));
    if (u->status != GNTST_okay) {
        store_release(u->slot, word);
        return;
    }
    u->rest = word & ~(u64)named;
    u->rd = rd;
}

/* The second half, after the flush: the pin goes with the last of the handle's mappings. */
static void unmap_end(struct domain *d, const struct undo *u)
{
    if (u->rest & TRACK_USED) {
        store_release(u->slot, u->rest);
        return;
    }
    grant_unpin(u->rd, track_ref(u->rest), !(u->rest & TRACK_READONLY));
    maptrack_put(d, u->handle);
}

static bool copy_status(unsigned long op, s16 status)
{
    return copy_to_guest_raw(op + offsetof(struct gnttab_unmap_grant_ref, status), &status,
                             sizeof(status));
}

/* Up to BATCH operations and one flush. */
static long unmap_batch(struct domain *d, XEN_GUEST_HANDLE(gnttab_unmap_grant_ref_t) ops,
                        unsigned int count)
{
    struct undo undo[BATCH];
    bool flush = false;
    unsigned int n;
    long rc = 0;

    for (n = 0; n < count; n++) {
        gnttab_unmap_grant_ref_t op;

        if (!copy_elem_from_guest(&op, ops, n)) {
            rc = -EFAULT;
            break;
        }
        unmap_begin(d, &op, &undo[n]);
        flush |= undo[n].rd != NULL;
    }
    /* All entries are cleared by now: a CPU that is not in the mask can't have loaded one since. */
    if (flush)
        tlb_flush_cpus(READ_ONCE(d->tlb_cpus));
    for (unsigned int i = 0; i < n; i++) {
        if (undo[i].rd != NULL)
            unmap_end(d, &undo[i]);
        if (!copy_status(handle_elem(ops, i), undo[i].status))
            rc = -EFAULT;
    }
    return rc;
}

long grant_op_unmap(XEN_GUEST_HANDLE(void) arg, unsigned int count)
{
    XEN_GUEST_HANDLE(gnttab_unmap_grant_ref_t) ops = { .p = arg.p };

    if (!handle_range_ok(ops, 0, count))
        return -EFAULT;
    while (count > 0) {
        unsigned int n = min(count, (unsigned int)BATCH);
        long rc = unmap_batch(current->domain, ops, n);

        if (rc)
            return rc;
        ops.p += n;
        count -= n;
        if (count > 0 && preempt_needed())
            return hypercall_restart(GNTTABOP_unmap_grant_ref, handle_addr(ops), count);
    }
    return 0;
}

/* ---- The end of a domain: its tables are gone, and no CPU has any translation of it ---- */

/*
 * Nobody else uses the handle any more: the domain is off all CPUs. Its entry went with its table.
 */
static void release_handle(u64 *slot)
{
    struct domain *rd = domain_by_id(track_granter(*slot));
    bool write = !(*slot & TRACK_READONLY);
    u32 ref = track_ref(*slot);

    BUG_ON(rd == NULL || (*slot & TRACK_BUSY));
    if (*slot & TRACK_DEVICE)
        device_put(grant_pinned_frame(rd, ref), write);
    grant_unpin(rd, ref, write);
    *slot = 0;
}

int grant_domain_release(struct domain *d)
{
    struct maptrack *t = &d->grants.track;

    while (t->next_release < t->made) {
        u64 *slot = maptrack_slot(d, t->next_release++);

        if (*slot & TRACK_USED)
            release_handle(slot);
        if (t->next_release % HANDLES_PER_LOOK == 0 && t->next_release < t->made &&
            preempt_needed())
            return -ERESTART;
    }
    return 0;
}
