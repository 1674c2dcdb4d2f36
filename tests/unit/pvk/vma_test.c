/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/mm/vma.c against a model: an array that says of each page which mapping it belongs to.
 * Whatever is inserted, cut out or merged, in random order, the list is sorted, does not overlap,
 * tells the same of every page, and gives back every reference to a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fs/fs.h"
#include "mm/internal.h"

#define PAGES  64
#define BASE   0x100000ul
#define ROUNDS 20000

static struct file files[2];
static int file_refs;

void *kmalloc(size_t size)
{
    return calloc(1, size);
}

void kfree(void *p)
{
    free(p);
}

struct file *file_get(struct file *f)
{
    file_refs++;
    return f;
}

void file_put(struct file *f)
{
    assert_non_null(f);
    file_refs--;
}

struct page {                   /* the model; prot 0: nothing there */
    int prot;
    struct file *file;
    uint64_t offset;
};

static struct page model[PAGES];
static struct list vmas;

static uint64_t address(unsigned int page)
{
    return BASE + page * PAGE_SIZE;
}

static void map(unsigned int first, unsigned int end, int prot, struct file *file)
{
    struct vma *vma = kmalloc(sizeof(*vma));

    *vma = (struct vma){ .start = address(first), .end = address(end), .prot = prot,
                         .file = file ? file_get(file) : NULL, .offset = first * PAGE_SIZE };
    list_init(&vma->link);
    vma_insert(&vmas, vma);
    for (unsigned int i = first; i < end; i++)
        model[i] = (struct page){ prot, file, file ? i * PAGE_SIZE : 0 };
    vma_merge(&vmas, address(first), address(end));
}

static void unmap(unsigned int first, unsigned int end)
{
    struct vma *vma;

    assert_true(vma_split_range(&vmas, address(first), address(end)));
    while ((vma = vma_first_after(&vmas, address(first))) && vma->start < address(end)) {
        assert_true(vma->start >= address(first) && vma->end <= address(end));
        vma_free(vma);
    }
    memset(&model[first], 0, (end - first) * sizeof(model[0]));
}

static void check_order(void)
{
    uint64_t last = 0;
    struct list *pos;

    list_for_each(pos, &vmas) {
        struct vma *vma = container_of(pos, struct vma, link);

        assert_true(vma->start >= last && vma->end > vma->start);
        last = vma->end;
    }
}

static void check_pages(void)
{
    for (unsigned int i = 0; i < PAGES; i++) {
        struct vma *vma = vma_find(&vmas, address(i) + 123);

        assert_int_equal(vma != NULL, model[i].prot != 0);
        if (!vma)
            continue;
        assert_int_equal(vma->prot, model[i].prot);
        assert_ptr_equal(vma->file, model[i].file);
        if (vma->file)
            assert_int_equal(vma->offset + address(i) - vma->start, model[i].offset);
    }
}

/* The first gap that the model has, as vma_gap should find it. */
static uint64_t model_gap(unsigned int len)
{
    for (unsigned int first = 0; first + len <= PAGES; first++) {
        unsigned int n = 0;

        while (n < len && !model[first + n].prot)
            n++;
        if (n == len)
            return address(first);
    }
    return 0;
}

static void test_random(void **state)
{
    (void)state;
    list_init(&vmas);
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned int first = (unsigned int)rand() % PAGES;
        unsigned int end = first + 1 + (unsigned int)rand() % (PAGES - first);
        unsigned int len = 1 + (unsigned int)rand() % 16;
        int kind = rand() % 4;

        unmap(first, end);
        if (kind)
            map(first, end, kind == 1 ? PROT_READ : PROT_READ | PROT_WRITE,
                kind == 3 ? &files[rand() % 2] : NULL);
        check_order();
        check_pages();
        assert_int_equal(vma_gap(&vmas, len * PAGE_SIZE, BASE, address(PAGES)), model_gap(len));
    }
    unmap(0, PAGES);
    assert_true(list_empty(&vmas));
    assert_int_equal(file_refs, 0);
}

static unsigned int count_vmas(void)
{
    struct list *pos;
    unsigned int nr = 0;

    list_for_each(pos, &vmas)
        nr++;
    return nr;
}

static void test_merge(void **state)
{
    static const struct vma_ops ops;

    (void)state;
    list_init(&vmas);
    map(0, 2, PROT_READ, NULL);
    map(4, 6, PROT_READ, NULL);
    assert_int_equal(count_vmas(), 2);
    map(2, 4, PROT_READ, NULL);
    assert_int_equal(count_vmas(), 1);
    /* A border stays where protection, file or offset differ, and beside a device. */
    map(6, 8, PROT_READ | PROT_WRITE, NULL);
    map(8, 9, PROT_READ, &files[0]);
    map(9, 10, PROT_READ, &files[1]);
    assert_int_equal(count_vmas(), 4);
    vma_find(&vmas, address(0))->ops = &ops;
    map(10, 11, PROT_READ, &files[1]);
    assert_int_equal(count_vmas(), 4);
    vma_merge(&vmas, 0, address(PAGES));
    assert_int_equal(count_vmas(), 4);
    unmap(0, PAGES);
    assert_int_equal(file_refs, 0);
}

static void test_gap_limits(void **state)
{
    (void)state;
    list_init(&vmas);
    assert_int_equal(vma_gap(&vmas, PAGE_SIZE, BASE, BASE), 0);
    assert_int_equal(vma_gap(&vmas, PAGE_SIZE, BASE, BASE + PAGE_SIZE), BASE);
    assert_int_equal(vma_gap(&vmas, ~0ul & ~0xffful, BASE, USER_END), 0);
    map(1, 2, PROT_READ, NULL);
    assert_int_equal(vma_gap(&vmas, PAGE_SIZE, BASE, address(2)), BASE);
    assert_int_equal(vma_gap(&vmas, 2 * PAGE_SIZE, BASE, address(3)), 0);
    assert_int_equal(vma_gap(&vmas, 2 * PAGE_SIZE, BASE, address(4)), address(2));
    /* A search that begins inside a mapping begins behind it. */
    assert_int_equal(vma_gap(&vmas, PAGE_SIZE, address(1), address(4)), address(2));
    unmap(0, PAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_gap_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
