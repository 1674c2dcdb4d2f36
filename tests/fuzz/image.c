/* SPDX-License-Identifier: MIT */
/*
 * A guest's kernel, as the toolstack reads it, and the plan of the domain made of it
 * (tools/xl-lite/image.c, layout.c): the file is read inside its bytes only, and no page of a plan
 * has two purposes.
 */
#include <elf.h>
#include <errno.h>

#include "fuzz.h"
#include "tools/xl-lite/libxllite.h"
#include <xen/elfnote.h>

#define BASE 0xffffffff80000000UL

enum { ACCEPTED, REFUSED, PLANNED, NO_ROOM };
FUZZ_GOALS(GOAL("accepted"), GOAL("refused"), GOAL("a plan"), GOAL("too little memory"))

struct file {
    Elf64_Ehdr header;
    Elf64_Phdr program[3];
    char notes[256];
    char code[64];
};

static void add_note(struct file *f, uint32_t type, const void *data, uint32_t size)
{
    Elf64_Nhdr note = { .n_namesz = 4, .n_descsz = size, .n_type = type };
    char *to = f->notes + f->program[0].p_filesz;

    memcpy(to, &note, sizeof(note));
    memcpy(to + sizeof(note), "Xen", 4);
    memcpy(to + sizeof(note) + 4, data, size);
    f->program[0].p_filesz += sizeof(note) + 4 + ((size + 3) & ~3u);
}

static void make(struct file *f)
{
    static const uint64_t base = BASE, page = BASE + 0x11000, p2m = 0x8000000000;

    *f = (struct file){
        .header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
                    .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_entry = BASE + 0x10040,
                    .e_phoff = offsetof(struct file, program),
                    .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3 },
        .program = {
            { .p_type = PT_NOTE, .p_offset = offsetof(struct file, notes) },
            { .p_type = PT_LOAD, .p_offset = offsetof(struct file, code), .p_filesz = 64,
              .p_memsz = 0x2000, .p_paddr = 0x10000, .p_vaddr = BASE + 0x10000 },
            { .p_type = PT_LOAD, .p_offset = offsetof(struct file, code), .p_filesz = 32,
              .p_memsz = 0x1000, .p_paddr = 0x20000, .p_vaddr = BASE + 0x20000 },
        },
    };
    add_note(f, XEN_ELFNOTE_VIRT_BASE, &base, 8);
    add_note(f, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
    add_note(f, XEN_ELFNOTE_LOADER, "generic", 8);
    add_note(f, XEN_ELFNOTE_HYPERCALL_PAGE, &page, 8);
    add_note(f, XEN_ELFNOTE_INIT_P2M, &p2m, 8);
}

static int read_memory(const struct image_source *source, void *buffer, size_t size,
                       uint64_t offset)
{
    FUZZ_CHECK(offset <= source->size && size <= source->size - offset);
    memcpy(buffer, (const char *)source->context + offset, size);
    return 0;
}

static void check_image(const struct image *image, uint64_t file_size)
{
    FUZZ_CHECK(image->nr_segments >= 1 && image->nr_segments <= IMAGE_MAX_SEGMENTS);
    FUZZ_CHECK(image->start < image->end);
    for (unsigned int i = 0; i < image->nr_segments; i++) {
        const struct image_segment *s = &image->segment[i];

        FUZZ_CHECK(s->file_size <= s->size);
        FUZZ_CHECK(s->offset <= file_size && s->file_size <= file_size - s->offset);
        FUZZ_CHECK(s->start >= image->start && s->size <= image->end - s->start);
    }
}

/* Every purpose has pages of its own, inside the domain. */
static void check_layout(const struct layout *l, const struct image *image)
{
    const struct { xen_pfn_t from, pages; } parts[] = {
        { image->start >> XL_PAGE_SHIFT,
          ((image->end - 1) >> XL_PAGE_SHIFT) - (image->start >> XL_PAGE_SHIFT) + 1 },
        { l->ramdisk_pfn, l->ramdisk_pages }, { l->p2m_pfn, l->p2m_pages },
        { l->start_info_pfn, 1 }, { l->store_pfn, 1 }, { l->console_pfn, 1 }, { l->stack_pfn, 1 },
        { l->tables_pfn, l->nr_tables }, { l->p2m_tables_pfn, l->nr_p2m_tables },
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (parts[i].pages == 0)
            continue;
        FUZZ_CHECK(parts[i].from < l->nr_pages && parts[i].pages <= l->nr_pages - parts[i].from);
        for (size_t k = 0; k < i; k++)
            FUZZ_CHECK(parts[k].pages == 0 || parts[k].from >= parts[i].from + parts[i].pages ||
                       parts[i].from >= parts[k].from + parts[k].pages);
    }
    FUZZ_CHECK(l->used_pages <= l->nr_pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct image_source source = { .name = "kernel", .read = read_memory };
    uint64_t pages = 64 + fuzz_take(&in, 2), ramdisk = fuzz_take(&in, 3);
    struct layout layout;
    struct image image;
    struct file file;

    make(&file);
    if (pages % 16 == 0)
        pages = fuzz_take(&in, 6);
    source.size = fuzz_damage(&in, &file, sizeof(file));
    source.context = fuzz_copy(&file, source.size);
    xl_clear_message();
    if (image_parse(&image, &source)) {
        REACHED(REFUSED);
        FUZZ_CHECK(xl_message()[0] != '\0');
    } else {
        REACHED(ACCEPTED);
        check_image(&image, source.size);
        if (layout_plan(&layout, &image, pages, ramdisk) == 0) {
            REACHED(PLANNED);
            check_layout(&layout, &image);
        } else {
            REACHED(NO_ROOM);
            FUZZ_CHECK(xl_message()[0] != '\0');
        }
    }
    free(source.context);
    return 0;
}
