/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy: bytes from one frame to another. Each side is a grant of some domain, or a frame
 * of the caller's own. Both are held while it lasts, the target as writable memory, so that
 * nothing that is or becomes a table is written; and a grant is pinned, so that its granter can't
 * take it back in the middle. Nothing outlives the operation.
 */
#include "grant/internal.h"
#include "lib/string.h"

#define COPIES_PER_LOOK 16      /* a page each at most, before it asks for other work */

/*
 * One side of a copy: whose frame it is, and what is held of it. @ref counts only if it is granted.
 */
struct side {
    struct domain *rd;
    u32 ref;
    bool granted, write;
    mfn_t m;
};

/* The domains of both sides, before anything else of either is looked at. */
static int find_domains(struct domain *d, const gnttab_copy_t *op, struct side *from,
                        struct side *to)
{
    from->rd = op->source.domid == DOMID_SELF ? d : domain_by_id(op->source.domid);
    to->rd = op->dest.domid == DOMID_SELF ? d : domain_by_id(op->dest.domid);
    return from->rd != NULL && to->rd != NULL ? GNTST_okay : GNTST_bad_domain;
}

/* A reference on the frame, and a writable use where it is written. The status, or -ERESTART. */
static int hold_frame(const struct side *s)
{
    int rc;

    if (!get_page(s->m, s->rd->id))
        return GNTST_bad_page;
    rc = s->write ? get_page_type(mfn_to_page(s->m), USE_WRITABLE) : 0;
    if (rc == 0)
        return GNTST_okay;
    put_page(mfn_to_page(s->m));
    return rc == -ERESTART ? rc : GNTST_general_error;
}

/*
 * Pin, reference and use, in this order; on a failure none of them. A frame by its number is only
 * ever the caller's own, which it says by DOMID_SELF: for another domain's it takes a grant.
 */
static int side_get(struct domain *d, const struct gnttab_copy_ptr *p, struct side *s)
{
    int status;

    if (s->granted) {
        s->ref = p->u.ref;
        status = grant_pin(s->rd, d->id, s->ref, s->write, &s->m);
        if (status != GNTST_okay)
            return status;
    } else if (p->domid != DOMID_SELF) {
        return GNTST_permission_denied;
    } else {
        s->m = MFN(p->u.gmfn);
    }
    status = hold_frame(s);
    if (status != GNTST_okay && s->granted)
        grant_unpin(s->rd, s->ref, s->write);
    return status;
}

static void side_put(const struct side *s)
{
    if (s->write)
        put_page_type(mfn_to_page(s->m));
    put_page(mfn_to_page(s->m));
    if (s->granted)
        grant_unpin(s->rd, s->ref, s->write);
}

/*
 * Offsets are 16 bits, so the sums can't wrap. The two may be one frame, and overlap. The guests
 * may write to the source meanwhile: what arrives is then their own mix.
 */
static int copy_bytes(const gnttab_copy_t *op, const struct side *from, const struct side *to)
{
    if (op->source.offset + op->len > PAGE_SIZE || op->dest.offset + op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    memmove((char *)mfn_to_virt(to->m) + op->dest.offset,
            (const char *)mfn_to_virt(from->m) + op->source.offset, op->len);
    return GNTST_okay;
}

/* The status, or -ERESTART with nothing held. */
static int copy_one(struct domain *d, const gnttab_copy_t *op)
{
    struct side from = { .granted = op->flags & GNTCOPY_source_gref };
    struct side to = { .granted = op->flags & GNTCOPY_dest_gref, .write = true };
    int status = find_domains(d, op, &from, &to);

    if (status != GNTST_okay)
        return status;
    status = side_get(d, &op->source, &from);
    if (status != GNTST_okay)
        return status;
    status = side_get(d, &op->dest, &to);
    if (status == GNTST_okay) {
        status = copy_bytes(op, &from, &to);
        side_put(&to);
    }
    side_put(&from);
    return status;
}

long grant_op_copy(XEN_GUEST_HANDLE(void) arg, unsigned int count)
{
    struct domain *d = current->domain;
    XEN_GUEST_HANDLE(gnttab_copy_t) ops = { .p = arg.p };

    if (!handle_range_ok(ops, 0, count))
        return -EFAULT;
    for (unsigned int i = 0; i < count; i++) {
        int status = -ERESTART;
        gnttab_copy_t op;

        if (i == 0 || i % COPIES_PER_LOOK != 0 || !preempt_needed()) {
            if (!copy_elem_from_guest(&op, ops, i))
                return -EFAULT;
            status = copy_one(d, &op);
        }
        if (status == -ERESTART)
            return hypercall_restart(GNTTABOP_copy, handle_elem(ops, i), count - i);
        op.status = (s16)status;
        if (!copy_to_guest_raw(handle_elem(ops, i) + offsetof(gnttab_copy_t, status), &op.status,
                               sizeof(op.status)))
            return -EFAULT;
    }
    return 0;
}
