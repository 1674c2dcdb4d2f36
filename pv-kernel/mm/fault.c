/* SPDX-License-Identifier: MIT */
/*
 * Page faults: what an access to a mapping finds missing is made. A page of a private mapping is
 * ours alone from the first touch, zeroed or read from the file; after fork the first write of
 * either side copies it, unless the other side is gone by then.
 */
#include "fs/fs.h"
#include "mm/internal.h"
#include "proc/proc.h"

static bool allowed(const struct vma *vma, bool write, bool exec)
{
    if (write)
        return vma->prot & PROT_WRITE;
    if (exec)
        return vma->prot & PROT_EXEC;
    return vma->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int new_page(struct vma *vma, uint64_t va)
{
    void *page = frame_alloc();
    long rc = 0;

    if (!page)
        return -ENOMEM;
    if (vma->file)
        rc = file_read_at(vma->file, page, PAGE_SIZE, vma->offset + (va - vma->start));
    if (rc >= 0)
        rc = pt_build(vma->space, va);
    if (!rc)
        rc = pt_set(vma->space, va, pv_pte(pv_va_to_mfn(page), pte_flags(vma->prot, true)));
    if (rc)
        frame_put(page);
    return (int)rc;
}

static int make_writable(struct vma *vma, uint64_t va, uint64_t pte)
{
    void *old = pte_page(pte), *page = old;
    int rc;

    if (frame_refs(old) > 1 && !(vma->flags & MAP_SHARED)) {
        page = frame_alloc();
        if (!page)
            return -ENOMEM;
        memcpy(page, old, PAGE_SIZE);
    }
    rc = pt_set(vma->space, va, pv_pte(pv_va_to_mfn(page), pte_flags(vma->prot, true)));
    if (page != old)
        frame_put(rc ? page : old);
    return rc;
}

int fault_in(struct vma *vma, uint64_t va, bool write)
{
    const uint64_t *entry = pt_entry(vma->space, va);

    va = ALIGN_DOWN(va, PAGE_SIZE);
    if (!entry || !*entry)
        return vma->ops && vma->ops->fault ? vma->ops->fault(vma, va, write) : new_page(vma, va);
    if (!write || *entry & PV_PTE_RW)
        return 0;
    return *entry & PTE_FOREIGN ? -EFAULT : make_writable(vma, va, *entry);
}

bool space_fault(struct space *s, uint64_t va, bool write, bool exec)
{
    struct vma *vma = s && va < USER_END ? space_find(s, va) : NULL;
    int rc;

    if (!vma || !allowed(vma, write, exec))
        return false;
    rc = fault_in(vma, va, write);
    if (rc == -ENOMEM && s == current->space)
        send_signal(current, SIGKILL);
    return rc == 0;
}

int space_populate(struct space *s, uint64_t va, uint64_t len, bool write)
{
    uint64_t end = va + len;

    if (va >= USER_END || len > USER_END - va)
        return -EFAULT;
    for (va = ALIGN_DOWN(va, PAGE_SIZE); va < end; va += PAGE_SIZE) {
        struct vma *vma = space_find(s, va);
        int rc = vma && allowed(vma, write, false) ? fault_in(vma, va, write) : -EFAULT;

        if (rc)
            return rc;
    }
    return 0;
}
