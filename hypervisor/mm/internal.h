/* SPDX-License-Identifier: MIT */
/* What the files of mm/ share among themselves and no other room sees. */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include "mm/type_word.h"

/*
 * Page-table entries, as the processor has them. AVAIL and AVAIL_HI are left to software; of those,
 * to the guest.
 */
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

/* The index at @level (1 to 4) of the entry that @va goes through. */
static inline unsigned int pt_index(unsigned long va, unsigned int level)
{
    return va >> (PAGE_SHIFT + 9 * (level - 1)) & (PTE_COUNT - 1);
}

/*
 * ---- frame.c ----
 * Takes a frame that nobody has a reference on, but its owner the one that comes with it, from that
 * owner: it is nobody's then, and held. False: @m is no such frame. Any number will do.
 */
bool take_from_domain(const struct domain *d, mfn_t m);
/* One more reference where the caller has one, from the hypervisor's reserve: can't fail. */
void get_page_again(struct page *pg);

/*
 * ---- domain_frames.c ----
 * Frames of nobody, held, become @d's; its account has them already. False if it is dying: then
 * they are free, or will be.
 */
bool give_to_domain(struct domain *d, mfn_t m, u64 frames);
/* Frames with empty records become @d's, which has accounted for them. */
void own_frames(const struct domain *d, mfn_t m, u64 frames);

/*
 * ---- page_alloc.c ----
 * A domain's frame comes back: nobody has a reference on it or a use of it.
 */
void heap_free_frame(struct page *pg);
/* What is freed from now on may have been a guest's: all CPUs flush before it is used again. */
void heap_note_return(void);
/*
 * Cleared frames below 4 GiB, one after the other, before there is a heap; never given back.
 * panic() if there are none.
 */
mfn_t heap_early_run(u64 frames);
mfn_t heap_early_frame(void);
/*
 * 2^@order frames below 2^@bits bytes (0: any), cleared; INVALID_MFN: there are none. heap_take()
 * leaves their records empty, alloc_loose_frames() makes them nobody's, held. @claimed of them were
 * promised to him who takes them, and are so no more if he gets them.
 */
mfn_t heap_take(unsigned int order, unsigned int bits, u64 claimed);
mfn_t alloc_loose_frames(unsigned int order, unsigned int bits);
/* So many free frames are promised, if there are so many that are not; or in any case. */
bool heap_promise(u64 frames);
void heap_promise_freed(u64 frames);
void heap_unpromise(u64 frames);

/*
 * ---- claims.c ----
 * Takes up to @frames off the domain's claim: how many. They are used up by heap_take(), or the
 * claim is restored.
 */
u64 claim_use(struct domain *d, u64 frames);
void claim_restore(struct domain *d, u64 used);
void claim_grow(struct domain *d, u64 frames);  /* as many of its frames were freed */

/* The noted ranges become the heap: the frame table is there now. */
void heap_start(void);

/*
 * ---- page_type.c ----
 * Takes the guest's pin on top of a use: false if it is there already. Drops it: false if not. The
 * use that the pin stands for is the caller's to take before, or to drop afterwards.
 */
bool type_set_pin(struct page *pg);
bool type_clear_pin(struct page *pg);
/* Drops a use: 0, or -ERESTART with the frame left PARTIAL. */
int put_type_slice(struct page *pg);
/* The same of a use that a linear entry holds. */
int put_linear_slice(struct page *pg);
/* Finishes what is left of an interrupted (de)validation: 0, or -ERESTART. */
int type_settle(struct page *pg);
/* Leaves the rest of a put to the running vCPU's way out; see mm_finish_put(). */
void leave_unfinished(struct page *pg);

/*
 * ---- pt_linear.c: entries of a level-4 table that name a level-4 table ----
 * linear_get() takes what @pte of @table is to hold, which is BUSY and counts in *has what becomes
 * of that, and linear_put() gives it back: 0, or -ERESTART and the entry still holds a bare
 * reference. linear_add() and linear_remove(): the same for a table in use.
 */
int linear_get(const struct page *table, u64 pte, u64 *has);
int linear_put(const struct page *table, u64 pte, u64 *has);
int linear_add(struct page *table, u64 pte);
void linear_remove(struct page *table, u64 pte);
/* Whether @pte, whose references @table holds, is such an entry. */
bool pte_is_linear(const struct page *table, u64 pte);

/*
 * ---- pt_update.c ----
 * Writes @new into a validated table of domain @d (the caller holds its use). Level-1 entries may
 * map frames of @pg_owner; those of upper levels are refused if it is not @d. @keep_ad keeps the
 * processor's accessed and dirty bits. 0, or a negative errno and nothing changed.
 */
int pt_write(struct domain *d, struct page *table, u64 *slot, u64 new, bool keep_ad, u16 pg_owner);
/*
 * The CPUs on which the vCPUs of the guest's bitmap at @ptr run, as far as translations of @d may
 * be there: 0 or -EFAULT.
 */
int flush_mask_cpus(const struct domain *d, unsigned long ptr, u64 *cpus);

/*
 * ---- hv_map.c ----
 * Whether @m is no RAM, or low memory, and nothing the hypervisor keeps for itself. Low memory that
 * is RAM has a record, whose count is always 0.
 */
bool mfn_is_device(mfn_t m);
/* The M2P lies in runs of 2 MiB; the first frame of one, INVALID_MFN: a hole, or past the end. */
#define M2P_RUN_FRAMES 512ull
mfn_t m2p_run(u64 run);

/*
 * ---- Sub-ops of memory_op in other files than memory_op.c ----
 * @start: the first extent that is still to be done, for those that take a list. The result is the
 * hypercall's.
 */
#define MAX_EXTENT_ORDER 9              /* 2 MiB: what is cleared or given back in one go */
#define MEMORY_OP(name) long op_##name(XEN_GUEST_HANDLE(void) arg, unsigned long start)

/* exchange.c */
MEMORY_OP(exchange);

/* guest_map.c */
MEMORY_OP(memory_map);
MEMORY_OP(set_memory_map);
MEMORY_OP(machine_memory_map);
MEMORY_OP(claim_pages);

/* memory_info.c */
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

#endif
