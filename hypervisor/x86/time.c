/* SPDX-License-Identifier: MIT */
/*
 * Time. The TSC is the clock; its rate is measured once at boot against the best other clock of
 * the machine. System time is ns since then:
 *
 *     ns = (TSC - tsc_base) * ns_mul >> 32
 *
 * and guests compute the very same from the constant record that time_update_vcpu() writes, since
 * the stamp in it is tsc_base and its system time 0. Nothing is ever adjusted while we run.
 *
 * That holds for all CPUs as long as their TSCs run in step, which each CPU checks when it starts.
 * Where they don't, a CPU has a base of its own, and now_ns() also never returns less than it did
 * before anywhere; guests must then expect their vCPUs' clocks to differ a little, which they do
 * unless XEN_PVCLOCK_TSC_STABLE_BIT says otherwise, and we never set it.
 */
#include "boot/boot.h"
#include "domain/domain.h"
#include "lib/atomic.h"
#include "lib/printk.h"
#include "mm/mm.h"
#include "x86/platform.h"

#define NS_PER_S 1000000000ull

struct tsc_scale tsc_scale;

static u64 tsc_hz;
static u64 tsc_base;                    /* the boot CPU's */
static u64 ns_mul;                      /* tsc_scale.mul << shift; 0 before time_init() */
static bool tsc_out_of_step;
static DEFINE_PER_CPU(u64, own_tsc_base);       /* used only when out of step; 0: not known yet */
static u64 latest_ns;                   /* atomic; likewise */
static spinlock_t wall_lock = SPINLOCK_INIT(LOCK_WALL);
static u64 wall_clock_ns;               /* since 1970, at system time 0; under the lock */

/* ---- the clock ---- */

/* The fence keeps the reading behind what came before: time seen here follows time seen there. */
static inline u64 rdtsc_ordered(void)
{
    __asm__ volatile("lfence" ::: "memory");
    return rdtsc();
}

static inline u64 scale(u64 ticks)
{
    return (u64)((unsigned __int128)ticks * ns_mul >> 32);
}

static u64 this_tsc_base(void)
{
    u64 own = this_cpu(own_tsc_base);

    return tsc_out_of_step && own ? own : tsc_base;
}

/*
 * Where TSCs differ: never less than anybody has seen. The largest time seen so far is a word that
 * all CPUs push forwards; who is behind it gets that.
 */
static __attribute__((noinline)) u64 now_in_order(void)
{
    u64 ns = scale(rdtsc_ordered() - this_tsc_base()), latest = READ_ONCE(latest_ns);

    while (ns > latest)
        if (cas(&latest_ns, &latest, ns))
            return ns;
    return latest;
}

u64 now_ns(void)
{
    if (unlikely(tsc_out_of_step))
        return now_in_order();
    return scale(rdtsc_ordered() - tsc_base);
}

void time_delay_us(unsigned int us)
{
    u64 start = rdtsc(), ticks = tsc_hz / 1000000 * us;

    while (rdtsc() - start < ticks)
        cpu_wait();
}

/* ---- how fast the TSC is ---- */

/* Of several readings, the one that was disturbed least. */
struct clock_sample clock_sample(u64 (*read)(void))
{
    struct clock_sample best = { .gap = ~0ull };

    for (unsigned int i = 0; i < 8; i++) {
        u64 before = rdtsc_ordered(), count = read(), gap = rdtsc_ordered() - before;

        if (gap < best.gap)
            best = (struct clock_sample){ .count = count, .tsc = before + gap / 2, .gap = gap };
    }
    return best;
}

struct reference {
    const char *name;
    u64 (*start)(void);         /* makes it count; returns its frequency, 0: not there */
    u64 (*read)(void);          /* counts up */
    bool (*ran_out)(void);      /* whether it has stopped meaning anything; NULL: never */
    u64 mask;                   /* of its bits */
};

#define HPET_PERIOD  1          /* high half of the capabilities: femtoseconds a tick */
#define HPET_CONFIG  4
#define HPET_COUNTER 60
#define HPET_ENABLE  1u

static volatile u32 *hpet;

/* Its low 32 bits are enough, and one read: they last longer than the measurement. */
static u64 hpet_start(void)
{
    u32 period;

    if (!acpi.hpet_addr)
        return 0;
    /* Only while booting: then it is the first domain's, whose firmware may ask for it. */
    hpet = hv_map_device(MADDR(acpi.hpet_addr), 0x400, HV_DEV_SHARED);
    if (!hpet)
        return 0;
    period = hpet[HPET_PERIOD];
    /* 100 ns is the longest that the specification allows; all ones: nothing is there. */
    if (!period || period > 100000000)
        return 0;
    hpet[HPET_CONFIG] |= HPET_ENABLE;
    return 1000000000000000ull / period;
}

static u64 hpet_read(void)
{
    return hpet[HPET_COUNTER];
}

static u64 pm_timer_start(void)
{
    return acpi.pm_timer_port ? 3579545 : 0;
}

/* Bits above 24 are there on some machines only: the mask leaves them out on all. */
static u64 pm_timer_read(void)
{
    return inl(acpi.pm_timer_port);
}

#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define PIT_GATE     0x61
#define PIT_OUT2     0x20       /* in PIT_GATE: channel 2 has counted to the end */

/* Channel 2 counts down once from 0xffff, 55 ms, with the speaker off. */
static u64 pit_start(void)
{
    outb(PIT_GATE, (u8)((inb(PIT_GATE) & ~3) | 1));
    outb(PIT_COMMAND, 0xb0);
    outb(PIT_CHANNEL2, 0xff);
    outb(PIT_CHANNEL2, 0xff);
    return 1193182;
}

static u64 pit_read(void)
{
    u8 low;

    outb(PIT_COMMAND, 0x80);    /* latch */
    low = inb(PIT_CHANNEL2);
    return 0xffffu - (low | (u64)inb(PIT_CHANNEL2) << 8);
}

static bool pit_ran_out(void)
{
    return inb(PIT_GATE) & PIT_OUT2;
}

static const struct reference references[] = {
    { "HPET", hpet_start, hpet_read, NULL, 0xffffffff },
    { "PM timer", pm_timer_start, pm_timer_read, NULL, 0xffffff },
    { "PIT", pit_start, pit_read, pit_ran_out, 0xffff },
};

#define MEASURE_MS 16

/* The TSC's frequency against @ref; 0 if that is not there, does not count, or has run out. */
static u64 measure_tsc(const struct reference *ref)
{
    u64 hz = ref->start(), wanted = hz * MEASURE_MS / 1000, ticks;
    struct clock_sample from, to;

    if (!hz)
        return 0;
    from = clock_sample(ref->read);
    do {
        /* 2^33 ticks are seconds: a reference that takes so long stands still. */
        if (rdtsc() - from.tsc > 1ull << 33)
            return 0;
        cpu_relax();
    } while (((ref->read() - from.count) & ref->mask) < wanted);
    to = clock_sample(ref->read);
    if (ref->ran_out && ref->ran_out())
        return 0;
    ticks = (to.count - from.count) & ref->mask;
    return rate_of(to.tsc - from.tsc, (from.gap + to.gap) / 2, ticks, 1, hz);
}

/* By the best reference that is there and counts; a machine without any can't run. */
static void measure_and_set_scale(void)
{
    /* The last one can run out when something holds this CPU up: it gets some more chances. */
    for (unsigned int i = 0; i < ARRAY_SIZE(references) + 4; i++) {
        const struct reference *ref = &references[min((size_t)i, ARRAY_SIZE(references) - 1)];

        tsc_hz = measure_tsc(ref);
        if (tsc_hz < 1000000)
            continue;
        tsc_scale = tsc_scale_of(tsc_hz);
        ns_mul = (u64)tsc_scale.mul << tsc_scale.shift;
        pr_info("TSC: %u kHz, measured against the %s", tsc_scale.khz, ref->name);
        return;
    }
    panic("no clock to measure the TSC against: neither HPET nor PM timer nor PIT counts");
}

/* ---- TSCs in step ---- */

#define SYNC_ROUNDS 5

/* Odd: the target is asked; even: it has answered in sync_tsc. Each start goes on from the last. */
static u32 sync_turn;
static u64 sync_tsc;
static s64 sync_offset;                 /* the answer to the target, once all rounds are done */
static u32 sync_done;                   /* counts the answers */

/* The CPU that starts: answers with its TSC each time it is asked, then gets its own base. */
void time_sync_target(void)
{
    u32 answer = READ_ONCE(sync_done) + 1;

    for (unsigned int i = 0; i < SYNC_ROUNDS; i++) {
        while (!(load_acquire(&sync_turn) & 1))
            cpu_relax();
        sync_tsc = rdtsc_ordered();
        store_release(&sync_turn, sync_turn + 1);
    }
    while (load_acquire(&sync_done) != answer)
        cpu_relax();
    this_cpu(own_tsc_base) = tsc_base + (u64)sync_offset;
}

/* The target's reading must lie between two of ours; if it ever does not, the TSCs differ. */
void time_sync_source(void)
{
    u64 shortest = ~0ull;
    bool in_step = true;

    for (unsigned int i = 0; i < SYNC_ROUNDS; i++) {
        u64 before = rdtsc_ordered(), after;

        store_release(&sync_turn, sync_turn + 1);
        while (load_acquire(&sync_turn) & 1)
            cpu_relax();
        after = rdtsc_ordered();
        in_step = in_step && sync_tsc >= before && sync_tsc <= after;
        if (after - before < shortest) {
            shortest = after - before;
            sync_offset = (s64)(sync_tsc - (before + shortest / 2));
        }
    }
    if (in_step)
        sync_offset = 0;
    else
        tsc_out_of_step = true;
    store_release(&sync_done, sync_done + 1);
}

/* ---- the CMOS clock ---- */

#define CMOS_INDEX      0x70
#define CMOS_DATA       0x71
#define CMOS_STATUS_A   0x0a
#define CMOS_STATUS_B   0x0b
#define CMOS_CENTURY    0x32
#define CMOS_UPDATING   0x80
#define CMOS_NMI_OFF    0x80    /* set while an index is selected, as port 0x70 has both */

static u8 cmos_read(u8 reg)
{
    u8 v;

    outb(CMOS_INDEX, CMOS_NMI_OFF | reg);
    v = inb(CMOS_DATA);
    outb(CMOS_INDEX, CMOS_STATUS_B);
    return v;
}

/* An update takes 2 ms at most, so the bound only ends a wait for a clock that is not there. */
static void cmos_wait(void)
{
    u64 end = now_ns() + 10000000;

    while ((cmos_read(CMOS_STATUS_A) & CMOS_UPDATING) && now_ns() < end)
        cpu_relax();
}

static struct cmos_time cmos_read_time(void)
{
    cmos_wait();
    return (struct cmos_time){
        .second = cmos_read(0), .minute = cmos_read(2), .hour = cmos_read(4),
        .day = cmos_read(7), .month = cmos_read(8), .year = cmos_read(9),
        .century = cmos_read(CMOS_CENTURY), .status_b = cmos_read(CMOS_STATUS_B),
    };
}

/* Two readings that agree were not torn by an update in between; more than one is rare. */
static void read_wall_clock(void)
{
    struct cmos_time last = cmos_read_time();
    s64 seconds;

    for (unsigned int i = 0; i < 4; i++) {
        struct cmos_time t = cmos_read_time();

        if (__builtin_memcmp(&t, &last, sizeof(t)) == 0)
            break;
        last = t;
    }
    if (cmos_to_seconds(&last, &seconds)) {
        pr_warn("the CMOS clock shows no date: the wall clock starts at 1970");
        seconds = 0;
    }
    wall_clock_ns = (u64)seconds * NS_PER_S - min(now_ns(), (u64)seconds * NS_PER_S);
}

/* ---- the door ---- */

void time_init(void)
{
    tsc_base = rdtsc();
    measure_and_set_scale();
    apic_timer_calibrate(tsc_hz);
    read_wall_clock();
}

/* Readers look at the version before and after: odd or changed means that they read too early. */
static void show_wall_clock(struct domain *d)
{
    struct shared_info *s = d->shared_info;
    u64 seconds = wall_clock_ns / NS_PER_S;
    u32 version = s->wc_version | 1;

    store_release(&s->wc_version, version);
    barrier();
    s->wc_sec = (u32)seconds;
    s->wc_sec_hi = (u32)(seconds >> 32);
    s->wc_nsec = (u32)(wall_clock_ns % NS_PER_S);
    store_release(&s->wc_version, version + 1);
}

void time_init_domain(struct domain *d)
{
    spin_lock(&wall_lock);
    show_wall_clock(d);
    spin_unlock(&wall_lock);
}

/* An absurd time wraps: a guest that may set the clock may set it to anything. */
void time_set_wall(u64 seconds, u32 ns, u64 system_ns)
{
    spin_lock(&wall_lock);
    wall_clock_ns = seconds * NS_PER_S + ns - system_ns;
    domain_for_each(show_wall_clock);
    spin_unlock(&wall_lock);
}

/*
 * By the CPU that is about to run @v, so no other writes; the guest may read from any vCPU, hence
 * the version: odd while it is being written.
 */
void time_update_vcpu(struct vcpu *v)
{
    struct vcpu_time_info *t = &v->info->time;
    u64 base = this_tsc_base();
    u32 version = t->version | 1;

    /* Mostly it is there since the vCPU's first run. */
    if (likely(t->tsc_timestamp == base && t->tsc_to_system_mul == tsc_scale.mul))
        return;
    store_release(&t->version, version);
    barrier();
    t->tsc_timestamp = base;
    t->system_time = 0;
    t->tsc_to_system_mul = tsc_scale.mul;
    t->tsc_shift = tsc_scale.shift;
    t->flags = 0;
    store_release(&t->version, version + 1);
}
