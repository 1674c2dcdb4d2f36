/* SPDX-License-Identifier: MIT */
/*
 * Memory: frame numbers, free pages, page tables.
 *
 * Direct paging: the guest's page tables hold machine frames, the guest reads them and asks the
 * hypervisor for each change (mmu_update, update_va_mapping, mmuext_op in xen/xen.h), which checks
 * it.  A frame is never writable anywhere while it is a page table; so each page of the domain
 * has one home address here, and pv_alloc_table() takes the write permission from it.
 *
 * Where things are:
 *   PV_USER_BASE ..        user.h's part of slot 0, shared with the user root
 *   PV_VMAP_BASE ..        free for pv_vmap_alloc()
 *   PV_DIRECT_BASE + pfn   pages outside the builder's mapping, mapped when first allocated
 *   PV_VIRT_BASE + pfn     the image and all else that the domain builder mapped
 * Functions here may be called on any vCPU; they are not for event handlers.
 */
#ifndef PVGUEST_MM_H
#define PVGUEST_MM_H

#include <pvguest/types.h>
#include <xen/xen.h>

#define PV_VIRT_BASE   0xffffffff80000000UL
#define PV_DIRECT_BASE 0xffff880000000000UL
#define PV_VMAP_BASE   0xffffc00000000000UL

#define PV_PTE_P    0x001UL
#define PV_PTE_RW   0x002UL
#define PV_PTE_USER 0x004UL
#define PV_PTE_PWT  0x008UL
#define PV_PTE_PCD  0x010UL
#define PV_PTE_A    0x020UL
#define PV_PTE_D    0x040UL
#define PV_PTE_PSE  0x080UL
#define PV_PTE_G    0x100UL
#define PV_PTE_NX   (1UL << 63)
#define PV_PTE_FRAME 0x000ffffffffff000UL

/* Usual leaf entries: read-write, read-only, and executable. */
#define PV_PROT_RW  (PV_PTE_P | PV_PTE_RW | PV_PTE_A | PV_PTE_D | PV_PTE_NX)
#define PV_PROT_RO  (PV_PTE_P | PV_PTE_A | PV_PTE_NX)
#define PV_PROT_RX  (PV_PTE_P | PV_PTE_A)

static inline uint64_t pv_pte(pv_mfn_t mfn, uint64_t flags)
{
    return mfn.nr << PV_PAGE_SHIFT | flags;
}

static inline pv_mfn_t pv_pte_mfn(uint64_t pte)
{
    return pv_mfn((pte & PV_PTE_FRAME) >> PV_PAGE_SHIFT);
}

/* ---- Frame numbers ---- */

/* pfn to mfn by start_info's list; PV_INVALID_FRAME for a pfn past the end or a hole. */
pv_mfn_t pv_pfn_to_mfn(pv_pfn_t pfn);
/* Notes that the domain's pfn is now this frame, after memory_op or a grant changed it. */
void pv_set_pfn(pv_pfn_t pfn, pv_mfn_t mfn);
/* mfn to pfn by the hypervisor's table; PV_INVALID_FRAME if the frame is not ours. */
pv_pfn_t pv_mfn_to_pfn(pv_mfn_t mfn);
/* The home address of a pfn, and back; the address need not be mapped yet. */
void *pv_pfn_to_va(pv_pfn_t pfn);
pv_pfn_t pv_va_to_pfn(const void *va);
/* The machine frame of the page at a home address. */
pv_mfn_t pv_va_to_mfn(const void *va);

uint64_t pv_nr_pages(void);    /* of the domain, at boot */

/* ---- Free pages ---- */

/* A page of zeroes, mapped read-write at its home address, or NULL when there is none left. */
void *pv_alloc_page(void);
/* nr pages that follow each other in pfn and address (not in machine memory); or NULL. */
void *pv_alloc_pages(unsigned int nr);
/* Gives one back, or nr of them (NULL: nothing happens). */
void pv_free_page(void *page);
void pv_free_pages(void *pages, unsigned int nr);
/* How many pages are left. */
uint64_t pv_nr_free_pages(void);

/* A page of zeroes with no writable mapping, fit to become a page table; or NULL. */
void *pv_alloc_table(void);
/* Gives one back, once the hypervisor holds it as a table no more.  0 or the errno. */
int pv_free_table(void *table);

/* nr pages of addresses that nothing is mapped at; never given back. */
uint64_t pv_vmap_alloc(unsigned int nr);

/* ---- Page tables ---- */

/* The frame of the kernel root in use on this vCPU, and making another one current. */
pv_mfn_t pv_current_root(void);
int pv_load_root(pv_mfn_t root);
/* Notes that the caller loaded a root by a hypercall of its own (a multicall, say). */
void pv_note_root(pv_mfn_t root);

/*
 * Finds the entry of `va` at a level (1: the leaf, to 4: in the root).  Returns its address for
 * reading, or NULL if a table above is missing.
 */
const uint64_t *pv_find_pte(pv_mfn_t root, uint64_t va, unsigned int level);
/* The machine address of that entry, as mmu_update wants it; 0 if it is missing. */
uint64_t pv_pte_maddr(pv_mfn_t root, uint64_t va, unsigned int level);

/* Maps frame mfn at va in the current root, building missing tables.  0, -ENOMEM, or errno. */
int pv_map(uint64_t va, pv_mfn_t mfn, uint64_t flags);
/* nr frames given by a list; what was done stays done on failure. */
int pv_map_frames(uint64_t va, const pv_mfn_t *mfns, unsigned int nr, uint64_t flags);
/* Clears nr leaf entries, skipping missing tables. */
int pv_unmap(uint64_t va, unsigned int nr);
/* Gives nr mapped pages other flags. */
int pv_protect(uint64_t va, unsigned int nr, uint64_t flags);

/* One entry by update_va_mapping, with UVMF_* flags: the fast way for a page that has an L1. */
int pv_update_va(uint64_t va, uint64_t pte, unsigned long flags);

/* One entry by mmu_update, MMU_NORMAL_PT_UPDATE; `maddr` is the entry's machine address. */
int pv_write_pte(uint64_t maddr, uint64_t pte);

/*
 * A batch of page-table entries, sent by one mmu_update when it is full or flushed.  Put it on
 * the stack, and begin.  An error sticks: later additions do nothing and pv_batch_flush returns it.
 */
#define PV_BATCH_MAX 64
struct pv_batch {
    unsigned int nr;
    int error;
    struct mmu_update entry[PV_BATCH_MAX];      /* those above nr: anything */
};
static inline void pv_batch_begin(struct pv_batch *batch)
{
    batch->nr = 0;
    batch->error = 0;
}
void pv_batch_add(struct pv_batch *batch, uint64_t maddr, uint64_t pte);
int pv_batch_flush(struct pv_batch *batch);

/* mmuext_op: one command with its frame, or with its address.  0 or the errno. */
int pv_mmuext_mfn(unsigned int cmd, pv_mfn_t mfn);
int pv_mmuext_va(unsigned int cmd, uint64_t va);

/* Pins a table as one of a level (1 to 4); takes the pin away. */
int pv_pin(pv_mfn_t mfn, unsigned int level);
int pv_unpin(pv_mfn_t mfn);

#endif
