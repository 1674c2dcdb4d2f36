/* SPDX-License-Identifier: MIT */
/*
 * The door of mm/: machine frames, their owners and types, page tables.
 *
 * One record a frame (struct page, two words). The first word says who owns it and how many
 * references keep it; the second what it is used as, and how many uses of that kind there are.
 * page_type.c holds the safety argument.
 *
 * In which order to read the room:
 *
 *     layout.h, frame_types.h       the addresses; three kinds of number that are all "a page"
 *     page_type.c, type_word.h      what a frame is used as: the invariant and its state machine
 *     validate.c                    how a table's entries get their references, and lose them
 *     frame.c, domain_frames.c      who owns it, and how it becomes a domain's
 *     pt_entry.h, pt_entry.c        what one page-table entry may say, and what it holds
 *     pt_update.c, pt_walk.c        a guest's changes of its tables
 *     pt_linear.c, pt_grant.c       two kinds of entries with rules of their own
 *     root.c, mmuext.c              roots, pins and the other operations on whole frames
 *     memory_op.c, exchange.c,      the reservation, and what a guest may ask
 *       guest_map.c, memory_info.c
 *     buddy.c, page_alloc.c, tlb.c  free frames, and when one may be used again
 *     hv_map.c                      the hypervisor's own tables
 *     release.c, audit.c            a domain's end; everything counted once more
 *
 * References are paired by name: get_page() and put_page(), get_page_type() and put_page_type(),
 * get_page_and_type() and put_page_and_type(). The last put_page() takes LOCK_HEAP, and what begins
 * or ends a use may wait for the other CPUs to flush: LOCK_FIFO, whose waiters answer no calls,
 * must not be held.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "lib/atomic.h"
#include "mm/frame_types.h"
#include <xen/xen.h>
#include <xen/memory.h>

struct domain;
struct vcpu;

/*
 * Word one. [63:48] owner's domain id, [47:45] flags, [31:0] general references. A frame with no
 * reference is free (or not RAM). An allocated frame's owner holds one reference, PAGE_ALLOCATED.
 *
 * Word two of a frame in use: see type_word.h. Of a free frame both words are buddy.c's.
 *
 * Both change by compare-and-exchange alone, on any CPU and under no lock, but for a frame that
 * nobody else can find: one that is just taken from the heap or about to be given back to it.
 */
struct page {
    u64 count;
    u64 type;
};

#define PAGE_OWNER_SHIFT  48
#define PAGE_ALLOCATED    (1ull << 47)    /* the owner's own reference is still held */
#define PAGE_HEAP         (1ull << 46)    /* on a free list; the buddy allocator's business */
#define PAGE_SHARED       (1ull << 45)    /* the hypervisor's own, shared with its owner */
#define PAGE_REFS         0xffffffffull

/* Owners beside domains. The numbers are the ABI's reserved domain ids. */
#define OWNER_NONE        DOMID_INVALID   /* the hypervisor's own frames, and free ones */

#define frame_table       ((struct page *)FRAME_TABLE_VIRT)
/*
 * RAM or not, what lies below belongs to the firmware and to what looks for its tables there: it is
 * never in the heap, and a privileged domain may map it like device memory. The hypervisor only
 * starts its other CPUs from there, before any guest runs.
 */
#define LOW_MEMORY_END    0x100000

extern u64 max_mfn;                       /* first frame number above all RAM */

/* Of any number, which may turn out to be no frame's: integers may wrap, as pointers may not. */
static inline struct page *mfn_to_page(mfn_t m)
{
    return (struct page *)(FRAME_TABLE_VIRT + m.v * sizeof(struct page));
}

static inline mfn_t page_to_mfn(const struct page *pg)
{
    return MFN((u64)(pg - frame_table));
}

static inline bool mfn_is_ram(mfn_t m)
{
    return m.v < max_mfn;   /* in a hole the record reads as zero: no owner, no references */
}

static inline u16 page_owner(const struct page *pg)
{
    return (u16)(READ_ONCE(pg->count) >> PAGE_OWNER_SHIFT);
}

/* ---- hv_map.c: the hypervisor's own mappings ---- */
#define HV_RO    0x8000000000000001ull          /* present, no-execute */
#define HV_RW    0x8000000000000003ull
#define HV_RX    0x0000000000000001ull
#define HV_DEV   0x800000000000001bull          /* read-write, uncached (PWT, PCD): ours alone */
#define HV_DEV_SHARED (HV_DEV | 0x200)          /* the same, and the first domain may map it, too */

/*
 * Takes over from the boot page tables: direct map, frame table and M2P for all RAM of the boot
 * memory map, the image with text read-only and data no-execute. Then the heap gets what
 * heap_add() noted before. Once, on CPU 0; a machine that has too little memory ends in panic().
 */
void hv_map_init(void);
/*
 * Maps @pages frames from @m at @va (inside slots 256-271) with @flags, one of the HV_ above; the
 * tables come from the heap. 0, or -ENOMEM with those before mapped. There is no lock: at boot, or
 * an address that one caller alone has business with. Over an old mapping the caller flushes.
 */
int hv_map(unsigned long va, mfn_t m, unsigned long pages, u64 flags);
/* The entries go, and this CPU's translations; for those of other CPUs the caller sees. */
void hv_unmap(unsigned long va, unsigned long pages);
/*
 * Maps @len bytes of device memory or firmware tables, wherever they are, for good. NULL: none or
 * more than 1 GiB were asked for, or there is no memory for tables. At boot only. With HV_DEV the
 * frames are ours: no domain maps them.
 */
void *hv_map_device(maddr_t addr, size_t len, u64 flags);
/*
 * Device frame @m at MSIX_WINDOW_VIRT; false if it is none. The window is the machine's only one:
 * whoever uses it excludes others, and unmaps it before it lets them in.
 */
bool mm_window_map(mfn_t m);
void mm_window_unmap(void);
/*
 * The embedded kernel is not read any more: its part of the image becomes free memory. Once, when
 * the first domain is built.
 */
void hv_give_embedded(void);
mfn_t hv_root(void);                             /* the L4 of an idle CPU */
/*
 * Writes slots 256-271 of a level-4 table through @l4: from then on its owner must not be able to
 * write it (a validated table, or the boot tables).
 */
void hv_install_slots(u64 *l4);
/* The guests' view of the M2P, slot 256, is in this level-4 table or not. */
void hv_show_m2p(u64 *l4, bool show);
/*
 * One page of this CPU's GDT (slots 0-15) or LDT (16-31) window: frame @m, which the caller holds
 * as USE_SEGDESC for as long, or nothing. Where there is no GDT the page is one of empty
 * descriptors.
 */
void desc_window_set(unsigned int slot, mfn_t m, bool present);

/* ---- page_alloc.c: free frames ---- */
/*
 * Frames [@from, @end) are free and nobody's. Before hv_map_init() that is only noted, and an
 * early allocation may come from it.
 */
void heap_add(mfn_t from, mfn_t end);
/*
 * 2^@order frames, zeroed, for the hypervisor itself, in one run and aligned to its size, each
 * OWNER_NONE's with one reference. INVALID_MFN when there are none. Given back by free_hv_pages().
 */
mfn_t alloc_hv_frames(unsigned int order);
void *alloc_hv_pages(unsigned int order);        /* the same through the direct map, or NULL */
void *alloc_hv_low_page(void);                   /* one below 4 GiB: what the ABI wants there */
/*
 * @order must be the allocation's. Nobody has a reference on the pages any more; a page that was
 * shared with a domain has been taken back (unshare_hv_page).
 */
void free_hv_pages(void *p, unsigned int order);
/*
 * For the first domain's builder: one run of frames for @d, each with the owner's reference; not
 * cleared, since no one owned them before. The first run there is; if @high, above 4 GiB.
 * INVALID_MFN: no such run. The limit is not asked.
 */
mfn_t alloc_boot_frames(struct domain *d, u64 frames, bool high);
/* An idle CPU clears some of what is free: false when all is clear. One CPU at a time. */
bool heap_scrub(void);
/* Those among them that an idle CPU just clears are free too: who needs them waits for it. */
u64 heap_free_frames(void);
u64 heap_total_frames(void);                     /* all that heap_add() ever got */
u64 heap_promised(void);                         /* free ones that domains have a claim on */
u64 heap_listed_frames(void);                    /* counted anew; the machine stands still */

/* ---- claims.c: free frames that are set aside ---- */
void claim_drop(struct domain *d);               /* it has none any more; once dying, for good */

/* ---- domain_frames.c: frames that become a domain's ---- */
/*
 * 2^order frames, zeroed, for domain @d, each with the owner's reference; counted in d->tot_pages,
 * -ENOMEM when there are none, d->max_pages is reached or it is dying. Frames lie below 2^@bits
 * bytes (0: any). Takes d->lock. *@out is only a number: @d can have given them back already.
 */
int alloc_domain_frames(struct domain *d, unsigned int order, unsigned int bits, mfn_t *out);
/* The same, known to the M2P as @pfn and those that follow (INVALID_PFN: not known to it). */
int alloc_domain_frames_at(struct domain *d, unsigned int order, unsigned int bits, pfn_t pfn,
                           mfn_t *out);

/* ---- frame.c: owners and general references ---- */
/* A guest's references are refused above this; the rest is the hypervisor's reserve. */
#define PAGE_REFS_LIMIT 0xffff0000u

/*
 * A reference on @m if it is RAM owned by @owner; false otherwise, or if the count would overflow.
 * @m may be any number that a guest wrote. The reference keeps the frame allocated and its owner
 * the same; it says nothing of what the frame holds or who writes it: that is a use.
 *
 * These two are inline: everything that changes a page table calls them for each entry.
 */
static inline bool __must_check get_page(mfn_t m, u16 owner)
{
    struct page *pg;
    u64 old;

    if (unlikely(!mfn_is_ram(m)))
        return false;
    pg = mfn_to_page(MFN(index_nospec(m.v, max_mfn)));
    old = READ_ONCE(pg->count);
    do {
        /* One comparison for both ends: a free frame's 0 wraps to the top. */
        if (unlikely((old >> PAGE_OWNER_SHIFT) != owner || (u32)old - 1 >= PAGE_REFS_LIMIT))
            return false;
    } while (!cas(&pg->count, &old, old + 1));
    return true;
}

/* Its last reference is gone: for put_page() alone. */
void free_domain_frame(struct page *pg);
/* Gives one back, and frees the frame when it was the last. */
static inline void put_page(struct page *pg)
{
    u64 left = atomic_sub(&pg->count, 1);

    if (unlikely((u32)left == 0 || (u32)left == ~0u))
        free_domain_frame(pg);
}

/*
 * Makes hypervisor memory (alloc_hv_pages) mappable by @d, until it is unshared and nobody maps it
 * any more; to free it is the hypervisor's business then. Each keeps d's record.
 */
void share_hv_page(void *p, struct domain *d);
void unshare_hv_page(void *p);
/* Gives up the owner's own reference; -EBUSY if the frame is not d's any more. */
int release_domain_frame(struct domain *d, struct page *pg);
/*
 * What the M2P says of a frame: the owner's own notion, which guests set by mmu_update. Nothing
 * here trusts it. m2p_set() wants RAM; m2p_get() takes any number.
 */
void m2p_set(mfn_t m, pfn_t p);
pfn_t m2p_get(mfn_t m);

/* ---- page_type.c: what a frame is used as ---- */
enum page_use {
    USE_NONE, USE_L1, USE_L2, USE_L3, USE_L4, USE_SEGDESC, USE_WRITABLE
};

/*
 * Takes a use of @pg (the caller holds a general reference): 0, -EINVAL when it is in use as
 * something else or its contents are not fit, -ERESTART when it ran out of time (call again). The
 * first use as a table or of descriptors validates the frame, which can take long and takes
 * references on all that the table names.
 */
int get_page_type(struct page *pg, enum page_use use) __must_check;
/*
 * Gives it back. The last use of a table devalidates it; what of that takes too long is left to
 * mm_finish_put(), so this never fails.
 */
void put_page_type(struct page *pg);
enum page_use page_use(const struct page *pg);   /* USE_NONE if nothing holds a use */
bool page_is_pinned(const struct page *pg);

/*
 * Reference and use together; on failure neither is held. -EINVAL also for a frame that is not
 * @owner's.
 */
int get_page_and_type(mfn_t m, u16 owner, enum page_use use) __must_check;
void put_page_and_type(struct page *pg);

/* The three upper tables of a tree that failed half-way, and the old entry's. */
#define MAX_UNFINISHED 4
/*
 * Devalidation of a large table can run out of time. What is left is noted in the running vCPU
 * and finished, in slices, before that vCPU returns to its guest: true while there is more. Whether
 * there is any: mm_put_pending() of domain.h.
 */
bool mm_finish_put(struct vcpu *v);

/* ---- release.c: the end of a domain ---- */
/* Drops the roots of @v, which is off every CPU. */
void mm_drop_roots(struct vcpu *v);
/* Takes every frame from a dying domain that has no root nor descriptor table: 0 or -ERESTART. */
int mm_domain_release(struct domain *d);

/* ---- root.c ---- */
/*
 * Makes these the roots of @v, which has no context yet; @user may be INVALID_MFN. -ERESTART: to be
 * called again; what is taken so far stays with the vCPU, so that each try begins where the last
 * one stopped, and whoever gives up leaves it to mm_drop_roots(). Another error: it has none.
 */
int mm_take_roots(struct vcpu *v, mfn_t kernel, mfn_t user);
/* Loads @v's page-table root for its mode (kernel or user). */
void mm_load_root(struct vcpu *v);

/* ---- mmuext.c ---- */
/*
 * Makes @m, a level-4 table of its domain, the kernel root of @v, which runs, and drops its LDT, as
 * the ABI says of a new root. Errors: get_page_type(); then the old root stays.
 */
int mm_new_baseptr(struct vcpu *v, mfn_t m);

/* ---- pt_entry.c, guest_map.c ---- */
u64 mm_absent_mask(bool privileged);             /* struct domain's absent_mask; pt_entry.h */
void guest_map_free(struct domain *d);           /* the memory map that the toolstack gave it */

/*
 * ---- pt_walk.c: a guest's tables, read in software ----
 *
 * The kernel root's, whatever mode the vCPU is in. An entry comes as a pointer into the direct map,
 * with its table in *@table, whose use as L1 and reference the caller then holds: pt_update.c and
 * mm_exchange_l1e() are the only ones that write there. NULL: no such entry.
 */
/* The level-1 entry for @va. */
u64 *guest_l1e_get(struct vcpu *v, unsigned long va, struct page **table);
/* If @va maps a validated level-1 table of the domain's, the entry in it that @va lies in. */
u64 *mm_mapped_l1_get(struct vcpu *v, unsigned long va, struct page **table);
/* The frame that @va maps at this moment, INVALID_MFN: none. It is anybody's, and not held. */
mfn_t mm_guest_frame(struct vcpu *v, unsigned long va);

/* ---- pt_update.c ---- */
/*
 * The entry *@slot of @table, if it is *@old, becomes @new as mmu_update would make it: 0;
 * -EAGAIN with *@old set to what it is; another error: the guest may not have such an entry.
 */
int mm_exchange_l1e(struct domain *d, struct page *table, u64 *slot, u64 *old, u64 new);

/*
 * ---- pt_grant.c ----
 * Maps frame @m of domain @owner by the running vCPU's level-1 entry for @addr, or at machine
 * address @addr: 0; -ERESTART; another error: no such entry, or the frame can't be used so. @avail
 * goes to the entry's available bits.
 */
int mm_grant_map(u64 addr, bool machine, mfn_t m, bool writable, unsigned int avail, u16 owner);
/*
 * Clears the entry, if it maps @m with just these rights: 0 or -EINVAL. Other mappings of the same
 * table and TLBs are the caller's business.
 */
int mm_grant_unmap(u64 addr, bool machine, mfn_t m, bool writable);

/* ---- tlb.c: which masks are of CPUs, bit n for CPU n ---- */
extern u64 tlb_clock;                            /* counts flushes */
/* Now, on that clock, in 48 bits: never 0. Read after the last use of what it shall cover. */
static inline u64 tlb_stamp(void)
{
    return load_acquire(&tlb_clock) & ((1ull << 48) - 1);
}
void tlb_load_root(u64 cr3);                     /* loads CR3, which flushes, and notes it */
void tlb_flush_local(void);
/* All mappings, on those CPUs; waits, and serves the calls of others meanwhile. */
void tlb_flush_cpus(u64 cpumask);
/* The translations of @va alone; nothing if it is an address of ours. */
void tlb_flush_page_cpus(u64 cpumask, unsigned long va);
void tlb_flush_since(u64 stamp);                 /* every CPU that has not flushed since @stamp */

#endif
