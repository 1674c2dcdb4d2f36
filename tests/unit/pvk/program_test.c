/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/proc/elf.c: what is read from good programs and scripts, how bad ones are refused, and
 * that no damage makes it read outside of the bytes it was given (which end where the heap block
 * ends, so that the address sanitizer sees) or accept segments that overlap or leave user space.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mm/mm.h"
#include "proc/internal.h"

#define NR_PHDRS 3
#define DAMAGES  200000

struct image {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[NR_PHDRS];
};

static struct image good(void)
{
    struct image im = {
        .eh = { .e_ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, .e_type = ET_EXEC,
                .e_machine = EM_X86_64, .e_entry = 0x401000, .e_phoff = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = NR_PHDRS },
        .ph = {
            { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0, .p_vaddr = 0x400000,
              .p_filesz = 0x1800, .p_memsz = 0x1800 },
            { .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x1800, .p_vaddr = 0x403800,
              .p_filesz = 0x100, .p_memsz = 0x2000 },
            { .p_type = PT_NOTE },
        },
    };

    return im;
}

/* Parses the first `size` bytes, from a block of that very size. */
static int parse(const struct image *im, size_t size, struct elf_program *p)
{
    void *copy = malloc(size);
    int rc;

    memcpy(copy, im, size);
    rc = elf_parse(copy, size, p);
    free(copy);
    return rc;
}

static void test_good(void **state)
{
    struct image im = good();
    struct elf_program p;

    (void)state;
    assert_int_equal(parse(&im, sizeof(im), &p), 0);
    assert_int_equal(p.entry, 0x401000);
    assert_int_equal(p.nr_segments, 2);
    assert_int_equal(p.nr_phdrs, NR_PHDRS);
    assert_int_equal(p.phdr_va, 0x400000 + sizeof(Elf64_Ehdr));
    assert_int_equal(p.end, 0x406000);
    assert_false(p.relocatable);
    assert_int_equal(p.segments[0].prot, PROT_READ | PROT_EXEC);
    assert_int_equal(p.segments[1].prot, PROT_READ | PROT_WRITE);
    assert_int_equal(p.segments[1].mem_size, 0x2000);
    im.eh.e_type = ET_DYN;
    assert_int_equal(parse(&im, sizeof(im), &p), 0);
    assert_true(p.relocatable);
}

#define BAD(change, result)                                     \
    do {                                                        \
        struct image im = good();                               \
        struct elf_program p;                                   \
        change;                                                 \
        assert_int_equal(parse(&im, sizeof(im), &p), result);   \
    } while (0)

static void test_bad(void **state)
{
    (void)state;
    BAD(im.eh.e_ident[0] = 0, -ENOEXEC);
    BAD(im.eh.e_ident[4] = 1, -ENOEXEC);
    BAD(im.eh.e_machine = EM_386, -ENOEXEC);
    BAD(im.eh.e_type = ET_REL, -ENOEXEC);
    BAD(im.eh.e_phnum = 0, -ENOEXEC);
    BAD(im.eh.e_phnum = NR_PHDRS + 1, -E2BIG);
    BAD(im.eh.e_phoff = ~0ul, -E2BIG);
    BAD(im.eh.e_phentsize = 32, -ENOEXEC);
    BAD(im.eh.e_entry = USER_END, -ENOEXEC);
    BAD(im.ph[2].p_type = PT_INTERP, -ENOEXEC);
    BAD(im.ph[0].p_type = im.ph[1].p_type = PT_NULL, -ENOEXEC);
    BAD(im.ph[1].p_filesz = 0x2001, -ENOEXEC);
    BAD(im.ph[1].p_memsz = USER_END, -ENOEXEC);
    BAD(im.ph[1].p_vaddr = USER_END + 0x800, -ENOEXEC);
    BAD(im.ph[1].p_vaddr = 0x403801, -ENOEXEC);
    BAD(im.ph[1].p_vaddr = 0x401800, -ENOEXEC);
    BAD(im.ph[1].p_offset = ~0ul & ~0x7fful, -ENOEXEC);
    for (size_t size = 0; size < sizeof(struct image); size++) {
        struct image im = good();
        struct elf_program p;

        assert_int_not_equal(parse(&im, size, &p), 0);
    }
}

static void check_sane(const struct elf_program *p)
{
    uint64_t last = 0;

    assert_true(p->nr_segments >= 1 && p->nr_segments <= ELF_MAX_SEGMENTS);
    for (unsigned int i = 0; i < p->nr_segments; i++) {
        const struct elf_segment *s = &p->segments[i];

        assert_true(ALIGN_DOWN(s->va, PAGE_SIZE) >= last);
        assert_true(s->file_size <= s->mem_size && s->mem_size);
        assert_true(s->va < USER_END && s->mem_size <= USER_END - s->va);
        last = ALIGN_UP(s->va + s->mem_size, PAGE_SIZE);
    }
    assert_int_equal(p->end, last);
}

static void test_damage(void **state)
{
    int accepted = 0;

    (void)state;
    srand(11);
    for (int i = 0; i < DAMAGES; i++) {
        struct image im = good();
        struct elf_program p;

        for (int n = rand() % 3; n >= 0; n--)
            ((uint8_t *)&im)[(size_t)rand() % sizeof(im)] = (uint8_t)rand();
        if (parse(&im, sizeof(im), &p) == 0) {
            accepted++;
            check_sane(&p);
        }
    }
    assert_true(accepted > 0 && accepted < DAMAGES);
}

static void expect_script(const char *text, const char *interpreter, const char *arg)
{
    char *line = strdup(text), *i = NULL, *a = NULL;
    int rc = script_parse(line, &i, &a);

    assert_int_equal(rc, interpreter ? 0 : -ENOEXEC);
    if (interpreter) {
        assert_string_equal(i, interpreter);
        assert_int_equal(a != NULL, arg != NULL);
        if (arg)
            assert_string_equal(a, arg);
    }
    free(line);
}

static void test_scripts(void **state)
{
    (void)state;
    expect_script("#!/bin/sh\necho hi\n", "/bin/sh", NULL);
    expect_script("#! /bin/sh\t -e  x \n", "/bin/sh", "-e  x");
    expect_script("#!/bin/sh", "/bin/sh", NULL);
    expect_script("#!", NULL, NULL);
    expect_script("#! \t \n/bin/sh\n", NULL, NULL);
    expect_script("#", NULL, NULL);
    expect_script("", NULL, NULL);
    expect_script("echo\n", NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_scripts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
