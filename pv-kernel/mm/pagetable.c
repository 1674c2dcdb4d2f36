/* SPDX-License-Identifier: MIT */
/*
 * Page tables of a space: walking, building, taking apart.
 *
 * A sealed space's tables are known to the hypervisor (its two roots are pinned): they are read at
 * their home addresses and changed by hypercalls. A space that fork builds is unsealed: its tables
 * are plain pages, filled by stores, until pt_seal() makes all of them read-only and pins the
 * roots, by a few hypercalls for the whole tree. Taking apart goes the same way back.
 */
#include "mm/internal.h"

#define ENTRIES     512u
#define USER_SLOTS  256u
#define FIRST_KERNEL_SLOT 272u  /* behind the hypervisor's own */
#define TABLE_FLAGS (PV_PTE_P | PV_PTE_RW | PV_PTE_USER | PV_PTE_A | PV_PTE_D)

static unsigned int table_index(uint64_t va, unsigned int level)
{
    return va >> (PAGE_SHIFT + 9 * (level - 1)) & (ENTRIES - 1);
}

static uint64_t level_size(unsigned int level)
{
    return 1ul << (PAGE_SHIFT + 9 * (level - 1));
}

void *pte_page(uint64_t pte)
{
    return pv_pfn_to_va(pv_mfn_to_pfn(pv_pte_mfn(pte)));
}

uint64_t pte_flags(int prot, bool writable)
{
    uint64_t flags = PV_PTE_USER | PV_PTE_A;

    flags |= prot & (PROT_READ | PROT_WRITE | PROT_EXEC) ? PV_PTE_P : PTE_NONE;
    if (prot & PROT_WRITE && writable)
        flags |= PV_PTE_RW | PV_PTE_D;
    return prot & PROT_EXEC ? flags : flags | PV_PTE_NX;
}

uint64_t pt_maddr(const uint64_t *entry)
{
    uint64_t va = (uint64_t)entry;

    return (pv_va_to_mfn((void *)ALIGN_DOWN(va, PAGE_SIZE)).nr << PAGE_SHIFT) + va % PAGE_SIZE;
}

/* ---- Walking ---- */

/* The lowest table on the way to va, down to level 1; *level says which it is. */
static uint64_t *walk(struct space *s, uint64_t va, unsigned int *level)
{
    uint64_t *table = s->kroot;

    if (s->last_table && s->last_span == va / L1_SPAN) {
        *level = 1;
        return s->last_table;
    }
    for (*level = 4; *level > 1; --*level) {
        uint64_t entry = table[table_index(va, *level)];

        if (!(entry & PV_PTE_P))
            return table;
        table = pte_page(entry);
    }
    s->last_table = table;
    s->last_span = va / L1_SPAN;
    return table;
}

const uint64_t *pt_entry(struct space *s, uint64_t va)
{
    unsigned int level;
    uint64_t *table = walk(s, va, &level);

    return level == 1 ? &table[table_index(va, 1)] : NULL;
}

const uint64_t *pt_next(struct space *s, uint64_t *va, uint64_t end)
{
    while (*va < end) {
        unsigned int level;
        uint64_t *table = walk(s, *va, &level);

        if (level == 1 && table[table_index(*va, 1)])
            return &table[table_index(*va, 1)];
        do {
            *va = ALIGN_DOWN(*va, level_size(level)) + level_size(level);
        } while (*va < end && table_index(*va, level) && !table[table_index(*va, level)]);
    }
    return NULL;
}

/* ---- Changing leaves ---- */

void pt_flush(struct space *s)
{
    if (s == active_space)
        pv_mmuext_va(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

int pt_set(struct space *s, uint64_t va, uint64_t pte)
{
    int rc;

    if (s == active_space)
        return pv_update_va(va, pte, UVMF_INVLPG);
    rc = pt_build(s, va);
    return rc ? rc : pv_write_pte(pt_maddr(pt_entry(s, va)), pte);
}

void pt_clear(struct space *s, uint64_t start, uint64_t end)
{
    void *pages[PV_BATCH_MAX];
    const uint64_t *entry;

    do {
        struct pv_batch batch;
        unsigned int nr = 0;

        pv_batch_begin(&batch);
        while (batch.nr < PV_BATCH_MAX && (entry = pt_next(s, &start, end))) {
            if (!(*entry & PTE_FOREIGN))
                pages[nr++] = pte_page(*entry);
            pv_batch_add(&batch, pt_maddr(entry), 0);
            start += PAGE_SIZE;
        }
        if (!batch.nr)
            return;
        BUG_ON(pv_batch_flush(&batch));
        pt_flush(s);
        while (nr > 0)
            frame_put(pages[--nr]);
    } while (entry);
}

/* ---- Building ---- */

/* Enters a table below `parent`; a level-3 table goes into both roots. */
static int enter_table(struct space *s, uint64_t *parent, unsigned int level, uint64_t va,
                       void *table)
{
    uint64_t pte = pv_pte(pv_va_to_mfn(table), TABLE_FLAGS);
    int rc = pv_write_pte(pt_maddr(&parent[table_index(va, level)]), pte);

    if (rc || level < 4)
        return rc;
    rc = pv_write_pte(pt_maddr(&s->uroot[table_index(va, 4)]), pte);
    if (rc)
        pv_write_pte(pt_maddr(&parent[table_index(va, 4)]), 0);
    return rc;
}

int pt_build(struct space *s, uint64_t va)
{
    unsigned int level;
    uint64_t *parent;

    while (parent = walk(s, va, &level), level > 1) {
        void *table = pv_alloc_table();

        if (!table)
            return -ENOMEM;
        if (enter_table(s, parent, level, va, table)) {
            pv_free_table(table);
            return -ENOMEM;
        }
    }
    return 0;
}

uint64_t *pt_build_plain(struct space *s, uint64_t va)
{
    unsigned int level;
    uint64_t *parent;

    while (parent = walk(s, va, &level), level > 1) {
        void *table = pv_alloc_page();

        if (!table)
            return NULL;
        parent[table_index(va, level)] = pv_pte(pv_va_to_mfn(table), TABLE_FLAGS);
        if (level == 4)
            s->uroot[table_index(va, 4)] = parent[table_index(va, 4)];
    }
    return &parent[table_index(va, 1)];
}

int pt_make_roots(struct space *s)
{
    const uint64_t *kernel = pte_page(pv_pte(pv_current_root(), 0));

    s->kroot = pv_alloc_page();
    s->uroot = pv_alloc_page();
    if (!s->kroot || !s->uroot) {
        if (s->kroot)
            pv_free_page(s->kroot);
        return -ENOMEM;
    }
    for (unsigned int slot = FIRST_KERNEL_SLOT; slot < ENTRIES; slot++)
        s->kroot[slot] = kernel[slot];
    return 0;
}

/* ---- The whole tree ---- */

/* Tables whose home mapping changes, a batch at a time. */
struct table_batch {
    struct pv_batch batch;
    void *tables[PV_BATCH_MAX];
    unsigned int nr;
    uint64_t flags;             /* of the home mapping: PV_PROT_RO seals, PV_PROT_RW frees */
};

static void begin_tables(struct table_batch *t, uint64_t flags)
{
    pv_batch_begin(&t->batch);
    t->nr = 0;
    t->flags = flags;
}

static int flush_tables(struct table_batch *t)
{
    int rc = pv_batch_flush(&t->batch);

    pv_mmuext_va(MMUEXT_TLB_FLUSH_LOCAL, 0);
    for (unsigned int i = 0; i < t->nr && !rc && t->flags == PV_PROT_RW; i++)
        pv_free_page(t->tables[i]);
    t->nr = 0;
    return rc;
}

static void add_table(struct table_batch *t, void *table)
{
    if (t->nr == PV_BATCH_MAX)
        flush_tables(t);
    t->tables[t->nr++] = table;
    pv_batch_add(&t->batch, pv_pte_maddr(pv_current_root(), (uint64_t)table, 1),
                 pv_pte(pv_va_to_mfn(table), t->flags));
}

/* All tables below and including this one, children first. */
static void each_table(uint64_t *table, unsigned int level, struct table_batch *t)
{
    unsigned int nr = level == 4 ? USER_SLOTS : ENTRIES;

    for (unsigned int i = 0; i < nr && level > 1; i++) {
        if (table[i] & PV_PTE_P)
            each_table(pte_page(table[i]), level - 1, t);
    }
    add_table(t, table);
}

int pt_seal(struct space *s)
{
    struct table_batch t;
    int rc;

    begin_tables(&t, PV_PROT_RO);
    each_table(s->kroot, 4, &t);
    add_table(&t, s->uroot);
    rc = flush_tables(&t);
    if (!rc)
        rc = pv_pin(pv_va_to_mfn(s->kroot), 4);
    if (rc)
        return rc;
    rc = pv_pin(pv_va_to_mfn(s->uroot), 4);
    if (rc)
        pv_unpin(pv_va_to_mfn(s->kroot));
    s->sealed = !rc;
    return rc;
}

static void put_leaves(struct space *s)
{
    const uint64_t *entry;

    for (uint64_t va = 0; (entry = pt_next(s, &va, USER_END)); va += PAGE_SIZE) {
        if (!(*entry & PTE_FOREIGN))
            frame_put(pte_page(*entry));
    }
}

void pt_free(struct space *s)
{
    struct table_batch t;

    begin_tables(&t, PV_PROT_RW);
    if (s->sealed) {
        BUG_ON(pv_unpin(pv_va_to_mfn(s->uroot)));
        BUG_ON(pv_unpin(pv_va_to_mfn(s->kroot)));
    }
    put_leaves(s);
    each_table(s->kroot, 4, &t);
    add_table(&t, s->uroot);
    BUG_ON(flush_tables(&t));
}
