/* SPDX-License-Identifier: MIT */
/*
 * hypervisor/boot/elf.c: what it reads from a good kernel, how it refuses bad ones, and that no
 * damage to a file makes it read outside (the address sanitizer watches an area of the exact size).
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

#include "boot/boot.h"
#include <xen/elfnote.h>

#define BASE 0xffffffff80000000ull

/* A kernel of two segments, their file parts `text` and `more`, with notes in a segment. */
struct kernel {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[3];
    Elf64_Shdr sh[1];
    u8 notes[512];
    char text[64], more[32];
};

static void add_note(struct kernel *k, u32 type, const void *desc, u32 len)
{
    Elf64_Nhdr n = { 4, len, type };
    u8 *p = k->notes + k->ph[2].p_filesz;
    size_t size = sizeof(n) + 4 + ALIGN_UP(len, 4u);

    assert_true(k->ph[2].p_filesz + size <= sizeof(k->notes));
    memcpy(p, &n, sizeof(n));
    memcpy(p + sizeof(n), "Xen", 4);
    memcpy(p + sizeof(n) + 4, desc, len);
    k->ph[2].p_filesz += size;
    k->sh[0].sh_size += size;
}

static void add_number(struct kernel *k, u32 type, u64 v)
{
    add_note(k, type, &v, sizeof(v));
}

static void add_text(struct kernel *k, u32 type, const char *s)
{
    add_note(k, type, s, (u32)strlen(s) + 1);
}

static void make_bare(struct kernel *k)
{
    memset(k, 0, sizeof(*k));
    memcpy(k->eh.e_ident, ELFMAG, SELFMAG);
    k->eh.e_ident[EI_CLASS] = ELFCLASS64;
    k->eh.e_ident[EI_DATA] = ELFDATA2LSB;
    k->eh.e_type = ET_EXEC;
    k->eh.e_machine = EM_X86_64;
    k->eh.e_entry = BASE + 0x1000;
    k->eh.e_phoff = offsetof(struct kernel, ph);
    k->eh.e_phentsize = sizeof(Elf64_Phdr);
    k->eh.e_phnum = 3;
    k->eh.e_shoff = offsetof(struct kernel, sh);
    k->eh.e_shentsize = sizeof(Elf64_Shdr);
    k->eh.e_shnum = 1;
    k->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = offsetof(struct kernel, text),
                             .p_vaddr = BASE + 0x1000, .p_paddr = 0x1000,
                             .p_filesz = sizeof(k->text), .p_memsz = 0x2000 };
    k->ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = offsetof(struct kernel, more),
                             .p_vaddr = 0, .p_paddr = 0x5000,
                             .p_filesz = sizeof(k->more), .p_memsz = sizeof(k->more) };
    k->ph[2] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = offsetof(struct kernel, notes) };
    k->sh[0] = (Elf64_Shdr){ .sh_type = SHT_NOTE, .sh_offset = offsetof(struct kernel, notes) };
    memset(k->text, 'T', sizeof(k->text));
    memset(k->more, 'M', sizeof(k->more));
}

static void make(struct kernel *k)
{
    make_bare(k);
    add_text(k, XEN_ELFNOTE_GUEST_OS, "tester");
    add_text(k, XEN_ELFNOTE_GUEST_VERSION, "a version that is far too long to be kept whole");
    add_text(k, XEN_ELFNOTE_LOADER, "generic");
    add_text(k, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    add_number(k, XEN_ELFNOTE_VIRT_BASE, BASE);
}

static int parse(const struct kernel *k, struct elf_image *img, const char **why)
{
    return elf_parse(k, sizeof(*k), img, why);
}

static void good_kernel(void **state)
{
    struct elf_image img;
    struct kernel k;
    const char *why;

    (void)state;
    make(&k);
    assert_int_equal(parse(&k, &img, &why), 0);
    assert_null(why);
    assert_int_equal(img.entry, BASE + 0x1000);
    assert_int_equal(img.virt_base, BASE);
    assert_int_equal(img.paddr_offset, 0);
    assert_int_equal(img.kstart, BASE + 0x1000);
    assert_int_equal(img.kend, BASE + 0x5020);
    assert_int_equal(img.hypercall_page, ~0ull);
    assert_int_equal(img.init_p2m, ~0ull);
    assert_false(img.mod_start_pfn);
    assert_false(img.needs_dom0_feature_missing);
    assert_string_equal(img.guest_os, "tester");
    assert_string_equal(img.guest_version, "a version that is far too long ");
}

static void all_notes(void **state)
{
    u32 one = 1, features = 1u << 11;
    struct elf_image img;
    struct kernel k;
    const char *why;

    (void)state;
    make(&k);
    add_number(&k, XEN_ELFNOTE_ENTRY, BASE + 0x2004);
    add_number(&k, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x2000);
    add_number(&k, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    add_number(&k, XEN_ELFNOTE_PADDR_OFFSET, 0x1000);
    add_note(&k, XEN_ELFNOTE_MOD_START_PFN, &one, sizeof(one));
    add_note(&k, XEN_ELFNOTE_SUPPORTED_FEATURES, &features, sizeof(features));
    k.ph[0].p_memsz = 0x3000;
    assert_int_equal(parse(&k, &img, &why), 0);
    assert_int_equal(img.entry, BASE + 0x2004);
    assert_int_equal(img.kstart, BASE);
    assert_int_equal(img.kend, BASE + 0x4020);
    assert_int_equal(img.hypercall_page, BASE + 0x2000);
    assert_int_equal(img.init_p2m, 0x8000000000);
    assert_true(img.mod_start_pfn);
    assert_false(img.needs_dom0_feature_missing);

    features = 1;
    add_note(&k, XEN_ELFNOTE_SUPPORTED_FEATURES, &features, sizeof(features));
    assert_int_equal(parse(&k, &img, &why), 0);
    assert_true(img.needs_dom0_feature_missing);
}

static void notes_in_sections(void **state)
{
    struct elf_image img;
    struct kernel k;
    const char *why;

    (void)state;
    make(&k);
    k.ph[2].p_type = PT_NULL;
    assert_int_equal(parse(&k, &img, &why), 0);
    assert_int_equal(img.virt_base, BASE);
    k.sh[0].sh_type = SHT_NULL;
    assert_int_equal(parse(&k, &img, &why), -EINVAL);
    assert_non_null(strstr(why, "note"));
}

struct bad {
    size_t offset, size;        /* the field to change */
    u64 value;
    const char *word;           /* that the reason holds */
};

#define FIELD(f) offsetof(struct kernel, f), sizeof(((struct kernel *)0)->f)

static const struct bad bads[] = {
    { FIELD(eh.e_ident[0]), 'e', "not an ELF" },
    { FIELD(eh.e_ident[EI_CLASS]), ELFCLASS32, "32-bit" },
    { FIELD(eh.e_ident[EI_DATA]), ELFDATA2MSB, "x86-64" },
    { FIELD(eh.e_machine), EM_AARCH64, "x86-64" },
    { FIELD(eh.e_type), ET_DYN, "executable" },
    { FIELD(eh.e_phnum), 0, "header" },
    { FIELD(eh.e_phnum), 0xffff, "header" },
    { FIELD(eh.e_phentsize), 8, "header" },
    { FIELD(eh.e_phoff), 1ull << 40, "header" },
    { FIELD(eh.e_phoff), ~0ull - 8, "header" },
    { FIELD(eh.e_entry), 0x1000, "entry" },
    { FIELD(eh.e_entry), BASE + 0x5020, "entry" },
    { FIELD(ph[0].p_memsz), 1, "segment" },
    { FIELD(ph[0].p_memsz), 1ull << 40, "fit" },
    { FIELD(ph[0].p_memsz), ~0ull, "fit" },
    { FIELD(ph[0].p_paddr), ~0ull - 0x1000, "fit" },
    { FIELD(ph[0].p_offset), 1ull << 40, "beyond" },
    { FIELD(ph[0].p_offset), ~0ull, "beyond" },
};

static void bad_fields(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(bads); i++) {
        struct elf_image img;
        struct kernel k;
        const char *why;

        make(&k);
        memcpy((u8 *)&k + bads[i].offset, &bads[i].value, bads[i].size);
        assert_int_equal(parse(&k, &img, &why), -EINVAL);
        if (!strstr(why, bads[i].word))
            fail_msg("case %u: \"%s\" lacks \"%s\"", i, why, bads[i].word);
    }
}

static void bad_notes(void **state)
{
    static const struct {
        u32 type;
        u64 value;
        const char *word;
    } cases[] = {
        { XEN_ELFNOTE_VIRT_BASE, BASE + 1, "page" },
        { XEN_ELFNOTE_VIRT_BASE, HV_VIRT_START, "hypervisor" },
        { XEN_ELFNOTE_VIRT_BASE, (1ull << 47) - 0x1000, "hypervisor" },
        { XEN_ELFNOTE_VIRT_BASE, ~0xfffull, "fit" },
        { XEN_ELFNOTE_PADDR_OFFSET, 0x1001, "fit" },
        { XEN_ELFNOTE_ENTRY, 0, "entry" },
        { XEN_ELFNOTE_HYPERCALL_PAGE, BASE, "hypercall page" },
        { XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x1001, "hypercall page" },
        { XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x5000, "hypercall page" },
        { XEN_ELFNOTE_INIT_P2M, BASE + 0x2000, "P2M" },
        { XEN_ELFNOTE_INIT_P2M, HV_VIRT_START, "P2M" },
        { XEN_ELFNOTE_INIT_P2M, 12, "P2M" },
    };
    struct elf_image img;
    struct kernel k;
    const char *why;

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        make(&k);
        add_number(&k, cases[i].type, cases[i].value);
        assert_int_equal(parse(&k, &img, &why), -EINVAL);
        if (!strstr(why, cases[i].word))
            fail_msg("case %u: \"%s\" lacks \"%s\"", i, why, cases[i].word);
    }
    make(&k);
    add_text(&k, XEN_ELFNOTE_LOADER, "special");
    assert_int_equal(parse(&k, &img, &why), -EINVAL);
    add_text(&k, XEN_ELFNOTE_GUEST_OS, "linux");
    assert_int_equal(parse(&k, &img, &why), 0);
    add_text(&k, XEN_ELFNOTE_XEN_VERSION, "xen-2.0");
    assert_int_equal(parse(&k, &img, &why), -EINVAL);
}

/* elf_load() into an area of the exact size. */
static int copy_to(void *ctx, u64 offset, const void *data, u64 len)
{
    if (data)
        memcpy((u8 *)ctx + offset, data, len);
    else
        memset((u8 *)ctx + offset, 0, len);
    return 0;
}

static int refuse(void *ctx, u64 offset, const void *data, u64 len)
{
    (void)data;
    (void)len;
    *(u64 *)ctx = offset;
    return -ENOMEM;
}

static void loads_segments(void **state)
{
    struct elf_image img;
    struct kernel k;
    const char *why;
    u64 offset = 1;
    u8 *mem;

    (void)state;
    make(&k);
    assert_int_equal(parse(&k, &img, &why), 0);
    mem = malloc(img.kend - img.kstart);
    memset(mem, 0xee, img.kend - img.kstart);
    assert_int_equal(elf_load(&img, copy_to, mem), 0);
    assert_memory_equal(mem, k.text, sizeof(k.text));
    for (u64 i = sizeof(k.text); i < 0x2000; i++)
        assert_int_equal(mem[i], 0);
    assert_int_equal(mem[0x2000], 0xee);
    assert_memory_equal(mem + 0x4000, k.more, sizeof(k.more));
    free(mem);
    assert_int_equal(elf_load(&img, refuse, &offset), -ENOMEM);
    assert_int_equal(offset, 0);
}

/* Parses and, if accepted and small, loads a copy of the exact size. */
static void survive(const void *data, size_t len)
{
    void *file = malloc(len ? len : 1);
    struct elf_image img;
    const char *why;

    memcpy(file, data, len);
    if (elf_parse(file, len, &img, &why) == 0) {
        u64 size = img.kend - img.kstart;

        if (size <= 1 << 20) {
            u8 *mem = malloc(size);

            assert_int_equal(elf_load(&img, copy_to, mem), 0);
            free(mem);
        }
    } else {
        assert_non_null(why);
    }
    free(file);
}

static void truncated_anywhere(void **state)
{
    struct kernel k;

    (void)state;
    make(&k);
    for (size_t len = 0; len < sizeof(k); len++) {
        struct elf_image img;
        const char *why;

        survive(&k, len);
        if (len < sizeof(k) - sizeof(k.more))
            assert_int_equal(elf_parse(&k, len, &img, &why), -EINVAL);
    }
}

static void damaged_anywhere(void **state)
{
    static const u8 values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
    struct kernel k;

    (void)state;
    make(&k);
    for (size_t at = 0; at < offsetof(struct kernel, text); at++) {
        u8 old = ((u8 *)&k)[at];

        for (unsigned int i = 0; i < ARRAY_SIZE(values); i++) {
            ((u8 *)&k)[at] = values[i];
            survive(&k, sizeof(k));
        }
        ((u8 *)&k)[at] = old;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_kernel),
        cmocka_unit_test(all_notes),
        cmocka_unit_test(notes_in_sections),
        cmocka_unit_test(bad_fields),
        cmocka_unit_test(bad_notes),
        cmocka_unit_test(loads_segments),
        cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(damaged_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
