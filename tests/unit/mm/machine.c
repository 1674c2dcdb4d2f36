/* SPDX-License-Identifier: MIT */
/* The fake machine: CPUs as coroutines, and what mm/ calls of the rest of the hypervisor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <sanitizer/asan_interface.h>

#include "boot/boot.h"
#include "grant/grant.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"
#include "heap.h"
#include "machine.h"

#define STACK_BYTES  (256 * 1024)
#define WAITS_MAX    200000     /* turns of a busy loop: then nobody will ever answer */
#define PERCPU_MAX   8
#define STALL_ODDS   100        /* one switch in so many is for long */
#define STALL_MAX    600

struct test_vcpu vcpus[DOMAINS][VCPUS];
struct domain domains[DOMAINS];
u64 restart_args[6];
struct bootinfo bootinfo;
struct boot_options boot_options;
struct cpu_features cpu_has = { .nx = true, .phys_bits = 40 };

static struct cpu {
    struct cpu_info info;
    ucontext_t context;
    char *stack;
    void *asan_stack;
    u64 cr3;
    u64 rounds_left;
    bool done;
    unsigned int waits;
    unsigned int stalled;       /* that many turns it does not get */
    u64 args[6];                /* restart_args of what it does */
} cpus[CPUS];

static unsigned int running;    /* whose turn it is */
static bool in_run, in_call, in_guarded;
static jmp_buf out_of_guarded;
static ucontext_t main_context;
static struct machine_options options;
static char failure[512];
static void (*run_step)(unsigned int cpu);
static unsigned int script_left;    /* yields of CPU 0 until CPU 1 goes on; 0: no script */

/* ---- Chance ---- */

static u64 rng_state = 1;

void rng_seed(u64 seed)
{
    rng_state = seed * 0x9e3779b97f4a7c15ull | 1;
}

u64 rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (rng_state * 0x2545f4914f6cdd1dull) >> 16;
}

/* ---- Coroutines ---- */

static void *main_asan_stack;
static const void *main_stack;
static size_t main_stack_size;

static void switch_to_main(bool for_good)
{
    struct cpu *c = &cpus[running];

    memcpy(c->args, restart_args, sizeof(c->args));
    __sanitizer_start_switch_fiber(for_good ? NULL : &c->asan_stack, main_stack, main_stack_size);
    swapcontext(&c->context, &main_context);
    __sanitizer_finish_switch_fiber(c->asan_stack, NULL, NULL);
    memcpy(restart_args, c->args, sizeof(c->args));
}

static void switch_to_cpu(unsigned int cpu)
{
    running = cpu;
    in_run = true;
    __sanitizer_start_switch_fiber(&main_asan_stack, cpus[cpu].stack, STACK_BYTES);
    swapcontext(&main_context, &cpus[cpu].context);
    __sanitizer_finish_switch_fiber(main_asan_stack, NULL, NULL);
    in_run = false;
}

static void cpu_main(void)
{
    __sanitizer_finish_switch_fiber(NULL, &main_stack, &main_stack_size);
    for (;;) {
        while (cpus[running].rounds_left > 0) {
            cpus[running].rounds_left--;
            run_step(running);
        }
        cpus[running].done = true;
        switch_to_main(false);
    }
}

void host_yield(void)
{
    if (!in_run || in_call)
        return;
    cpus[running].waits = 0;
    if (script_left != 0) {
        if (running == 0 && --script_left == 0)
            switch_to_main(false);
    } else if (options.cpus > 1 && options.switch_odds != 0 && below(options.switch_odds) == 0) {
        if (below(STALL_ODDS) == 0)
            cpus[running].stalled = (unsigned int)below(STALL_MAX);
        switch_to_main(false);
    }
}

void cpu_wait(void)
{
    require(++cpus[running].waits < WAITS_MAX, "CPU %u waits for ever", running);
    if (in_run && options.cpus > 1)
        switch_to_main(false);
}

void host_irq_window(void)
{
    if (options.softirq_odds != 0 && below(options.softirq_odds) == 0)
        raise_softirq(SOFTIRQ_TIMER);
    host_yield();
}

void machine_fail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(failure, sizeof(failure), fmt, args);
    va_end(args);
    if (in_run)
        switch_to_main(true);
    else if (in_guarded)
        longjmp(out_of_guarded, 1);
    fprintf(stderr, "# %s\n", failure);
    abort();
}

/* Outside the CPUs' turns. */
const char *machine_guard(void (*fn)(void))
{
    in_guarded = true;
    if (setjmp(out_of_guarded) == 0)
        fn();
    in_guarded = false;
    return failure[0] != '\0' ? failure : NULL;
}

void host_bug(const char *file, int line)
{
    machine_fail("BUG at %s:%d", file, line);
}

noreturn void panic(const char *fmt, ...)
{
    machine_fail("panic: %s", fmt);
}

static void start_cpu(struct cpu *c)
{
    if (c->stack == NULL)
        c->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0);
    __asan_unpoison_memory_region(c->stack, STACK_BYTES);
    c->waits = 0;
    getcontext(&c->context);
    c->context.uc_stack.ss_sp = c->stack;
    c->context.uc_stack.ss_size = STACK_BYTES;
    c->context.uc_link = NULL;
    makecontext(&c->context, cpu_main, 0);
}

static void begin_turns(void (*step)(unsigned int cpu))
{
    failure[0] = '\0';
    run_step = step;
    for (unsigned int i = 0; i < CPUS; i++)
        start_cpu(&cpus[i]);
}

static bool all_done(void)
{
    for (unsigned int i = 0; i < options.cpus; i++)
        if (!cpus[i].done)
            return false;
    return true;
}

const char *machine_run(u64 rounds, u64 pause, void (*step)(unsigned int cpu), void (*quiet)(void))
{
    begin_turns(step);
    for (u64 round = 0; round < rounds; round += pause) {
        for (unsigned int i = 0; i < options.cpus; i++) {
            cpus[i].rounds_left = pause;
            cpus[i].done = false;
        }
        while (failure[0] == '\0' && !all_done()) {
            unsigned int cpu = (unsigned int)below(options.cpus);

            if (cpus[cpu].stalled != 0)
                cpus[cpu].stalled--;
            else if (!cpus[cpu].done)
                switch_to_cpu(cpu);
        }
        if (failure[0] != '\0' || machine_guard(quiet) != NULL)
            return failure;
    }
    return NULL;
}

/*
 * Each runs until it is done or waits; CPU 0's first turn also ends at its @at-th atomic
 * operation.
 */
bool machine_run_pair(unsigned int at, void (*step)(unsigned int cpu), const char **wrong)
{
    bool reached;

    begin_turns(step);
    for (unsigned int i = 0; i < 2; i++) {
        cpus[i].rounds_left = 1;
        cpus[i].done = false;
    }
    script_left = at;
    switch_to_cpu(0);
    reached = script_left == 0;
    script_left = 0;
    for (unsigned int cpu = 1; failure[0] == '\0' && !(cpus[0].done && cpus[1].done); cpu ^= 1)
        if (!cpus[cpu].done)
            switch_to_cpu(cpu);
    *wrong = failure[0] != '\0' ? failure : NULL;
    return reached;
}

void machine_on(unsigned int cpu, void (*fn)(void))
{
    unsigned int self = running;
    bool was = in_call;

    running = cpu;
    in_call = true;
    fn();
    in_call = was;
    running = self;
}

/* ---- What is each CPU's ---- */

struct cpu_info *host_cpu_info(void)
{
    return &cpus[running].info;
}

void *host_percpu(void *variable, size_t size)
{
    static struct { void *variable; char copies[CPUS][64]; } known[PERCPU_MAX];
    unsigned int i = 0;

    while (known[i].variable != NULL && known[i].variable != variable)
        i++;
    require(i < PERCPU_MAX - 1 && size <= sizeof(known[i].copies[0]), "per-CPU variables");
    known[i].variable = variable;
    return known[i].copies[running];
}

u64 host_read_cr3(void)
{
    return cpus[running].cr3;
}

unsigned int host_cpu(void)
{
    return running;
}

void host_write_cr3(u64 cr3)
{
    cpus[running].cr3 = cr3;
    tlb_forget();
}

void run_as(struct vcpu *v)
{
    cpus[running].info.vcpu = v;
    /* As guest_cpu_load() does. */
    mm_load_root(v);
}

void leave_to_guest(void)
{
    do
        cpu_info()->softirqs = 0;
    while (mm_finish_put(current) || softirq_pending());
}

u64 cpu_online_mask(void)
{
    return BIT(options.cpus) - 1;
}

/*
 * Each target does it at once, in our turn: a CPU serves calls between any two instructions of
 * a guest.
 */
void smp_call(u64 mask, void (*fn)(void *), void *arg)
{
    unsigned int self = running;

    for (; mask != 0; mask &= mask - 1) {
        running = (unsigned int)__builtin_ctzll(mask);
        in_call = true;         /* no turn ends in the middle of it */
        fn(arg);
        in_call = false;
        running = self;
        host_yield();
    }
}

/* ---- The rest of the hypervisor, as far as mm/ calls it ---- */

struct domain *domain_by_id(u16 id)
{
    for (unsigned int i = 0; i < DOMAINS; i++)
        if (domains[i].id == id)
            return &domains[i];
    return NULL;
}

void domain_ref(struct domain *d)
{
    atomic_add(&d->refs, 1);
}

void domain_unref(struct domain *d)
{
    u32 left = atomic_sub(&d->refs, 1);

    require(left != ~0u, "domain %u has no references left to drop", d->id);
}

void domain_add_pages(struct domain *d, u64 frames)
{
    atomic_add(&d->tot_pages, frames);
}

void domain_sub_pages(struct domain *d, u64 frames)
{
    u64 left = atomic_sub(&d->tot_pages, frames);

    require(left < FRAMES, "domain %u gives back more frames than it had", d->id);
}

int grant_table_grow(struct domain *d, u32 nr)
{
    return -ENOSYS;             /* no grants here */
}

bool mfn_is_device(mfn_t m)
{
    return (m.v >= HOLE_FIRST && m.v < HOLE_END) || (m.v >= FRAMES && m.v < DEVICE_END);
}

mfn_t hv_root(void)
{
    return MFN(0);              /* never in the heap; an empty table */
}

void hv_install_slots(u64 *l4)
{
    for (unsigned int i = HV_FIRST_SLOT; i < HV_END_SLOT; i++)
        l4[i] = (u64)i << 40 | PTE_P;
}

void hv_show_m2p(u64 *l4, bool show)
{
    l4[HV_FIRST_SLOT] = show ? (u64)HV_FIRST_SLOT << 40 | PTE_P : 0;
}

mfn_t m2p_run(u64 run)
{
    return INVALID_MFN;         /* no frame is the M2P's here */
}

void guest_ldt_drop(struct vcpu *v)
{
    v->cpu.ldt_mapped = 0;
}

int guest_ldt_set(struct vcpu *v, unsigned long base, unsigned int entries)
{
    v->cpu.ldt_base = base;
    v->cpu.ldt_entries = entries;
    return 0;
}

bool copy_from_guest_any(void *dst, unsigned long src, unsigned long len)
{
    if (src < PAGE_SIZE)
        return false;
    memcpy(dst, (const void *)src, len);
    return true;
}

bool copy_to_guest_any(unsigned long dst, const void *src, unsigned long len)
{
    if (dst < PAGE_SIZE)
        return false;
    memcpy((void *)dst, src, len);
    return true;
}

void guest_printk(enum log_level level, const char *fmt, ...)
{
}

long hypercall_set_restart(const u64 *args, unsigned int n)
{
    memcpy(restart_args, args, n * sizeof(*args));
    return -ERESTART;
}

/* ---- A fresh machine ---- */

static void arena(u64 at, size_t bytes)
{
    void *p = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    require(p == (void *)at, "no memory at %#lx", (unsigned long)at);
}

static void reset_domain(struct domain *d, u16 id, bool privileged)
{
    struct test_vcpu *of = vcpus[d - domains];

    memset(d, 0, sizeof(*d));
    d->id = id;
    d->privileged = privileged;
    d->max_pages = FRAMES;
    d->max_vcpus = VCPUS;
    d->tlb_cpus = BIT(CPUS) - 1;
    spin_lock_init(&d->lock, LOCK_DOMAIN);
    memset(of, 0, VCPUS * sizeof(*of));
    for (unsigned int i = 0; i < VCPUS; i++) {
        of[i].v.domain = d;
        of[i].v.id = i;
        of[i].v.processor = i % CPUS;
        of[i].v.cpu.kernel_mode = true;
        of[i].v.kernel_root = of[i].v.user_root = INVALID_MFN;
        d->vcpus[i] = &of[i].v;
    }
}

void machine_set_odds(const struct machine_options *o)
{
    options = *o;
}

void machine_reset(u64 seed, const struct machine_options *o)
{
    rng_seed(seed);
    options = *o;
    in_run = in_call = in_guarded = false;
    script_left = 0;
    max_mfn = FRAMES;
    arena(DIRECT_MAP_VIRT, DEVICE_END * PAGE_SIZE);
    arena(FRAME_TABLE_VIRT, DEVICE_END * sizeof(struct page));
    arena(M2P_VIRT, DEVICE_END * sizeof(u64));
    for (u64 m = 0; m < FRAMES; m++)
        m2p_set(MFN(m), INVALID_PFN);
    heap_reset();
    heap_add(MFN(1), MFN(HOLE_FIRST));
    heap_add(MFN(HOLE_END), MFN(FRAMES));
    heap_start();
    reset_domain(&domains[0], 0, true);
    reset_domain(&domains[1], DOM_PLAIN_ID, false);
    for (running = CPUS; running-- > 0;) {
        cpus[running].info.cpu = running;
        cpu_info()->softirqs = 0;
        run_as(&vcpus[0][running].v);
    }
    running = 0;
}
