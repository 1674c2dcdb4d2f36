/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of clocks (hypervisor/x86/timescale.c). What guests compute from the scale in two
 * steps must be what the hypervisor computes in one, for any TSC; and every day that a CMOS clock
 * can show must become the right second.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "x86/platform.h"

#define GHZ 1000000000ull

/* As <xen/xen.h> tells guests to. */
static u64 guest_ns(struct tsc_scale s, u64 ticks)
{
    return (u64)((unsigned __int128)(ticks << s.shift) * s.mul >> 32);
}

static u64 our_ns(struct tsc_scale s, u64 ticks)
{
    return (u64)((unsigned __int128)ticks * ((u64)s.mul << s.shift) >> 32);
}

static void scale_of_1_ghz_is_exact(void **state)
{
    struct tsc_scale s = tsc_scale_of(GHZ);

    (void)state;
    assert_int_equal(s.mul, 0x80000000u);
    assert_int_equal(s.shift, 1);
    assert_int_equal(s.khz, 1000000);
    for (u64 t = 1; t < 1ull << 62; t = t * 3 + 1)
        assert_int_equal(our_ns(s, t), t);
}

static void scale_is_true_at_any_rate(void **state)
{
    static const u64 rates[] = {
        1000000, 3579545, 14318180, 133333333, 999999999, 1000000001, 1996800000, 2000000000,
        2893202000, 3000000000, 5700000000, 10000000000,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        struct tsc_scale s = tsc_scale_of(rates[i]);
        u64 day = rates[i] * 86400, ns = our_ns(s, day);

        assert_true(s.shift >= 0 && s.shift < 32);
        /* mul loses less than one part in 2^28: within 0.4 ms a day, and never ahead. */
        assert_in_range(ns, 86400 * GHZ - 400000, 86400 * GHZ);
        assert_in_range(s.khz, rates[i] / 1000, rates[i] / 1000 + 1);
    }
}

static void guests_and_we_agree_to_the_ns(void **state)
{
    u64 seed = 88172645463325252ull;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct tsc_scale s;
        u64 ticks;

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        s = tsc_scale_of(1000000 + seed % (6 * GHZ));
        ticks = (seed >> 3) % (1ull << 54);     /* a year and more at 500 MHz */
        assert_int_equal(guest_ns(s, ticks), our_ns(s, ticks));
    }
}

static void scale_never_runs_backwards(void **state)
{
    struct tsc_scale s = tsc_scale_of(2893202000);
    u64 last = 0;

    (void)state;
    for (u64 t = 0; t < 100000; t++) {
        u64 ns = our_ns(s, (1ull << 50) + t);

        assert_true(ns >= last);
        last = ns;
    }
}

static void roundest_is_the_largest_unit_in_range(void **state)
{
    (void)state;
    assert_int_equal(roundest_between(999990000, 1000010000), 1000000000);
    assert_int_equal(roundest_between(2893100000, 2893300000), 2893200000);
    assert_int_equal(roundest_between(2893201999, 2893202001), 2893202000);
    assert_int_equal(roundest_between(123456789, 123456789), 123456789);
    assert_int_equal(roundest_between(1999999999, 2000000000), 2000000000);
    assert_int_equal(roundest_between(7, 13), 10);
}

static void rate_lies_within_what_was_seen(void **state)
{
    (void)state;
    /* 16 ms of a 100 MHz clock, 3 GHz: off by 40 ticks of 48,000,000, yet the round one. */
    assert_int_equal(rate_of(48000040, 100, 1600000, 1, 100000000), 3000000000ull);
    /* Nothing to be unsure of: the exact quotient. */
    assert_int_equal(rate_of(12345678, 0, 1000000, 0, 1000000), 12345678);
    /* A reading of one tick of the reference must not divide by zero. */
    assert_true(rate_of(1000, 10, 1, 1, 1000) > 0);
    /* The error bound can exceed the count. */
    assert_int_equal(rate_of(5, 10, 100, 0, 100), 10);
}

static void ratio_converts_there_and_back(void **state)
{
    (void)state;
    assert_int_equal(ratio_32(GHZ, GHZ), 1ull << 32);
    assert_int_equal(1000000ull * ratio_32(62500000, GHZ) >> 32, 62500);
    assert_in_range((unsigned __int128)GHZ * ratio_32(4000000000u, GHZ) >> 32, 3999999999u,
                    4000000000u);
}

static void seconds_of_known_days(void **state)
{
    (void)state;
    assert_int_equal(seconds_since_1970(1970, 1, 1, 0, 0, 0), 0);
    assert_int_equal(seconds_since_1970(2000, 2, 29, 12, 0, 0), 951825600);
    assert_int_equal(seconds_since_1970(2026, 1, 1, 0, 0, 0), 1767225600);
    assert_int_equal(seconds_since_1970(2038, 1, 19, 3, 14, 8), 1ll << 31);
    assert_int_equal(seconds_since_1970(2100, 3, 1, 0, 0, 0), 4107542400);
}

/* A calendar that counts day by day is slow but plain. */
static void seconds_follow_the_calendar(void **state)
{
    static const unsigned int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    s64 day = 0;

    (void)state;
    for (unsigned int year = 1970; year < 2200; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        for (unsigned int month = 1; month <= 12; month++)
            for (unsigned int d = 1; d <= days[month - 1] + (month == 2 && leap); d++, day++)
                assert_int_equal(seconds_since_1970(year, month, d, 0, 0, 0), day * 86400);
    }
}

static void cmos_modes_read_the_same(void **state)
{
    /* 2026-12-31 23:59:58 in BCD and binary, with 24 and 12 hours. */
    static const struct cmos_time modes[] = {
        { 0x58, 0x59, 0x23, 0x31, 0x12, 0x26, 0x20, 0x02 },
        { 0x58, 0x59, 0x91, 0x31, 0x12, 0x26, 0x20, 0x00 },
        { 58, 59, 23, 31, 12, 26, 20, 0x06 },
        { 58, 59, 0x80 | 11, 31, 12, 26, 20, 0x04 },
        { 58, 59, 23, 31, 12, 26, 0, 0x06 },        /* no century */
        { 0x58, 0x59, 0x23, 0x31, 0x12, 0x26, 0xff, 0x02 },
    };
    s64 seconds;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        assert_int_equal(cmos_to_seconds(&modes[i], &seconds), 0);
        assert_int_equal(seconds, seconds_since_1970(2026, 12, 31, 23, 59, 58));
    }
}

static void cmos_midnight_and_noon(void **state)
{
    struct cmos_time t = { 0, 0, 12, 1, 1, 99, 19, 0x04 };
    s64 seconds;

    (void)state;
    assert_int_equal(cmos_to_seconds(&t, &seconds), 0);
    assert_int_equal(seconds, seconds_since_1970(1999, 1, 1, 0, 0, 0));
    t.hour = 0x80 | 12;
    assert_int_equal(cmos_to_seconds(&t, &seconds), 0);
    assert_int_equal(seconds, seconds_since_1970(1999, 1, 1, 12, 0, 0));
}

static void cmos_nonsense_is_refused(void **state)
{
    static const struct cmos_time bad[] = {
        { 60, 0, 0, 1, 1, 26, 20, 6 },   { 0, 60, 0, 1, 1, 26, 20, 6 },
        { 0, 0, 24, 1, 1, 26, 20, 6 },   { 0, 0, 0, 0, 1, 26, 20, 6 },
        { 0, 0, 0, 32, 1, 26, 20, 6 },   { 0, 0, 0, 29, 2, 26, 20, 6 },
        { 0, 0, 0, 31, 4, 26, 20, 6 },   { 0, 0, 0, 1, 0, 26, 20, 6 },
        { 0, 0, 0, 1, 13, 26, 20, 6 },   { 0, 0, 0, 1, 1, 100, 20, 6 },
        { 0, 0, 0, 1, 1, 26, 20, 4 },    { 0, 0, 13, 1, 1, 26, 20, 4 },
        { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 },
    };
    s64 seconds = 42;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(cmos_to_seconds(&bad[i], &seconds), -EINVAL);
    assert_int_equal(seconds, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scale_of_1_ghz_is_exact),
        cmocka_unit_test(scale_is_true_at_any_rate),
        cmocka_unit_test(guests_and_we_agree_to_the_ns),
        cmocka_unit_test(scale_never_runs_backwards),
        cmocka_unit_test(roundest_is_the_largest_unit_in_range),
        cmocka_unit_test(rate_lies_within_what_was_seen),
        cmocka_unit_test(ratio_converts_there_and_back),
        cmocka_unit_test(seconds_of_known_days),
        cmocka_unit_test(seconds_follow_the_calendar),
        cmocka_unit_test(cmos_modes_read_the_same),
        cmocka_unit_test(cmos_midnight_and_noon),
        cmocka_unit_test(cmos_nonsense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
