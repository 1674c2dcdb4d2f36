/* SPDX-License-Identifier: MIT */
/* What the memory system calls do to a space: mappings come, go, move and change. */
#include "fs/fs.h"
#include "mm/internal.h"
#include "proc/proc.h"

/* Nothing is mapped below, so that a null pointer of the kernel's faults, too. */
#define LOWEST_ADDRESS 0x10000ul

static bool user_range(uint64_t start, uint64_t len)
{
    return start % PAGE_SIZE == 0 && len && start < USER_END && len <= USER_END - start;
}

/* The first vma in [start, end), or NULL. */
static struct vma *first_in(struct space *s, uint64_t start, uint64_t end)
{
    struct vma *vma = vma_first_after(&s->vmas, start);

    return vma && vma->start < end ? vma : NULL;
}

struct vma *space_next(struct space *s, const struct vma *vma)
{
    struct list *next = vma ? vma->link.next : s->vmas.next;

    return next == &s->vmas ? NULL : container_of(next, struct vma, link);
}

/* ---- mmap ---- */

/* Where a mapping goes: at @addr, or in a gap; or an error. Clears the place if it is fixed. */
static long choose_place(struct space *s, uint64_t addr, uint64_t len, int flags)
{
    uint64_t at;
    long rc;

    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (!user_range(addr, len))
            return -EINVAL;
        if (addr < LOWEST_ADDRESS)
            return -EPERM;
        if (flags & MAP_FIXED_NOREPLACE && first_in(s, addr, addr + len))
            return -EEXIST;
        rc = space_munmap(s, addr, len);
        return rc ? rc : (long)addr;
    }
    addr = ALIGN_DOWN(addr, PAGE_SIZE);
    if (addr >= LOWEST_ADDRESS && user_range(addr, len) && !first_in(s, addr, addr + len))
        return (long)addr;
    at = vma_gap(&s->vmas, len, MMAP_BASE, USER_STACK_TOP);
    return at ? (long)at : -ENOMEM;
}

/* A file's contents are not written through a mapping. */
static bool shares_file(const struct vma *vma)
{
    return vma->flags & MAP_SHARED && vma->file && !vma->ops;
}

/* What kind of mapping it is: the device says, or it is memory. */
static int attach_file(struct vma *vma, struct file *file)
{
    if (!file)
        return 0;
    vma->file = file_get(file);
    if (file->ops->mmap)
        return file->ops->mmap(file, vma);
    if (!file->inode || (file->inode->mode & S_IFMT) != S_IFREG)
        return -ENODEV;
    return shares_file(vma) && vma->prot & PROT_WRITE ? -ENODEV : 0;
}

long space_mmap(struct space *s, uint64_t addr, uint64_t len, int prot, int flags,
                struct file *file, uint64_t offset)
{
    struct vma *vma;
    long at, rc;

    len = ALIGN_UP(len, PAGE_SIZE);
    if (!len || offset % PAGE_SIZE)
        return -EINVAL;
    if (len > USER_END)
        return -ENOMEM;
    if (offset > INT64_MAX - len)
        return -EOVERFLOW;
    at = choose_place(s, addr, len, flags);
    if (at < 0)
        return at;
    vma = kmalloc(sizeof(*vma));
    if (!vma)
        return -ENOMEM;
    *vma = (struct vma){ .start = (uint64_t)at, .end = (uint64_t)at + len, .prot = prot,
                         .flags = flags & (MAP_SHARED | MAP_PRIVATE), .offset = offset,
                         .space = s };
    list_init(&vma->link);
    rc = attach_file(vma, file);
    if (rc) {
        vma_free(vma);
        return rc;
    }
    vma_insert(&s->vmas, vma);
    /* Shared memory has all its pages before a fork can share them. */
    if (flags & (MAP_POPULATE | MAP_LOCKED) || (flags & MAP_SHARED && !vma->file))
        rc = vma->ops ? 0 : space_populate(s, vma->start, len, prot & PROT_WRITE);
    if (rc == -ENOMEM) {
        space_munmap(s, (uint64_t)at, len);
        return rc;
    }
    vma_merge(&s->vmas, (uint64_t)at, (uint64_t)at + len);
    return at;
}

long space_munmap(struct space *s, uint64_t addr, uint64_t len)
{
    uint64_t end = addr + ALIGN_UP(len, PAGE_SIZE);
    struct vma *vma;

    if (!user_range(addr, ALIGN_UP(len, PAGE_SIZE)))
        return -EINVAL;
    if (!vma_split_range(&s->vmas, addr, end))
        return -ENOMEM;
    while ((vma = first_in(s, addr, end))) {
        if (vma->ops && vma->ops->unmap)
            vma->ops->unmap(vma);
        pt_clear(s, vma->start, vma->end);
        vma_free(vma);
    }
    return 0;
}

long space_discard(struct space *s, uint64_t addr, uint64_t len)
{
    uint64_t end = addr + ALIGN_UP(len, PAGE_SIZE);
    struct vma *vma;

    if (!len)
        return 0;
    if (!user_range(addr, ALIGN_UP(len, PAGE_SIZE)))
        return -EINVAL;
    for (uint64_t at = addr; (vma = first_in(s, at, end)); at = vma->end) {
        if (!vma->ops && !(vma->flags & MAP_SHARED))
            pt_clear(s, max(vma->start, addr), min(vma->end, end));
    }
    return 0;
}

/* ---- mprotect ---- */

static uint64_t protected_entry(const struct vma *vma, uint64_t pte)
{
    bool writable;

    if (pte & PTE_FOREIGN)
        writable = pte & PV_PTE_RW;
    else
        writable = vma->flags & MAP_SHARED || frame_refs(pte_page(pte)) == 1;
    return pv_pte(pv_pte_mfn(pte), pte_flags(vma->prot, writable) | (pte & PTE_FOREIGN));
}

static int protect_vma(struct space *s, struct vma *vma, int prot)
{
    struct pv_batch batch;
    const uint64_t *entry;

    pv_batch_begin(&batch);
    vma->prot = prot;
    for (uint64_t va = vma->start; (entry = pt_next(s, &va, vma->end)); va += PAGE_SIZE)
        pv_batch_add(&batch, pt_maddr(entry), protected_entry(vma, *entry));
    return pv_batch_flush(&batch);
}

long space_mprotect(struct space *s, uint64_t addr, uint64_t len, int prot)
{
    uint64_t end = addr + ALIGN_UP(len, PAGE_SIZE), at = addr;
    int rc = 0;

    if (addr % PAGE_SIZE)
        return -EINVAL;
    if (!len)
        return 0;
    if (!user_range(addr, ALIGN_UP(len, PAGE_SIZE)) || !vma_split_range(&s->vmas, addr, end))
        return -ENOMEM;
    while (at < end && !rc) {
        struct vma *vma = vma_find(&s->vmas, at);

        /* What lies before a hole is changed, as on Linux. */
        if (!vma)
            rc = -ENOMEM;
        else if (prot & PROT_WRITE && shares_file(vma))
            rc = -EACCES;
        else
            rc = protect_vma(s, vma, prot);
        at = vma ? vma->end : end;
    }
    pt_flush(s);
    vma_merge(&s->vmas, addr, end);
    return rc;
}

/* ---- mremap ---- */

/* Moves the leaves of a mapping; the tables of the new place are built first. */
static long move_leaves(struct space *s, uint64_t from, uint64_t to, uint64_t len)
{
    const uint64_t *entry;
    uint64_t va;

    for (va = from; (entry = pt_next(s, &va, from + len)); va += PAGE_SIZE) {
        if (pt_build(s, va - from + to))
            return -ENOMEM;
    }
    for (va = from; (entry = pt_next(s, &va, from + len)); va += PAGE_SIZE) {
        struct mmu_update move[2] = {
            { .ptr = pt_maddr(pt_entry(s, va - from + to)), .val = *entry },
            { .ptr = pt_maddr(entry), .val = 0 },
        };

        BUG_ON(HYPERVISOR_mmu_update(move, 2, NULL, DOMID_SELF));
    }
    pt_flush(s);
    return 0;
}

static long move_vma(struct space *s, struct vma *vma, uint64_t len)
{
    uint64_t old_len = vma->end - vma->start;
    uint64_t to = vma_gap(&s->vmas, len, MMAP_BASE, USER_STACK_TOP);

    if (!to || move_leaves(s, vma->start, to, old_len))
        return -ENOMEM;
    list_del(&vma->link);
    vma->start = to;
    vma->end = to + len;
    vma_insert(&s->vmas, vma);
    return (long)to;
}

long space_mremap(struct space *s, uint64_t addr, uint64_t old_len, uint64_t len, int flags)
{
    struct vma *vma = vma_find(&s->vmas, addr);

    old_len = ALIGN_UP(old_len, PAGE_SIZE);
    len = ALIGN_UP(len, PAGE_SIZE);
    if (addr % PAGE_SIZE || !len || !old_len || flags & ~MREMAP_MAYMOVE)
        return -EINVAL;
    if (!vma || vma->end - addr < old_len || vma->ops)
        return -EFAULT;
    if (len <= old_len)
        return len == old_len || !space_munmap(s, addr + len, old_len - len) ? (long)addr : -ENOMEM;
    if (vma->end == addr + old_len && user_range(addr, len) &&
        !first_in(s, vma->end, addr + len)) {
        vma->end = addr + len;
        return (long)addr;
    }
    if (!(flags & MREMAP_MAYMOVE) || !vma_split_range(&s->vmas, addr, addr + old_len))
        return -ENOMEM;
    return move_vma(s, vma_find(&s->vmas, addr), len);
}

/* ---- brk ---- */

void space_set_brk(struct space *s, uint64_t start)
{
    s->brk_start = start;
    s->brk = start;
}

static bool grow_heap(struct space *s, uint64_t from, uint64_t to)
{
    if (first_in(s, from, to) || to > MMAP_BASE)
        return false;
    return space_mmap(s, from, to - from, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) == (long)from;
}

long space_brk(struct space *s, uint64_t brk)
{
    uint64_t from = ALIGN_UP(s->brk, PAGE_SIZE), to = ALIGN_UP(brk, PAGE_SIZE);

    if (brk < s->brk_start || brk >= USER_END || (to > from && !grow_heap(s, from, to)) ||
        (to < from && space_munmap(s, to, from - to)))
        return (long)s->brk;
    s->brk = brk;
    return (long)brk;
}
