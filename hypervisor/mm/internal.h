/* SPDX-License-Identifier: MIT */
/* What the files of mm/ share among themselves and no other room sees. */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include "mm/type_word.h"

/* Page-table entries. */
#define PTE_P        0x001ull
#define PTE_RW       0x002ull
#define PTE_USER     0x004ull
#define PTE_PWT      0x008ull
#define PTE_PCD      0x010ull
#define PTE_A        0x020ull
#define PTE_D        0x040ull
#define PTE_PSE      0x080ull           /* levels 2 and 3; at level 1 the same bit is PAT */
#define PTE_PAT      0x080ull
#define PTE_CACHE    (PTE_PWT | PTE_PCD | PTE_PAT)
#define PTE_G        0x100ull
#define PTE_AVAIL    0xe00ull
#define PTE_AVAIL_1  0x200ull           /* the lowest of them */
#define PTE_AVAIL_HI 0x7ff0000000000000ull
#define PTE_NX       0x8000000000000000ull
#define PTE_ADDR     0x000ffffffffff000ull
#define PTE_COUNT    512

static inline mfn_t pte_mfn(u64 pte)
{
    return MFN((pte & PTE_ADDR) >> PAGE_SHIFT);
}

/* frame.c */
/* Takes a frame that nobody has a reference on from its owner: it is nobody's then, and held. */
bool take_from_domain(const struct domain *d, mfn_t m);
void get_page_again(struct page *pg);
/* page_alloc.c: a domain's frame comes back. */
void heap_free_frame(struct page *pg);
/* What is freed from now on may have been a guest's: all CPUs flush before it is used again. */
void heap_note_return(void);
/* Cleared frames below 4 GiB, one after the other, before there is a heap; never given back. */
mfn_t heap_early_run(u64 frames);
mfn_t heap_early_frame(void);
/* 2^@order frames below 2^@bits bytes (0: any), cleared, of nobody; INVALID_MFN: there are none. */
mfn_t alloc_loose_frames(unsigned int order, unsigned int bits);
/*
 * Frames of nobody, held, become @d's; its account has them already. False if it is dying: then
 * they are free, or will be.
 */
bool give_to_domain(struct domain *d, mfn_t m, u64 frames);
/* page_alloc.c: 2^@order frames below 2^@bits bytes (0: any), cleared, whose records are empty. */
mfn_t heap_take(unsigned int order, unsigned int bits);
/* domain_frames.c: such frames' records say that they are @d's, which has accounted for them. */
void own_frames(const struct domain *d, mfn_t m, u64 frames);
/* The noted ranges become the heap: the frame table is there now. */
void heap_start(void);

/* page_type.c */
/* Takes the guest's pin on top of a use: false if it is there already. Drops it: false if not. */
bool type_set_pin(struct page *pg);
bool type_clear_pin(struct page *pg);
/* Drops a use: 0, or -ERESTART with the frame left PARTIAL. */
int put_type_slice(struct page *pg);
/* Finishes what is left of an interrupted (de)validation: 0, or -ERESTART. */
int type_settle(struct page *pg);

/*
 * pt_linear.c: entries of a level-4 table that name a level-4 table. linear_get() takes what @pte
 * of @table is to hold, which is BUSY and counts in *has what becomes of that, and linear_put()
 * gives it back: 0, or -ERESTART and the entry still holds a bare reference. linear_add() and
 * linear_remove(): the same for a table in use.
 */
int linear_get(const struct page *table, u64 pte, u64 *has);
int linear_put(const struct page *table, u64 pte, u64 *has);
int linear_add(struct page *table, u64 pte);
void linear_remove(struct page *table, u64 pte);
/* Whether @pte, whose references @table holds, is such an entry. */
bool pte_is_linear(const struct page *table, u64 pte);
/* page_type.c: drops a use that a linear entry holds; as put_type_slice(). */
int put_linear_slice(struct page *pg);
/* Leaves the rest of a put to the running vCPU's way out; see mm_finish_put(). */
void leave_unfinished(struct page *pg);

/*
 * pt_update.c: writes @new into a validated table of domain @d (the caller holds its use).
 * @keep_ad keeps the processor's accessed and dirty bits. 0, or a negative errno and nothing
 * changed.
 */
int pt_write(struct domain *d, struct page *table, u64 *slot, u64 new, bool keep_ad, u16 pg_owner);

/*
 * hv_map.c: whether @m is no RAM, or low memory, and nothing the hypervisor keeps for itself. Low
 * memory that is RAM has a record, whose count is always 0.
 */
bool mfn_is_device(mfn_t m);

/* The M2P lies in runs of 2 MiB; the first frame of one, INVALID_MFN: a hole, or past the end. */
#define M2P_RUN_FRAMES 512ull
mfn_t m2p_run(u64 run);

/* pt_update.c: tells the guest how many entries of its batch were done. */
void note_done(XEN_GUEST_HANDLE(uint) pdone, unsigned int done);
/* The CPUs on which the vCPUs of the guest's bitmap at @ptr run: 0 or -EFAULT. */
int flush_mask_cpus(const struct domain *d, unsigned long ptr, u64 *cpus);

/* guest_map.c: sub-ops of memory_op */
long op_memory_map(XEN_GUEST_HANDLE(void) arg, unsigned long start);
/* exchange.c, for memory_op.c */
#define MAX_EXTENT_ORDER 9              /* 2 MiB: what is cleared or given back in one go */
long op_exchange(XEN_GUEST_HANDLE(void) arg, unsigned long start);
long op_set_memory_map(XEN_GUEST_HANDLE(void) arg, unsigned long start);
long op_machine_memory_map(XEN_GUEST_HANDLE(void) arg, unsigned long start);

/* memory_info.c, likewise */
#define MEMORY_OP(name) long op_##name(XEN_GUEST_HANDLE(void) arg, unsigned long start)
MEMORY_OP(machphys_mfn_list);
MEMORY_OP(add_to_physmap);
MEMORY_OP(add_to_physmap_batch);
MEMORY_OP(remove_from_physmap);
MEMORY_OP(pod_target);
MEMORY_OP(sharing_pages);
MEMORY_OP(access);
MEMORY_OP(vnuma_info);
MEMORY_OP(reserved_device_map);
MEMORY_OP(compat_mfn_list);

static inline unsigned int pt_index(unsigned long va, unsigned int level)
{
    return va >> (PAGE_SHIFT + 9 * (level - 1)) & (PTE_COUNT - 1);
}

#endif
