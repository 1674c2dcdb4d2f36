/* SPDX-License-Identifier: MIT */
/*
 * The other CPUs: how they are started, asked to do something, and stopped.
 *
 * Cross-calls. Each CPU has one request, its `call`, and one word of callers: bit n says that CPU
 * n's request is for it. A caller fills its request, sets its bit in each target's word, and waits
 * until every target has cleared its own bit in the request's `waiting_for`. Whoever waits for
 * anything does so through cpu_wait(), which serves the calls of others: two CPUs that call each
 * other, or one that spins on a lock whose holder calls it, always go on. So a called function
 * takes no lock, calls no CPU, and may run at any cpu_wait(), irq_window() or entry from a guest.
 */
#include "boot/boot.h"
#include "domain/domain.h"
#include "lib/atomic.h"
#include "lib/printk.h"
#include "mm/mm.h"
#include "x86/platform.h"

BUILD_ASSERT(MAX_CPUS <= 64);           /* CPU masks are one word */

unsigned long percpu_offset[MAX_CPUS];
extern char __percpu_start[], __percpu_end[];

static u64 online = 1;                  /* atomic */

unsigned int cpu_count(void)
{
    unsigned int n = 0;

    for (u64 left = READ_ONCE(online); left; left &= left - 1)
        n++;
    return n;
}

u64 cpu_online_mask(void)
{
    return READ_ONCE(online);
}

/* ---- cross-calls ---- */

/*
 * Its CPU's own until waiting_for is set; then read by the CPUs in it, each until it clears its
 * bit.
 */
struct call {
    void (*fn)(void *arg);
    void *arg;
    u64 waiting_for;                    /* atomic; 0: the request is free */
};

static DEFINE_PER_CPU(struct call, call);
static DEFINE_PER_CPU(u64, callers);    /* atomic */
static bool stopping;

/* For good: not even for a call, since it is out of `online`, and nobody waits for it. */
static noreturn void stop_here(void)
{
    atomic_and(&online, ~BIT(this_cpu_id()));
    for (;;)
        __asm__ volatile("cli; hlt" ::: "memory");
}

/*
 * The word is taken whole before any call is done: a bit that is set afterwards has its interrupt,
 * or is seen by the next look.
 */
void smp_serve_calls(void)
{
    u64 from;

    if (unlikely(READ_ONCE(stopping)))
        stop_here();
    from = atomic_xchg(&this_cpu(callers), 0);
    for (; from; from &= from - 1) {
        struct call *c = &per_cpu(call, __builtin_ctzll(from));

        c->fn(c->arg);
        /* The last we do with it: the caller may be off with it at once. */
        atomic_and(&c->waiting_for, ~BIT(this_cpu_id()));
    }
}

/*
 * One request at a time: a called function calls nobody, so a CPU never needs a second. CPUs that
 * are stopping don't answer, and the machine ends anyway.
 */
void smp_call(u64 mask, void (*fn)(void *), void *arg)
{
    u64 self = BIT(this_cpu_id()), others = mask & READ_ONCE(online) & ~self;
    struct call *c = &this_cpu(call);

    if (others) {
        BUG_ON(READ_ONCE(c->waiting_for));
        c->fn = fn;
        c->arg = arg;
        store_release(&c->waiting_for, others);
        for (u64 left = others; left; left &= left - 1) {
            unsigned int cpu = (unsigned int)__builtin_ctzll(left);

            /* With a bit set already, its interrupt is on the way and finds ours too. */
            if (!atomic_or(&per_cpu(callers, cpu), self))
                apic_send_ipi(cpu, VECTOR_CALL);
        }
    }
    if (mask & self)
        fn(arg);
    if (others)
        while (load_acquire(&c->waiting_for))
            cpu_wait();
}

void cpu_wait(void)
{
    cpu_relax();
    if (unlikely(READ_ONCE(this_cpu(callers)) || READ_ONCE(stopping)))
        smp_serve_calls();
}

/* That it interrupts is all: what the CPU is to see was made visible before. */
void smp_kick(unsigned int cpu)
{
    if (cpu != this_cpu_id())
        apic_send_ipi(cpu, VECTOR_EVENT_CHECK);
}

/* Of two CPUs that end the machine at once, the first does it, the other is stopped by it. */
void smp_stop_all(void)
{
    u64 others = READ_ONCE(online) & ~BIT(this_cpu_id());

    if (atomic_xchg(&stopping, true))
        stop_here();
    for (; others; others &= others - 1)
        apic_send_ipi((unsigned int)__builtin_ctzll(others), VECTOR_CALL);
    for (unsigned int ms = 0; ms < 100 && cpu_count() > 1; ms++)
        time_delay_us(1000);
    stop_here();
}

/* ---- starting CPUs ---- */

/*
 * Where the boot CPU and the one being started meet. `present` is written by the new CPU, `online`
 * is its last step; between the two, both compare their clocks.
 */
static unsigned int ap_present;         /* our number of the CPU that has come up last */

/*
 * Runs on the CPU's own stack, on the tables that the trampoline used: they also map the low
 * memory it lies in, and are left first.
 */
static noreturn void start_ap(void)
{
    tlb_load_root(mfn_to_maddr(hv_root()).v);
    cpu_init();
    apic_init();
    fpu_init();
    store_release(&ap_present, this_cpu_id());
    time_sync_target();
    atomic_or(&online, BIT(this_cpu_id()));
    idle();
}

/* The highest one of RAM; page 0 would be no start-up address. */
u64 smp_trampoline_page(void)
{
    u64 best = 0;

    for (unsigned int i = 0; i < bootinfo.nr_mem; i++) {
        const struct mem_range *m = &bootinfo.mem[i];
        u64 end = ALIGN_DOWN(min(m->base + m->len, (u64)0xa0000), (u64)PAGE_SIZE);

        if (m->type == MEM_RAM && end >= 2 * PAGE_SIZE && end - PAGE_SIZE >= m->base)
            best = max(best, end - PAGE_SIZE);
    }
    return best;
}

/*
 * The root that CPU 0 started on (head.S): it maps the first 4 GiB at their own address, and gets
 * our slots beside that. It lies in the image, below 4 GiB, as it must be: when a CPU turns paging
 * on, its CR3 has 32 bits.
 */
extern u64 boot_l4[512];

static unsigned int order_for(size_t bytes)
{
    unsigned int order = 0;

    while (((size_t)PAGE_SIZE << order) < bytes)
        order++;
    return order;
}

/* What the CPU needs with its first instruction of C: a stack, its number, its own variables. */
static void prepare_cpu(unsigned int cpu)
{
    struct cpu_info *info = stack_cpu_info(cpu);
    size_t size = (size_t)(__percpu_end - __percpu_start);
    char *area = alloc_hv_pages(order_for(size));

    if (!area)
        panic("no memory for the data of CPU %u", cpu);
    percpu_offset[cpu] = (unsigned long)(area - __percpu_start);
    stack_map(cpu);
    info->cpu = cpu;
    info->percpu = percpu_offset[cpu];
}

/* Whether the CPU that is being started has come up within @us. */
static bool wait_present(unsigned int cpu, unsigned int us)
{
    u64 end = now_ns() + us * 1000ull;

    while (load_acquire(&ap_present) != cpu) {
        if (now_ns() > end)
            return false;
        cpu_wait();
    }
    return true;
}

/* A second start-up interrupt is for CPUs that miss the first; a running one ignores it. */
static bool start_cpu(unsigned int cpu, u32 id, struct trampoline_args *args, u8 page)
{
    args->stack = (u64)stack_cpu_info(cpu);
    apic_set_cpu(cpu, id);
    apic_send_startup(id, page);
    if (!wait_present(cpu, 1000)) {
        apic_send_startup(id, page);
        if (!wait_present(cpu, 2000000)) {
            apic_send_init(id);         /* should it wake late: not on a stack that's in use */
            return false;
        }
    }
    time_sync_source();
    while (!(READ_ONCE(online) >> cpu & 1))
        cpu_wait();
    return true;
}

/*
 * One after the other: they share the trampoline and its arguments. INIT goes to all of them first,
 * so its delay is waited for once.
 */
static void start_cpus(u64 page, unsigned int wanted)
{
    struct trampoline_args *args = maddr_to_virt(
        MADDR(page + ((const char *)&trampoline_args - trampoline_start)));
    unsigned int cpu = 1;

    __builtin_memcpy(maddr_to_virt(MADDR(page)), trampoline_start,
                     (size_t)(trampoline_end - trampoline_start));
    args->cr3 = (u32)image_paddr(boot_l4);
    args->efer = (u32)cpu_efer();
    args->entry = (u64)start_ap;
    for (unsigned int i = 1; i < wanted; i++)
        apic_send_init(acpi.cpu_apic_ids[i]);
    time_delay_us(10000);
    for (unsigned int i = 1; i < wanted; i++) {
        if (!percpu_offset[cpu])
            prepare_cpu(cpu);
        if (start_cpu(cpu, acpi.cpu_apic_ids[i], args, (u8)(page >> PAGE_SHIFT)))
            cpu++;
        else
            pr_err("the CPU with APIC id %u does not start", acpi.cpu_apic_ids[i]);
    }
}

void smp_boot_all(void)
{
    unsigned int wanted = min(acpi.nr_cpus, (unsigned int)MAX_CPUS);
    u64 page = smp_trampoline_page();

    if (acpi.nr_cpus > MAX_CPUS)
        pr_warn("%u CPUs, of which %u are used", acpi.nr_cpus, wanted);
    if (wanted <= 1)
        return;
    if (!page) {
        pr_err("no memory below 1 MiB to start the other CPUs from: one CPU is used");
        return;
    }
    hv_install_slots(boot_l4);
    start_cpus(page, wanted);
    pr_info("%u CPUs", cpu_count());
}
