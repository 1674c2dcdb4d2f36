/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/privcmd: hypercalls as the program gives them, and other domains' frames in its address
 * space.
 *
 * A mapping of the file is empty until an ioctl fills it, once as a whole (frames that failed may
 * be asked for again). The hypervisor checks every frame against the domain named and holds a
 * reference until the entry goes, at munmap or exit; fork leaves the mapping out. Whatever a
 * hypercall's arguments point to must be resident (hypercall.c): the hypervisor answers -EFAULT
 * otherwise.
 */
#include "mm/mm.h"
#include "proc/proc.h"
#include "xen/internal.h"

#define NR_HYPERCALLS (PAGE_SIZE / 32)      /* slots of the hypercall page */

/* Pointers among the arguments are user addresses: the kernel's root maps the user half, too. */
static long call(uint64_t arg)
{
    struct privcmd_hypercall c;

    if (copy_from_user(&c, arg, sizeof(c)))
        return -EFAULT;
    if (c.op >= NR_HYPERCALLS)
        return -EINVAL;
    return pv_hypercall(c.op, c.arg[0], c.arg[1], c.arg[2], c.arg[3], c.arg[4], 0);
}

/* ---- The mapping ---- */

/* An access to a page that no ioctl has filled. */
static int no_page(struct vma *vma, uint64_t va, bool write)
{
    (void)vma;
    (void)va;
    (void)write;
    return -EFAULT;
}

static const struct vma_ops privcmd_vma_ops = { .fault = no_page, .no_fork = true };

/* What vma->private says once the mapping has been filled. */
static char filled;

static int privcmd_mmap(struct file *f, struct vma *vma)
{
    (void)f;
    vma->ops = &privcmd_vma_ops;
    return 0;
}

/* The mapping of [addr, addr + nr pages), or NULL where that is not one that may be filled now. */
static struct vma *region(uint64_t addr, uint64_t nr)
{
    struct vma *vma = space_find(current->space, addr);

    if (!vma || vma->ops != &privcmd_vma_ops || addr % PAGE_SIZE ||
        nr > (vma->end - addr) / PAGE_SIZE)
        return NULL;
    if (!vma->private && (addr != vma->start || nr != (vma->end - addr) / PAGE_SIZE))
        return NULL;
    vma->private = &filled;
    return vma;
}

static int map_frame(struct vma *vma, uint64_t va, uint64_t mfn, domid_t dom)
{
    return space_map_frame(vma, va, pv_mfn(mfn), vma->prot & PROT_WRITE, dom);
}

/* ---- MMAPBATCH, both versions ---- */

struct batch {
    struct vma *vma;
    domid_t dom;
    bool v2;
    uint64_t arr, err;              /* user arrays */
    bool paged_out;                 /* some frame was answered by -ENOENT */
};

/* Version 2 has an array for errors; version 1 marks the number of a frame that failed. */
static int note_error(struct batch *b, uint64_t i, uint64_t mfn, int error)
{
    if (b->v2)
        return copy_to_user(b->err + i * sizeof(int), &error, sizeof(error));
    mfn |= error == -ENOENT ? MMAPBATCH_PAGED_ERROR : MMAPBATCH_MFN_ERROR;
    return error ? copy_to_user(b->arr + i * sizeof(mfn), &mfn, sizeof(mfn)) : 0;
}

static int map_one(struct batch *b, uint64_t addr, uint64_t i)
{
    uint64_t mfn;
    int error;

    if (copy_from_user(&mfn, b->arr + i * sizeof(mfn), sizeof(mfn)))
        return -EFAULT;
    error = map_frame(b->vma, addr + i * PAGE_SIZE, mfn, b->dom);
    if (error == -ENOENT)
        b->paged_out = true;
    return note_error(b, i, mfn, error);
}

/* 0, however the frames fared; -ENOENT if some are paged out and may be asked for again. */
static long map_batch(struct batch *b, uint64_t addr, uint64_t nr)
{
    if (!nr || nr > INT32_MAX)
        return -EINVAL;
    b->vma = region(addr, nr);
    if (!b->vma)
        return -EINVAL;
    for (uint64_t i = 0; i < nr; i++) {
        int rc = map_one(b, addr, i);

        if (rc)
            return rc;
    }
    return b->paged_out ? -ENOENT : 0;
}

static long mmapbatch(uint64_t arg)
{
    struct privcmd_mmapbatch m;
    struct batch b = { .v2 = false };

    if (copy_from_user(&m, arg, sizeof(m)))
        return -EFAULT;
    b.dom = m.dom;
    b.arr = m.arr;
    return map_batch(&b, m.addr, (uint64_t)(int64_t)m.num);
}

static long mmapbatch_v2(uint64_t arg)
{
    struct privcmd_mmapbatch_v2 m;
    struct batch b = { .v2 = true };

    if (copy_from_user(&m, arg, sizeof(m)))
        return -EFAULT;
    b.dom = m.dom;
    b.arr = m.arr;
    b.err = m.err;
    return map_batch(&b, m.addr, m.num);
}

/* ---- MMAP: runs of frames, one after the other from the start of one fresh mapping ---- */

static long map_run(struct vma *vma, uint64_t *va, const struct privcmd_mmap_entry *e, domid_t dom)
{
    if (e->va != *va || e->npages > (vma->end - *va) / PAGE_SIZE)
        return -EINVAL;
    for (uint64_t i = 0; i < e->npages; i++, *va += PAGE_SIZE) {
        int rc = map_frame(vma, *va, e->mfn + i, dom);

        if (rc)
            return rc;
    }
    return 0;
}

static long mmap_runs(uint64_t arg)
{
    struct privcmd_mmap_entry e;
    struct privcmd_mmap m;
    struct vma *vma = NULL;
    uint64_t va = 0;
    long rc = 0;

    if (copy_from_user(&m, arg, sizeof(m)))
        return -EFAULT;
    if (m.num <= 0)
        return -EINVAL;
    for (int i = 0; i < m.num && !rc; i++) {
        if (copy_from_user(&e, m.entry + (uint64_t)i * sizeof(e), sizeof(e)))
            return -EFAULT;
        if (!vma) {
            vma = space_find(current->space, e.va);
            if (!vma || vma->ops != &privcmd_vma_ops || e.va != vma->start || vma->private)
                return -EINVAL;
            vma->private = &filled;
            va = vma->start;
        }
        rc = map_run(vma, &va, &e, m.dom);
    }
    return rc;
}

/* ---- MMAP_RESOURCE: frames that belong to a domain but are no part of its memory ---- */

#define RESOURCE_MAX 32

static long map_resource(const struct privcmd_mmap_resource *r, struct vma *vma)
{
    xen_pfn_t frames[RESOURCE_MAX];
    struct xen_mem_acquire_resource op = {
        .domid = r->dom, .type = (uint16_t)r->type, .id = r->id, .nr_frames = (uint32_t)r->num,
        .frame = r->idx,
    };
    long rc;

    set_xen_guest_handle(op.frame_list, frames);
    rc = HYPERVISOR_memory_op(XENMEM_acquire_resource, &op);
    for (uint64_t i = 0; i < r->num && !rc; i++)
        rc = map_frame(vma, r->addr + i * PAGE_SIZE, frames[i], r->dom);
    return rc;
}

static long mmap_resource(uint64_t arg)
{
    struct privcmd_mmap_resource r;
    struct vma *vma;

    if (copy_from_user(&r, arg, sizeof(r)))
        return -EFAULT;
    if (!r.num || r.num > RESOURCE_MAX || r.type > UINT16_MAX)
        return -EINVAL;
    vma = region(r.addr, r.num);
    return vma ? map_resource(&r, vma) : -EINVAL;
}

static long privcmd_ioctl(struct file *f, unsigned long cmd, uint64_t arg)
{
    (void)f;
    switch (cmd) {
    case PRIVCMD_HYPERCALL:     return call(arg);
    case PRIVCMD_MMAP:          return mmap_runs(arg);
    case PRIVCMD_MMAPBATCH:     return mmapbatch(arg);
    case PRIVCMD_MMAPBATCH_V2:  return mmapbatch_v2(arg);
    case PRIVCMD_MMAP_RESOURCE: return mmap_resource(arg);
    default:                    return -ENOTTY;
    }
}

const struct file_ops privcmd_ops = { .ioctl = privcmd_ioctl, .mmap = privcmd_mmap };
