/* SPDX-License-Identifier: MIT */
/*
 * The address space that a guest starts in, by pfn:
 *
 *     image | ramdisk | P2M | start_info | store | console | page tables | boot stack | free
 *     ------------------------------- mapped from virt_base on, to a 4 MiB boundary -------
 *     P2M apart and its tables | ramdisk, unmapped     (behind that, where the image asks for it)
 *
 * The boundary is at least 512 KiB past the stack. Tables lie in the order L4, L3s, L2s, L1s, and
 * are mapped read-only, since the hypervisor takes nothing else as a table.
 */
#include "libxllite.h"

#include <errno.h>
#include <string.h>

#define PTE_P    0x001UL
#define PTE_RW   0x002UL
#define PTE_USER 0x004UL
#define PTE_A    0x020UL
#define PTE_D    0x040UL
#define PTE_LEAF (PTE_P | PTE_RW | PTE_A)
#define PTE_LINK (PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D)

#define MAPPING_ALIGN ((4UL << 20) / XL_PAGE_SIZE)
#define MAPPING_SLACK ((512UL << 10) / XL_PAGE_SIZE)

/* Parts [first, last] of the address space at one level. */
struct parts {
    uint64_t first, last;
};

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes >> XL_PAGE_SHIFT) + (bytes % XL_PAGE_SIZE != 0);
}

static struct parts parts_of(uint64_t address, uint64_t pages, unsigned int level)
{
    uint64_t last = address + (pages << XL_PAGE_SHIFT) - 1;

    return (struct parts){ address >> LEVEL_SHIFT(level + 1), last >> LEVEL_SHIFT(level + 1) };
}

/* The only L4 covers everything; as a part it has no number of its own. */
static struct parts mapping_parts(const struct layout *l, unsigned int level)
{
    return level == 4 ? (struct parts){ 0, 0 } : parts_of(l->virt_base, l->mapped_pages, level);
}

static uint64_t count_mapping_tables(const struct layout *l)
{
    uint64_t count = 0;

    for (unsigned int level = 1; level <= 4; level++) {
        struct parts parts = mapping_parts(l, level);

        count += parts.last - parts.first + 1;
    }
    return count;
}

static void add_run(struct layout *l, unsigned int level, struct parts parts, xen_pfn_t *pfn)
{
    struct table_run *run = &l->run[l->nr_runs++];

    run->level = level;
    run->first = parts.first;
    run->count = parts.last - parts.first + 1;
    run->pfn = *pfn;
    *pfn += run->count;
}

/* Canonical, and clear of the hypervisor's part. */
static bool usable(uint64_t address, uint64_t pages)
{
    uint64_t end = address + (pages << XL_PAGE_SHIFT);

    if (pages >> (48 - XL_PAGE_SHIFT) || (end && end < address))
        return false;
    return (end && end <= 1UL << 47) || address >= HYPERVISOR_VIRT_END;
}

/* The mapping holds its own tables, so their number is a fixed point; it can only grow. */
static int place_mapping(struct layout *l, xen_pfn_t *next)
{
    uint64_t count = 0;
    uint64_t base = l->virt_base >> XL_PAGE_SHIFT;

    l->tables_pfn = *next;
    do {
        l->nr_tables = count;
        l->stack_pfn = l->tables_pfn + count;
        l->mapped_pages = base + l->stack_pfn + 1 + MAPPING_SLACK + MAPPING_ALIGN - 1;
        l->mapped_pages -= l->mapped_pages % MAPPING_ALIGN + base;
        if (!usable(l->virt_base, l->mapped_pages))
            return xl_fail(ENOEXEC, "the kernel's addresses are not a guest's to use");
        count = count_mapping_tables(l);
    } while (count != l->nr_tables);

    for (unsigned int level = 4; level >= 1; level--)
        add_run(l, level, mapping_parts(l, level), next);
    *next = l->mapped_pages;
    return 0;
}

/* The P2M's tables, but for those that the mapping has already. */
static void place_p2m_apart(struct layout *l, xen_pfn_t *next)
{
    l->p2m_pfn = *next;
    *next += l->p2m_pages;
    l->p2m_tables_pfn = *next;
    for (unsigned int level = 3; level >= 1; level--) {
        struct parts parts = parts_of(l->p2m_address, l->p2m_pages, level);
        struct parts have = mapping_parts(l, level);

        if (parts.first >= have.first && parts.first <= have.last)
            parts.first = have.last + 1;
        else if (parts.last >= have.first && parts.last <= have.last)
            parts.last = have.first - 1;
        if (parts.first <= parts.last)
            add_run(l, level, parts, next);
    }
    l->nr_p2m_tables = *next - l->p2m_tables_pfn;
}

static bool overlap(uint64_t a, uint64_t a_pages, uint64_t b, uint64_t b_pages)
{
    return a - b < b_pages << XL_PAGE_SHIFT || b - a < a_pages << XL_PAGE_SHIFT;
}

static int check(const struct layout *l)
{
    if (l->p2m_apart && (!usable(l->p2m_address, l->p2m_pages) ||
                         overlap(l->virt_base, l->mapped_pages, l->p2m_address, l->p2m_pages)))
        return xl_fail(ENOEXEC, "the kernel wants its P2M at an address that cannot be");
    if (l->used_pages > l->nr_pages)
        return xl_fail(ENOMEM, "memory: %lu MiB are too little, kernel and ramdisk need %lu",
                       l->nr_pages >> (20 - XL_PAGE_SHIFT),
                       (l->used_pages + (1UL << (20 - XL_PAGE_SHIFT)) - 1) >> (20 - XL_PAGE_SHIFT));
    return 0;
}

int layout_plan(struct layout *l, const struct image *image, uint64_t nr_pages,
                uint64_t ramdisk_size)
{
    xen_pfn_t next = pages_of(image->end);
    int rc;

    memset(l, 0, sizeof(*l));
    l->nr_pages = nr_pages;
    l->virt_base = image->virt_base;
    l->ramdisk_pages = pages_of(ramdisk_size);
    l->ramdisk_mapped = !image->ramdisk_unmapped;
    l->p2m_pages = pages_of(nr_pages * sizeof(xen_pfn_t));
    l->p2m_apart = image->has_init_p2m;
    /* What can't fit is refused before sums of such sizes can overflow. */
    if (next > nr_pages || l->ramdisk_pages > nr_pages)
        l->used_pages = next > nr_pages ? next : next + l->ramdisk_pages;
    if (l->used_pages)
        return check(l);

    if (l->ramdisk_mapped) {
        l->ramdisk_pfn = next;
        next += l->ramdisk_pages;
    }
    if (!l->p2m_apart) {
        l->p2m_pfn = next;
        l->p2m_address = layout_address(l, next);
        next += l->p2m_pages;
    } else {
        l->p2m_address = image->init_p2m;
    }
    l->start_info_pfn = next++;
    l->store_pfn = next++;
    l->console_pfn = next++;
    rc = place_mapping(l, &next);
    if (rc)
        return rc;
    l->used_pages = l->stack_pfn + 1;
    if (l->p2m_apart)
        place_p2m_apart(l, &next);
    if (!l->ramdisk_mapped) {
        l->ramdisk_pfn = next;
        next += l->ramdisk_pages;
    }
    if (next != l->mapped_pages)
        l->used_pages = next;
    return check(l);
}

uint64_t layout_address(const struct layout *l, xen_pfn_t pfn)
{
    return l->virt_base + (pfn << XL_PAGE_SHIFT);
}

static bool is_table(const struct layout *l, xen_pfn_t pfn)
{
    return pfn - l->tables_pfn < l->nr_tables || pfn - l->p2m_tables_pfn < l->nr_p2m_tables;
}

static uint64_t leaf(const struct layout *l, uint64_t page, const xen_pfn_t *p2m)
{
    uint64_t offset = page - (l->virt_base >> XL_PAGE_SHIFT) % (1UL << 36);
    xen_pfn_t pfn = l->nr_pages;

    if (offset < l->mapped_pages)
        pfn = offset;
    offset = page - (l->p2m_address >> XL_PAGE_SHIFT) % (1UL << 36);
    if (l->p2m_apart && offset < l->p2m_pages)
        pfn = l->p2m_pfn + offset;
    if (pfn >= l->nr_pages)
        return 0;
    return p2m[pfn] << XL_PAGE_SHIFT | (is_table(l, pfn) ? PTE_LEAF & ~PTE_RW : PTE_LEAF);
}

static uint64_t link_to(const struct layout *l, unsigned int level, uint64_t part,
                        const xen_pfn_t *p2m)
{
    for (unsigned int i = 0; i < l->nr_runs; i++) {
        const struct table_run *run = &l->run[i];
        /* Bits of a number that come from beyond the 48 are all alike, and say nothing. */
        uint64_t first = run->first % (1UL << (48 - LEVEL_SHIFT(level + 1)));

        if (run->level == level && part - first < run->count)
            return p2m[run->pfn + part - first] << XL_PAGE_SHIFT | PTE_LINK;
    }
    return 0;
}

void layout_fill_table(const struct layout *l, const struct table_run *run, uint64_t index,
                       const xen_pfn_t *p2m, uint64_t entries[LAYOUT_TABLE_ENTRIES])
{
    uint64_t part = run->level == 4 ? 0 :
        (run->first + index) % (1UL << (48 - LEVEL_SHIFT(run->level + 1)));

    for (unsigned int i = 0; i < LAYOUT_TABLE_ENTRIES; i++) {
        uint64_t below = part * LAYOUT_TABLE_ENTRIES + i;

        entries[i] = run->level == 1 ? leaf(l, below, p2m) : link_to(l, run->level - 1, below, p2m);
    }
}
