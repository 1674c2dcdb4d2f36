/* SPDX-License-Identifier: MIT */
/*
 * The first domain's page tables. They are written as a guest would want them, every table
 * mapped read-only, and then go through the same validation as any guest's: the builder has no
 * privilege over the frame types.
 */
#include "boot/dom0.h"
#include "lib/string.h"
#include "mm/internal.h"

/* The next free page of a run that was counted before. */
struct supply {
    const struct dom0 *b;
    u64 next, end;              /* pfns */
};

/* How many tables of 2^@shift bytes' reach [first, last] touches. */
static u64 span(u64 first, u64 last, unsigned int shift)
{
    return (last >> shift) - (first >> shift) + 1;
}

u64 dom0_count_tables(u64 va, u64 pages, unsigned int top)
{
    u64 last = va + (pages << PAGE_SHIFT) - 1, tables = 0;

    for (unsigned int level = 1; level <= top; level++)
        tables += span(va, last, PAGE_SHIFT + 9 * level);
    return tables;
}

/* Cleared: the run was not. That it is enough was counted before. */
static u64 *new_table(struct supply *s, mfn_t *m)
{
    BUG_ON(s->next >= s->end);
    *m = mfn_add(s->b->base, s->next);
    return memset(dom0_page(s->b, s->next++), 0, PAGE_SIZE);
}

/* The level-1 entry for @va; tables on the way are made. */
static u64 *leaf_of(struct supply *s, u64 va)
{
    u64 *table = mfn_to_virt(s->b->root);
    mfn_t m;

    for (unsigned int level = 4; level > 1; level--) {
        u64 *e = &table[pt_index(va, level)];

        if (*e & PTE_P) {
            table = mfn_to_virt(pte_mfn(*e));
        } else {
            table = new_table(s, &m);
            *e = mfn_to_maddr(m).v | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_USER;
        }
    }
    return &table[pt_index(va, 1)];
}

static bool is_table(const struct dom0 *b, u64 pfn)
{
    return (pfn >= b->tables_pfn && pfn < b->tables_pfn + b->nr_tables) ||
           (pfn >= b->p2m_tables_pfn && pfn < b->p2m_tables_pfn + b->nr_p2m_tables);
}

/* Read-only where a page is a table itself, or no table would be valid. */
static void map_run(struct supply *s, u64 va, u64 pfn, u64 pages)
{
    for (u64 i = 0; i < pages; i++) {
        u64 flags = PTE_P | PTE_A | (is_table(s->b, pfn + i) ? 0 : PTE_RW);

        *leaf_of(s, va + (i << PAGE_SHIFT)) =
            mfn_to_maddr(mfn_add(s->b->base, pfn + i)).v | flags;
    }
}

/* Validation may ask to be called again for pending work: here there is none, so at once. */
void dom0_write_tables(struct dom0 *b)
{
    struct supply tables = { b, b->tables_pfn, b->tables_pfn + b->nr_tables };
    struct supply p2m = { b, b->p2m_tables_pfn, b->p2m_tables_pfn + b->nr_p2m_tables };
    struct page *pg;
    int rc;

    new_table(&tables, &b->root);
    map_run(&tables, b->img.virt_base, 0, b->mapped_pages);
    if (b->nr_p2m_tables)
        map_run(&p2m, b->img.init_p2m, b->p2m_pfn, b->p2m_pages);
    do {
        rc = get_page_and_type(b->root, b->d->id, USE_L4);
    } while (rc == -ERESTART);
    if (rc)
        panic("first domain: its page tables don't hold: error %d", rc);
    pg = mfn_to_page(b->root);
    type_set_pin(pg);
}
