/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/xenbus_backend: how a store daemon in this domain reaches the kernel's own store ring.
 * In the first domain nobody else has made one, so page and port are made when first asked for; a
 * domain that was started with a ring has its daemon elsewhere.
 */
#include "mm/mm.h"
#include "xen/internal.h"

static void *ring;
static evtchn_port_t ring_port;

/* 0 when ring and port are there. */
static int ring_ready(void)
{
    int port;

    if (ring)
        return 0;
    if (pv_start_info->store_evtchn)
        return -ENODEV;
    ring = pv_alloc_page();
    if (!ring)
        return -ENOMEM;
    port = pv_alloc_unbound(DOMID_SELF, NULL, NULL);
    if (port < 0) {
        pv_free_page(ring);
        ring = NULL;
        return port;
    }
    ring_port = (evtchn_port_t)port;
    return 0;
}

/* The page goes in at the first touch, in each process that inherits the mapping, too. */
static int ring_fault(struct vma *vma, uint64_t va, bool write)
{
    (void)write;
    return space_map_frame(vma, va, pv_va_to_mfn(ring), vma->prot & PROT_WRITE, DOMID_SELF);
}

static const struct vma_ops ring_vma_ops = { .fault = ring_fault };

static int backend_mmap(struct file *f, struct vma *vma)
{
    int rc = ring_ready();

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
    int rc;

    (void)f;
    (void)arg;
    if (cmd != XENBUS_BACKEND_EVTCHN)
        return -ENOTTY;
    rc = ring_ready();
    return rc ? rc : (long)ring_port;
}

const struct file_ops xenbus_backend_ops = { .mmap = backend_mmap, .ioctl = backend_ioctl };
