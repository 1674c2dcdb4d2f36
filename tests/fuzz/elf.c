/* SPDX-License-Identifier: MIT */
/*
 * A kernel for the first domain (hypervisor/boot/elf.c): whatever the file says, it is read inside
 * its bytes only, and what was accepted is loaded inside the kernel's own range, at addresses that
 * a guest may have.
 */
#include <elf.h>

#include "boot/boot.h"
#include "fuzz.h"
#include <xen/elfnote.h>

#define BASE 0xffffffff80000000ull

enum { ACCEPTED, REFUSED, LOADED };
FUZZ_GOALS(GOAL("accepted"), GOAL("refused"), GOAL("loaded"))

struct kernel {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[3];
    Elf64_Shdr sh[1];
    uint8_t text[64];
    uint8_t notes[256];
};

static void add_note(struct kernel *k, uint32_t type, const void *desc, uint32_t len)
{
    Elf64_Nhdr n = { 4, len, type };
    uint8_t *p = k->notes + k->ph[2].p_filesz;

    memcpy(p, &n, sizeof(n));
    memcpy(p + sizeof(n), "Xen", 4);
    memcpy(p + sizeof(n) + 4, desc, len);
    k->ph[2].p_filesz += sizeof(n) + 4 + ((len + 3) & ~3u);
    k->sh[0].sh_size = k->ph[2].p_filesz;
}

/* Returns the file's size: it ends with its last note, a text without an end of its own. */
static size_t make(struct kernel *k)
{
    static const uint64_t base = BASE, page = BASE + 0x2000, p2m = 0x8000000000, entry = BASE + 8;

    *k = (struct kernel){
        .eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
                .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_entry = BASE + 0x1000,
                .e_phoff = offsetof(struct kernel, ph), .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = 3, .e_shoff = offsetof(struct kernel, sh),
                .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = 1 },
        .ph = {
            { .p_type = PT_LOAD, .p_offset = offsetof(struct kernel, text), .p_paddr = 0,
              .p_filesz = 64, .p_memsz = 0x3000 },
            { .p_type = PT_LOAD, .p_offset = offsetof(struct kernel, text), .p_paddr = 0x4000,
              .p_filesz = 32, .p_memsz = 32 },
            { .p_type = PT_NOTE, .p_offset = offsetof(struct kernel, notes) },
        },
        .sh = { { .sh_type = SHT_NOTE, .sh_offset = offsetof(struct kernel, notes) } },
    };
    add_note(k, XEN_ELFNOTE_GUEST_OS, "fuzz", 5);
    add_note(k, XEN_ELFNOTE_LOADER, "generic", 8);
    add_note(k, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
    add_note(k, XEN_ELFNOTE_VIRT_BASE, &base, 8);
    add_note(k, XEN_ELFNOTE_HYPERCALL_PAGE, &page, 8);
    add_note(k, XEN_ELFNOTE_INIT_P2M, &p2m, 8);
    add_note(k, XEN_ELFNOTE_ENTRY, &entry, 8);
    add_note(k, XEN_ELFNOTE_GUEST_VERSION, "1.23", 4);
    return offsetof(struct kernel, notes) + k->ph[2].p_filesz;
}

struct target {
    uint64_t size;
    const uint8_t *file;
    size_t len;
    uint8_t sum;
};

/* In place of a copy: it must fit, and the bytes can be read. */
static int load(void *ctx, uint64_t offset, const void *data, uint64_t len)
{
    struct target *t = ctx;

    FUZZ_CHECK(offset <= t->size && len <= t->size - offset);
    if (data == NULL)
        return 0;
    FUZZ_CHECK((const uint8_t *)data >= t->file && len <= t->len &&
               (const uint8_t *)data + len <= t->file + t->len);
    for (uint64_t i = 0; i < len; i++)
        t->sum = (uint8_t)(t->sum + ((const uint8_t *)data)[i]);
    return 0;
}

static bool in_kernel(const struct elf_image *img, uint64_t va, uint64_t len)
{
    return va >= img->kstart && va + len >= va && va + len <= img->kend;
}

static bool is_guest_range(uint64_t from, uint64_t end)
{
    return from <= end && (end <= 1ull << 47 || from >= 0xffff880000000000ull);
}

static void check_image(const struct elf_image *img, const uint8_t *file, size_t len)
{
    struct target t = { img->kend - img->kstart, file, len, 0 };

    FUZZ_CHECK(img->kstart < img->kend && is_guest_range(img->kstart, img->kend));
    FUZZ_CHECK(img->virt_base % 4096 == 0 && img->virt_base <= img->kstart);
    FUZZ_CHECK(in_kernel(img, img->entry, 1));
    FUZZ_CHECK(img->hypercall_page == ~0ull ||
               (img->hypercall_page % 4096 == 0 && in_kernel(img, img->hypercall_page, 4096)));
    FUZZ_CHECK(img->init_p2m == ~0ull ||
               (img->init_p2m % 4096 == 0 && is_guest_range(img->init_p2m, img->init_p2m)));
    FUZZ_CHECK(memchr(img->guest_os, '\0', sizeof(img->guest_os)) != NULL);
    FUZZ_CHECK(memchr(img->guest_version, '\0', sizeof(img->guest_version)) != NULL);
    FUZZ_CHECK(elf_load(img, load, &t) == 0);
    REACHED(LOADED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct elf_image img;
    const char *why = NULL;
    struct kernel k;
    size_t len;
    void *file;

    len = make(&k);
    len = fuzz_damage(&in, &k, len);
    file = fuzz_copy(&k, len);
    if (elf_parse(file, len, &img, &why) == 0) {
        REACHED(ACCEPTED);
        check_image(&img, file, len);
    } else {
        REACHED(REFUSED);
        FUZZ_CHECK(why != NULL && why[0] != '\0');
    }
    free(file);
    return 0;
}
