/* SPDX-License-Identifier: MIT */
/*
 * Kernel images: ELF64 with Xen notes.
 *
 * A file is not trusted: every number is checked against the file's size, and sums that could
 * overflow are avoided, before anything is read. Segments are placed by their physical address,
 * less the image's PADDR_OFFSET.
 */
#include "libxllite.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/elfnote.h>

#define MAX_PROGRAM_HEADERS 64
#define MAX_NOTES_SIZE      65536
#define MAX_ADDRESS         (1ULL << 40) /* pseudo-physical: more memory than a guest can have */

struct notes {
    bool seen;           /* any of Xen's */
    bool generic, linux_os, version_3;
    bool has_virt_base, has_entry;
};

static int refuse(const struct image_source *source, const char *reason)
{
    return xl_fail(ENOEXEC, "%s: %s", source->name, reason);
}

static int read_part(const struct image_source *source, void *buffer, uint64_t size,
                     uint64_t offset)
{
    if (offset > source->size || size > source->size - offset)
        return refuse(source, "truncated");
    return source->read(source, buffer, size, offset);
}

static int read_headers(const struct image_source *source, Elf64_Ehdr *header,
                        Elf64_Phdr program[MAX_PROGRAM_HEADERS])
{
    int rc;

    if (source->size < SELFMAG)
        return refuse(source, "not an ELF file");
    rc = read_part(source, header, SELFMAG, 0);
    if (rc)
        return rc;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG))
        return refuse(source, "not an ELF file");
    rc = read_part(source, header, sizeof(*header), 0);
    if (rc)
        return rc;
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64)
        return refuse(source, "not for 64-bit x86");
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
        header->e_phnum > MAX_PROGRAM_HEADERS)
        return refuse(source, "not a program");
    return read_part(source, program, header->e_phnum * sizeof(*program), header->e_phoff);
}

static uint64_t note_number(const void *data, size_t size)
{
    uint64_t number = 0;

    memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
    return number;
}

/* A text note holds a terminating zero, but need not. */
static bool note_begins(const char *data, size_t size, const char *text)
{
    return size >= strlen(text) && !memcmp(data, text, strlen(text));
}

static void take_note(struct image *image, struct notes *notes, uint32_t type, const char *data,
                      size_t size)
{
    notes->seen = true;
    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        image->entry = note_number(data, size);
        notes->has_entry = true;
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        image->hypercall_page = note_number(data, size);
        image->has_hypercall_page = true;
        break;
    case XEN_ELFNOTE_VIRT_BASE:
        image->virt_base = note_number(data, size);
        notes->has_virt_base = true;
        break;
    case XEN_ELFNOTE_PADDR_OFFSET:
        image->paddr_offset = note_number(data, size);
        break;
    case XEN_ELFNOTE_INIT_P2M:
        image->init_p2m = note_number(data, size);
        image->has_init_p2m = true;
        break;
    case XEN_ELFNOTE_MOD_START_PFN:
        image->ramdisk_unmapped = note_number(data, size) != 0;
        break;
    case XEN_ELFNOTE_XEN_VERSION:
        notes->version_3 = note_begins(data, size, "xen-3.0");
        break;
    case XEN_ELFNOTE_LOADER:
        notes->generic = note_begins(data, size, "generic");
        break;
    case XEN_ELFNOTE_GUEST_OS:
        notes->linux_os = note_begins(data, size, "linux");
        break;
    default:
        break;
    }
}

static size_t align4(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

/* Takes all that is whole; what follows a note that runs over the end is no note. */
static void take_notes(struct image *image, struct notes *notes, const char *data, size_t size)
{
    Elf64_Nhdr note;

    while (size >= sizeof(note)) {
        size_t name_size, data_size;

        memcpy(&note, data, sizeof(note));
        data += sizeof(note);
        size -= sizeof(note);
        name_size = align4(note.n_namesz);
        data_size = align4(note.n_descsz);
        if (name_size > size || note.n_descsz > size - name_size)
            return;
        if (note.n_namesz == sizeof("Xen") && !memcmp(data, "Xen", sizeof("Xen")))
            take_note(image, notes, note.n_type, data + name_size, note.n_descsz);
        if (data_size > size - name_size)
            return;
        data += name_size + data_size;
        size -= name_size + data_size;
    }
}

static int read_notes(struct image *image, struct notes *notes, const struct image_source *source,
                      const Elf64_Phdr *program)
{
    char *data;
    int rc;

    if (program->p_filesz > MAX_NOTES_SIZE)
        return refuse(source, "its notes are too large");
    data = malloc(program->p_filesz + 1);
    if (!data)
        return xl_fail(ENOMEM, "%s: out of memory", source->name);
    rc = read_part(source, data, program->p_filesz, program->p_offset);
    if (!rc)
        take_notes(image, notes, data, program->p_filesz);
    free(data);
    return rc;
}

static int add_segment(struct image *image, const struct image_source *source,
                       const Elf64_Phdr *program)
{
    struct image_segment *segment = &image->segment[image->nr_segments];
    uint64_t start = program->p_paddr - image->paddr_offset;

    if (!program->p_memsz)
        return 0;
    if (image->nr_segments == IMAGE_MAX_SEGMENTS)
        return refuse(source, "too many segments");
    if (program->p_filesz > program->p_memsz || program->p_offset > source->size ||
        program->p_filesz > source->size - program->p_offset)
        return refuse(source, "truncated");
    if (start >= MAX_ADDRESS || program->p_memsz > MAX_ADDRESS - start)
        return refuse(source, "a segment lies at an address no guest has");
    *segment = (struct image_segment){
        .offset = program->p_offset, .file_size = program->p_filesz,
        .start = start, .size = program->p_memsz,
    };
    if (!image->nr_segments || start < image->start)
        image->start = start;
    if (start + segment->size > image->end)
        image->end = start + segment->size;
    image->nr_segments++;
    return 0;
}

static bool inside(const struct image *image, uint64_t address, uint64_t size)
{
    uint64_t start = image->virt_base + image->start;

    return address >= start && address - start <= image->end - image->start &&
           size <= image->end - image->start - (address - start);
}

static int check(const struct image *image, const struct notes *notes,
                 const struct image_source *source)
{
    if (!notes->seen || !notes->has_virt_base)
        return refuse(source, "not a paravirtualized kernel (it has no Xen notes)");
    if (!notes->version_3 || !(notes->generic || notes->linux_os))
        return refuse(source, "its notes ask for another interface or loader");
    if (!image->nr_segments)
        return refuse(source, "nothing to load");
    if (image->virt_base % XL_PAGE_SIZE || image->virt_base + image->end < image->virt_base)
        return refuse(source, "it cannot be mapped where its notes say");
    if (!inside(image, image->entry, 1))
        return refuse(source, "its entry point lies outside of it");
    if (image->has_hypercall_page && (image->hypercall_page % XL_PAGE_SIZE ||
                                      !inside(image, image->hypercall_page, XL_PAGE_SIZE)))
        return refuse(source, "its hypercall page lies outside of it");
    if (image->has_init_p2m && image->init_p2m % XL_PAGE_SIZE)
        return refuse(source, "its P2M cannot be mapped where its notes say");
    return 0;
}

int image_parse(struct image *image, const struct image_source *source)
{
    Elf64_Phdr program[MAX_PROGRAM_HEADERS];
    struct notes notes = { 0 };
    Elf64_Ehdr header;
    int rc;

    memset(image, 0, sizeof(*image));
    rc = read_headers(source, &header, program);
    for (unsigned int i = 0; !rc && i < header.e_phnum; i++) {
        if (program[i].p_type == PT_NOTE)
            rc = read_notes(image, &notes, source, &program[i]);
    }
    for (unsigned int i = 0; !rc && i < header.e_phnum; i++) {
        if (program[i].p_type == PT_LOAD)
            rc = add_segment(image, source, &program[i]);
    }
    if (rc)
        return rc;
    if (!notes.has_entry)
        image->entry = header.e_entry;
    return check(image, &notes, source);
}
