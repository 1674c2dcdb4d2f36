/* SPDX-License-Identifier: MIT */
/*
 * Frame numbers and page tables under direct paging (pvguest/mm.h).  Nothing here keeps state:
 * frame numbers come from start_info's list and the hypervisor's table, page tables are walked by
 * reading them and changed by asking.  Missing tables are built by pages.c.
 */
#include "internal.h"

#define ENTRIES 512u

/* ---- Frame numbers ---- */

uint64_t pv_nr_pages(void)
{
    return pv_start_info->nr_pages;
}

/* The builder's list, at the address that it chose: ours to change. */
static uint64_t *p2m(void)
{
    return (uint64_t *)pv_start_info->mfn_list;
}

/* A hole in the list, where a frame was given back, is an invalid frame as well. */
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

/*
 * Two mappings, one behind the other: which one a page has its home in depends on its number alone
 * (pages.c).
 */
void *pv_pfn_to_va(pv_pfn_t pfn)
{
    return (void *)((pfn.nr < pv_boot_end ? PV_VIRT_BASE : PV_DIRECT_BASE) +
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

/* The first error stays, and nothing more is sent: the caller asks once, at the end. */
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

/*
 * A table that is pinned stays one while nothing names it; the level says as what it is validated.
 */
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

/* The library keeps it, since the ABI has no way to ask. */
pv_mfn_t pv_current_root(void)
{
    return pv_this_vcpu()->root;
}

void pv_note_root(pv_mfn_t root)
{
    pv_this_vcpu()->root = root;
}

int pv_load_root(pv_mfn_t root)
{
    int rc = pv_mmuext_mfn(MMUEXT_NEW_BASEPTR, root);

    if (!rc)
        pv_note_root(root);
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

/* Tables are mapped read-only, at the homes of their pages: reading them needs nobody's leave. */
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

/* ---- Mapping ---- */

int pv_map(uint64_t va, pv_mfn_t mfn, uint64_t flags)
{
    int rc = pv_prepare_tables(va);

    return rc ? rc : pv_update_va(va, pv_pte(mfn, flags), UVMF_INVLPG);
}

/* One table at a time is made ready; the entries go in batches. */
int pv_map_frames(uint64_t va, const pv_mfn_t *mfns, unsigned int nr, uint64_t flags)
{
    struct pv_batch batch;
    int rc = 0;

    pv_batch_begin(&batch);
    for (unsigned int i = 0; i < nr && !rc; i++, va += PV_PAGE_SIZE) {
        if (i == 0 || table_index(va, 1) == 0)
            rc = pv_prepare_tables(va);
        if (!rc)
            pv_batch_add(&batch, pv_pte_maddr(pv_current_root(), va, 1), pv_pte(mfns[i], flags));
    }
    return pv_batch_flush(&batch) ? batch.error : rc;
}

/* Rewrites nr present leaf entries: other flags, or nothing when flags is 0; then flushes. */
static int rewrite_leaves(uint64_t va, unsigned int nr, uint64_t flags)
{
    struct pv_batch batch;
    pv_mfn_t root = pv_current_root();
    int rc;

    pv_batch_begin(&batch);
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
