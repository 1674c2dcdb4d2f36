/* SPDX-License-Identifier: MIT */
/*
 * What pv-kernel executes (pv-kernel/proc/elf.c): programs whose segments overlap, or leave user
 * space, are refused, and nothing is read beyond the bytes that were given; so too the first line
 * of a script.
 */
#include <elf.h>

#include "fuzz.h"
#include "mm/mm.h"
#include "proc/internal.h"

enum { ACCEPTED, REFUSED, SCRIPT };
FUZZ_GOALS(GOAL("a program accepted"), GOAL("a program refused"), GOAL("a script"))

struct image {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[3];
};

static void check_program(const struct elf_program *p)
{
    uint64_t last = 0;

    FUZZ_CHECK(p->nr_segments >= 1 && p->nr_segments <= ELF_MAX_SEGMENTS);
    for (unsigned int i = 0; i < p->nr_segments; i++) {
        const struct elf_segment *s = &p->segments[i];

        FUZZ_CHECK(ALIGN_DOWN(s->va, PAGE_SIZE) >= last);
        FUZZ_CHECK(s->mem_size != 0 && s->file_size <= s->mem_size);
        FUZZ_CHECK(s->va < USER_END && s->mem_size <= USER_END - s->va);
        last = ALIGN_UP(s->va + s->mem_size, PAGE_SIZE);
    }
    FUZZ_CHECK(p->end == last);
}

static void fuzz_program(struct fuzz_input *in)
{
    struct image im = {
        .eh = { .e_ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, .e_type = ET_EXEC,
                .e_machine = EM_X86_64, .e_entry = 0x401000, .e_phoff = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3 },
        .ph = {
            { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000,
              .p_filesz = 0x1800, .p_memsz = 0x1800 },
            { .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x1800, .p_vaddr = 0x403800,
              .p_filesz = 0x100, .p_memsz = 0x2000 },
            { .p_type = PT_NOTE },
        },
    };
    size_t size = fuzz_damage(in, &im, sizeof(im));
    void *bytes = fuzz_copy(&im, size);
    struct elf_program p;

    if (elf_parse(bytes, size, &p) == 0) {
        REACHED(ACCEPTED);
        check_program(&p);
    } else {
        REACHED(REFUSED);
    }
    free(bytes);
}

static void fuzz_script(struct fuzz_input *in)
{
    char *line = malloc(in->size + 3), *interpreter = NULL, *arg = NULL, *end;

    FUZZ_CHECK(line != NULL);
    memcpy(line, "#!", 2);
    if (in->size)
        memcpy(line + 2, in->data, in->size);
    end = line + 2 + in->size;
    *end = '\0';
    if (script_parse(line, &interpreter, &arg) == 0) {
        REACHED(SCRIPT);
        FUZZ_CHECK(interpreter >= line + 2 && interpreter < end && interpreter[0] != '\0');
        FUZZ_CHECK(strpbrk(interpreter, " \t\n") == NULL);
        FUZZ_CHECK(arg == NULL || (arg > interpreter && arg < end && arg[0] != '\0'));
    }
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };

    if (fuzz_take(&in, 1) % 4 == 0)
        fuzz_script(&in);
    else
        fuzz_program(&in);
    return 0;
}
