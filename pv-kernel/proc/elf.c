/* SPDX-License-Identifier: MIT */
/*
 * Reading the head of a program: ELF, or a script's first line. Pure: bytes in, checked numbers
 * out. Whatever the file says, segments end below USER_END, do not overlap, and come in order.
 */
#include "mm/mm.h"
#include "proc/internal.h"

#define ET_EXEC    2
#define ET_DYN     3
#define EM_X86_64  62
#define PT_LOAD    1
#define PT_INTERP  3
#define PT_PHDR    6
#define PF_X 1
#define PF_W 2
#define PF_R 4

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

/* "\177ELF", 64 bits, little-endian, version 1 */
static const uint8_t elf_ident[7] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

static int check_header(const struct elf_header *h, size_t size)
{
    if (size < sizeof(*h) || memcmp(h->ident, elf_ident, sizeof(elf_ident)) ||
        (h->type != ET_EXEC && h->type != ET_DYN) || h->machine != EM_X86_64 ||
        h->phentsize != sizeof(struct elf_phdr) || !h->phnum || h->entry >= USER_END)
        return -ENOEXEC;
    if (h->phoff > size || h->phnum > (size - h->phoff) / sizeof(struct elf_phdr))
        return -E2BIG;
    return 0;
}

static int prot_of(uint32_t flags)
{
    return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
           (flags & PF_X ? PROT_EXEC : 0);
}

static int add_segment(struct elf_program *out, const struct elf_phdr *p)
{
    if (!p->memsz)
        return 0;
    if (out->nr_segments == ELF_MAX_SEGMENTS || p->filesz > p->memsz || p->vaddr >= USER_END ||
        p->memsz > USER_END - p->vaddr || p->vaddr % PAGE_SIZE != p->offset % PAGE_SIZE ||
        p->offset > INT64_MAX - p->filesz || ALIGN_DOWN(p->vaddr, PAGE_SIZE) < out->end)
        return -ENOEXEC;
    out->segments[out->nr_segments++] = (struct elf_segment){
        .va = p->vaddr, .file_size = p->filesz, .mem_size = p->memsz, .offset = p->offset,
        .prot = prot_of(p->flags),
    };
    out->end = ALIGN_UP(p->vaddr + p->memsz, PAGE_SIZE);
    return 0;
}

/* Where the program headers lie in memory: said by PT_PHDR, or in the segment that has them. */
static void find_phdrs(struct elf_program *out, const struct elf_header *h)
{
    for (unsigned int i = 0; i < out->nr_segments && !out->phdr_va; i++) {
        const struct elf_segment *s = &out->segments[i];

        if (h->phoff >= s->offset && h->phoff - s->offset < s->file_size)
            out->phdr_va = s->va + (h->phoff - s->offset);
    }
}

int elf_parse(const void *head, size_t size, struct elf_program *out)
{
    struct elf_header h = { .phnum = 0 };
    int rc;

    memset(out, 0, sizeof(*out));
    memcpy(&h, head, min(size, sizeof(h)));
    rc = check_header(&h, size);
    for (unsigned int i = 0; i < h.phnum && !rc; i++) {
        struct elf_phdr p;

        memcpy(&p, (const char *)head + h.phoff + i * sizeof(p), sizeof(p));
        if (p.type == PT_INTERP)
            rc = -ENOEXEC;
        else if (p.type == PT_LOAD)
            rc = add_segment(out, &p);
        else if (p.type == PT_PHDR)
            out->phdr_va = p.vaddr;
    }
    if (rc)
        return rc;
    out->entry = h.entry;
    out->nr_phdrs = h.phnum;
    out->relocatable = h.type == ET_DYN;
    find_phdrs(out, &h);
    return out->nr_segments ? 0 : -ENOEXEC;
}

static char *skip_blanks(char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

int script_parse(char *line, char **interpreter, char **arg)
{
    char *end = strchr(line, '\n');

    if (line[0] != '#' || line[1] != '!')
        return -ENOEXEC;
    if (end)
        *end = '\0';
    line = skip_blanks(line + 2);
    for (end = line + strlen(line); end > line && (end[-1] == ' ' || end[-1] == '\t');)
        *--end = '\0';
    *interpreter = line;
    while (*line && *line != ' ' && *line != '\t')
        line++;
    *arg = NULL;
    if (*line) {
        *line = '\0';
        *arg = skip_blanks(line + 1);
    }
    return **interpreter ? 0 : -ENOEXEC;
}
