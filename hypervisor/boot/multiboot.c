/* SPDX-License-Identifier: MIT */
/*
 * What the loader left in memory, by Multiboot 1 or 2, into our own words. Pure, host-tested.
 *
 * The loader is not an enemy but may be mistaken: every structure is read only where it lies whole
 * inside readable memory and inside the structure around it, so garbage ends in an error or in less
 * information, never in a fault. Fields are copied out byte by byte: nothing need be aligned.
 */
#include "boot/multiboot.h"
#include "lib/string.h"

/* ---- Multiboot 1 ---- */

enum { MB1_MEM = 1 << 0, MB1_CMDLINE = 1 << 2, MB1_MODULES = 1 << 3, MB1_MMAP = 1 << 6,
       MB1_LOADER = 1 << 9, MB1_FRAMEBUFFER = 1 << 12 };

struct mb1_info {
    u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr;
    u32 syms[4];
    u32 mmap_length, mmap_addr, drives[2], config_table, loader_name, apm_table, vbe[4];
    u64 fb_addr;
    u32 fb_pitch, fb_width, fb_height;
    u8 fb_bpp, fb_type;
} __packed;

struct mb1_module {
    u32 start, end, cmdline, pad;
};

struct mb1_mmap {
    u32 size;                   /* of what follows */
    u64 base, len;
    u32 type;
} __packed;

/* Copies a text of unknown length, as far as memory goes and it fits. */
static void copy_text(read_memory_fn at, u64 addr, char *to, size_t size)
{
    size_t n;

    to[0] = '\0';
    for (n = 0; addr && n + 1 < size; n++) {
        const char *c = at(addr + n, 1);

        if (!c || !*c)
            break;
        to[n] = *c;
    }
    to[n] = '\0';
}

static void add_range(struct loader_info *info, u64 base, u64 len, u32 type)
{
    if (info->nr_mem == ARRAY_SIZE(info->mem))
        info->mem_overflow = true;
    else
        info->mem[info->nr_mem++] = (struct mem_range){ base, len, type };
}

/* The first two modules are used; more are accepted and left alone. */
static struct boot_module *module_slot(struct bootinfo *out, unsigned int index)
{
    return index == 0 ? &out->kernel : index == 1 ? &out->ramdisk : NULL;
}

/* A module that ends before it begins is empty. */
static void mb1_modules(const struct mb1_info *mb, read_memory_fn at, struct bootinfo *out)
{
    for (unsigned int i = 0; i < mb->mods_count && module_slot(out, i); i++) {
        const void *p = at(mb->mods_addr + i * sizeof(struct mb1_module),
                           sizeof(struct mb1_module));
        struct boot_module *slot = module_slot(out, i);
        struct mb1_module mod;

        if (!p)
            return;
        memcpy(&mod, p, sizeof(mod));
        slot->present = slot->in_ram = true;
        slot->base = mod.start;
        slot->len = mod.end > mod.start ? mod.end - mod.start : 0;
        copy_text(at, mod.cmdline, slot->cmdline, sizeof(slot->cmdline));
    }
}

/* Each entry says how long it is, not counting that word; a list that leads out of itself ends. */
static void mb1_memory(const struct mb1_info *mb, read_memory_fn at, struct loader_info *info)
{
    u64 pos = mb->mmap_addr, end = pos + mb->mmap_length;
    struct mb1_mmap entry;

    while (end - pos >= sizeof(entry)) {
        const void *p = at(pos, sizeof(entry));

        if (!p)
            return;
        memcpy(&entry, p, sizeof(entry));
        if (entry.size < sizeof(entry) - 4)
            return;
        add_range(info, entry.base, entry.len, entry.type);
        if (end - pos < (u64)entry.size + 4)
            return;
        pos += (u64)entry.size + 4;
    }
}

/*
 * Flags say which fields mean anything. The two sizes are what the oldest loaders give in place of
 * a map.
 */
static int mb1_parse(u64 addr, read_memory_fn at, struct loader_info *info, struct bootinfo *out,
                     const char **why)
{
    const void *p = at(addr, sizeof(struct mb1_info));
    struct mb1_info mb;

    if (!p) {
        *why = "its information is out of reach";
        return -EINVAL;
    }
    memcpy(&mb, p, sizeof(mb));
    if (mb.flags & MB1_CMDLINE)
        copy_text(at, mb.cmdline, out->cmdline, sizeof(out->cmdline));
    if (mb.flags & MB1_MODULES)
        mb1_modules(&mb, at, out);
    if (mb.flags & MB1_MMAP) {
        mb1_memory(&mb, at, info);
    } else if (mb.flags & MB1_MEM) {
        add_range(info, 0, mb.mem_lower * 1024ull, MEM_RAM);
        add_range(info, 0x100000, mb.mem_upper * 1024ull, MEM_RAM);
    }
    if (mb.flags & MB1_LOADER)
        copy_text(at, mb.loader_name, out->loader, sizeof(out->loader));
    if (mb.flags & MB1_FRAMEBUFFER)
        out->fb = (struct boot_framebuffer){ mb.fb_addr, mb.fb_pitch, mb.fb_width, mb.fb_height,
                                             mb.fb_bpp, mb.fb_type };
    return 0;
}

/* ---- Multiboot 2: a list of tags ---- */

enum { TAG_END = 0, TAG_CMDLINE = 1, TAG_LOADER = 2, TAG_MODULE = 3, TAG_MMAP = 6,
       TAG_FRAMEBUFFER = 8, TAG_RSDP_OLD = 14, TAG_RSDP_NEW = 15, TAG_EFI_MMAP = 17 };

struct mb2_tag {
    u32 type, size;             /* size: with this header */
};

#define MB2_MAX_SIZE (16u << 20)

/* State of a walk; `body` and `len` are what follows a tag's header. */
struct mb2 {
    struct loader_info *info;
    struct bootinfo *out;
    const u8 *body;
    u32 len;
    unsigned int nr_modules;
    bool have_mmap;
};

static u32 get32(const u8 *p)
{
    u32 v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static u64 get64(const u8 *p)
{
    u64 v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* A text inside a tag, which should but need not end there with a NUL. */
static void tag_text(const struct mb2 *mb, u32 offset, char *to, size_t size)
{
    size_t n = strnlen((const char *)mb->body + offset, mb->len - offset);

    n = min(n, size - 1);
    memcpy(to, mb->body + offset, n);
    to[n] = '\0';
}

static void tag_cmdline(struct mb2 *mb)
{
    tag_text(mb, 0, mb->out->cmdline, sizeof(mb->out->cmdline));
}

static void tag_loader(struct mb2 *mb)
{
    tag_text(mb, 0, mb->out->loader, sizeof(mb->out->loader));
}

static void tag_module(struct mb2 *mb)
{
    struct boot_module *slot = module_slot(mb->out, mb->nr_modules++);
    u32 start = get32(mb->body), end = get32(mb->body + 4);

    if (!slot)
        return;
    slot->present = slot->in_ram = true;
    slot->base = start;
    slot->len = end > start ? end - start : 0;
    tag_text(mb, 8, slot->cmdline, sizeof(slot->cmdline));
}

/*
 * Both kinds of map begin with the size of an entry and a version; entries of the future are
 * longer.
 */
static void tag_mmap(struct mb2 *mb)
{
    u32 entry_size = get32(mb->body);

    if (entry_size < 20)
        return;
    /* The plain map says more than the EFI one that may have come before it. */
    mb->info->nr_mem = 0;
    mb->info->mem_overflow = false;
    mb->have_mmap = true;
    for (u32 at = 8; mb->len - at >= entry_size; at += entry_size) {
        const u8 *e = mb->body + at;

        add_range(mb->info, get64(e), get64(e + 8), get32(e + 16));
    }
}

/* EFI's memory types in e820's words, boot services being over. */
static u32 efi_type(u32 type)
{
    static const u8 types[] = {
        [1] = MEM_RAM, [2] = MEM_RAM,           /* the loader's code and data */
        [3] = MEM_RAM, [4] = MEM_RAM,           /* boot services' code and data */
        [7] = MEM_RAM, [8] = MEM_UNUSABLE, [9] = MEM_ACPI, [10] = MEM_NVS,
    };

    return type < ARRAY_SIZE(types) && types[type] ? types[type] : MEM_RESERVED;
}

static void tag_efi_mmap(struct mb2 *mb)
{
    u32 entry_size = get32(mb->body);

    if (entry_size < 40 || mb->have_mmap)
        return;
    for (u32 at = 8; mb->len - at >= entry_size; at += entry_size) {
        const u8 *e = mb->body + at;
        u64 pages = get64(e + 24);

        add_range(mb->info, get64(e + 8), pages > ~0ull >> 12 ? ~0ull : pages << 12,
                  efi_type(get32(e)));
    }
}

static void tag_framebuffer(struct mb2 *mb)
{
    const u8 *b = mb->body;

    mb->out->fb = (struct boot_framebuffer){ get64(b), get32(b + 8), get32(b + 12),
                                             get32(b + 16), b[20], b[21] };
}

/* The newer tag has the whole pointer: the longer copy wins. */
static void tag_rsdp(struct mb2 *mb)
{
    u32 len = min(mb->len, (u32)sizeof(mb->info->rsdp));

    if (len <= mb->info->rsdp_len)
        return;
    memcpy(mb->info->rsdp, mb->body, len);
    mb->info->rsdp_len = len;
}

static const struct {
    u32 type, min_len;
    void (*read)(struct mb2 *mb);
} tag_readers[] = {
    { TAG_CMDLINE, 1, tag_cmdline },
    { TAG_LOADER, 1, tag_loader },
    { TAG_MODULE, 8, tag_module },
    { TAG_MMAP, 8, tag_mmap },
    { TAG_FRAMEBUFFER, 22, tag_framebuffer },
    { TAG_RSDP_OLD, 20, tag_rsdp },
    { TAG_RSDP_NEW, 36, tag_rsdp },
    { TAG_EFI_MMAP, 8, tag_efi_mmap },
};

static void read_tag(struct mb2 *mb, u32 type)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(tag_readers); i++) {
        if (tag_readers[i].type == type && mb->len >= tag_readers[i].min_len)
            tag_readers[i].read(mb);
    }
}

/* Tags lie on 8 bytes, each whole inside the total, or the walk ends there. */
static int mb2_parse(u64 addr, read_memory_fn at, struct loader_info *info, struct bootinfo *out,
                     const char **why)
{
    struct mb2 mb = { .info = info, .out = out };
    const u8 *head = at(addr, 8);
    u32 total = head ? get32(head) : 0, pos = 8;
    const u8 *all = total >= 8 && total <= MB2_MAX_SIZE ? at(addr, total) : NULL;

    if (!all) {
        *why = "its information is out of reach";
        return -EINVAL;
    }
    while (total - pos >= sizeof(struct mb2_tag)) {
        u32 type = get32(all + pos), size = get32(all + pos + 4);

        if (type == TAG_END || size < sizeof(struct mb2_tag) || size > total - pos)
            break;
        mb.body = all + pos + sizeof(struct mb2_tag);
        mb.len = size - (u32)sizeof(struct mb2_tag);
        read_tag(&mb, type);
        size = ALIGN_UP(size, 8u);
        if (size > total - pos)
            break;
        pos += size;
    }
    return 0;
}

/* ---- Both ---- */

/*
 * Loaders put the file's name in front of the arguments. GRUB 2 does not, and so its users are
 * used to giving the word `placeholder` there.
 */
static void drop_file_name(const char *loader, char *text)
{
    static const char placeholder[] = "placeholder";
    size_t len = sizeof(placeholder) - 1;
    char *p = text;

    while (*p == ' ')
        p++;
    if (strncmp(loader, "GRUB ", 5) ||
        (!strncmp(p, placeholder, len) && (!p[len] || p[len] == ' '))) {
        while (*p && *p != ' ')
            p++;
    }
    while (*p == ' ')
        p++;
    memmove(text, p, strlen(p) + 1);
}

int multiboot_parse(u32 magic, u64 addr, read_memory_fn at, struct loader_info *info,
                    struct bootinfo *out, const char **why)
{
    int rc;

    if (magic == MULTIBOOT1_MAGIC) {
        rc = mb1_parse(addr, at, info, out, why);
    } else if (magic == MULTIBOOT2_MAGIC) {
        rc = mb2_parse(addr, at, info, out, why);
    } else {
        *why = "it speaks neither Multiboot 1 nor 2";
        rc = -EINVAL;
    }
    if (rc < 0)
        return rc;
    drop_file_name(out->loader, out->cmdline);
    drop_file_name(out->loader, out->kernel.cmdline);
    drop_file_name(out->loader, out->ramdisk.cmdline);
    return 0;
}
