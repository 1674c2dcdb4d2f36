/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op: the tables themselves, their size and their version. There is only version 1; so
 * what belongs to version 2 (status frames), what nobody needs (transfers, exchanges of entries,
 * dumps) and what there is no use for here (caches of devices) are holes.
 *
 * A table's frames are the hypervisor's pages, shared with the domain and whoever has privilege
 * over it (the toolstack writes the two reserved entries). They are given back with the domain's
 * record.
 */
#include "control/policy.h"
#include "grant/internal.h"
#include "lib/atomic.h"

static void free_frames(struct domain *d)
{
    const struct maptrack *t = &d->grants.track;

    for (u32 i = 0; i < d->grants.nr_frames; i++) {
        free_hv_pages(d->grants.frames[i], 0);
        free_hv_pages(d->grants.active[i], ACTIVE_ORDER);
    }
    for (u32 i = 0; i < t->made; i += HANDLES_PER_PAGE)
        free_hv_pages(t->pages[i / HANDLES_PER_PAGE], 0);
    if (t->pages != NULL)
        free_hv_pages(t->pages, 0);
}

/* The lock is held. */
static int add_frame(struct domain *d)
{
    struct grant_table *t = &d->grants;
    struct active_grant *active = alloc_hv_pages(ACTIVE_ORDER);
    void *page = active != NULL ? alloc_hv_pages(0) : NULL;

    if (page == NULL) {
        if (active != NULL)
            free_hv_pages(active, ACTIVE_ORDER);
        return -ENOMEM;
    }
    share_hv_page(page, d);
    t->frames[t->nr_frames] = page;
    t->active[t->nr_frames] = active;
    store_release(&t->nr_frames, t->nr_frames + 1);
    return 0;
}

int grant_table_grow(struct domain *d, u32 nr)
{
    struct grant_table *t = &d->grants;
    int rc = 0;

    if (nr > t->max_frames)
        return -EINVAL;
    spin_lock(&t->lock);
    if (READ_ONCE(d->dying))
        rc = -EINVAL;
    while (rc == 0 && t->nr_frames < nr)
        rc = add_frame(d);
    spin_unlock(&t->lock);
    return rc;
}

int grant_domain_init(struct domain *d, u32 max_frames, u32 max_handles)
{
    spin_lock_init(&d->grants.lock, LOCK_GRANT);
    spin_lock_init(&d->grants.track.lock, LOCK_GRANT);
    d->grants.track.first_free = MAX_HANDLES;
    d->grants.track.limit = max_handles;
    d->grants.max_frames = max_frames;
    return grant_table_grow(d, min(max_frames, 1u));
}

/* Once this has the lock, d->dying is seen by whoever would let the table grow. */
void grant_domain_unshare(struct domain *d)
{
    struct grant_table *t = &d->grants;

    spin_lock(&t->lock);
    spin_unlock(&t->lock);
    for (u32 i = 0; i < t->nr_frames; i++)
        unshare_hv_page(t->frames[i]);
}

void grant_domain_free(struct domain *d)
{
    free_frames(d);
}

/* ---- The calls ---- */

/* policy_domain(), with the status codes of this hypercall. */
static s16 domain_status(domid_t id, struct domain **d)
{
    switch (policy_domain(id, d)) {
    case 0:
        return GNTST_okay;
    case -EPERM:
        return GNTST_permission_denied;
    default:
        return GNTST_bad_domain;
    }
}

/* The table grows to what is asked for, never less than one frame; its frames are told in order. */
static s16 setup_table(const struct gnttab_setup_table *op)
{
    struct domain *d;
    s16 status = domain_status(op->dom, &d);

    if (status != GNTST_okay)
        return status;
    if (op->nr_frames > d->grants.max_frames || grant_table_grow(d, max(op->nr_frames, 1u)))
        return GNTST_general_error;
    for (u32 i = 0; i < op->nr_frames; i++) {
        xen_pfn_t mfn = virt_to_mfn(d->grants.frames[i]).v;

        if (!copy_elem_to_guest(op->frame_list, i, &mfn))
            return GNTST_bad_virt_addr;
    }
    return GNTST_okay;
}

static long op_setup_table(XEN_GUEST_HANDLE(void) arg, unsigned int count)
{
    struct gnttab_setup_table op;

    if (count != 1)
        return -EINVAL;
    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    if (!handle_range_ok(op.frame_list, 0, op.nr_frames))
        return -EFAULT;
    op.status = setup_table(&op);
    return copy_arg_to_guest(arg, &op) ? 0 : -EFAULT;
}

static long op_query_size(XEN_GUEST_HANDLE(void) arg, unsigned int count)
{
    struct gnttab_query_size op;
    struct domain *d;

    if (count != 1)
        return -EINVAL;
    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    op.status = domain_status(op.dom, &d);
    if (op.status == GNTST_okay) {
        op.nr_frames = load_acquire(&d->grants.nr_frames);
        op.max_nr_frames = d->grants.max_frames;
    }
    return copy_arg_to_guest(arg, &op) ? 0 : -EFAULT;
}

/* Version 2 is not there, which a guest has to be able to find out. */
static long op_set_version(XEN_GUEST_HANDLE(void) arg, unsigned int count)
{
    struct gnttab_set_version op;
    int rc = 0;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    if (op.version != 1)
        rc = op.version == 2 ? -ENOSYS : -EINVAL;
    op.version = 1;             /* what it is, whatever was asked for */
    return copy_arg_to_guest(arg, &op) ? rc : -EFAULT;
}

static long op_get_version(XEN_GUEST_HANDLE(void) arg, unsigned int count)
{
    struct gnttab_get_version op;
    struct domain *d;
    int rc;

    if (!copy_arg_from_guest(&op, arg))
        return -EFAULT;
    rc = policy_domain(op.dom, &d);
    if (rc)
        return rc;
    op.version = 1;
    return copy_arg_to_guest(arg, &op) ? 0 : -EFAULT;
}

static long (*const ops[])(XEN_GUEST_HANDLE(void) arg, unsigned int count) = {
    [GNTTABOP_map_grant_ref]   = grant_op_map,
    [GNTTABOP_unmap_grant_ref] = grant_op_unmap,
    [GNTTABOP_setup_table]     = op_setup_table,
    [GNTTABOP_copy]            = grant_op_copy,
    [GNTTABOP_query_size]      = op_query_size,
    [GNTTABOP_set_version]     = op_set_version,
    [GNTTABOP_get_version]     = op_get_version,
};

/* A negative count is no list, and would be a long one. */
long do_grant_table_op(unsigned int cmd, XEN_GUEST_HANDLE(void) uop, unsigned int count)
{
    if ((int)count < 0)
        return -EINVAL;
    if (cmd >= ARRAY_SIZE(ops))
        return -ENOSYS;
    cmd = (unsigned int)index_nospec(cmd, ARRAY_SIZE(ops));
    return ops[cmd] ? ops[cmd](uop, count) : -ENOSYS;
}
