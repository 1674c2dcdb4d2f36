/* SPDX-License-Identifier: MIT */
/*
 * A kernel whose ELF notes ask for the P2M at an address of its own (INIT_P2M) and for the second
 * module unmapped (MOD_START_PFN), as Linux's do.
 */
#include "../lib/case.h"
#include "ramdisk.h"

#define INIT_P2M 0x8000000000UL         /* as guest-abi/start.S asks */
#define WORDS    (PV_PAGE_SIZE / sizeof(uint64_t))

CONF_GUEST("conf-start-p2m");

static const struct start_info *si(void)
{
    return pv_start_info;
}

CASE(start_ramdisk_unmapped, "MOD_START_PFN: mod_start is the first pfn of the module, which no "
     "page of the builder's mapping shows",
     "start.module:ramdisk")
{
    uint64_t va = pv_vmap_alloc(1), words = si()->mod_len / sizeof(uint64_t), wrong = 0, value;

    EXPECT_EQ(si()->flags & SIF_MOD_START_PFN, SIF_MOD_START_PFN);
    EXPECT_TRUE(words > 0);
    for (uint64_t i = 0; i < words; i += WORDS) {
        pv_mfn_t mfn = pv_pfn_to_mfn(pv_pfn(si()->mod_start + i / WORDS));

        if (!EXPECT_EQ(pv_map(va, mfn, PV_PROT_RO), 0))
            return;
        wrong += wrong_words((const uint64_t *)va, i, words - i < WORDS ? words - i : WORDS);
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(pv_unmap(va, 1), 0);
    EXPECT_FAULT(pv_probe_read(PV_VIRT_BASE + (si()->mod_start << PV_PAGE_SHIFT), &value),
                 PV_FAULT(PV_PF, 0));
}

CASE(start_p2m_apart, "INIT_P2M: the P2M is mapped writable at the note's address, and ends there",
     "start.p2m_note:effect")
{
    uint64_t bytes = si()->nr_pages * sizeof(uint64_t), wrong = 0, value;
    const uint64_t *p2m = (const uint64_t *)INIT_P2M;

    EXPECT_EQ(si()->mfn_list, INIT_P2M);
    for (uint64_t pfn = 0; pfn < si()->nr_pages; pfn++)
        wrong += machine_to_phys_mapping[p2m[pfn]] != pfn;
    EXPECT_EQ(wrong, 0);
    EXPECT_FAULT(pv_probe_write(INIT_P2M, p2m[0]), PV_NO_FAULT);
    EXPECT_FAULT(pv_probe_read(INIT_P2M + ((bytes + PV_PAGE_SIZE - 1) & PV_PAGE_MASK), &value),
                 PV_FAULT(PV_PF, 0));
}

/* Whether the page at va, writable, is the page of the P2M that it should be by its first entry. */
static bool is_p2m_page(uint64_t va)
{
    uint64_t page = machine_to_phys_mapping[*(const uint64_t *)va] / WORDS;

    return !memcmp((const void *)va, (const void *)(INIT_P2M + page * PV_PAGE_SIZE), PV_PAGE_SIZE);
}

CASE(start_p2m_frames, "first_p2m_pfn and nr_p2m_frames are the P2M's pages and their page tables, "
     "which are read-only, in any order, behind the builder's mapping",
     "start.p2m_note:effect")
{
    uint64_t pages = (si()->nr_pages * sizeof(uint64_t) + PV_PAGE_SIZE - 1) >> PV_PAGE_SHIFT;
    uint64_t tables = (pages + 511) / 512 + 2, va = pv_vmap_alloc(1), seen = 0, value;

    EXPECT_EQ(si()->nr_p2m_frames, pages + tables);
    for (uint64_t i = 0; i < si()->nr_p2m_frames; i++) {
        pv_mfn_t mfn = pv_pfn_to_mfn(pv_pfn(si()->first_p2m_pfn + i));

        if (!pv_map(va, mfn, PV_PROT_RW))
            seen += is_p2m_page(va);
        else
            EXPECT_EQ(pv_map(va, mfn, PV_PROT_RO), 0);
    }
    EXPECT_EQ(seen, pages);
    EXPECT_EQ(pv_unmap(va, 1), 0);
    EXPECT_FAULT(pv_probe_read(PV_VIRT_BASE + (si()->first_p2m_pfn << PV_PAGE_SHIFT), &value),
                 PV_FAULT(PV_PF, 0));
}
