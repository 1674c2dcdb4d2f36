/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: made empty or by fork, loaded, given back.
 *
 * The kernel root that is loaded belongs to active_space, or is the boot root when that is NULL. A
 * space stays loaded while kernel threads and the idle loop run, so it must be left before it
 * goes.
 */
#include "fs/fs.h"
#include "mm/internal.h"

struct space *active_space;
static pv_mfn_t boot_root;

/* Builds the tables above a kernel address, by mapping a page there for a moment. */
static void make_kernel_slot(uint64_t va)
{
    void *page = pv_alloc_page();

    if (!page || pv_map(va, pv_va_to_mfn(page), PV_PROT_RW))
        panic("pv-kernel: no memory for the kernel's page tables\n");
    pv_unmap(va, 1);
    pv_free_page(page);
}

void mm_init(void)
{
    boot_root = pv_current_root();
    kmalloc_init();
    frames_init();
    /*
     * All kernel slots that are ever used must be there before a process's root copies them. The
     * first page of each is no block's and no page's home (pfn 0 is the image's).
     */
    make_kernel_slot(pv_vmap_alloc(1));
    make_kernel_slot(PV_DIRECT_BASE);
}

static struct space *space_new(void)
{
    struct space *s = kmalloc(sizeof(*s));

    if (!s)
        return NULL;
    s->refs = 1;
    list_init(&s->vmas);
    if (pt_make_roots(s)) {
        kfree(s);
        return NULL;
    }
    return s;
}

static void drop_vmas(struct space *s)
{
    while (!list_empty(&s->vmas)) {
        struct vma *vma = container_of(s->vmas.next, struct vma, link);

        if (vma->ops && vma->ops->unmap)
            vma->ops->unmap(vma);
        vma_free(vma);
    }
}

static void space_free(struct space *s)
{
    if (s == active_space)
        space_activate(NULL);
    drop_vmas(s);
    pt_free(s);
    kfree(s);
}

struct space *space_create(void)
{
    struct space *s = space_new();

    if (s && pt_seal(s)) {
        space_free(s);
        return NULL;
    }
    return s;
}

void space_get(struct space *s)
{
    s->refs++;
}

bool space_shared(const struct space *s)
{
    return s->refs > 1;
}

void space_put(struct space *s)
{
    if (s && --s->refs == 0)
        space_free(s);
}

/* Both roots at once: the hypervisor switches between them when user code calls or is left. */
void space_activate(struct space *s)
{
    pv_mfn_t root = s ? pv_va_to_mfn(s->kroot) : boot_root;
    struct mmuext_op ops[2] = {
        { .cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = root.nr },
        { .cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = s ? pv_va_to_mfn(s->uroot).nr : 0 },
    };

    if (s == active_space)
        return;
    BUG_ON(HYPERVISOR_mmuext_op(ops, 2, NULL, DOMID_SELF));
    pv_note_root(root);
    active_space = s;
}

struct vma *space_find(struct space *s, uint64_t va)
{
    return vma_find(&s->vmas, va);
}

/* ---- Fork ---- */

/* Gives the child what one entry of the parent maps; the parent's is write-protected if private. */
static int share_entry(const struct vma *vma, struct space *to, uint64_t va,
                       const uint64_t *entry, struct pv_batch *batch)
{
    uint64_t pte = *entry, *child;

    if (pte & PTE_FOREIGN)
        return 0;
    child = pt_build_plain(to, va);
    if (!child)
        return -ENOMEM;
    if (!(vma->flags & MAP_SHARED) && pte & PV_PTE_RW) {
        pte &= ~PV_PTE_RW;
        pv_batch_add(batch, pt_maddr(entry), pte);
    }
    frame_get(pte_page(pte));
    *child = pte;
    return 0;
}

static int share_vma(struct space *from, struct space *to, const struct vma *vma,
                     struct pv_batch *batch)
{
    struct vma *copy = vma_copy(vma);
    const uint64_t *entry;
    int rc = 0;

    if (!copy)
        return -ENOMEM;
    copy->space = to;
    list_add_tail(&to->vmas, &copy->link);
    for (uint64_t va = vma->start; !rc && (entry = pt_next(from, &va, vma->end)); va += PAGE_SIZE)
        rc = share_entry(vma, to, va, entry, batch);
    return rc;
}

/*
 * Parent and child have the same pages afterwards, neither of which can write those of private
 * mappings: the first who tries gets a copy (fault.c). The parent's entries change in one batch,
 * before its TLB is flushed; the child's tables are not in use yet, and are written plainly.
 */
struct space *space_fork(struct space *from)
{
    struct pv_batch batch;
    struct space *to = space_new();
    struct list *pos;
    int rc = 0;

    if (!to)
        return NULL;
    pv_batch_begin(&batch);
    list_for_each(pos, &from->vmas) {
        struct vma *vma = container_of(pos, struct vma, link);

        if (!rc && !(vma->ops && vma->ops->no_fork))
            rc = share_vma(from, to, vma, &batch);
    }
    to->brk_start = from->brk_start;
    to->brk = from->brk;
    BUG_ON(pv_batch_flush(&batch));
    pt_flush(from);
    if (!rc)
        rc = pt_seal(to);
    if (rc) {
        space_free(to);
        return NULL;
    }
    return to;
}
