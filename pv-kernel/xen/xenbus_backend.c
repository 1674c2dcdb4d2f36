/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/xenbus_backend: how a store daemon in this domain reaches the kernel's own store ring
 * (xen/store.h).
 */
#include "mm/mm.h"
#include "xen/internal.h"
#include "xen/store.h"

/* The page goes in at the first touch, in each process that inherits the mapping, too. */
static int ring_fault(struct vma *vma, uint64_t va, bool write)
{
    struct store_ring ring;
    int rc = store_ring(&ring);

    (void)write;
    return rc ? rc : space_map_frame(vma, va, pv_va_to_mfn(ring.page), vma->prot & PROT_WRITE,
                                     DOMID_SELF);
}

static const struct vma_ops ring_vma_ops = { .fault = ring_fault };

static int backend_mmap(struct file *f, struct vma *vma)
{
    struct store_ring ring;
    int rc = store_ring(&ring);

    (void)f;
    if (rc)
        return rc;
    if (vma->offset || vma->end - vma->start != PAGE_SIZE)
        return -EINVAL;
    vma->ops = &ring_vma_ops;
    return 0;
}

static long backend_ioctl(struct file *f, unsigned long cmd, uint64_t arg)
{
    struct store_ring ring;
    int rc;

    (void)f;
    (void)arg;
    if (cmd != XENBUS_BACKEND_EVTCHN)
        return -ENOTTY;
    rc = store_ring(&ring);
    return rc ? rc : (long)ring.port;
}

const struct file_ops xenbus_backend_ops = { .mmap = backend_mmap, .ioctl = backend_ioctl };
