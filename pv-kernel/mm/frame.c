/* SPDX-License-Identifier: MIT */
/*
 * Counts of pages that user code maps: how many leaves of how many spaces name one, and whether a
 * file holds it. A page that fork shares has more than one, and a write to it makes a copy.
 */
#include "mm/internal.h"

static uint32_t *counts;        /* by pfn */

static uint32_t *count_of(const void *page)
{
    return &counts[pv_va_to_pfn(page).nr];
}

void frames_init(void)
{
    uint64_t bytes = pv_nr_pages() * sizeof(*counts);

    counts = pv_alloc_pages((unsigned int)(ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE));
    if (!counts)
        panic("pv-kernel: no memory for the frame counts\n");
}

void *frame_alloc(void)
{
    void *page = pv_alloc_page();

    if (page)
        *count_of(page) = 1;
    return page;
}

void frame_get(void *page)
{
    BUG_ON(*count_of(page) == 0 || *count_of(page) == UINT32_MAX);
    ++*count_of(page);
}

void frame_put(void *page)
{
    BUG_ON(*count_of(page) == 0);
    if (--*count_of(page) == 0)
        pv_free_page(page);
}

unsigned int frame_refs(const void *page)
{
    return *count_of(page);
}
