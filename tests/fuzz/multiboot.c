/* SPDX-License-Identifier: MIT */
/*
 * What a loader left, by either protocol, and the map of memory made of it (hypervisor/boot/
 * multiboot.c, memory_map.c): nothing is read but what was asked for, every text ends, and the map
 * is sorted, without overlaps, and never says RAM where anything says otherwise.
 */
#include "boot/multiboot.h"
#include "fuzz.h"

enum { PARSED_1, PARSED_2, MEMORY, MODULES, MAPPED };
FUZZ_GOALS(GOAL("multiboot 1"), GOAL("multiboot 2"), GOAL("ranges of memory"), GOAL("both modules"),
           GOAL("a map"))

#define MEMORY_BYTES 1024u
#define INFO         64u

static uint8_t *memory;
static size_t memory_len;

static const void *at(uint64_t addr, uint64_t len)
{
    return addr && addr <= memory_len && len <= memory_len - addr ? memory + addr : NULL;
}

static void put(uint8_t *to, uint64_t value, size_t bytes)
{
    memcpy(to, &value, bytes);
}

/* Command line, loader, two modules, a map of two ranges. */
static void make_mb1(uint8_t *m)
{
    put(m + INFO, 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9, 4);
    put(m + INFO + 16, 512, 4);
    put(m + INFO + 20, 2, 4);
    put(m + INFO + 24, 256, 4);
    put(m + INFO + 44, 48, 4);
    put(m + INFO + 48, 320, 4);
    put(m + INFO + 64, 576, 4);
    for (uint64_t i = 0; i < 2; i++) {
        put(m + 256 + 16 * i, 0x300000 + i * 0x100000, 4);
        put(m + 256 + 16 * i + 4, 0x380000 + i * 0x100000, 4);
        put(m + 256 + 16 * i + 8, 640 + 64 * i, 4);
        put(m + 320 + 24 * i, 20, 4);
        put(m + 320 + 24 * i + 4, i << 20, 8);
        put(m + 320 + 24 * i + 12, 0x9f000, 8);
        put(m + 320 + 24 * i + 20, 1 + i, 4);
    }
    strcpy((char *)m + 512, "hypervisor com1");
    strcpy((char *)m + 576, "loader");
    strcpy((char *)m + 640, "kernel arguments");
    strcpy((char *)m + 704, "ramdisk");
}

static uint8_t *tag(uint8_t *at_tag, uint64_t type, uint64_t body)
{
    put(at_tag, type, 4);
    put(at_tag + 4, 8 + body, 4);
    return at_tag + ((8 + body + 7) & ~7ull);
}

static void make_mb2(uint8_t *m)
{
    uint8_t *t = m + INFO + 8;

    strcpy((char *)t + 8, "hypervisor");
    t = tag(t, 1, 11);
    strcpy((char *)t + 8, "loader");
    t = tag(t, 2, 7);
    for (uint64_t i = 0; i < 2; i++) {
        put(t + 8, 0x300000 + i * 0x100000, 4);
        put(t + 12, 0x380000 + i * 0x100000, 4);
        strcpy((char *)t + 16, "module");
        t = tag(t, 3, 15);
    }
    put(t + 8, 24, 4);
    for (uint64_t i = 0; i < 3; i++) {
        put(t + 16 + 24 * i, i << 20, 8);
        put(t + 24 + 24 * i, 0x180000, 8);
        put(t + 32 + 24 * i, 1 + i, 4);
    }
    t = tag(t, 6, 8 + 72);
    put(t + 8, 40, 4);
    put(t + 16, 7, 4);
    put(t + 24, 0x1000000, 8);
    put(t + 40, 16, 8);
    t = tag(t, 17, 48);
    memcpy(t + 8, "RSD PTR ", 8);
    t = tag(t, 15, 36);
    t = tag(t, 0, 0);
    put(m + INFO, (uint64_t)(t - (m + INFO)), 4);
}

static bool ends(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void check_module(const struct boot_module *m)
{
    FUZZ_CHECK(ends(m->cmdline, sizeof(m->cmdline)));
    FUZZ_CHECK(m->base + m->len >= m->base);
}

static unsigned int strictness(uint32_t type)
{
    static const uint8_t order[] = { 4, 1, 4, 2, 3, 5 };

    return type <= 5 ? order[type] : 4;
}

/* What the loader's own list says about one byte: the strictest of all; 0: nothing. */
static unsigned int said_of(const struct loader_info *info, uint64_t addr)
{
    unsigned int most = 0;

    for (unsigned int i = 0; i < info->nr_mem; i++) {
        const struct mem_range *r = &info->mem[i];

        if (addr >= r->base && addr - r->base < r->len && strictness(r->type) > most)
            most = strictness(r->type);
    }
    return most;
}

static void check_map(const struct loader_info *info)
{
    struct mem_range map[MAX_MEM_RANGES];
    int n = memory_map_normalise(info->mem, info->nr_mem, map, MAX_MEM_RANGES);

    FUZZ_CHECK(n == -ENOSPC || (n >= 0 && n <= (int)MAX_MEM_RANGES));
    for (int i = 0; i < n; i++) {
        const struct mem_range *r = &map[i];

        REACHED(MAPPED);
        FUZZ_CHECK(r->len != 0 && r->base + r->len > r->base);
        FUZZ_CHECK(r->type >= MEM_RAM && r->type <= MEM_UNUSABLE);
        FUZZ_CHECK(i == 0 || r->base >= map[i - 1].base + map[i - 1].len);
        FUZZ_CHECK(said_of(info, r->base) == strictness(r->type));
        FUZZ_CHECK(said_of(info, r->base + r->len - 1) == strictness(r->type));
        FUZZ_CHECK(said_of(info, r->base + r->len / 2) == strictness(r->type));
    }
    /* And nothing of it is forgotten. */
    for (unsigned int k = 0; n >= 0 && k < info->nr_mem; k++) {
        uint64_t addr = info->mem[k].base;
        bool found = info->mem[k].len == 0 || addr == ~0ull;

        for (int i = 0; i < n; i++)
            found |= addr >= map[i].base && addr - map[i].base < map[i].len;
        FUZZ_CHECK(found);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loader_info info;
    static struct bootinfo out;
    static uint8_t made[MEMORY_BYTES];
    struct fuzz_input in = { data, size };
    bool second = fuzz_take(&in, 1) & 1;
    const char *why = NULL;

    memset(made, 0, sizeof(made));
    (second ? make_mb2 : make_mb1)(made);
    memory_len = fuzz_damage(&in, made, sizeof(made));
    memory = fuzz_copy(made, memory_len);
    memset(&info, 0, sizeof(info));
    memset(&out, 0, sizeof(out));
    if (multiboot_parse(second ? MULTIBOOT2_MAGIC : MULTIBOOT1_MAGIC, INFO, at, &info, &out,
                        &why) == 0) {
        REACHED(second ? PARSED_2 : PARSED_1);
        FUZZ_CHECK(info.nr_mem <= sizeof(info.mem) / sizeof(*info.mem));
        FUZZ_CHECK(info.rsdp_len <= sizeof(info.rsdp));
        FUZZ_CHECK(ends(out.cmdline, sizeof(out.cmdline)) && ends(out.loader, sizeof(out.loader)));
        check_module(&out.kernel);
        check_module(&out.ramdisk);
        if (out.kernel.present && out.ramdisk.present)
            REACHED(MODULES);
        if (info.nr_mem != 0)
            REACHED(MEMORY);
        check_map(&info);
    } else {
        FUZZ_CHECK(why != NULL);
    }
    free(memory);
    return 0;
}
