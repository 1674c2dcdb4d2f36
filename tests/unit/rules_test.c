/* SPDX-License-Identifier: MIT */
/*
 * What a guest may put into descriptors, debug registers and XCR0 (hypervisor/x86/rules.c): all
 * types of descriptor at all privilege levels, every address near the borders of the hypervisor's
 * range, every value of XCR0 that has a name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "x86/rules.h"
#include "x86/x86.h"

#define P   BIT(47)
#define S   BIT(44)

static u64 descriptor(u64 present, u64 s, u64 dpl, u64 type)
{
    return present | s | dpl << 45 | type << 40 | 0x00af00000000ffffull;
}

static void code_and_data_come_down_to_ring_3(void **state)
{
    (void)state;
    for (u64 type = 0; type < 16; type++) {
        for (u64 dpl = 0; dpl < 4; dpl++) {
            u64 d = descriptor(P, S, dpl, type);

            assert_true(descriptor_ok(&d));
            assert_int_equal(d, descriptor(P, S, 3, type));
        }
    }
}

static void of_system_descriptors_only_dead_gates(void **state)
{
    (void)state;
    for (u64 type = 0; type < 16; type++) {
        for (u64 dpl = 0; dpl < 4; dpl++) {
            u64 d = P | dpl << 45 | type << 40 | 0x81234, before = d;

            assert_int_equal(descriptor_ok(&d), type == 0 || type == 12);
            /* A call gate that ring 3 may call would be a way into ring 0. */
            assert_int_equal(d, type == 12 ? P | 12ul << 40 | 0xb1234 : before);
        }
    }
}

/* To code that is not the guest's, or with bits that are reserved, not even a dead one. */
static void gates_lead_to_the_guest(void **state)
{
    static const struct {
        u16 selector;
        bool ok;
    } rows[] = {
        { 0, true }, { 0xdfff, true }, { 0xe004, true }, { 0xfff7, true },
        { FLAT_KERNEL_CS, true }, { 0xe000, false }, { 0xe008, false }, { 0xe030, false },
        { 0xe02b, false }, { 0xfffb, false },
    };

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
        u64 gate = P | 12ul << 40 | (u64)rows[i].selector << 16, d = gate;

        assert_int_equal(descriptor_ok(&d), rows[i].ok);
        for (unsigned int bit = 32; bit < 40; bit++) {
            d = gate | BIT(bit);
            assert_false(descriptor_ok(&d));
            assert_int_equal(d, gate | BIT(bit));
        }
    }
}

static void not_present_is_anything(void **state)
{
    (void)state;
    for (u64 type = 0; type < 32; type++) {
        u64 d = descriptor(0, type & 16 ? S : 0, 0, type & 15), before = d;

        assert_true(descriptor_ok(&d));
        assert_int_equal(d, before);
    }
}

/* XSA-444: a breakpoint that any byte of the hypervisor's could hit. */
static void breakpoints_stay_out_of_our_range(void **state)
{
    static const struct {
        u64 addr;
        int rc;
    } cases[] = {
        { 0, 0 },
        { 0x00007ffffffffff8, 0 },
        { 0x00007fffffffffff, 0 },
        { 0x0000800000000000, -EPERM },
        { 0xffff7fffffffffff, -EPERM },
        { 0xffff800000000000, -EPERM },
        { 0xffff828000000000, -EPERM },
        { 0xffff87ffffffffff, -EPERM },
        { 0xffff880000000000, 0 },
        { 0xffffffffffffffff, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (unsigned int reg = 0; reg < 4; reg++) {
            u64 value = cases[i].addr;

            assert_int_equal(debugreg_check(reg, false, &value), cases[i].rc);
            assert_int_equal(value, cases[i].addr);
        }
    }
}

/* XSA-12: reserved bits that would make the real MOV fault. */
static void reserved_bits_are_forced(void **state)
{
    u64 value = 0xffffffff;

    (void)state;
    assert_int_equal(debugreg_check(6, false, &value), 0);
    assert_int_equal(value, 0xffffefff);
    value = 0;
    assert_int_equal(debugreg_check(6, false, &value), 0);
    assert_int_equal(value, 0xffff0ff0);
    value = 0;
    assert_int_equal(debugreg_check(7, false, &value), 0);
    assert_int_equal(value, 0x400);
    /* Everything but GD; the conditions say "write", which needs no CR4.DE. */
    value = 0xdddddfff;
    assert_int_equal(debugreg_check(7, false, &value), 0);
    assert_int_equal(value, 0xdddd07ff);
}

/* The real MOV faults on these; forcing them would hide a mistake. */
static void high_halves_are_refused(void **state)
{
    (void)state;
    for (unsigned int bit = 32; bit < 64; bit++) {
        u64 value = BIT(bit);

        assert_int_equal(debugreg_check(6, false, &value), -EINVAL);
        assert_int_equal(debugreg_check(7, false, &value), -EINVAL);
        assert_int_equal(value, BIT(bit));
    }
}

static void general_detect_is_refused(void **state)
{
    u64 value = BIT(13);

    (void)state;
    assert_int_equal(debugreg_check(7, true, &value), -EPERM);
}

static void io_breakpoints_need_de(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < 4; i++) {
        u64 condition = 2ul << (16 + 4 * i), value = condition;

        /* A condition that is not enabled does no harm. */
        assert_int_equal(debugreg_check(7, false, &value), 0);
        for (unsigned int global = 0; global < 2; global++) {
            u64 enable = BIT(2 * i + global);

            value = condition | enable;
            assert_int_equal(debugreg_check(7, false, &value), -EPERM);
            value = condition | enable;
            assert_int_equal(debugreg_check(7, true, &value), 0);
            assert_int_equal(debugreg_io_enables(value), enable);
            value = enable;
            assert_int_equal(debugreg_check(7, false, &value), 0);
            assert_int_equal(debugreg_io_enables(value), 0);
        }
    }
}

/* Against the rule's own words: each byte of the access is compared with each that is watched. */
static void io_breakpoints_hit_what_they_watch(void **state)
{
    static const u64 lengths[] = { 1, 2, 0, 4 };        /* by the two bits of the condition */

    (void)state;
    for (unsigned int n = 0; n < 4 * 4 * 16 * 3 * 16; n++) {
        unsigned int i = n % 4, code = n / 4 % 4, size = 1u << n / 256 % 3;
        u64 at = 0x60 + n / 16 % 16, length = lengths[code], dr[8] = { 0 };
        u16 port = (u16)(0x60 + n / 768);
        bool hit = false;

        if (!length)
            continue;
        dr[i] = at;
        dr[7] = (2ul | code << 2) << (16 + 4 * i) | BIT(2 * i);
        for (u64 p = port; p < port + (u64)size; p++)
            hit = hit || (p >= (at & ~(length - 1)) && p < (at & ~(length - 1)) + length);
        assert_int_equal(debugreg_io_hits(dr, port, size), hit ? BIT(i) : 0);
        dr[7] &= ~BIT(2 * i);
        assert_int_equal(debugreg_io_hits(dr, port, size), 0);
    }
}

/* XSA-54: what the real XSETBV would refuse. */
static void xcr0_combinations(void **state)
{
    const u64 avx512 = 0xe0;

    (void)state;
    assert_false(xcr0_ok(0, XCR0_KNOWN));
    assert_true(xcr0_ok(1, XCR0_KNOWN));
    assert_false(xcr0_ok(2, XCR0_KNOWN));
    assert_true(xcr0_ok(3, XCR0_KNOWN));
    assert_false(xcr0_ok(5, XCR0_KNOWN));
    assert_true(xcr0_ok(7, XCR0_KNOWN));
    assert_false(xcr0_ok(7, 3));
    assert_true(xcr0_ok(avx512 | 7, XCR0_KNOWN));
    assert_false(xcr0_ok(avx512 | 3, XCR0_KNOWN));
    for (unsigned int bit = 5; bit < 8; bit++)
        assert_false(xcr0_ok((avx512 & ~BIT(bit)) | 7, XCR0_KNOWN));
    for (unsigned int bit = 0; bit < 64; bit++) {
        if (!(XCR0_KNOWN >> bit & 1))
            assert_false(xcr0_ok(BIT(bit) | 7, XCR0_KNOWN));
    }
    for (u64 x = 1; x < 8; x++)
        assert_false(xcr0_ok(x, 0));
}

static void selectors_get_ring_3(void **state)
{
    (void)state;
    for (u32 sel = 0; sel < 0x10000; sel++)
        assert_int_equal(fixup_selector((u16)sel), sel | 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_and_data_come_down_to_ring_3),
        cmocka_unit_test(of_system_descriptors_only_dead_gates),
        cmocka_unit_test(gates_lead_to_the_guest),
        cmocka_unit_test(not_present_is_anything),
        cmocka_unit_test(breakpoints_stay_out_of_our_range),
        cmocka_unit_test(reserved_bits_are_forced),
        cmocka_unit_test(high_halves_are_refused),
        cmocka_unit_test(general_detect_is_refused),
        cmocka_unit_test(io_breakpoints_need_de),
        cmocka_unit_test(io_breakpoints_hit_what_they_watch),
        cmocka_unit_test(xcr0_combinations),
        cmocka_unit_test(selectors_get_ring_3),
    };

    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
