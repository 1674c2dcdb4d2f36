/* SPDX-License-Identifier: MIT */
/* hypervisor/boot/acpi_tables.c: tables as QEMU's firmware makes them, odd ones, and cut ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "boot/acpi_tables.h"

static void put(u8 *p, size_t offset, size_t size, u64 v)
{
    memcpy(p + offset, &v, size);
}

static void fix_checksum(u8 *p, size_t len, size_t field)
{
    u8 sum = 0;

    p[field] = 0;
    for (size_t i = 0; i < len; i++)
        sum = (u8)(sum + p[i]);
    p[field] = (u8)-sum;
}

static void root_pointer(void **state)
{
    struct acpi_rsdp r;
    u8 p[36] = "RSD PTR ";

    (void)state;
    put(p, 16, 4, 0x7fe1234);
    put(p, 24, 8, 0x123456789a);
    fix_checksum(p, 20, 8);
    assert_true(acpi_rsdp_ok(p, sizeof(p), &r));
    assert_int_equal(r.rsdt, 0x7fe1234);
    assert_int_equal(r.xsdt, 0);
    p[15] = 2;
    fix_checksum(p, 20, 8);
    fix_checksum(p, 36, 32);
    assert_true(acpi_rsdp_ok(p, sizeof(p), &r));
    assert_int_equal(r.xsdt, 0x123456789a);
    assert_true(acpi_rsdp_ok(p, 20, &r));
    assert_int_equal(r.xsdt, 0);
    assert_false(acpi_rsdp_ok(p, 19, &r));
    p[30] ^= 1;
    assert_true(acpi_rsdp_ok(p, sizeof(p), &r));
    assert_int_equal(r.xsdt, 0);
    p[17] ^= 1;
    assert_false(acpi_rsdp_ok(p, sizeof(p), &r));
}

static size_t make_madt(u8 *t)
{
    static const u8 entries[] = {
        0, 8, 0, 0, 1, 0, 0, 0,                     /* CPU, APIC id 0 */
        0, 8, 1, 4, 1, 0, 0, 0,                     /* CPU, APIC id 4 */
        0, 8, 2, 6, 0, 0, 0, 0,                     /* not enabled */
        1, 12, 9, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0, /* IO-APIC 9 at 0xfec00000, lines from 24 */
        2, 10, 0, 0, 2, 0, 0, 0, 5, 0,              /* IRQ 0 is line 2 */
        2, 10, 0, 77, 2, 0, 0, 0, 5, 0,             /* no such IRQ */
        4, 6, 0xff, 0, 0, 1,                        /* NMI: not read */
    };

    memset(t, 0, 44);
    put(t, 36, 4, 0xfee00000);
    memcpy(t + 44, entries, sizeof(entries));
    put(t, 4, 4, 44 + sizeof(entries));
    return 44 + sizeof(entries);
}

static void madt(void **state)
{
    static const u8 addr64[] = { 5, 12, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0 };
    struct acpi_info info = { 0 };
    u8 t[256];
    size_t len = make_madt(t);

    (void)state;
    acpi_read_madt((struct acpi_header *)t, &info);
    assert_int_equal(info.nr_cpus, 2);
    assert_int_equal(info.cpu_apic_ids[1], 4);
    assert_int_equal(info.nr_ioapics, 1);
    assert_int_equal(info.ioapics[0].addr, 0xfec00000);
    assert_int_equal(info.ioapics[0].gsi_base, 24);
    assert_int_equal(info.ioapics[0].id, 9);
    assert_int_equal(info.isa_irq[0].gsi, 2);
    assert_int_equal(info.isa_irq[0].flags, 5);
    assert_int_equal(info.lapic_addr, 0xfee00000);
    memcpy(t + len, addr64, sizeof(addr64));
    put(t, 4, 4, len + sizeof(addr64));
    acpi_read_madt((struct acpi_header *)t, &info);
    assert_int_equal(info.lapic_addr, 0x100000000);
}

/* To start a CPU means to reset it: one that is named twice is started once. */
static void same_cpu_twice(void **state)
{
    struct acpi_info info = { 0 };
    u8 t[256];

    (void)state;
    make_madt(t);
    t[44 + 8 + 3] = 0;
    acpi_read_madt((struct acpi_header *)t, &info);
    assert_int_equal(info.nr_cpus, 1);
    assert_int_equal(info.cpu_apic_ids[0], 0);
    assert_int_equal(info.cpu_acpi_ids[0], 0);
}

static void many_cpus(void **state)
{
    enum { N = 300 };
    u8 *t = calloc(1, 44 + 8 * N);
    struct acpi_info info = { 0 };

    (void)state;
    put(t, 4, 4, 44 + 8 * N);
    for (unsigned int i = 0; i < N; i++) {
        put(t, 44 + 8 * i, 2, 0x800);
        t[44 + 8 * i + 3] = (u8)i;
        t[44 + 8 * i + 4] = 1;
    }
    acpi_read_madt((struct acpi_header *)t, &info);
    assert_int_equal(info.nr_cpus, ARRAY_SIZE(info.cpu_apic_ids));
    free(t);
}

static void fadt(void **state)
{
    struct acpi_info info = { 0 };
    u8 t[244] = { 0 };

    (void)state;
    put(t, 4, 4, sizeof(t));
    put(t, 40, 4, 0x7fe0000);
    put(t, 48, 4, 0xb2);
    put(t, 52, 1, 2);
    put(t, 64, 4, 0x604);
    put(t, 76, 4, 0x608);
    put(t, 112, 4, 1 << 10 | 1 << 8);
    put(t, 116, 1, 1);
    put(t, 120, 8, 0xcf9);
    put(t, 128, 1, 0xf);
    assert_int_equal(acpi_read_fadt((struct acpi_header *)t, &info), 0x7fe0000);
    assert_int_equal(info.smi_cmd, 0xb2);
    assert_int_equal(info.acpi_enable, 2);
    assert_int_equal(info.pm1a_cnt, 0x604);
    assert_int_equal(info.pm1b_cnt, 0);
    assert_int_equal(info.pm_timer_port, 0x608);
    assert_true(info.pm_timer_32bit);
    assert_int_equal(info.reset_addr, 0xcf9);
    assert_int_equal(info.reset_value, 0xf);

    /* The newer fields win, if they name a port; a reset register in memory is not for us. */
    put(t, 140, 8, 0x100000000);
    put(t, 172, 1, 1);
    put(t, 176, 8, 0xb004);
    put(t, 208, 1, 0);
    put(t, 212, 8, 0xfed00000);
    put(t, 116, 1, 0);
    memset(&info, 0, sizeof(info));
    assert_int_equal(acpi_read_fadt((struct acpi_header *)t, &info), 0x100000000);
    assert_int_equal(info.pm1a_cnt, 0xb004);
    assert_int_equal(info.pm_timer_port, 0x608);
    assert_int_equal(info.reset_addr, 0);

    /* ACPI 1.0's table ends before the reset register. */
    put(t, 4, 4, 116);
    memset(&info, 0, sizeof(info));
    assert_int_equal(acpi_read_fadt((struct acpi_header *)t, &info), 0x7fe0000);
    assert_int_equal(info.pm1a_cnt, 0x604);
}

static bool s5(const char *aml, size_t len, struct acpi_info *info)
{
    u8 *exact = malloc(len);

    memset(info, 0, sizeof(*info));
    memcpy(exact, aml, len);
    acpi_find_s5(exact, len, info);
    free(exact);
    return info->s5_found;
}

#define S5(text, info) s5(text, sizeof(text) - 1, info)

static void sleep_package(void **state)
{
    static const char whole[] = "??\x08\\_S5_\x12\x41\x00\x04\x0b\x05\x01\x0c\x07\0\0\0\x00\x00";
    struct acpi_info info;

    (void)state;
    assert_true(S5("??\x08_S5_\x12\x06\x04\x00\x00\x00\x00", &info));
    assert_int_equal(info.s5_typ_a, 0);
    assert_true(S5("\x08_S4_\x12\x06\x08_S5_\x12\x07\x04\x0a\x05\x01\x00\x00", &info));
    assert_int_equal(info.s5_typ_a, 5);
    assert_int_equal(info.s5_typ_b, 1);
    assert_true(S5(whole, &info));
    assert_int_equal(info.s5_typ_a, 5);
    assert_int_equal(info.s5_typ_b, 7);
    assert_false(S5("??_S5_\x12\x06\x04\x00\x00", &info));
    assert_false(S5("??\x08_S5_\x11\x06\x04\x00\x00", &info));
    assert_false(S5("??\x08_S5_\x12\x06\x01\x00\x00", &info));
    assert_false(S5("??\x08_S5_\x12\x06\x04\x70\x00", &info));
    /* Cut before its second value. */
    for (size_t len = 1; len < sizeof(whole) - 3; len++)
        assert_false(s5(whole, len, &info));
}

/* Any cut and any wrong byte: no read outside the table. */
static void damaged_tables(void **state)
{
    static const u8 values[] = { 0, 1, 2, 0x80, 0xff };
    u8 t[256];
    size_t len = make_madt(t);

    (void)state;
    for (size_t cut = 44; cut < len; cut++) {
        for (size_t i = 44; i < cut; i++) {
            struct acpi_info info = { 0 };
            u8 *exact = malloc(cut);

            memcpy(exact, t, cut);
            put(exact, 4, 4, cut);
            exact[i] = values[i % ARRAY_SIZE(values)];
            acpi_read_madt((struct acpi_header *)exact, &info);
            assert_true(info.nr_cpus <= ARRAY_SIZE(info.cpu_apic_ids));
            acpi_read_fadt((struct acpi_header *)exact, &info);
            acpi_read_hpet((struct acpi_header *)exact, &info);
            free(exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_pointer),
        cmocka_unit_test(madt),
        cmocka_unit_test(same_cpu_twice),
        cmocka_unit_test(many_cpus),
        cmocka_unit_test(fadt),
        cmocka_unit_test(sleep_package),
        cmocka_unit_test(damaged_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
