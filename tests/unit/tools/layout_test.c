/* SPDX-License-Identifier: MIT */
/* Where a new domain's pages go, and what its page tables say (layout.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xl-lite/libxllite.h"

#define BASE     0xffffffff80000000UL
#define P2M_APART 0x8000000000UL
#define MIB      (1UL << 20)
#define MFN(pfn) ((pfn) * 7 + 1000) /* any injective numbering */

static struct image image_of(uint64_t start, uint64_t end)
{
    return (struct image){ .start = start, .end = end, .virt_base = BASE, .entry = BASE + start };
}

/* A walk through the tables as the processor does it; 0 if an entry is not present. */
struct guest {
    struct layout layout;
    xen_pfn_t *p2m;
    uint64_t (*tables)[LAYOUT_TABLE_ENTRIES]; /* by pfn */
};

static void build(struct guest *g, const struct image *image, uint64_t nr_pages, uint64_t ramdisk)
{
    xl_clear_message();
    assert_int_equal(layout_plan(&g->layout, image, nr_pages, ramdisk), 0);
    g->p2m = malloc(nr_pages * sizeof(*g->p2m));
    g->tables = calloc(nr_pages, sizeof(*g->tables));
    assert_true(g->p2m && g->tables);
    for (xen_pfn_t pfn = 0; pfn < nr_pages; pfn++)
        g->p2m[pfn] = MFN(pfn);
    for (unsigned int i = 0; i < g->layout.nr_runs; i++) {
        const struct table_run *run = &g->layout.run[i];

        for (uint64_t n = 0; n < run->count; n++) {
            assert_true(run->pfn + n < nr_pages);
            layout_fill_table(&g->layout, run, n, g->p2m, g->tables[run->pfn + n]);
        }
    }
}

static void finish(struct guest *g)
{
    free(g->p2m);
    free(g->tables);
}

static uint64_t walk(const struct guest *g, uint64_t address)
{
    xen_pfn_t table = g->layout.tables_pfn;
    uint64_t entry = 0;

    for (unsigned int level = 4; level >= 1; level--) {
        entry = g->tables[table][address >> LEVEL_SHIFT(level) & 511];
        if (!(entry & 1))
            return 0;
        table = ((entry >> 12) - 1000) / 7;
    }
    return entry;
}

static bool is_table(const struct guest *g, xen_pfn_t pfn)
{
    for (unsigned int i = 0; i < g->layout.nr_runs; i++) {
        if (pfn - g->layout.run[i].pfn < g->layout.run[i].count)
            return true;
    }
    return false;
}

/* Every page of the mapping is there, tables read-only, all else writable, nothing beyond. */
static void check_mapping(const struct guest *g)
{
    const struct layout *l = &g->layout;

    for (xen_pfn_t pfn = 0; pfn < l->mapped_pages; pfn++) {
        uint64_t entry = walk(g, layout_address(l, pfn));

        if (pfn >= l->nr_pages) {
            assert_int_equal(entry, 0);
            continue;
        }
        assert_int_equal(entry >> 12, MFN(pfn));
        assert_int_equal(entry & 2, is_table(g, pfn) ? 0 : 2);
        assert_int_equal(entry & 4, 0);
    }
    if (layout_address(l, l->mapped_pages))
        assert_int_equal(walk(g, layout_address(l, l->mapped_pages)), 0);
    assert_int_equal(walk(g, 0), 0);
    assert_int_equal((l->virt_base + (l->mapped_pages << 12)) % (4 * MIB), 0);
    assert_true(l->mapped_pages - l->stack_pfn - 1 >= 512 * 1024 / 4096);
}

static void pages_follow_each_other(void **state)
{
    struct image image = image_of(0, 0x39000);
    struct guest g;
    const struct layout *l = &g.layout;

    (void)state;
    build(&g, &image, 64 * MIB / 4096, 3 * 4096 + 1);
    assert_int_equal(l->ramdisk_pfn, 0x39);
    assert_int_equal(l->ramdisk_pages, 4);
    assert_int_equal(l->p2m_pfn, 0x3d);
    assert_int_equal(l->p2m_pages, 32);
    assert_int_equal(l->start_info_pfn, 0x5d);
    assert_int_equal(l->store_pfn, 0x5e);
    assert_int_equal(l->console_pfn, 0x5f);
    assert_int_equal(l->tables_pfn, 0x60);
    assert_int_equal(l->nr_tables, 5); /* one each, and two L1s for 4 MiB */
    assert_int_equal(l->stack_pfn, 0x65);
    assert_int_equal(l->mapped_pages, 4 * MIB / 4096);
    assert_true(l->p2m_address == BASE + 0x3d000);
    check_mapping(&g);
    finish(&g);
}

static void large_image_needs_more_tables(void **state)
{
    struct image image = image_of(16 * MIB, 100 * MIB);
    struct guest g;

    (void)state;
    build(&g, &image, 128 * MIB / 4096, 20 * MIB);
    assert_int_equal(g.layout.nr_tables, 3 + g.layout.mapped_pages / 512);
    check_mapping(&g);
    finish(&g);
}

static void p2m_and_ramdisk_apart(void **state)
{
    struct image image = image_of(16 * MIB, 40 * MIB);
    struct guest g;
    const struct layout *l = &g.layout;

    (void)state;
    image.has_init_p2m = true;
    image.init_p2m = P2M_APART;
    image.ramdisk_unmapped = true;
    build(&g, &image, 256 * MIB / 4096, 10 * MIB);
    check_mapping(&g);
    assert_int_equal(l->p2m_pfn, l->mapped_pages);
    assert_int_equal(l->nr_p2m_tables, 3); /* 512 KiB in an L4 slot of its own */
    assert_int_equal(l->ramdisk_pfn, l->p2m_pfn + l->p2m_pages + l->nr_p2m_tables);
    assert_int_equal(l->used_pages, l->ramdisk_pfn + l->ramdisk_pages);
    for (xen_pfn_t i = 0; i < l->p2m_pages; i++)
        assert_int_equal(walk(&g, P2M_APART + (i << 12)), MFN(l->p2m_pfn + i) << 12 | 0x23);
    assert_int_equal(walk(&g, P2M_APART + (l->p2m_pages << 12)), 0);
    finish(&g);
}

/* Tables that both need exist once, whichever of the two lies lower. */
static void p2m_apart_shares_tables(void **state)
{
    static const uint64_t addresses[] = { BASE + 512 * MIB, BASE - 64 * MIB, BASE - 1024 * MIB };
    static const uint64_t tables[] = { 1, 2, 2 };
    struct image image = image_of(0, 1 * MIB);
    struct guest g;

    (void)state;
    image.has_init_p2m = true;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        image.init_p2m = addresses[i];
        build(&g, &image, 32 * MIB / 4096, 0);
        assert_int_equal(g.layout.nr_p2m_tables, tables[i]);
        check_mapping(&g);
        assert_int_equal(walk(&g, addresses[i]) >> 12, MFN(g.layout.p2m_pfn));
        finish(&g);
    }
}

static void low_image_is_mapped_low(void **state)
{
    struct image image = image_of(0, 1 * MIB);
    struct guest g;

    (void)state;
    image.virt_base = 0x400000;
    build(&g, &image, 16 * MIB / 4096, 0);
    assert_int_equal(walk(&g, 0x400000) >> 12, MFN(0));
    assert_int_equal(walk(&g, 0x3ff000), 0);
    finish(&g);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct image image = image_of(0, 1 * MIB);
    struct layout l;

    (void)state;
    xl_clear_message();
    assert_int_equal(layout_plan(&l, &image, MIB / 4096, 0), -ENOMEM);
    assert_string_equal(xl_message(), "memory: 1 MiB are too little, kernel and ramdisk need 2");
    assert_int_equal(layout_plan(&l, &image, 64 * MIB / 4096, 64 * MIB), -ENOMEM);
    assert_int_equal(layout_plan(&l, &image, 64 * MIB / 4096, UINT64_MAX), -ENOMEM);
    image.end = 1UL << 40;
    assert_int_equal(layout_plan(&l, &image, 64 * MIB / 4096, 0), -ENOMEM);
}

static void addresses_that_cannot_be_are_refused(void **state)
{
    static const uint64_t bases[] = {
        0xffffffffff000000, 0x00007fffffe00000, 0x0000800000000000, 0xffff800000000000,
        0xffff87ffffe00000,
    };
    struct image image = image_of(0, 20 * MIB);
    struct layout l;

    (void)state;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        image.virt_base = bases[i];
        assert_int_equal(layout_plan(&l, &image, 64 * MIB / 4096, 0), -ENOEXEC);
        image.virt_base = BASE;
        image.has_init_p2m = true;
        image.init_p2m = i == 1 ? 0x00007ffffffff000 : i ? bases[i] : BASE + 4 * MIB;
        assert_int_equal(layout_plan(&l, &image, 64 * MIB / 4096, 0), -ENOEXEC);
        image.has_init_p2m = false;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(large_image_needs_more_tables),
        cmocka_unit_test(p2m_and_ramdisk_apart),
        cmocka_unit_test(p2m_apart_shares_tables),
        cmocka_unit_test(low_image_is_mapped_low),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(addresses_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
