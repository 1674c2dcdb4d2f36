/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of clocks: from a TSC frequency to the scale that guests and the hypervisor
 * multiply by, and from the CMOS clock's registers to seconds. No machine access, so the host
 * tests it.
 */
#include "x86/platform.h"

#define NS_PER_S 1000000000ull

u64 roundest_between(u64 lo, u64 hi)
{
    u64 middle = lo + (hi - lo) / 2, unit = NS_PER_S, nearest;

    /* If the multiple nearest to the middle is outside, so are the others. */
    for (;; unit /= 10) {
        nearest = (middle + unit / 2) / unit * unit;
        if ((nearest >= lo && nearest <= hi) || unit == 1)
            return nearest;
    }
}

/*
 * ns = (ticks << shift) * mul >> 32. The shift is never negative, so that no bit of the TSC is
 * lost and one multiplication by mul << shift gives exactly what the guests' two steps give.
 * Clocks up to 1 GHz need a shift to make mul fit; faster ones have mul = 2^32 / GHz at shift 0.
 */
struct tsc_scale tsc_scale_of(u64 hz)
{
    struct tsc_scale s = { .shift = 0, .khz = (u32)((hz + 500) / 1000) };

    /* The numerator is 2^62 at most: dividing it first by 2^shift would lose bits of mul. */
    while (((NS_PER_S << 32) / hz) >> s.shift > 0xffffffffull)
        s.shift++;
    s.mul = (u32)(((NS_PER_S << 32) / hz) >> s.shift);
    return s;
}

u64 ratio_32(u64 to_hz, u64 from_hz)
{
    return (to_hz << 32) / from_hz;
}

/*
 * Every frequency between the two bounds explains what was seen, so the roundest is taken: clocks
 * are built to round numbers, and the result comes out the same at every boot.
 */
u64 rate_of(u64 n, u64 n_err, u64 ref, u64 ref_err, u64 hz)
{
    u64 lo = (n - min(n, n_err)) * hz / (ref + ref_err), one = 1;
    u64 hi = (n + n_err) * hz / (ref - min(ref - 1, ref_err));

    return roundest_between(max(lo, one), hi);
}

/* Days are counted from 1 March of the year 0, so that the leap day is the last of its year. */
s64 seconds_since_1970(unsigned int year, unsigned int month, unsigned int day,
                       unsigned int hour, unsigned int minute, unsigned int second)
{
    unsigned int y = month > 2 ? year : year - 1;
    unsigned int m = month > 2 ? month - 3 : month + 9;
    s64 days = 365ll * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;

    return ((days - 719468) * 24 + hour) * 3600 + minute * 60 + second;
}

#define STATUS_B_24H    0x02
#define STATUS_B_BINARY 0x04
#define HOUR_PM         0x80

static unsigned int from_bcd(u8 v)
{
    return (v >> 4) * 10u + (v & 15);
}

static unsigned int field(const struct cmos_time *t, u8 v)
{
    return t->status_b & STATUS_B_BINARY ? v : from_bcd(v);
}

int cmos_to_seconds(const struct cmos_time *t, s64 *seconds)
{
    static const u8 month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    unsigned int second = field(t, t->second), minute = field(t, t->minute);
    unsigned int hour = field(t, t->hour & 0x7f), day = field(t, t->day);
    unsigned int month = field(t, t->month), year = field(t, t->year);
    unsigned int century = field(t, t->century);

    if (!(t->status_b & STATUS_B_24H)) {
        if (hour < 1 || hour > 12)
            return -EINVAL;
        hour = hour % 12 + (t->hour & HOUR_PM ? 12 : 0);
    }
    if (second > 59 || minute > 59 || hour > 23 || month < 1 || month > 12 || year > 99)
        return -EINVAL;
    /* Not every board has the century; without one the years 70 to 99 are the last century's. */
    if (century < 19 || century > 21)
        century = year >= 70 ? 19 : 20;
    year += century * 100;
    if (day < 1 || day > month_days[month - 1] + (month == 2 && year % 4 == 0 ? 1u : 0u))
        return -EINVAL;
    *seconds = seconds_since_1970(year, month, day, hour, minute, second);
    return 0;
}
