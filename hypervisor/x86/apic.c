/* SPDX-License-Identifier: MIT */
/*
 * Each CPU's local APIC: end of interrupt, interrupts to other CPUs, and the one-shot timer. Its
 * registers are memory-mapped, or MSRs where the firmware left it in x2APIC mode.
 */
#include "boot/boot.h"
#include "lib/printk.h"
#include "mm/mm.h"
#include "x86/platform.h"

/* Registers by their offset in the page; the MSR's number is the offset / 16. */
enum {
    APIC_ID = 0x20, APIC_VERSION = 0x30, APIC_TPR = 0x80, APIC_EOI = 0xb0, APIC_SPURIOUS = 0xf0,
    APIC_ISR = 0x100, APIC_ESR = 0x280, APIC_ICR = 0x300, APIC_ICR_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320, APIC_LVT_THERMAL = 0x330, APIC_LVT_PERF = 0x340, APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360, APIC_LVT_ERROR = 0x370, APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390, APIC_TIMER_DIVIDE = 0x3e0,
};

#define SPURIOUS_ENABLE    0x100u
#define LVT_MASKED         0x10000u
#define LVT_NMI            0x400u
#define ICR_INIT           0x4500u      /* assert */
#define ICR_STARTUP        0x4600u
#define ICR_FIXED          0x4000u
#define ICR_BUSY           0x1000u
#define DIVIDE_BY_1        0xbu

static volatile u32 *apic_page;         /* NULL in x2APIC mode */
static u32 apic_ids[MAX_CPUS];          /* by our CPU number */

/* ---- registers ---- */

static u32 apic_read(u32 reg)
{
    return likely(apic_page) ? apic_page[reg / 4] : (u32)rdmsr(MSR_X2APIC_BASE + reg / 16);
}

static void apic_write(u32 reg, u32 v)
{
    if (likely(apic_page))
        apic_page[reg / 4] = v;
    else
        wrmsr(MSR_X2APIC_BASE + reg / 16, v);
}

u32 apic_id(void)
{
    return apic_page ? apic_read(APIC_ID) >> 24 : apic_read(APIC_ID);
}

void apic_set_cpu(unsigned int cpu, u32 id)
{
    apic_ids[cpu] = id;
}

u32 apic_id_of(unsigned int cpu)
{
    return apic_ids[cpu];
}

/* Each interrupt that was taken is ended once, in irq_dispatch(), before the next can come in. */
void apic_eoi(void)
{
    apic_write(APIC_EOI, 0);
}

/* The in-service bits lie in eight registers of 32, one every 16 bytes. */
bool apic_in_service(u8 vector)
{
    return apic_read(APIC_ISR + vector / 32 * 16) >> vector % 32 & 1;
}

u32 apic_take_errors(void)
{
    apic_write(APIC_ESR, 0);    /* the write makes the APIC show what it gathered */
    return apic_read(APIC_ESR);
}

/* ---- interrupts to other CPUs ---- */

/*
 * The command to the CPU whose APIC has number @id. Memory-mapped, it is two stores, of which the
 * second sends; nobody comes between, since interrupts are off and each CPU has an APIC of its own.
 */
static void send(u32 id, u32 command)
{
    if (!apic_page) {
        /* An MSR write is no store: what was stored before must be seen by whom we interrupt. */
        __asm__ volatile("mfence; lfence" ::: "memory");
        wrmsr(MSR_X2APIC_BASE + APIC_ICR / 16, (u64)id << 32 | command);
        return;
    }
    while (apic_read(APIC_ICR) & ICR_BUSY)
        cpu_relax();
    apic_write(APIC_ICR_HIGH, id << 24);
    apic_write(APIC_ICR, command);
}

void apic_send_ipi(unsigned int cpu, u8 vector)
{
    send(apic_ids[cpu], ICR_FIXED | vector);
}

void apic_send_init(u32 id)
{
    send(id, ICR_INIT);
}

void apic_send_startup(u32 id, u8 page)
{
    send(id, ICR_STARTUP | page);
}

/* ---- the timer ---- */

/* Measured on CPU 0: the timers of all CPUs count by the same bus clock. */
static u64 ticks_mul;                   /* ticks = ns * ticks_mul >> 32 */
static u64 timer_max_ns;                /* what the 32-bit counter holds */
static DEFINE_PER_CPU(u64, timer_deadline);     /* that the timer is set to; 0: none */

/*
 * A deadline that has passed fires at once. One that is too far fires early, and so does one that
 * rounding catches: whoever keeps the deadlines looks at the clock and sets the timer again.
 */
void apic_timer_set(u64 deadline_ns)
{
    u64 now, ns;

    if (deadline_ns == this_cpu(timer_deadline))
        return;
    this_cpu(timer_deadline) = deadline_ns;
    if (!deadline_ns) {
        apic_write(APIC_TIMER_INITIAL, 0);
        return;
    }
    now = now_ns();
    ns = deadline_ns > now ? min(deadline_ns - now, timer_max_ns) : 0;
    apic_write(APIC_TIMER_INITIAL, (u32)((unsigned __int128)ns * ticks_mul >> 32) + 1);
}

/* One-shot: it does not come again by itself, so what it was set to means nothing any more. */
void apic_timer_fired(void)
{
    this_cpu(timer_deadline) = 0;
}

static u64 read_timer(void)
{
    return apic_read(APIC_TIMER_CURRENT);
}

/*
 * Against the TSC, whose rate is known by now. The timer counts down from its largest number for 5
 * ms; the samples carry their own uncertainty, which rate_of() takes into account.
 */
void apic_timer_calibrate(u64 tsc_hz)
{
    struct clock_sample from, to;
    u64 ticks, error, hz;

    apic_write(APIC_TIMER_INITIAL, 0xffffffff);
    from = clock_sample(read_timer);
    time_delay_us(5000);
    to = clock_sample(read_timer);
    apic_write(APIC_TIMER_INITIAL, 0);

    ticks = from.count - to.count;
    if (!ticks || to.count > from.count)
        panic("the timer of the local APIC does not count");
    error = (from.gap + to.gap) / 2;
    hz = rate_of(ticks, 1, to.tsc - from.tsc, error, tsc_hz);
    ticks_mul = ratio_32(hz, 1000000000);
    timer_max_ns = (0xfffffffeull << 32) / ticks_mul;
    pr_debug("local APIC timer: %lu kHz", (unsigned long)(hz / 1000));
}

/* ---- each CPU ---- */

/*
 * On the boot CPU: where its registers are. The other CPUs' are at the same address, each its own.
 */
static void find_apic(void)
{
    u64 base = rdmsr(MSR_APIC_BASE);

    if (!(cpuid(1, 0).d & BIT(9)))
        panic("this machine has no local APIC");
    if (base & APIC_BASE_X2APIC)
        return;
    apic_page = hv_map_device(MADDR(acpi.lapic_addr ? acpi.lapic_addr : base & 0xffffff000ull),
                              PAGE_SIZE, HV_DEV);
    if (!apic_page)
        panic("the local APIC can't be mapped");
}

/* Entries that only some APICs have: the version register says how many there are. */
static void mask_optional_lvts(void)
{
    u32 last = apic_read(APIC_VERSION) >> 16 & 0xff;

    if (last >= 4)
        apic_write(APIC_LVT_PERF, LVT_MASKED);
    if (last >= 5)
        apic_write(APIC_LVT_THERMAL, LVT_MASKED);
}

/* A CPU that starts wakes up in xAPIC mode, wherever the boot CPU's is. */
static void enter_our_mode(void)
{
    u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

    wrmsr(MSR_APIC_BASE, base);
    if (!apic_page)
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
}

/*
 * LINT1 is the machine's NMI, which must arrive to be ignored (traps.c); LINT0 the old interrupt
 * controllers, which are masked for good. All else that the firmware may have left on is off before
 * interrupts are first let in.
 */
void apic_init(void)
{
    if (this_cpu_id() == 0)
        find_apic();
    enter_our_mode();
    apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    apic_write(APIC_TPR, 0);
    apic_write(APIC_LVT_LINT0, LVT_MASKED);
    apic_write(APIC_LVT_LINT1, LVT_NMI);
    apic_write(APIC_LVT_ERROR, VECTOR_ERROR);
    mask_optional_lvts();
    apic_take_errors();
    apic_write(APIC_TIMER_INITIAL, 0);
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
    if (this_cpu_id() == 0)
        apic_set_cpu(0, apic_id());
}
