/* SPDX-License-Identifier: MIT */
/*
 * The library's memory: every page of the domain once, page tables, mappings, and the ramdisk,
 * which must be there.
 */
#include "../lib/case.h"

CONF_GUEST("lib-memory");

#define WORDS      (PV_PAGE_SIZE / sizeof(uint64_t))
#define MANY_PAGES 600 /* more than one table maps */
#define RUN_PAGES  700

/* Taken pages hang together by their first word. The marks in the others are checked later. */
static uint64_t *take_all(uint64_t *count)
{
    uint64_t *list = NULL, *page;

    for (*count = 0; (page = pv_alloc_page()) != NULL; (*count)++) {
        page[0] = (uint64_t)list;
        page[1] = *count;
        page[WORDS - 1] = ~*count;
        list = page;
    }
    return list;
}

/* Gives them all back; returns how many had lost their marks. */
static uint64_t give_back(uint64_t *list, uint64_t count)
{
    uint64_t spoiled = 0;

    while (list) {
        uint64_t *next = (uint64_t *)list[0];

        count--;
        spoiled += list[1] != count || list[WORDS - 1] != ~count;
        pv_free_page(list);
        list = next;
    }
    return spoiled + count;
}

CASE(lib_all_pages, "every free page can be had, once, is zeroed, and taken back", "library")
{
    uint64_t before = pv_nr_free_pages(), count, again;
    uint64_t *list = take_all(&count);

    /* Some go into the page tables that map the others. */
    EXPECT_TRUE(count > before - before / 100 && count <= before);
    EXPECT_EQ(pv_nr_free_pages(), 0);
    EXPECT_TRUE(pv_alloc_pages(1) == NULL);
    EXPECT_TRUE(pv_alloc_table() == NULL);
    EXPECT_EQ(give_back(list, count), 0);
    EXPECT_EQ(pv_nr_free_pages(), count);
    list = take_all(&again);
    EXPECT_EQ(again, count);
    EXPECT_EQ(give_back(list, again), 0);
}

CASE(lib_ramdisk, "taking every page leaves the ramdisk as it was loaded", "library")
{
    const uint64_t *word = (const uint64_t *)pv_start_info->mod_start;
    uint64_t words = pv_start_info->mod_len / sizeof(*word), wrong = 0, count;

    EXPECT_TRUE(words > 0);
    give_back(take_all(&count), count);
    for (uint64_t i = 0; i < words; i++)
        wrong += word[i] != i * 0x9e3779b97f4a7c15UL; /* as tests/harness/library.py wrote it */
    EXPECT_EQ(wrong, 0);
}

CASE(lib_zeroed, "a page that was used comes back zeroed", "library")
{
    uint64_t *page = pv_alloc_page(), sum = 0;

    EXPECT_TRUE(page != NULL);
    memset(page, 0xa5, PV_PAGE_SIZE);
    pv_free_page(page);
    page = pv_alloc_page();
    for (size_t i = 0; i < WORDS; i++)
        sum |= page[i];
    EXPECT_EQ(sum, 0);
    pv_free_page(page);
}

CASE(lib_table, "a table page is read-only until it is given back", "library")
{
    void *table = pv_alloc_table();
    pv_mfn_t mfn = pv_va_to_mfn(table);
    uint64_t va = (uint64_t)table;

    EXPECT_TRUE(table != NULL);
    EXPECT_FAULT(pv_probe_write(va, 1), PV_FAULT(PV_PF, PV_PF_WRITE | PV_PF_PRESENT));
    EXPECT_EQ(pv_pin(mfn, 1), 0);
    EXPECT_EQ(pv_pin(mfn, 1), -XEN_EINVAL);
    EXPECT_EQ(pv_update_va(va, pv_pte(mfn, PV_PROT_RW), UVMF_INVLPG), -XEN_EBUSY);
    EXPECT_EQ(pv_unpin(mfn), 0);
    EXPECT_EQ(pv_free_table(table), 0);
}

CASE(lib_frames, "frame numbers go there and back; what is not ours has no pfn", "library")
{
    void *page = pv_alloc_page();

    EXPECT_EQ(pv_mfn_to_pfn(pv_va_to_mfn(page)).nr, pv_va_to_pfn(page).nr);
    EXPECT_TRUE(pv_pfn_to_va(pv_va_to_pfn(page)) == page);
    EXPECT_EQ(pv_pfn_to_mfn(pv_pfn(pv_nr_pages())).nr, PV_INVALID_FRAME);
    EXPECT_EQ(pv_mfn_to_pfn(pv_mfn(1)).nr, PV_INVALID_FRAME);
    EXPECT_EQ(pv_mfn_to_pfn(pv_mfn(1UL << 40)).nr, PV_INVALID_FRAME);
    EXPECT_EQ(pv_mfn_to_pfn(pv_mfn(1UL << 61)).nr, PV_INVALID_FRAME);
    pv_free_page(page);
}

/* ---- Mappings ---- */

static void call(void *target)
{
    ((void (*)(void))target)();
}

/* The k-th page mapped holds k; returns how many do not. */
static unsigned int wrong_pages(uint64_t va)
{
    unsigned int wrong = 0;

    for (uint64_t k = 0; k < MANY_PAGES; k++)
        wrong += *(const volatile uint64_t *)(va + k * PV_PAGE_SIZE) != k;
    return wrong;
}

CASE(lib_map_many, "many frames are mapped, made read-only and unmapped, across tables", "library")
{
    static uint64_t *page[MANY_PAGES];
    static pv_mfn_t frame[MANY_PAGES];
    uint64_t va = pv_vmap_alloc(MANY_PAGES), last = va + (MANY_PAGES - 1) * PV_PAGE_SIZE;

    for (uint64_t k = 0; k < MANY_PAGES; k++) {
        page[k] = pv_alloc_page();
        *page[k] = k;
        frame[k] = pv_va_to_mfn(page[k]);
    }
    EXPECT_EQ(pv_map_frames(va, frame, MANY_PAGES, PV_PROT_RW), 0);
    EXPECT_EQ(wrong_pages(va), 0);
    EXPECT_EQ(pv_protect(va, MANY_PAGES, PV_PROT_RO), 0);
    EXPECT_EQ(wrong_pages(va), 0);
    EXPECT_FAULT(pv_probe_write(last, 1), PV_FAULT(PV_PF, PV_PF_WRITE | PV_PF_PRESENT));
    EXPECT_FAULT(pv_try_call(call, (void *)va), PV_FAULT(PV_PF, PV_PF_FETCH | PV_PF_PRESENT));
    EXPECT_EQ(pv_unmap(va, MANY_PAGES), 0);
    EXPECT_FAULT(pv_probe_write(last, 1), PV_FAULT(PV_PF, PV_PF_WRITE));
    for (unsigned int k = 0; k < MANY_PAGES; k++)
        pv_free_page(page[k]);
}

CASE(lib_page_runs, "pages that follow each other are one piece of memory", "library")
{
    unsigned char *run = pv_alloc_pages(RUN_PAGES);
    uint64_t size = RUN_PAGES * PV_PAGE_SIZE;

    EXPECT_TRUE(run != NULL);
    if (!run)
        return;
    memset(run, 1, size);
    EXPECT_EQ(run[size - 1], 1);
    EXPECT_EQ(pv_va_to_pfn(run + size - PV_PAGE_SIZE).nr, pv_va_to_pfn(run).nr + RUN_PAGES - 1);
    pv_free_pages(run, RUN_PAGES);
}
