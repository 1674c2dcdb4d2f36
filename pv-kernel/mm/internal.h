/* SPDX-License-Identifier: MIT */
/* What the files of mm/ share: frames, page tables, and the inside of a space. */
#ifndef PVK_MM_INTERNAL_H
#define PVK_MM_INTERNAL_H

#include "mm/mm.h"

struct space {
    unsigned int refs;
    uint64_t *kroot, *uroot;    /* level-4 tables; the user half is the same in both */
    bool sealed;                /* its tables are read-only and the roots pinned */
    struct list vmas;           /* in address order, never overlapping */
    uint64_t brk_start, brk;
    /* The level-1 table that was last used, and its va / L1_SPAN. Tables go with the space only. */
    uint64_t *last_table;       /* NULL: none yet */
    uint64_t last_span;
};

/*
 * A leaf of the user half is one of: 0; a counted frame of ours; PTE_FOREIGN, a frame that is not
 * counted (another domain's, a device's); or PTE_NONE, a counted frame that nobody may touch now
 * (PROT_NONE), kept in an entry that is not present.
 */
#define L1_SPAN     (PAGE_SIZE * 512)       /* bytes that one level-1 table maps */
#define PTE_FOREIGN 0x200ul
#define PTE_NONE    0x400ul

void frames_init(void);         /* frame.c */

void kmalloc_init(void);        /* kmalloc.c */

/* ---- vma.c: the list of mappings; pure ---- */
struct vma *vma_find(struct list *vmas, uint64_t va);
struct vma *vma_first_after(struct list *vmas, uint64_t va);    /* that ends behind va, or NULL */
void vma_insert(struct list *vmas, struct vma *vma);
/* Makes `at`, inside @vma, a border: the upper part is a new vma, returned; NULL: no memory. */
struct vma *vma_split(struct vma *vma, uint64_t at);
/* Borders at both ends of [start, end), where they lie inside a vma; false: no memory. */
bool vma_split_range(struct list *vmas, uint64_t start, uint64_t end);
/* Makes neighbours that differ in nothing one, where they meet in [start, end]. */
void vma_merge(struct list *vmas, uint64_t start, uint64_t end);
/* The lowest gap of @len bytes in [low, high); 0: none. */
uint64_t vma_gap(struct list *vmas, uint64_t len, uint64_t low, uint64_t high);
struct vma *vma_copy(const struct vma *vma);    /* unlinked, with a reference of its own */
void vma_free(struct vma *vma);

/* ---- pagetable.c ---- */
void *pte_page(uint64_t pte);   /* home address of the frame in an entry */
uint64_t pte_flags(int prot, bool writable);
const uint64_t *pt_entry(struct space *s, uint64_t va);         /* NULL: no table */
uint64_t pt_maddr(const uint64_t *entry);
int pt_build(struct space *s, uint64_t va);     /* sealed: the tables above va's leaf */
uint64_t *pt_build_plain(struct space *s, uint64_t va);         /* unsealed: the leaf, or NULL */
/* The next entry that is not 0 from *va on, below end; moves *va to it. NULL: none. */
const uint64_t *pt_next(struct space *s, uint64_t *va, uint64_t end);
int pt_set(struct space *s, uint64_t va, uint64_t pte);         /* the leaf, flushed */
int pt_make_roots(struct space *s);
int pt_seal(struct space *s);
void pt_free(struct space *s);  /* drops the counts of what is mapped, and all tables */
/* Clears [start, end) and drops the counts. */
void pt_clear(struct space *s, uint64_t start, uint64_t end);
void pt_flush(struct space *s); /* the TLB, if @s may be in it */

/* ---- space.c ---- */
extern struct space *active_space;

/* ---- fault.c ---- */
int fault_in(struct vma *vma, uint64_t va, bool write);         /* 0, -ENOMEM, -EFAULT, -EIO */

#endif
