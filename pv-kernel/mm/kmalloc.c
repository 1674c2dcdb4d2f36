/* SPDX-License-Identifier: MIT */
/*
 * Small objects and large blocks of kernel memory, zeroed.
 *
 * Up to 2 KiB an object lies in a slab: a page with a head and objects of one size class, free
 * ones linked through their first word. Up to a page it is a page at its home address. Above that
 * it is a row of single pages mapped at addresses from pv_vmap_alloc, with an unmapped page
 * behind: so memory never runs out of rows, but such a block has no frames in a row and no home
 * address. Slab objects are never page-aligned, the others always.
 */
#include "mm/internal.h"

#define SMALLEST   16u
#define NR_CLASSES 8            /* 16, 32, ... 2048 */

struct slab {
    struct list link;           /* with the others of its class that have a free object */
    uint16_t used, class;
    void *free;
};
#define FIRST_OBJECT ALIGN_UP(sizeof(struct slab), 16)

struct block {                  /* a row of pages; kept for its addresses when it is free */
    struct list link;
    uint64_t va;
    unsigned int pages;
};

static struct list partial[NR_CLASSES];
static struct list used_blocks, free_blocks;

void kmalloc_init(void)
{
    for (int i = 0; i < NR_CLASSES; i++)
        list_init(&partial[i]);
    list_init(&used_blocks);
    list_init(&free_blocks);
}

/* ---- Slabs ---- */

static unsigned int class_size(unsigned int class)
{
    return SMALLEST << class;
}

static struct slab *new_slab(unsigned int class)
{
    unsigned int size = class_size(class);
    struct slab *slab = pv_alloc_page();

    if (!slab)
        return NULL;
    slab->class = (uint16_t)class;
    for (uint64_t at = FIRST_OBJECT; at + size <= PAGE_SIZE; at += size) {
        void **object = (void **)((char *)slab + at);

        *object = slab->free;
        slab->free = object;
    }
    list_add_tail(&partial[class], &slab->link);
    return slab;
}

static void *slab_alloc(size_t size)
{
    unsigned int class = 0;
    struct slab *slab;
    void **object;

    while (class_size(class) < size)
        class++;
    slab = list_empty(&partial[class]) ? new_slab(class)
                                       : container_of(partial[class].next, struct slab, link);
    if (!slab)
        return NULL;
    object = slab->free;
    slab->free = *object;
    slab->used++;
    if (!slab->free)
        list_del(&slab->link);
    return memset(object, 0, class_size(class));
}

static void slab_free(void *object)
{
    struct slab *slab = (struct slab *)ALIGN_DOWN((uint64_t)object, PAGE_SIZE);

    BUG_ON(slab->used == 0 || slab->class >= NR_CLASSES);
    if (!slab->free)
        list_add_tail(&partial[slab->class], &slab->link);
    *(void **)object = slab->free;
    slab->free = object;
    slab->used--;
    /* The last of its class stays: the next object may well be wanted at once. */
    if (slab->used == 0 && slab->link.next != slab->link.prev) {
        list_del(&slab->link);
        pv_free_page(slab);
    }
}

/* ---- Blocks ---- */

/* Takes the pages out of a block again, from the last mapped one down. */
static void unmap_block(struct block *block, unsigned int mapped)
{
    for (unsigned int i = 0; i < mapped; i++) {
        const uint64_t *pte = pv_find_pte(pv_current_root(), block->va + i * PAGE_SIZE, 1);
        void *page = pte_page(*pte);

        pv_update_va(block->va + i * PAGE_SIZE, 0, UVMF_INVLPG);
        pv_free_page(page);
    }
}

static bool map_block(struct block *block)
{
    for (unsigned int i = 0; i < block->pages; i++) {
        void *page = pv_alloc_page();

        if (page && !pv_map(block->va + i * PAGE_SIZE, pv_va_to_mfn(page), PV_PROT_RW))
            continue;
        if (page)
            pv_free_page(page);
        unmap_block(block, i);
        return false;
    }
    return true;
}

static struct block *find_block(struct list *blocks, uint64_t va, unsigned int pages)
{
    struct list *pos;

    list_for_each(pos, blocks) {
        struct block *block = container_of(pos, struct block, link);

        if (va ? block->va == va : block->pages == pages)
            return block;
    }
    return NULL;
}

static void *block_alloc(size_t size)
{
    unsigned int pages = (unsigned int)(ALIGN_UP(size, PAGE_SIZE) / PAGE_SIZE);
    struct block *block = find_block(&free_blocks, 0, pages);

    if (!block) {
        block = slab_alloc(sizeof(*block));
        if (!block)
            return NULL;
        block->pages = pages;
        block->va = pv_vmap_alloc(pages + 1);
        list_add_tail(&free_blocks, &block->link);
    }
    if (!map_block(block))
        return NULL;
    list_del(&block->link);
    list_add_tail(&used_blocks, &block->link);
    return (void *)block->va;
}

static void block_free(uint64_t va)
{
    struct block *block = find_block(&used_blocks, va, 0);

    BUG_ON(!block);
    unmap_block(block, block->pages);
    list_del(&block->link);
    list_add_tail(&free_blocks, &block->link);
}

/* ---- The two calls ---- */

void *kmalloc(size_t size)
{
    if (size <= class_size(NR_CLASSES - 1))
        return slab_alloc(size);
    if (size <= PAGE_SIZE)
        return pv_alloc_page();
    if (size / PAGE_SIZE >= pv_nr_free_pages())
        return NULL;
    return block_alloc(size);
}

void kfree(void *p)
{
    uint64_t va = (uint64_t)p;

    if (!p)
        return;
    if (va % PAGE_SIZE)
        slab_free(p);
    else if (va >= PV_VMAP_BASE && va < PV_VIRT_BASE)
        block_free(va);
    else
        pv_free_page(p);
}
