/* SPDX-License-Identifier: MIT */
/* Kernel images: what is taken, and that no file can make the reader go wrong (image.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xl-lite/libxllite.h"

#include <xen/elfnote.h>

#define BASE 0xffffffff80000000UL

/* A file in memory: header, three program headers, notes, code. */
struct file {
    Elf64_Ehdr header;
    Elf64_Phdr program[3];
    char notes[512];
    char code[256];
};

struct fixture {
    struct file file;
    size_t notes_size;
    struct image_source source;
    struct image image;
};

static int read_memory(const struct image_source *source, void *buffer, size_t size,
                       uint64_t offset)
{
    memcpy(buffer, (const char *)source->context + offset, size);
    return 0;
}

static void add_note(struct fixture *f, uint32_t type, const void *data, uint32_t size)
{
    Elf64_Nhdr note = { .n_namesz = 4, .n_descsz = size, .n_type = type };
    char *to = f->file.notes + f->notes_size;

    memcpy(to, &note, sizeof(note));
    memcpy(to + sizeof(note), "Xen", 4);
    memcpy(to + sizeof(note) + 4, data, size);
    f->notes_size += sizeof(note) + 4 + ((size + 3) & ~3u);
    f->file.program[0].p_filesz = f->notes_size;
}

static void add_number(struct fixture *f, uint32_t type, uint64_t number)
{
    add_note(f, type, &number, sizeof(number));
}

/* A good image: 0x2000 bytes at pfn 0x10, of which 256 come from the file. */
static void make(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    memcpy(f->file.header.e_ident, ELFMAG, SELFMAG);
    f->file.header.e_ident[EI_CLASS] = ELFCLASS64;
    f->file.header.e_ident[EI_DATA] = ELFDATA2LSB;
    f->file.header.e_machine = EM_X86_64;
    f->file.header.e_phentsize = sizeof(Elf64_Phdr);
    f->file.header.e_phnum = 2;
    f->file.header.e_phoff = offsetof(struct file, program);
    f->file.header.e_entry = BASE + 0x10040;
    f->file.program[0].p_type = PT_NOTE;
    f->file.program[0].p_offset = offsetof(struct file, notes);
    f->file.program[1] = (Elf64_Phdr){
        .p_type = PT_LOAD, .p_offset = offsetof(struct file, code), .p_filesz = 256,
        .p_memsz = 0x2000, .p_paddr = 0x10000, .p_vaddr = BASE + 0x10000,
    };
    f->source = (struct image_source){
        .name = "kernel", .size = sizeof(f->file), .context = &f->file, .read = read_memory,
    };
    add_number(f, XEN_ELFNOTE_VIRT_BASE, BASE);
    add_note(f, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
    add_note(f, XEN_ELFNOTE_LOADER, "generic", 8);
    xl_clear_message();
}

static int parse(struct fixture *f)
{
    return image_parse(&f->image, &f->source);
}

static void good_image_is_taken_as_it_says(void **state)
{
    struct fixture f;

    (void)state;
    make(&f);
    assert_int_equal(parse(&f), 0);
    assert_int_equal(f.image.nr_segments, 1);
    assert_int_equal(f.image.start, 0x10000);
    assert_int_equal(f.image.end, 0x12000);
    assert_int_equal(f.image.segment[0].offset, offsetof(struct file, code));
    assert_int_equal(f.image.segment[0].file_size, 256);
    assert_true(f.image.entry == BASE + 0x10040);
    assert_false(f.image.has_hypercall_page);
    assert_false(f.image.has_init_p2m);
    assert_false(f.image.ramdisk_unmapped);
}

static void notes_override_and_ask(void **state)
{
    struct fixture f;
    uint32_t one = 1;

    (void)state;
    make(&f);
    add_number(&f, XEN_ELFNOTE_ENTRY, BASE + 0x10080);
    add_number(&f, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x11000);
    add_number(&f, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    add_note(&f, XEN_ELFNOTE_MOD_START_PFN, &one, sizeof(one));
    assert_int_equal(parse(&f), 0);
    assert_true(f.image.entry == BASE + 0x10080);
    assert_true(f.image.has_hypercall_page && f.image.hypercall_page == BASE + 0x11000);
    assert_true(f.image.has_init_p2m && f.image.init_p2m == 0x8000000000);
    assert_true(f.image.ramdisk_unmapped);
}

static void physical_addresses_are_shifted_by_the_note(void **state)
{
    struct fixture f;

    (void)state;
    make(&f);
    add_number(&f, XEN_ELFNOTE_PADDR_OFFSET, BASE);
    f.file.program[1].p_paddr = BASE + 0x10000;
    assert_int_equal(parse(&f), 0);
    assert_int_equal(f.image.start, 0x10000);
}

/* Each changes one thing of a good image, which then must be refused with these words. */
static void no_magic(struct fixture *f)
{
    f->file.header.e_ident[0] = 'x';
}

static void empty(struct fixture *f)
{
    f->source.size = 0;
}

static void header_cut(struct fixture *f)
{
    f->source.size = 40;
}

static void thirty_two_bit(struct fixture *f)
{
    f->file.header.e_ident[EI_CLASS] = ELFCLASS32;
}

static void other_machine(struct fixture *f)
{
    f->file.header.e_machine = EM_386;
}

static void no_headers(struct fixture *f)
{
    f->file.header.e_phnum = 0;
}

static void headers_outside(struct fixture *f)
{
    f->file.header.e_phoff = UINT64_MAX - 8;
}

static void too_many_headers(struct fixture *f)
{
    f->file.header.e_phnum = 0xffff;
}

static void notes_outside(struct fixture *f)
{
    f->file.program[0].p_offset = 1UL << 40;
}

static void notes_huge(struct fixture *f)
{
    f->file.program[0].p_filesz = UINT64_MAX;
}

static void no_notes(struct fixture *f)
{
    f->file.program[0].p_filesz = 0;
}

static void code_outside(struct fixture *f)
{
    f->file.program[1].p_offset = sizeof(f->file) - 9;
}

static void more_file_than_memory(struct fixture *f)
{
    f->file.program[1].p_memsz = 255;
}

static void address_wraps(struct fixture *f)
{
    f->file.program[1].p_paddr = UINT64_MAX - 9;
}

static void size_wraps(struct fixture *f)
{
    f->file.program[1].p_memsz = UINT64_MAX;
}

static void nothing(struct fixture *f)
{
    f->file.program[1].p_type = PT_NULL;
}

static void entry_outside(struct fixture *f)
{
    f->file.header.e_entry = BASE + 0x12000;
}

static void odd_base(struct fixture *f)
{
    add_number(f, XEN_ELFNOTE_VIRT_BASE, BASE + 8);
}

static void base_wraps(struct fixture *f)
{
    add_number(f, XEN_ELFNOTE_VIRT_BASE, -0x1000UL);
}

static void other_version(struct fixture *f)
{
    add_note(f, XEN_ELFNOTE_XEN_VERSION, "xen-2.0", 8);
}

static void short_version(struct fixture *f)
{
    add_note(f, XEN_ELFNOTE_XEN_VERSION, "xen", 3);
}

static void other_loader(struct fixture *f)
{
    add_note(f, XEN_ELFNOTE_LOADER, "own", 4);
}

static void page_outside(struct fixture *f)
{
    add_number(f, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x12000);
}

static void page_odd(struct fixture *f)
{
    add_number(f, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x10800);
}

static void p2m_odd(struct fixture *f)
{
    add_number(f, XEN_ELFNOTE_INIT_P2M, 0x8000000008);
}

static void bad_images_are_refused_by_name(void **state)
{
    static const struct {
        void (*spoil)(struct fixture *f);
        const char *words;
    } rows[] = {
        { no_magic, "not an ELF file" }, { empty, "not an ELF file" },
        { header_cut, "truncated" }, { thirty_two_bit, "not for 64-bit x86" },
        { other_machine, "not for 64-bit x86" }, { no_headers, "not a program" },
        { headers_outside, "truncated" }, { too_many_headers, "not a program" },
        { notes_outside, "truncated" }, { notes_huge, "notes are too large" },
        { no_notes, "no Xen notes" }, { code_outside, "truncated" },
        { more_file_than_memory, "truncated" }, { address_wraps, "an address no guest has" },
        { size_wraps, "an address no guest has" }, { nothing, "nothing to load" },
        { entry_outside, "entry point lies outside" }, { odd_base, "cannot be mapped" },
        { base_wraps, "cannot be mapped" }, { other_version, "another interface" },
        { short_version, "another interface" }, { other_loader, "another interface or loader" },
        { page_outside, "hypercall page" }, { page_odd, "hypercall page" }, { p2m_odd, "P2M" },
    };
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        make(&f);
        rows[i].spoil(&f);
        assert_int_equal(parse(&f), -ENOEXEC);
        if (!strstr(xl_message(), rows[i].words) || !strstr(xl_message(), "kernel: "))
            fail_msg("row %zu: \"%s\", expected \"%s\"", i, xl_message(), rows[i].words);
    }
}

/* Any byte of headers and notes may be anything: no read outside, as the sanitizers see it. */
static void random_files_do_no_harm(void **state)
{
    struct fixture f;
    unsigned int taken = 0;

    (void)state;
    srandom(1);
    for (unsigned int i = 0; i < 200000; i++) {
        struct fixture *copy;

        make(&f);
        for (unsigned int n = (unsigned int)random() % 4 + 1; n; n--)
            ((unsigned char *)&f.file)[(size_t)random() % offsetof(struct file, code)] =
                (unsigned char)random();
        f.source.size -= random() % 4 ? 0 : (size_t)random() % sizeof(f.file);
        /* On the heap and no larger than it says, so that a read past the end is seen. */
        copy = malloc(f.source.size + 1);
        memcpy(copy, &f.file, f.source.size);
        f.source.context = copy;
        if (!parse(&f)) {
            taken++;
            assert_true(f.image.end > f.image.start);
            assert_true(f.image.entry - f.image.virt_base < f.image.end);
        }
        free(copy);
    }
    assert_true(taken > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_image_is_taken_as_it_says),
        cmocka_unit_test(notes_override_and_ask),
        cmocka_unit_test(physical_addresses_are_shifted_by_the_note),
        cmocka_unit_test(bad_images_are_refused_by_name),
        cmocka_unit_test(random_files_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
