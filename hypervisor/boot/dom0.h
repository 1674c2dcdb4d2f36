/* SPDX-License-Identifier: MIT */
/* What the two halves of the first domain's builder share: the plan, and the tables. */
#ifndef BOOT_DOM0_H
#define BOOT_DOM0_H

#include "boot/boot.h"
#include "domain/domain.h"

/*
 * The initial memory of the domain, from virt_base on, in this order; pfns count from virt_base:
 *
 *      kernel | ramdisk (if mapped) | P2M (if it has no place of its own) | start_info |
 *      page tables | stack page | up to a 4 MiB boundary
 *
 * and behind it, not mapped there: ramdisk (SIF_MOD_START_PFN), P2M and its page tables (INIT_P2M).
 * All of it is one run of machine frames. A start of 0 and size of 0 means: not there.
 */
struct dom0 {
    struct domain *d;
    struct elf_image img;
    u64 nr_pages;               /* of the whole domain */

    u64 ramdisk_pfn, ramdisk_pages, ramdisk_len;    /* the last in bytes */
    u64 p2m_pfn, p2m_pages;     /* the array itself */
    u64 start_info_pfn;
    u64 tables_pfn, nr_tables;
    u64 p2m_tables_pfn, nr_p2m_tables;
    u64 stack_pfn;
    u64 mapped_pages;           /* virt_base up to here */
    u64 initial_pages;          /* one run: mapped and not */
    mfn_t base;                 /* its first frame */
    mfn_t root;                 /* the level-4 table */
};

static inline void *dom0_page(const struct dom0 *b, u64 pfn)
{
    return mfn_to_virt(mfn_add(b->base, pfn));
}

static inline u64 dom0_va(const struct dom0 *b, u64 pfn)
{
    return b->img.virt_base + (pfn << PAGE_SHIFT);
}

/* dom0_tables.c: how many tables levels 1 to @top need to map [va, va + pages) */
u64 dom0_count_tables(u64 va, u64 pages, unsigned int top);
/* Writes the tables and the P2M's own, and takes the root's use as a pinned level-4 table. */
void dom0_write_tables(struct dom0 *b);

#endif
