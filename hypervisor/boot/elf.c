/* SPDX-License-Identifier: MIT */
/*
 * Reads a paravirtualized kernel: a 64-bit ELF file with notes of owner "Xen". Pure, host-tested.
 *
 * No byte of the file is trusted. Everything is read through at(), which knows the file's length;
 * every sum is checked for overflow before it is used. What elf_parse() has accepted, elf_load()
 * loads without further checks.
 *
 * Segments go where their physical addresses say (a kernel may have some whose virtual address is
 * not where they lie); the notes VIRT_BASE and PADDR_OFFSET say where that is for the kernel.
 */
#include "boot/boot.h"
#include "lib/string.h"
#include <xen/elfnote.h>
#include <xen/features.h>

struct ehdr {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct phdr {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};

struct shdr {
    u32 name, type;
    u64 flags, addr, offset, size;
    u32 link, info;
    u64 addralign, entsize;
};

struct note {
    u32 namesz, descsz, type;
};

enum { EI_CLASS = 4, EI_DATA = 5, CLASS64 = 2, LITTLE_ENDIAN_DATA = 1, ET_EXEC = 2, EM_X86_64 = 62,
       PT_LOAD = 1, PT_NOTE = 4, SHT_NOTE = 7, MAX_HEADERS = 512 };

#define NONE (~0ull)

/* What notes say, before it is checked. */
struct notes {
    bool any;
    u64 entry, virt_base, paddr_offset, hypercall_page, init_p2m, mod_start_pfn;
    u64 supported_features;     /* NONE: no note */
    char loader[16], xen_version[16];
};

/* @len bytes of the file at @offset; NULL: they are not all there. */
static const void *at(const struct elf_image *img, u64 offset, u64 len)
{
    return offset <= img->len && len <= img->len - offset ? img->file + offset : NULL;
}

static bool read_at(const struct elf_image *img, u64 offset, void *to, size_t len)
{
    const void *p = at(img, offset, len);

    if (p)
        memcpy(to, p, len);
    return p != NULL;
}

static bool read_header(const struct elf_image *img, struct ehdr *eh)
{
    return read_at(img, 0, eh, sizeof(*eh));
}

/* The tables of headers lie wholly inside the file: elf_parse() checks that first. */
static void read_phdr(const struct elf_image *img, const struct ehdr *eh, unsigned int i,
                      struct phdr *ph)
{
    memcpy(ph, img->file + eh->phoff + (u64)i * eh->phentsize, sizeof(*ph));
}

static void read_shdr(const struct elf_image *img, const struct ehdr *eh, unsigned int i,
                      struct shdr *sh)
{
    memcpy(sh, img->file + eh->shoff + (u64)i * eh->shentsize, sizeof(*sh));
}

/* ---- The ELF header ---- */

/* As all checks here: NULL, or a line's worth of what is wrong. */
static const char *check_tables(const struct elf_image *img, const struct ehdr *eh)
{
    if (!eh->phnum || eh->phnum > MAX_HEADERS || eh->phentsize < sizeof(struct phdr))
        return "its ELF header gives no usable program headers";
    if (!at(img, eh->phoff, (u64)eh->phnum * eh->phentsize))
        return "its program headers lie beyond the end of the file: it may be truncated";
    return NULL;
}

static const char *check_header(const struct elf_image *img, struct ehdr *eh)
{
    static const u8 magic[4] = { 0x7f, 'E', 'L', 'F' };
    const void *ident = at(img, 0, sizeof(magic));

    if (!img->len)
        return "it is empty";
    if (!ident || memcmp(ident, magic, sizeof(magic)))
        return "it is not an ELF file";
    if (!read_header(img, eh))
        return "it is truncated: too short for an ELF header";
    if (eh->ident[EI_CLASS] != CLASS64)
        return "it is a 32-bit ELF file, not a 64-bit one";
    if (eh->ident[EI_DATA] != LITTLE_ENDIAN_DATA || eh->machine != EM_X86_64)
        return "it is not for x86-64";
    if (eh->type != ET_EXEC)
        return "it is an ELF file, but not an executable";
    return check_tables(img, eh);
}

/* ---- Notes ---- */

/* Notes have numbers of 4 or 8 bytes; the file is little-endian, as we are. */
static u64 note_number(const u8 *desc, u32 len)
{
    u64 v = 0;

    memcpy(&v, desc, min(len, (u32)sizeof(v)));
    return v;
}

static void note_text(const u8 *desc, u32 len, char *to, size_t size)
{
    size_t n = strnlen((const char *)desc, min((size_t)len, size - 1));

    memcpy(to, desc, n);
    to[n] = '\0';
}

/* The last of several of one type counts. */
static void one_note(struct elf_image *img, struct notes *notes, u32 type, const u8 *desc, u32 len)
{
    const struct {
        u32 type;
        u64 *number;
    } numbers[] = {
        { XEN_ELFNOTE_ENTRY, &notes->entry },
        { XEN_ELFNOTE_VIRT_BASE, &notes->virt_base },
        { XEN_ELFNOTE_PADDR_OFFSET, &notes->paddr_offset },
        { XEN_ELFNOTE_HYPERCALL_PAGE, &notes->hypercall_page },
        { XEN_ELFNOTE_INIT_P2M, &notes->init_p2m },
        { XEN_ELFNOTE_MOD_START_PFN, &notes->mod_start_pfn },
        { XEN_ELFNOTE_SUPPORTED_FEATURES, &notes->supported_features },
    };
    const struct {
        u32 type;
        char *text;
        size_t size;
    } texts[] = {
        { XEN_ELFNOTE_LOADER, notes->loader, sizeof(notes->loader) },
        { XEN_ELFNOTE_XEN_VERSION, notes->xen_version, sizeof(notes->xen_version) },
        { XEN_ELFNOTE_GUEST_OS, img->guest_os, sizeof(img->guest_os) },
        { XEN_ELFNOTE_GUEST_VERSION, img->guest_version, sizeof(img->guest_version) },
    };

    notes->any = true;
    for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (numbers[i].type == type)
            *numbers[i].number = note_number(desc, len);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(texts); i++) {
        if (texts[i].type == type)
            note_text(desc, len, texts[i].text, texts[i].size);
    }
}

/* The notes in one segment or section; a broken one ends it. Parts are padded to 4 bytes. */
static void read_notes(struct elf_image *img, struct notes *notes, u64 offset, u64 size)
{
    struct note n;

    if (!at(img, offset, size))
        return;
    while (size >= sizeof(n) && read_at(img, offset, &n, sizeof(n))) {
        u64 name = ALIGN_UP((u64)n.namesz, 4ull), desc = ALIGN_UP((u64)n.descsz, 4ull);
        const u8 *body = img->file + offset + sizeof(n);
        u64 total = sizeof(n) + name + desc;

        if (sizeof(n) + name + n.descsz > size)
            return;
        if (n.namesz == 4 && !memcmp(body, "Xen", 4))
            one_note(img, notes, n.type, body + name, n.descsz);
        if (total > size)
            return;
        offset += total;
        size -= total;
    }
}

/* Notes are found by segments; where the linker was not told to make one, by sections. */
static void find_notes(struct elf_image *img, const struct ehdr *eh, struct notes *notes)
{
    for (unsigned int i = 0; i < eh->phnum; i++) {
        struct phdr ph;

        read_phdr(img, eh, i, &ph);
        if (ph.type == PT_NOTE)
            read_notes(img, notes, ph.offset, ph.filesz);
    }
    if (notes->any || eh->shentsize < sizeof(struct shdr) ||
        !at(img, eh->shoff, (u64)eh->shnum * eh->shentsize))
        return;
    for (unsigned int i = 0; i < eh->shnum; i++) {
        struct shdr sh;

        read_shdr(img, eh, i, &sh);
        if (sh.type == SHT_NOTE)
            read_notes(img, notes, sh.offset, sh.size);
    }
}

/* What the ABI asks of a kernel: made for the generic loader and for interface xen-3.0. */
static const char *check_notes(const struct elf_image *img, const struct notes *notes)
{
    if (!notes->any)
        return "it has no Xen notes: not a paravirtualized kernel";
    if (strncmp(notes->loader, "generic", 7) && strncmp(img->guest_os, "linux", 5))
        return "its notes ask for a loader other than the generic one";
    if (strncmp(notes->xen_version, "xen-3.0", 7))
        return "its notes do not say that it is for xen-3.0";
    return NULL;
}

/* ---- Where it wants to be ---- */

/* The range of physical addresses, from the lowest to the highest, that its segments take up. */
static const char *check_segments(struct elf_image *img, const struct ehdr *eh, u64 *from, u64 *end)
{
    *from = NONE;
    *end = 0;
    for (unsigned int i = 0; i < eh->phnum; i++) {
        struct phdr ph;
        u64 top;

        read_phdr(img, eh, i, &ph);
        if (ph.type != PT_LOAD || !ph.memsz)
            continue;
        if (ph.filesz > ph.memsz)
            return "a segment is larger in the file than in memory";
        if (!at(img, ph.offset, ph.filesz))
            return "a segment lies beyond the end of the file: it may be truncated";
        if (__builtin_add_overflow(ph.paddr, ph.memsz, &top))
            return "a segment does not fit into the address space";
        *from = min(*from, ph.paddr);
        *end = max(*end, top);
    }
    return *end ? NULL : "it has no segment to load";
}

/* Whether @len bytes at @va are within the segments' range. */
static bool in_kernel(const struct elf_image *img, u64 va, u64 len)
{
    return va >= img->kstart && va < img->kend && len <= img->kend - va;
}

/* A guest may use what lies below the non-canonical addresses and above the hypervisor's. */
static bool guest_may_have(u64 from, u64 end)
{
    return end <= 1ull << 47 || from >= HV_VIRT_END;
}

/*
 * From physical to virtual: VIRT_BASE is where PADDR_OFFSET lies. All that a note names has to fit
 * in.
 */
static const char *place(struct elf_image *img, const struct notes *notes, u64 from, u64 end)
{
    u64 base = notes->virt_base == NONE ? 0 : notes->virt_base;
    u64 offset = notes->paddr_offset == NONE ? 0 : notes->paddr_offset;

    img->virt_base = base;
    img->paddr_offset = offset;
    if (from < offset || __builtin_add_overflow(base, from - offset, &img->kstart) ||
        __builtin_add_overflow(base, end - offset, &img->kend))
        return "a segment does not fit into the address space at its virtual base";
    if (!IS_ALIGNED(base, (u64)PAGE_SIZE))
        return "its virtual base is not on a page boundary";
    if (!guest_may_have(base, img->kend))
        return "a segment does not fit: it would lie in the hypervisor's addresses";
    if (!in_kernel(img, img->entry, 1))
        return "its entry point lies outside its segments";
    if (img->hypercall_page != NONE && (!IS_ALIGNED(img->hypercall_page, (u64)PAGE_SIZE) ||
                                        !in_kernel(img, img->hypercall_page, PAGE_SIZE)))
        return "its hypercall page lies outside its segments";
    if (img->init_p2m != NONE && (!IS_ALIGNED(img->init_p2m, (u64)PAGE_SIZE) ||
                                  in_kernel(img, img->init_p2m, 0) ||
                                  !guest_may_have(img->init_p2m, img->init_p2m)))
        return "the place for its P2M is not free";
    return NULL;
}

int elf_parse(const void *file, u64 len, struct elf_image *img, const char **why)
{
    struct notes notes = { .entry = NONE, .virt_base = NONE, .paddr_offset = NONE,
                           .hypercall_page = NONE, .init_p2m = NONE, .supported_features = NONE };
    struct ehdr eh;
    u64 from, end;

    memset(img, 0, sizeof(*img));
    img->file = file;
    img->len = len;
    *why = check_header(img, &eh);
    if (!*why)
        *why = check_segments(img, &eh, &from, &end);
    if (*why)
        return -EINVAL;

    find_notes(img, &eh, &notes);
    *why = check_notes(img, &notes);
    if (*why)
        return -EINVAL;
    img->entry = notes.entry == NONE ? eh.entry : notes.entry;
    img->hypercall_page = notes.hypercall_page;
    img->init_p2m = notes.init_p2m;
    img->mod_start_pfn = notes.mod_start_pfn != 0;
    img->needs_dom0_feature_missing = notes.supported_features != NONE &&
                                      !(notes.supported_features & BIT(XENFEAT_dom0));
    *why = place(img, &notes, from, end);
    return *why ? -EINVAL : 0;
}

/* Nothing is checked here: elf_parse() has, and the file can't change. */
int elf_load(const struct elf_image *img,
             int (*copy)(void *ctx, u64 offset, const void *data, u64 len), void *ctx)
{
    u64 lowest = img->kstart - img->virt_base + img->paddr_offset;
    struct ehdr eh;
    int rc;

    memcpy(&eh, img->file, sizeof(eh));
    for (unsigned int i = 0; i < eh.phnum; i++) {
        struct phdr ph;

        read_phdr(img, &eh, i, &ph);
        if (ph.type != PT_LOAD || !ph.memsz)
            continue;
        rc = copy(ctx, ph.paddr - lowest, img->file + ph.offset, ph.filesz);
        if (!rc && ph.memsz > ph.filesz)
            rc = copy(ctx, ph.paddr - lowest + ph.filesz, NULL, ph.memsz - ph.filesz);
        if (rc)
            return rc;
    }
    return 0;
}
