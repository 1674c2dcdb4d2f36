/* SPDX-License-Identifier: MIT */
/*
 * Free pages, their home addresses, and the page tables that those need (pvguest/mm.h).
 *
 * The builder maps the image and what it built, pfn 0 up to pv_boot_end, at PV_VIRT_BASE; what it
 * left free there is handed out first.  Pages from pv_boot_end on get their home at PV_DIRECT_BASE
 * when the allocator comes to them, up to the end of an L1 table (2 MiB) at a time.  RESERVE pages
 * are always kept ahead to build the tables for that.
 *
 * Obstacles are what no row of pages may cross: the seam between the two mappings, and stretches
 * that are not ours to use and get no home, a ramdisk and a P2M list outside the builder's mapping.
 */
#include "internal.h"

#define ENTRIES     512u
#define RESERVE     4u /* an L1, an L2 and an L3, and one to spare */
#define TABLE_FLAGS (PV_PTE_P | PV_PTE_RW | PV_PTE_USER | PV_PTE_A | PV_PTE_D)

/* Pages [start, end). */
struct range {
    uint64_t start, end;
};

/* These two are constant after pv_pages_init. */
uint64_t pv_boot_end;
static struct range obstacles[3];

/*
 * Guards the following, and the building of tables. Events are not disabled under it, so none of
 * this is for event handlers: one that interrupts its holder would wait for ever.
 */
static struct pv_spinlock lock = PV_SPINLOCK_INIT;
static uint64_t next_pfn;         /* pages from here on were never handed out */
static uint64_t mapped_end;       /* pages below this that can be handed out have their home */
static void *free_list;           /* pages given back, linked through their first word */
static uint64_t nr_free_list;

static uint64_t vmap_next = PV_VMAP_BASE;

/* ---- One page at a time; `lock` is held in all static functions ---- */

static void put_page(void *page)
{
    *(void **)page = free_list;
    free_list = page;
    nr_free_list++;
}

/* Cleared. From the list first: what was never handed out may still have to be mapped. */
static void *take_page(void)
{
    void *page = free_list;

    if (page) {
        free_list = *(void **)page;
        nr_free_list--;
    } else {
        if (next_pfn >= mapped_end)
            return NULL;
        page = pv_pfn_to_va(pv_pfn(next_pfn++));
    }
    memset(page, 0, PV_PAGE_SIZE);
    return page;
}

/* ---- Tables ---- */

/* A page that is mapped writable can't be a table: its home becomes read-only. */
static int make_table(void *page)
{
    return pv_update_va((uint64_t)page, pv_pte(pv_va_to_mfn(page), PV_PROT_RO), UVMF_INVLPG);
}

/* Turns a filled page into a table and enters it at `level` on the way to va. */
static int enter_table(void *page, uint64_t va, unsigned int level)
{
    int rc = make_table(page);

    return rc ? rc : pv_write_pte(pv_pte_maddr(pv_current_root(), va, level),
                                  pv_pte(pv_va_to_mfn(page), TABLE_FLAGS));
}

/* Builds the tables that are missing above `level` on the way to va in the current root. */
static int build_tables(uint64_t va, unsigned int level)
{
    for (unsigned int l = 4; l > level; l--) {
        const uint64_t *entry = pv_find_pte(pv_current_root(), va, l);
        void *table;
        int rc;

        if (!entry)
            return -XEN_EINVAL;
        if (*entry & PV_PTE_P)
            continue;
        table = take_page();
        if (!table)
            return -XEN_ENOMEM;
        rc = enter_table(table, va, l);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- Homes ---- */

/* 0 for a page that has no frame any more: it has no home either. */
static uint64_t home_pte(uint64_t pfn)
{
    pv_mfn_t mfn = pv_pfn_to_mfn(pv_pfn(pfn));

    return mfn.nr == PV_INVALID_FRAME ? 0 : pv_pte(mfn, PV_PROT_RW);
}

static uint64_t direct_va(uint64_t pfn)
{
    return PV_DIRECT_BASE + (pfn << PV_PAGE_SHIFT);
}

/* A stretch within an L1 table that exists. */
static int map_in_table(uint64_t start, uint64_t end)
{
    struct pv_batch batch;

    pv_batch_begin(&batch);
    for (uint64_t pfn = start; pfn < end; pfn++)
        pv_batch_add(&batch, pv_pte_maddr(pv_current_root(), direct_va(pfn), 1), home_pte(pfn));
    return pv_batch_flush(&batch);
}

/* A stretch within an L1 table that does not exist yet. */
static int map_in_new_table(uint64_t start, uint64_t end)
{
    uint64_t *table = take_page();

    if (!table)
        return -XEN_ENOMEM;
    for (uint64_t pfn = start; pfn < end; pfn++)
        table[pfn % ENTRIES] = home_pte(pfn);
    return enter_table(table, direct_va(start), 2);
}

/* Gives the pages from mapped_end to the end of its L1 table, or to an obstacle, their home. */
static int extend_direct_map(void)
{
    uint64_t start = mapped_end;
    uint64_t end = (start | (ENTRIES - 1)) + 1;
    int rc = build_tables(direct_va(start), 2);

    if (rc)
        return rc;
    if (end > pv_nr_pages())
        end = pv_nr_pages();
    for (size_t i = 0; i < PV_ARRAY_SIZE(obstacles); i++) {
        if (obstacles[i].start > start && obstacles[i].start < end)
            end = obstacles[i].start;
    }
    if (*pv_find_pte(pv_current_root(), direct_va(start), 2) & PV_PTE_P)
        rc = map_in_table(start, end);
    else
        rc = map_in_new_table(start, end);
    if (!rc)
        mapped_end = end;
    return rc;
}

/* The first obstacle within nr pages from next_pfn, or NULL. */
static const struct range *next_obstacle(uint64_t nr)
{
    const struct range *first = NULL;

    for (size_t i = 0; i < PV_ARRAY_SIZE(obstacles); i++) {
        const struct range *o = &obstacles[i];

        if (next_pfn < o->end && next_pfn + nr > o->start && (!first || o->start < first->start))
            first = o;
    }
    return first;
}

/* Goes on behind an obstacle; what lies before it becomes single pages. */
static void pass(const struct range *obstacle)
{
    while (mapped_end < obstacle->start && !extend_direct_map())
        ;
    for (; next_pfn < obstacle->start && next_pfn < mapped_end; next_pfn++)
        put_page(pv_pfn_to_va(pv_pfn(next_pfn)));
    next_pfn = obstacle->end;
    if (mapped_end < next_pfn)
        mapped_end = next_pfn;
}

/* Sees to it that nr pages in a row follow at next_pfn, and the reserve behind them. */
static bool prepare_pages(unsigned int nr)
{
    uint64_t want = (uint64_t)nr + RESERVE;
    const struct range *obstacle;

    while ((obstacle = next_obstacle(want)))
        pass(obstacle);
    while (mapped_end < next_pfn + want && mapped_end < pv_nr_pages()) {
        if (extend_direct_map())
            break;
    }
    return next_pfn + nr <= mapped_end;
}

/* ---- What others call ---- */

int pv_prepare_tables(uint64_t va)
{
    int rc;

    pv_spin_lock(&lock);
    prepare_pages(3);
    rc = build_tables(va, 1);
    pv_spin_unlock(&lock);
    return rc;
}

void *pv_alloc_page(void)
{
    void *page;

    pv_spin_lock(&lock);
    if (!free_list)
        prepare_pages(1);
    page = take_page();
    pv_spin_unlock(&lock);
    return page;
}

/* In a row, which only pages that were never handed out are for sure; cleared without the lock. */
void *pv_alloc_pages(unsigned int nr)
{
    void *pages = NULL;

    pv_spin_lock(&lock);
    if (prepare_pages(nr)) {
        pages = pv_pfn_to_va(pv_pfn(next_pfn));
        next_pfn += nr;
    }
    pv_spin_unlock(&lock);
    if (pages)
        memset(pages, 0, nr * PV_PAGE_SIZE);
    return pages;
}

void pv_free_page(void *page)
{
    pv_spin_lock(&lock);
    put_page(page);
    pv_spin_unlock(&lock);
}

void pv_free_pages(void *pages, unsigned int nr)
{
    for (unsigned int i = 0; pages && i < nr; i++)
        pv_free_page((char *)pages + i * PV_PAGE_SIZE);
}

/* Those not yet mapped are counted: they will have their home when they are wanted. */
uint64_t pv_nr_free_pages(void)
{
    uint64_t nr;

    pv_spin_lock(&lock);
    nr = pv_nr_pages() - next_pfn + nr_free_list;
    for (size_t i = 0; i < PV_ARRAY_SIZE(obstacles); i++) {
        if (obstacles[i].start >= next_pfn)
            nr -= obstacles[i].end - obstacles[i].start;
    }
    pv_spin_unlock(&lock);
    return nr;
}

void *pv_alloc_table(void)
{
    void *page = pv_alloc_page();

    if (page && make_table(page)) {
        pv_free_page(page);
        return NULL;
    }
    return page;
}

/* Only once nothing uses it as a table does the hypervisor let its home be writable again. */
int pv_free_table(void *table)
{
    int rc = pv_update_va((uint64_t)table, pv_pte(pv_va_to_mfn(table), PV_PROT_RW), UVMF_INVLPG);

    if (!rc)
        pv_free_page(table);
    return rc;
}

/* Addresses are never given back: there are far more than a guest can use. */
uint64_t pv_vmap_alloc(unsigned int nr)
{
    return __atomic_fetch_add(&vmap_next, nr * PV_PAGE_SIZE, __ATOMIC_RELAXED);
}

/* ---- Boot ---- */

static bool builder_mapped(uint64_t pfn)
{
    const uint64_t *pte = pv_find_pte(pv_current_root(), PV_VIRT_BASE + (pfn << PV_PAGE_SHIFT), 1);

    return pte && *pte & PV_PTE_P;
}

/*
 * In this order: until pv_boot_end is known, every page counts as mapped by the builder, which is
 * true of its tables; through them is found out how far that goes.
 */
void pv_pages_init(void)
{
    const struct start_info *si = pv_start_info;
    uint64_t mod_pages = (si->mod_len + PV_PAGE_SIZE - 1) / PV_PAGE_SIZE;

    /* The first tables lie in the builder's mapping, so walking them needs no more than this. */
    pv_boot_end = pv_nr_pages();
    pv_this_vcpu()->root = pv_va_to_mfn((void *)si->pt_base);

    /* The builder's stack is the last thing it laid out, one page behind the tables. */
    next_pfn = pv_va_to_pfn((void *)si->pt_base).nr + si->nr_pt_frames + 1;
    mapped_end = next_pfn;
    while (mapped_end < pv_nr_pages() && builder_mapped(mapped_end))
        mapped_end++;
    pv_boot_end = mapped_end;

    obstacles[0] = (struct range){ pv_boot_end, pv_boot_end };
    obstacles[1] = (struct range){ si->first_p2m_pfn, si->first_p2m_pfn + si->nr_p2m_frames };
    if (si->flags & SIF_MOD_START_PFN)
        obstacles[2] = (struct range){ si->mod_start, si->mod_start + mod_pages };
}
