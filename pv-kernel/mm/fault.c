/* SPDX-License-Identifier: MIT */
/*
 * Page faults: what an access to a mapping finds missing is made: a page of zeroes, or the file's.
 * A page is shared with the file, if that can hand it out, or after fork with the other process;
 * the first write copies it, unless nobody else has it any more.
 */
#include "fs/fs.h"
#include "mm/internal.h"
#include "proc/proc.h"

#define AROUND 16u                  /* pages of a file that one fault brings in */

static bool allowed(const struct vma *vma, bool write, bool exec)
{
    if (write)
        return vma->prot & PROT_WRITE;
    if (exec)
        return vma->prot & PROT_EXEC;
    return vma->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

static void *file_page(const struct vma *vma, uint64_t va)
{
    struct file *file = vma->file;

    if (!file || !file->ops->page)
        return NULL;
    return file->ops->page(file, (vma->offset + (va - vma->start)) / PAGE_SIZE);
}

/*
 * Maps the file's own pages, read-only, from va on: as many as there are in a row, within a table
 * and AROUND, where nothing is mapped yet. 1 if there is none at va.
 */
static int map_file_pages(struct vma *vma, uint64_t va)
{
    uint64_t table_end = ALIGN_DOWN(va, L1_SPAN) + L1_SPAN;
    uint64_t vma_end = min(vma->end, va + AROUND * PAGE_SIZE);
    uint64_t end = min(vma_end, table_end);
    struct pv_batch batch;
    void *page = file_page(vma, va);
    const uint64_t *entry;
    int rc;

    if (!page)
        return 1;
    rc = pt_build(vma->space, va);
    if (rc)
        return rc;
    entry = pt_entry(vma->space, va);
    pv_batch_begin(&batch);
    for (; page && va < end && !*entry; entry++) {
        frame_get(page);
        pv_batch_add(&batch, pt_maddr(entry),
                     pv_pte(pv_va_to_mfn(page), pte_flags(vma->prot, false)));
        va += PAGE_SIZE;
        page = file_page(vma, va);
    }
    BUG_ON(pv_batch_flush(&batch));
    return 0;
}

/* A page of this mapping alone: zeroes, and then as much of the file as there is. */
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

/*
 * The write that copy-on-write waited for. With one count left, nobody else sees the page, and it
 * need not be copied; a shared mapping is to be seen by all.
 */
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
    if (!entry || !*entry) {
        int rc = 1;

        if (vma->ops && vma->ops->fault)
            return vma->ops->fault(vma, va, write);
        if (!write)
            rc = map_file_pages(vma, va);
        return rc == 1 ? new_page(vma, va) : rc;
    }
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
