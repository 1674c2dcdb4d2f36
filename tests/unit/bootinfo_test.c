/* SPDX-License-Identifier: MIT */
/*
 * What a loader left, by both protocols (hypervisor/boot/multiboot.c), and the memory map made of
 * it (memory_map.c). "Machine memory" is an area of the exact size that the address sanitizer
 * watches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "boot/multiboot.h"

static u8 *memory;
static u64 memory_len;

static const void *at(u64 addr, u64 len)
{
    return addr && addr <= memory_len && len <= memory_len - addr ? memory + addr : NULL;
}

static void use_memory(const void *data, u64 len)
{
    free(memory);
    memory = malloc(len);
    memcpy(memory, data, len);
    memory_len = len;
}

static struct loader_info info;
static struct bootinfo out;
static const char *why;

static int parse(u32 magic, u64 addr)
{
    memset(&info, 0, sizeof(info));
    memset(&out, 0, sizeof(out));
    return multiboot_parse(magic, addr, at, &info, &out, &why);
}

static void put32(u8 *p, u32 v)
{
    memcpy(p, &v, sizeof(v));
}

static void put64(u8 *p, u64 v)
{
    memcpy(p, &v, sizeof(v));
}

/* ---- Multiboot 1 ---- */

enum { INFO = 0x100, MODS = 0x200, MMAP = 0x240, TEXTS = 0x300, END = 0x400 };

static void make_mb1(u8 *m)
{
    memset(m, 0, END);
    put32(m + INFO, 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
    put32(m + INFO + 16, TEXTS);
    put32(m + INFO + 20, 2);
    put32(m + INFO + 24, MODS);
    put32(m + INFO + 44, 48);
    put32(m + INFO + 48, MMAP);
    put32(m + INFO + 64, TEXTS + 0xc0);
    strcpy((char *)m + TEXTS, "/pavane com1=115200  noreboot");
    strcpy((char *)m + TEXTS + 0x40, "vmlinux root=/dev/sda1");
    strcpy((char *)m + TEXTS + 0x80, "initrd");
    strcpy((char *)m + TEXTS + 0xc0, "qemu");
    put32(m + MODS, 0x300000);
    put32(m + MODS + 4, 0x345678);
    put32(m + MODS + 8, TEXTS + 0x40);
    put32(m + MODS + 16, 0x400000);
    put32(m + MODS + 20, 0x400000);
    put32(m + MODS + 24, TEXTS + 0x80);
    for (unsigned int i = 0; i < 2; i++) {
        put32(m + MMAP + 24 * i, 20);
        put64(m + MMAP + 24 * i + 4, 0x100000 * i);
        put64(m + MMAP + 24 * i + 12, 0x8000);
        put32(m + MMAP + 24 * i + 20, 1 + i);
    }
}

static void multiboot1(void **state)
{
    u8 m[END];

    (void)state;
    make_mb1(m);
    use_memory(m, END);
    assert_int_equal(parse(MULTIBOOT1_MAGIC, INFO), 0);
    assert_string_equal(out.cmdline, "com1=115200  noreboot");
    assert_string_equal(out.loader, "qemu");
    assert_true(out.kernel.present);
    assert_int_equal(out.kernel.base, 0x300000);
    assert_int_equal(out.kernel.len, 0x45678);
    assert_string_equal(out.kernel.cmdline, "root=/dev/sda1");
    assert_true(out.ramdisk.present);
    assert_int_equal(out.ramdisk.len, 0);
    assert_string_equal(out.ramdisk.cmdline, "");
    assert_int_equal(info.nr_mem, 2);
    assert_int_equal(info.mem[1].base, 0x100000);
    assert_int_equal(info.mem[1].type, 2);
    assert_int_equal(info.rsdp_len, 0);
}

static void grub_gives_no_file_name(void **state)
{
    u8 m[END];

    (void)state;
    make_mb1(m);
    strcpy((char *)m + TEXTS, "com1=115200");
    strcpy((char *)m + TEXTS + 0x40, "placeholder a b");
    strcpy((char *)m + TEXTS + 0x80, "placeholders c");
    strcpy((char *)m + TEXTS + 0xc0, "GRUB 2.06");
    use_memory(m, END);
    assert_int_equal(parse(MULTIBOOT1_MAGIC, INFO), 0);
    assert_string_equal(out.cmdline, "com1=115200");
    assert_string_equal(out.kernel.cmdline, "a b");
    assert_string_equal(out.ramdisk.cmdline, "placeholders c");
}

/* ---- Multiboot 2 ---- */

static u32 tag(u8 *m, u32 pos, u32 type, const void *body, u32 len)
{
    put32(m + pos, type);
    put32(m + pos + 4, len + 8);
    memcpy(m + pos + 8, body, len);
    return ALIGN_UP(pos + 8 + len, 8u);
}

static u32 make_mb2(u8 *m)
{
    u8 mod[30] = { 0 }, map[8 + 2 * 24] = { 0 }, efi[8 + 48] = { 0 }, fb[24] = { 0 }, rsdp[36];
    u32 pos = 0x108;

    memset(m, 0, END);
    pos = tag(m, pos, 2, "GRUB 2.06", 10);
    pos = tag(m, pos, 1, "loglvl=all", 11);
    put32(mod, 0x200000);
    put32(mod + 4, 0x201000);
    strcpy((char *)mod + 8, "placeholder x");
    pos = tag(m, pos, 3, mod, 22);
    put32(efi, 48);
    put32(efi + 8, 7);
    put64(efi + 16, 0x100000);
    put64(efi + 32, 16);
    pos = tag(m, pos, 17, efi, sizeof(efi));
    put32(map, 24);
    for (unsigned int i = 0; i < 2; i++) {
        put64(map + 8 + 24 * i, 0x200000 * i);
        put64(map + 16 + 24 * i, 0x1000);
        put32(map + 24 + 24 * i, 3 - i);
    }
    pos = tag(m, pos, 6, map, sizeof(map));
    put64(fb, 0xe0000000);
    put32(fb + 8, 4096);
    put32(fb + 12, 1024);
    put32(fb + 16, 768);
    fb[20] = 32;
    pos = tag(m, pos, 8, fb, 24);
    memset(rsdp, 'n', sizeof(rsdp));
    pos = tag(m, pos, 15, rsdp, 36);
    memset(rsdp, 'o', sizeof(rsdp));
    pos = tag(m, pos, 14, rsdp, 20);
    pos = tag(m, pos, 0, "", 0);
    put32(m + 0x100, pos - 0x100);
    return pos;
}

static void multiboot2(void **state)
{
    u8 m[END];

    (void)state;
    use_memory(m, make_mb2(m));
    assert_int_equal(parse(MULTIBOOT2_MAGIC, 0x100), 0);
    assert_string_equal(out.cmdline, "loglvl=all");
    assert_string_equal(out.kernel.cmdline, "x");
    assert_int_equal(out.kernel.len, 0x1000);
    assert_false(out.ramdisk.present);
    assert_int_equal(info.nr_mem, 2);
    assert_int_equal(info.mem[0].type, 3);
    assert_int_equal(info.rsdp_len, 36);
    assert_int_equal(info.rsdp[0], 'n');
    assert_int_equal(out.fb.addr, 0xe0000000);
    assert_int_equal(out.fb.width, 1024);
    assert_int_equal(out.fb.bpp, 32);
}

static void efi_map_alone(void **state)
{
    u8 m[END], efi[8 + 3 * 48] = { 0 };
    static const u32 types[3] = { 7, 6, 9 }, wanted[3] = { MEM_RAM, MEM_RESERVED, MEM_ACPI };
    u32 pos;

    (void)state;
    memset(m, 0, sizeof(m));
    put32(efi, 48);
    for (unsigned int i = 0; i < 3; i++) {
        put32(efi + 8 + 48 * i, types[i]);
        put64(efi + 16 + 48 * i, i << 20);
        put64(efi + 32 + 48 * i, i == 2 ? ~0ull : 2);
    }
    pos = tag(m, 0x108, 17, efi, sizeof(efi));
    put32(m + 0x100, pos - 0x100);
    use_memory(m, pos);
    assert_int_equal(parse(MULTIBOOT2_MAGIC, 0x100), 0);
    assert_int_equal(info.nr_mem, 3);
    for (unsigned int i = 0; i < 3; i++)
        assert_int_equal(info.mem[i].type, wanted[i]);
    assert_int_equal(info.mem[1].len, 0x2000);
    assert_int_equal(info.mem[2].len, ~0ull);
}

static void garbage_is_survived(void **state)
{
    static const u8 values[] = { 0x00, 0x01, 0x07, 0x80, 0xff };
    u8 m[END];

    (void)state;
    assert_int_equal(parse(0x12345678, 0x100), -EINVAL);
    for (unsigned int protocol = 1; protocol <= 2; protocol++) {
        u32 magic = protocol == 1 ? MULTIBOOT1_MAGIC : MULTIBOOT2_MAGIC;
        u32 end = END;

        if (protocol == 1)
            make_mb1(m);
        else
            end = make_mb2(m);
        for (u32 len = 0x100; len < end; len++) {
            use_memory(m, len);
            parse(magic, 0x100);
        }
        for (u32 i = 0x100; i < end; i++) {
            for (unsigned int v = 0; v < ARRAY_SIZE(values); v++) {
                use_memory(m, end);
                memory[i] = values[v];
                parse(magic, 0x100);
            }
        }
        assert_int_equal(parse(magic, ~0ull), -EINVAL);
    }
}

/* ---- The map ---- */

static void map_is_sorted_and_joined(void **state)
{
    static const struct mem_range in[] = {
        { 0x200000, 0x100000, MEM_RAM }, { 0, 0x9f000, MEM_RAM }, { 0x100000, 0x100000, MEM_RAM },
        { 0x280000, 0x1000, MEM_RESERVED }, { 0x400000, 0, MEM_RAM }, { ~0ull - 5, 100, 77 },
        { 0x281000, 0x1000, MEM_NVS }, { 0x281000, 0x1000, MEM_ACPI },
    };
    static const struct mem_range wanted[] = {
        { 0, 0x9f000, MEM_RAM }, { 0x100000, 0x180000, MEM_RAM },
        { 0x280000, 0x1000, MEM_RESERVED },
        { 0x281000, 0x1000, MEM_NVS }, { 0x282000, 0x7e000, MEM_RAM },
        { ~0ull - 5, 5, MEM_RESERVED },
    };
    struct mem_range map[8];
    int n = memory_map_normalise(in, ARRAY_SIZE(in), map, ARRAY_SIZE(map));

    (void)state;
    assert_int_equal(n, ARRAY_SIZE(wanted));
    for (int i = 0; i < n; i++) {
        assert_int_equal(map[i].base, wanted[i].base);
        assert_int_equal(map[i].len, wanted[i].len);
        assert_int_equal(map[i].type, wanted[i].type);
    }
    assert_int_equal(memory_map_normalise(in, ARRAY_SIZE(in), map, 3), -ENOSPC);
    assert_int_equal(memory_map_normalise(in, 0, map, 3), 0);
}

static void map_agrees_with_each_point(void **state)
{
    static const u8 rank[] = { 0, 1, 4, 2, 3, 5 };

    (void)state;
    srand(1);
    for (unsigned int round = 0; round < 500; round++) {
        struct mem_range in[12], map[32];
        int n;

        for (unsigned int i = 0; i < ARRAY_SIZE(in); i++)
            in[i] = (struct mem_range){ rand() % 64, rand() % 16, 1 + rand() % 5 };
        n = memory_map_normalise(in, ARRAY_SIZE(in), map, ARRAY_SIZE(map));
        assert_true(n > 0);
        for (u64 p = 0; p < 80; p++) {
            u32 want = 0, have = 0;

            for (unsigned int i = 0; i < ARRAY_SIZE(in); i++)
                if (p >= in[i].base && p < in[i].base + in[i].len && rank[in[i].type] > rank[want])
                    want = in[i].type;
            for (int i = 0; i < n; i++)
                if (p >= map[i].base && p < map[i].base + map[i].len) {
                    assert_int_equal(have, 0);
                    have = map[i].type;
                }
            assert_int_equal(have, want);
        }
    }
}

static int forget(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiboot1),
        cmocka_unit_test(grub_gives_no_file_name),
        cmocka_unit_test(multiboot2),
        cmocka_unit_test(efi_map_alone),
        cmocka_unit_test(garbage_is_survived),
        cmocka_unit_test(map_is_sorted_and_joined),
        cmocka_unit_test(map_agrees_with_each_point),
    };

    return cmocka_run_group_tests(tests, NULL, forget);
}
