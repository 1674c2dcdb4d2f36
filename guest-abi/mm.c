/* SPDX-License-Identifier: MIT */
/*
 * Frame numbers, free pages and page tables under direct paging (pvguest/mm.h).
 *
 * The builder maps the image and what it built, pfn 0 up to boot_end, at PV_VIRT_BASE.  Pages
 * from boot_end on get their home at PV_DIRECT_BASE, 2 MiB (one L1 table) at a time, when the
 * allocator comes to them; RESERVE pages are kept to build the tables for that.
 */
#include "internal.h"

#define ENTRIES      512u
#define RESERVE      4u     /* an L1, an L2 and an L3, and the page asked for */
#define TABLE_FLAGS  (PV_PTE_P | PV_PTE_RW | PV_PTE_USER | PV_PTE_A | PV_PTE_D)

/* Guards what follows, and the building of tables. */
static struct pv_spinlock lock = PV_SPINLOCK_INIT;
static uint64_t next_pfn;      /* never handed out from here on */
static uint64_t mapped_end;    /* pages below this have their home mapped */
static void *free_list;        /* pages given back, linked through their first word */
static uint64_t nr_free_list;
static uint64_t vmap_next = PV_VMAP_BASE;

static uint64_t boot_end;      /* constant after pv_mm_init */

/* ---- Frame numbers ---- */

uint64_t pv_nr_pages(void)
{
    return pv_start_info->nr_pages;
}

static uint64_t *p2m(void)
{
    return (uint64_t *)pv_start_info->mfn_list;
}

pv_mfn_t pv_pfn_to_mfn(pv_pfn_t pfn)
{
    return pv_mfn(pfn.nr < pv_nr_pages() ? p2m()[pfn.nr] : PV_INVALID_FRAME);
}

void pv_set_pfn(pv_pfn_t pfn, pv_mfn_t mfn)
{
    if (pfn.nr < pv_nr_pages())
        p2m()[pfn.nr] = mfn.nr;
}

pv_pfn_t pv_mfn_to_pfn(pv_mfn_t mfn)
{
    uint64_t entry = MACH2PHYS_VIRT_START + mfn.nr * 8;
    uint64_t pfn;

    /* The table has entries for frames that exist; past its end the read faults. */
    if (entry < MACH2PHYS_VIRT_START || entry >= MACH2PHYS_VIRT_END || pv_probe_read(entry, &pfn))
        return pv_pfn(PV_INVALID_FRAME);
    return pv_pfn(pv_pfn_to_mfn(pv_pfn(pfn)).nr == mfn.nr ? pfn : PV_INVALID_FRAME);
}

void *pv_pfn_to_va(pv_pfn_t pfn)
{
    return (void *)((pfn.nr < boot_end ? PV_VIRT_BASE : PV_DIRECT_BASE) +
                    (pfn.nr << PV_PAGE_SHIFT));
}

pv_pfn_t pv_va_to_pfn(const void *va)
{
    uint64_t addr = (uint64_t)va;

    return pv_pfn((addr - (addr >= PV_VIRT_BASE ? PV_VIRT_BASE : PV_DIRECT_BASE)) >>
                  PV_PAGE_SHIFT);
}

pv_mfn_t pv_va_to_mfn(const void *va)
{
    return pv_pfn_to_mfn(pv_va_to_pfn(va));
}

/* ---- Hypercalls ---- */

int pv_update_va(uint64_t va, uint64_t pte, unsigned long flags)
{
    return (int)HYPERVISOR_update_va_mapping(va, pte, flags);
}

int pv_write_pte(uint64_t maddr, uint64_t pte)
{
    struct mmu_update req = { .ptr = maddr | MMU_NORMAL_PT_UPDATE, .val = pte };

    return (int)HYPERVISOR_mmu_update(&req, 1, NULL, DOMID_SELF);
}

int pv_batch_flush(struct pv_batch *batch)
{
    if (batch->nr && !batch->error)
        batch->error = (int)HYPERVISOR_mmu_update(batch->entry, batch->nr, NULL, DOMID_SELF);
    batch->nr = 0;
    return batch->error;
}

void pv_batch_add(struct pv_batch *batch, uint64_t maddr, uint64_t pte)
{
    if (batch->nr == PV_BATCH_MAX)
        pv_batch_flush(batch);
    batch->entry[batch->nr].ptr = maddr | MMU_NORMAL_PT_UPDATE;
    batch->entry[batch->nr].val = pte;
    batch->nr++;
}

int pv_mmuext_mfn(unsigned int cmd, pv_mfn_t mfn)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn.nr };

    return (int)HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

int pv_mmuext_va(unsigned int cmd, uint64_t va)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.linear_addr = va };

    return (int)HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

int pv_pin(pv_mfn_t mfn, unsigned int level)
{
    static const unsigned int cmds[] = {
        [1] = MMUEXT_PIN_L1_TABLE, [2] = MMUEXT_PIN_L2_TABLE,
        [3] = MMUEXT_PIN_L3_TABLE, [4] = MMUEXT_PIN_L4_TABLE,
    };

    return level >= 1 && level <= 4 ? pv_mmuext_mfn(cmds[level], mfn) : -XEN_EINVAL;
}

int pv_unpin(pv_mfn_t mfn)
{
    return pv_mmuext_mfn(MMUEXT_UNPIN_TABLE, mfn);
}

pv_mfn_t pv_current_root(void)
{
    return pv_this_vcpu()->root;
}

int pv_load_root(pv_mfn_t root)
{
    int rc = pv_mmuext_mfn(MMUEXT_NEW_BASEPTR, root);

    if (!rc)
        pv_this_vcpu()->root = root;
    return rc;
}

/* ---- Walking ---- */

static unsigned int table_index(uint64_t va, unsigned int level)
{
    return va >> (PV_PAGE_SHIFT + 9 * (level - 1)) & (ENTRIES - 1);
}

/* The table of a level on the way to va, or an invalid frame. */
static pv_mfn_t find_table(pv_mfn_t root, uint64_t va, unsigned int level)
{
    pv_mfn_t table = root;

    for (unsigned int l = 4; l > level; l--) {
        pv_pfn_t pfn = pv_mfn_to_pfn(table);
        const uint64_t *entries = pv_pfn_to_va(pfn);

        if (pfn.nr == PV_INVALID_FRAME || !(entries[table_index(va, l)] & PV_PTE_P))
            return pv_mfn(PV_INVALID_FRAME);
        table = pv_pte_mfn(entries[table_index(va, l)]);
    }
    return table;
}

const uint64_t *pv_find_pte(pv_mfn_t root, uint64_t va, unsigned int level)
{
    pv_pfn_t pfn = pv_mfn_to_pfn(find_table(root, va, level));

    if (pfn.nr == PV_INVALID_FRAME)
        return NULL;
    return (const uint64_t *)pv_pfn_to_va(pfn) + table_index(va, level);
}

uint64_t pv_pte_maddr(pv_mfn_t root, uint64_t va, unsigned int level)
{
    pv_mfn_t table = find_table(root, va, level);

    if (table.nr == PV_INVALID_FRAME)
        return 0;
    return (table.nr << PV_PAGE_SHIFT) + table_index(va, level) * 8;
}

/* ---- Free pages; `lock` is held in the static functions ---- */

static int make_table(void *page)
{
    return pv_update_va((uint64_t)page, pv_pte(pv_va_to_mfn(page), PV_PROT_RO), UVMF_INVLPG);
}

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

/* Builds the tables that are missing above `level` on the way to va in the current root. */
static int build_tables(uint64_t va, unsigned int level)
{
    pv_mfn_t root = pv_current_root();

    for (unsigned int l = 4; l > level; l--) {
        const uint64_t *entry = pv_find_pte(root, va, l);
        void *table;
        int rc;

        if (!entry)
            return -XEN_EINVAL;
        if (*entry & PV_PTE_P)
            continue;
        table = take_page();
        if (!table)
            return -XEN_ENOMEM;
        rc = make_table(table);
        if (!rc)
            rc = pv_write_pte(pv_pte_maddr(root, va, l), pv_pte(pv_va_to_mfn(table), TABLE_FLAGS));
        if (rc)
            return rc;
    }
    return 0;
}

/* Gives the next pages after mapped_end, up to the end of an L1 table, their home addresses. */
static int extend_direct_map(void)
{
    uint64_t start = mapped_end;
    uint64_t end = (start | (ENTRIES - 1)) + 1;
    uint64_t va = (uint64_t)PV_DIRECT_BASE + (start << PV_PAGE_SHIFT);
    uint64_t *l1;
    int rc;

    if (end > pv_nr_pages())
        end = pv_nr_pages();
    rc = build_tables(va, 2);
    l1 = rc ? NULL : take_page();
    if (!l1)
        return rc ? rc : -XEN_ENOMEM;
    for (uint64_t pfn = start; pfn < end; pfn++) {
        pv_mfn_t mfn = pv_pfn_to_mfn(pv_pfn(pfn));

        if (mfn.nr != PV_INVALID_FRAME)
            l1[pfn % ENTRIES] = pv_pte(mfn, PV_PROT_RW);
    }
    rc = make_table(l1);
    if (!rc)
        rc = pv_write_pte(pv_pte_maddr(pv_current_root(), va, 2),
                          pv_pte(pv_va_to_mfn(l1), TABLE_FLAGS));
    if (!rc)
        mapped_end = end;
    return rc;
}

/* Makes sure that nr pages in a row are mapped after next_pfn, besides the reserve. */
static bool prepare_pages(unsigned int nr)
{
    while (mapped_end - next_pfn < nr + RESERVE && mapped_end < pv_nr_pages()) {
        if (extend_direct_map())
            break;
    }
    return mapped_end - next_pfn >= nr;
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

void *pv_alloc_pages(unsigned int nr)
{
    void *pages = NULL;

    pv_spin_lock(&lock);
    if (prepare_pages(nr)) {
        /* The builder's mapping and ours do not touch: a row lies in one of them. */
        if (next_pfn < boot_end && next_pfn + nr > boot_end)
            next_pfn = boot_end;
        if (prepare_pages(nr)) {
            pages = pv_pfn_to_va(pv_pfn(next_pfn));
            next_pfn += nr;
        }
    }
    pv_spin_unlock(&lock);
    if (pages)
        memset(pages, 0, nr * PV_PAGE_SIZE);
    return pages;
}

void pv_free_page(void *page)
{
    pv_spin_lock(&lock);
    *(void **)page = free_list;
    free_list = page;
    nr_free_list++;
    pv_spin_unlock(&lock);
}

void pv_free_pages(void *pages, unsigned int nr)
{
    for (unsigned int i = 0; pages && i < nr; i++)
        pv_free_page((char *)pages + i * PV_PAGE_SIZE);
}

uint64_t pv_nr_free_pages(void)
{
    return pv_nr_pages() - next_pfn + nr_free_list;
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

int pv_free_table(void *table)
{
    int rc = pv_update_va((uint64_t)table, pv_pte(pv_va_to_mfn(table), PV_PROT_RW), UVMF_INVLPG);

    if (!rc)
        pv_free_page(table);
    return rc;
}

uint64_t pv_vmap_alloc(unsigned int nr)
{
    return __atomic_fetch_add(&vmap_next, nr * PV_PAGE_SIZE, __ATOMIC_RELAXED);
}

/* ---- Mapping ---- */

static int prepare_tables(uint64_t va)
{
    int rc;

    pv_spin_lock(&lock);
    prepare_pages(1);
    rc = build_tables(va, 1);
    pv_spin_unlock(&lock);
    return rc;
}

int pv_map(uint64_t va, pv_mfn_t mfn, uint64_t flags)
{
    int rc = prepare_tables(va);

    return rc ? rc : pv_update_va(va, pv_pte(mfn, flags), UVMF_INVLPG);
}

int pv_map_frames(uint64_t va, const pv_mfn_t *mfns, unsigned int nr, uint64_t flags)
{
    struct pv_batch batch = { .nr = 0 };
    int rc = 0;

    for (unsigned int i = 0; i < nr && !rc; i++, va += PV_PAGE_SIZE) {
        if (i == 0 || table_index(va, 1) == 0)
            rc = prepare_tables(va);
        if (!rc)
            pv_batch_add(&batch, pv_pte_maddr(pv_current_root(), va, 1), pv_pte(mfns[i], flags));
    }
    return pv_batch_flush(&batch) ? batch.error : rc;
}

/* Rewrites nr present leaf entries: other flags, or nothing when flags is 0; then flushes. */
static int rewrite_leaves(uint64_t va, unsigned int nr, uint64_t flags)
{
    struct pv_batch batch = { .nr = 0 };
    pv_mfn_t root = pv_current_root();
    int rc;

    for (unsigned int i = 0; i < nr; i++, va += PV_PAGE_SIZE) {
        const uint64_t *pte = pv_find_pte(root, va, 1);

        if (pte && *pte & PV_PTE_P)
            pv_batch_add(&batch, pv_pte_maddr(root, va, 1),
                         flags ? pv_pte(pv_pte_mfn(*pte), flags) : 0);
    }
    rc = pv_batch_flush(&batch);
    return rc ? rc : pv_mmuext_va(MMUEXT_TLB_FLUSH_ALL, 0);
}

int pv_unmap(uint64_t va, unsigned int nr)
{
    return rewrite_leaves(va, nr, 0);
}

int pv_protect(uint64_t va, unsigned int nr, uint64_t flags)
{
    return rewrite_leaves(va, nr, flags);
}

/* ---- Boot ---- */

void pv_mm_init(void)
{
    pv_mfn_t root;
    const uint64_t *pte;

    /* Everything that start_info names lies in the builder's mapping. */
    boot_end = pv_nr_pages();
    root = pv_va_to_mfn((void *)pv_start_info->pt_base);
    pv_this_vcpu()->root = root;

    /* The builder's stack is the last thing it laid out, one page behind the tables. */
    next_pfn = pv_va_to_pfn((void *)pv_start_info->pt_base).nr + pv_start_info->nr_pt_frames + 1;
    mapped_end = next_pfn;
    while (mapped_end < pv_nr_pages()) {
        pte = pv_find_pte(root, PV_VIRT_BASE + (mapped_end << PV_PAGE_SHIFT), 1);
        if (!pte || !(*pte & PV_PTE_P))
            break;
        mapped_end++;
    }
    boot_end = mapped_end;
}
