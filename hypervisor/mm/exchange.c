/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: a domain swaps frames of its own for others, contiguous or below some address,
 * so that a device can reach them.
 *
 * It is done in chunks, each of as many frames as the larger of the two extent sizes has, and
 * each either wholly or not at all. A chunk's old frames are first taken away from the domain:
 * only those that nobody uses, not even the domain, can be; then nobody finds them any more. When
 * the new ones are there, and everything was read that the guest has to say, these become the
 * domain's and the old ones are freed. The domain's account never changes: it has as many frames
 * as before.
 */
#include "control/policy.h"
#include "domain/domain.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "lib/atomic.h"
#include "mm/internal.h"

#define HARDWARE_ORDER 18           /* the ABI's bound for who owns the devices; ours comes after */
#define CHUNK_FRAMES (1u << MAX_EXTENT_ORDER)
#define CHUNK_ORDER  2              /* of the pages for a struct chunk */

/* A chunk in the making; nr_in and nr_out say how far it is, and so what undo() has to do. */
struct chunk {
    mfn_t in[CHUNK_FRAMES];         /* taken from the domain */
    mfn_t out[CHUNK_FRAMES];        /* the first frame of each new extent */
    xen_pfn_t pfn[CHUNK_FRAMES];    /* what it shall be known as */
    unsigned int nr_in, nr_out;
};
BUILD_ASSERT(sizeof(struct chunk) <= PAGE_SIZE << CHUNK_ORDER);

/*
 * The call. x is the guest's argument, read once and checked; nr_exchanged in it is what was done.
 */
struct exchange {
    struct domain *d;
    struct xen_memory_exchange x;
    unsigned int in_extents, out_extents;       /* of a chunk */
    struct chunk *c;
};

/*
 * Takes the frames of in_extents extents, the first of which is extent @from of the guest's list.
 * On an error those before are in the chunk, and undo() gives them back.
 */
static int take_old(const struct exchange *e, unsigned long from)
{
    struct chunk *c = e->c;

    for (unsigned int i = 0; i < e->in_extents; i++) {
        xen_pfn_t mfn;

        if (!copy_elem_from_guest(&mfn, e->x.in.extent_start, from + i))
            return -EFAULT;
        for (u64 k = 0; k < 1ull << e->x.in.extent_order; k++) {
            if (!take_from_domain(e->d, MFN(mfn + k)))
                return -EINVAL;
            c->in[c->nr_in++] = MFN(mfn + k);
        }
    }
    return 0;
}

/*
 * As many frames as take_old() took, in out_extents extents, and what the guest wants them to be
 * known as: the last that is read of its memory, so that nothing can fail in commit().
 */
static int find_new(const struct exchange *e, unsigned long from)
{
    struct chunk *c = e->c;
    unsigned int bits = XENMEMF_get_address_bits(e->x.out.mem_flags);

    for (unsigned int i = 0; i < e->out_extents; i++) {
        if (!copy_elem_from_guest(&c->pfn[i], e->x.out.extent_start, from + i))
            return -EFAULT;
        c->out[i] = alloc_loose_frames(e->x.out.extent_order, bits);
        if (mfn_eq(c->out[i], INVALID_MFN))
            return -ENOMEM;
        c->nr_out++;
    }
    return 0;
}

/*
 * The old frames are the domain's again as they were: their contents and their M2P entries were not
 * touched. A guest that looks at one of them meanwhile finds that it is not its own.
 */
static void undo(const struct exchange *e)
{
    struct chunk *c = e->c;

    for (unsigned int i = 0; i < c->nr_out; i++)
        free_hv_pages(mfn_to_virt(c->out[i]), e->x.out.extent_order);
    for (unsigned int i = 0; i < c->nr_in; i++)
        (void)give_to_domain(e->d, c->in[i], 1);    /* false: it is dying, and the frame is free */
}

/*
 * False if it is dying: then it has none of them, and the old ones are free all the same. The M2P
 * first: once a frame is the domain's, it may have given it away again.
 */
static bool commit(const struct exchange *e)
{
    struct chunk *c = e->c;
    u64 frames = 1ull << e->x.out.extent_order;
    bool given = true;

    for (unsigned int i = 0; i < c->nr_out; i++) {
        for (u64 k = 0; k < frames; k++)
            m2p_set(mfn_add(c->out[i], k), PFN(c->pfn[i] + k));
        given &= give_to_domain(e->d, c->out[i], frames);
    }
    for (unsigned int i = 0; i < c->nr_in; i++) {
        m2p_set(c->in[i], INVALID_PFN);
        heap_free_frame(mfn_to_page(c->in[i]));
    }
    return given;
}

/*
 * The chunk that begins with in extent @in; *done says whether it was exchanged, also where its new
 * numbers could then not be written to the guest's list: that is -EFAULT, and a guest that wants to
 * know which frames it has got must look for their pfns in the M2P.
 */
static int exchange_chunk(const struct exchange *e, unsigned long in, bool *done)
{
    unsigned long out = in / e->in_extents * e->out_extents;
    int rc;

    *done = false;
    e->c->nr_in = e->c->nr_out = 0;
    rc = take_old(e, in);
    if (rc == 0)
        rc = find_new(e, out);
    if (rc) {
        undo(e);
        return rc;
    }
    if (!commit(e))
        return -ESRCH;
    *done = true;
    for (unsigned int i = 0; i < e->out_extents; i++) {
        xen_pfn_t mfn = e->c->out[i].v;

        if (!copy_elem_to_guest(e->x.out.extent_start, out + i, &mfn))
            return -EFAULT;
    }
    return 0;
}

/* Everything that can be judged without touching a frame. */
static int check(struct exchange *e)
{
    const struct xen_memory_reservation *in = &e->x.in, *out = &e->x.out;
    unsigned int larger = max(in->extent_order, out->extent_order);

    if (larger > (current->domain->privileged ? HARDWARE_ORDER : MAX_EXTENT_ORDER))
        return -EPERM;
    if (in->domid != out->domid || e->x.nr_exchanged > in->nr_extents)
        return -EINVAL;
    if (in->nr_extents > ~0ul >> in->extent_order ||
        out->nr_extents > ~0ul >> out->extent_order ||
        in->nr_extents << in->extent_order != out->nr_extents << out->extent_order)
        return -EINVAL;
    if (larger > MAX_EXTENT_ORDER)
        return -EPERM;
    e->in_extents = 1u << (larger - in->extent_order);
    e->out_extents = 1u << (larger - out->extent_order);
    if (e->x.nr_exchanged % e->in_extents)
        return -EINVAL;
    if (!handle_range_ok(in->extent_start, 0, in->nr_extents) ||
        !handle_range_ok(out->extent_start, 0, out->nr_extents))
        return -EFAULT;
    return policy_domain(in->domid, &e->d);
}

/*
 * To the guest's own argument, which also is what a restarted call reads: that is its only state. A
 * guest that changes it meanwhile makes the call go on elsewhere, with all checks done again.
 */
static bool note_progress(XEN_GUEST_HANDLE(void) arg, const struct exchange *e)
{
    return copy_to_guest_raw(handle_addr(arg) + offsetof(struct xen_memory_exchange, nr_exchanged),
                             &e->x.nr_exchanged, sizeof(e->x.nr_exchanged));
}

/* 0; -ERESTART: there is other work to do; or what went wrong. */
static int exchange(struct exchange *e)
{
    int rc = 0;

    while (rc == 0 && e->x.nr_exchanged < e->x.in.nr_extents) {
        bool done;

        rc = exchange_chunk(e, e->x.nr_exchanged, &done);
        if (done)
            e->x.nr_exchanged += e->in_extents;
        if (rc == 0 && e->x.nr_exchanged < e->x.in.nr_extents && preempt_needed())
            rc = -ERESTART;
    }
    return rc;
}

MEMORY_OP(exchange)
{
    struct exchange e;
    int rc;

    if (!copy_arg_from_guest(&e.x, arg))
        return -EFAULT;
    rc = check(&e);
    if (rc)
        return note_progress(arg, &e) ? rc : -EFAULT;
    e.c = alloc_hv_pages(CHUNK_ORDER);
    if (e.c == NULL)
        return -ENOMEM;
    rc = exchange(&e);
    free_hv_pages(e.c, CHUNK_ORDER);
    if (!note_progress(arg, &e))
        return -EFAULT;
    return rc == -ERESTART ? hypercall_restart(XENMEM_exchange) : rc;
}
