/* SPDX-License-Identifier: MIT */
/*
 * What the CPUs remember of page tables. Each caches translations, and the tables that upper
 * entries named (paging-structure caches), until it loads CR3; nothing else makes it forget. A
 * walk may begin at a cached table, reads memory as it is then, and sets accessed and dirty
 * bits, as hardware does.
 */
#include <string.h>

#include "machine.h"

struct cached_table {
    unsigned int level;             /* of the table */
    unsigned int index[4];          /* the way to it, from the root */
    u64 mfn;
    u16 owner;
    bool writable;                  /* so far */
};

#define TABLE_ENTRIES 6

static struct tlb {
    struct tlb_entry entries[TLB_ENTRIES];
    unsigned int nr;
    struct cached_table tables[TABLE_ENTRIES];
    unsigned int nr_tables;
} tlbs[CPUS];

static struct tlb *mine(void)
{
    return &tlbs[host_cpu()];
}

void tlb_forget(void)
{
    memset(mine(), 0, sizeof(*mine()));
}

const struct tlb_entry *tlb_any(void)
{
    return mine()->nr ? &mine()->entries[below(mine()->nr)] : NULL;
}

/*
 * Free frames may be remembered: they are cleared after the flush that comes before they are
 * used again. So may BUSY ones, until the flush. Any other has no use, or had none, but what
 * the CPU takes it for.
 */
static bool may_be_stale(const struct page *pg)
{
    return (pg->count & PAGE_REFS) == 0 || (pg->type & TYPE_BUSY);
}

static void check_table(const struct cached_table *t)
{
    struct page *pg = mfn_to_page(MFN(t->mfn));
    enum page_use use = type_use(pg->type);

    if (may_be_stale(pg))
        return;
    require(page_owner(pg) == t->owner, "CPU walks frame %lu of domain %u, was %u's",
            (unsigned long)t->mfn, page_owner(pg), t->owner);
    /* Behind a linear entry, which is not writable, it takes tables for ones of a lower level. */
    require(use == USE_NONE || use == (enum page_use)t->level ||
            (!t->writable && use > (enum page_use)t->level && is_table_use(use)),
            "CPU walks frame %lu as level %u, its use is %u", (unsigned long)t->mfn, t->level, use);
}

static void check_entry(const struct tlb_entry *e)
{
    struct page *pg = mfn_to_page(MFN(e->mfn));
    enum page_use use = type_use(pg->type);

    if (may_be_stale(pg))
        return;
    require(page_owner(pg) == e->owner, "stale translation: frame %lu of domain %u, was %u's",
            (unsigned long)e->mfn, page_owner(pg), e->owner);
    require(!e->writable || use == USE_NONE || use == USE_WRITABLE,
            "frame %lu writable in a TLB, its use is %u", (unsigned long)e->mfn, use);
}

void tlb_check(void)
{
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        for (unsigned int i = 0; i < tlbs[cpu].nr; i++)
            check_entry(&tlbs[cpu].entries[i]);
        for (unsigned int i = 0; i < tlbs[cpu].nr_tables; i++)
            check_table(&tlbs[cpu].tables[i]);
    }
}

static bool same_way(const struct cached_table *t, const unsigned int *index)
{
    for (unsigned int level = 4; level > t->level; level--)
        if (t->index[level - 1] != index[level - 1])
            return false;
    return true;
}

/* Where the walk begins: the root, or, now and then, a cached table further down. */
static struct cached_table begin(const unsigned int *index)
{
    struct cached_table root = {
        .level = 4, .mfn = host_read_cr3() >> PAGE_SHIFT, .writable = true,
    };

    root.owner = page_owner(mfn_to_page(MFN(root.mfn)));
    for (unsigned int i = 0; i < mine()->nr_tables; i++)
        if (same_way(&mine()->tables[i], index) && below(4))
            return mine()->tables[i];
    return root;
}

static void remember_table(const struct cached_table *t)
{
    struct tlb *tlb = mine();
    unsigned int at = tlb->nr_tables < TABLE_ENTRIES ? tlb->nr_tables++
                                                     : (unsigned int)below(TABLE_ENTRIES);

    tlb->tables[at] = *t;
}

static const struct tlb_entry *remember(u64 pte, bool writable)
{
    struct tlb *tlb = mine();
    u64 mfn = pte_mfn(pte).v;
    struct tlb_entry *e;

    if (mfn >= max_mfn || mfn_is_device(MFN(mfn)))
        return NULL;
    e = &tlb->entries[tlb->nr < TLB_ENTRIES ? tlb->nr++ : (unsigned int)below(TLB_ENTRIES)];
    e->mfn = mfn;
    e->owner = page_owner(mfn_to_page(MFN(mfn)));
    e->writable = writable;
    return e;
}

const struct tlb_entry *tlb_touch(const unsigned int index[4])
{
    struct cached_table t = begin(index);
    u64 *table, pte;

    memcpy(t.index, index, sizeof(t.index));
    for (; t.level > 1; t.level--) {
        check_table(&t);
        pte = ((u64 *)mfn_to_virt(MFN(t.mfn)))[index[t.level - 1]];
        /* Without USER: behind a linear entry, one of the hypervisor's. */
        if (!(pte & PTE_P) || !(pte & PTE_USER))
            return NULL;
        require(!(pte & PTE_PSE) && pte_mfn(pte).v < max_mfn, "CPU finds entry %#lx at level %u",
                (unsigned long)pte, t.level);
        t.mfn = pte_mfn(pte).v;
        t.owner = page_owner(mfn_to_page(MFN(t.mfn)));
        t.writable = t.writable && (pte & PTE_RW);
        t.level--;
        remember_table(&t);
        t.level++;
    }
    check_table(&t);
    table = mfn_to_virt(MFN(t.mfn));
    pte = table[index[0]];
    if (!(pte & PTE_P) || !(pte & PTE_USER))
        return NULL;
    table[index[0]] |= PTE_A | (t.writable && (pte & PTE_RW) ? PTE_D : 0);
    return remember(pte, t.writable && (pte & PTE_RW));
}
