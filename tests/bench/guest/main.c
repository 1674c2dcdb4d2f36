/* SPDX-License-Identifier: MIT */
/*
 * Takes the samples and prints a line for each operation:
 *
 *     BENCH START tsc=<the clock when guest_main started>
 *     BENCH ROW <median> <least> <most> <count> <name>
 *     BENCH DONE rows=<n>
 *
 * With only=<name> (`_` for a space) on the command line there is just that operation.
 */
#include "bench.h"

#define SAMPLES 101
#define NAME_MAX 80

struct user_job {
    long (*run)(void);
    uint64_t ticks[SAMPLES];
};

static const struct operation *const tables[] = {
    call_operations, event_operations, trap_operations, table_operations, root_operations,
    emulate_operations, grant_operations,
};

static uint64_t ticks[SAMPLES];
static uint64_t overhead, user_overhead;
static struct user_job user_job PV_USER_DATA;

void must_be_zero(long result, const char *what)
{
    if (result)
        pv_panic("BENCH FAILED %s: %ld\n", what, result);
}

void must_hold(bool condition, const char *what)
{
    if (!condition)
        pv_panic("BENCH FAILED %s\n", what);
}

/* ---- Samples ---- */

static void call(void (*step)(void))
{
    if (step)
        step();
}

static void sample_kernel(const struct operation *op)
{
    for (unsigned int i = 0; i < SAMPLES; i++) {
        long result;

        call(op->before);
        result = bench_measure(op->run, &ticks[i]);
        if (result != op->expect)
            pv_panic("BENCH FAILED %s: expected %ld seen %ld\n", op->name, op->expect, result);
        call(op->after);
    }
}

/* Runs in user mode, and ends by a breakpoint, which no operation has an entry of its own for. */
PV_USER_TEXT static void user_loop(struct user_job *job)
{
    for (unsigned int i = 0; i < SAMPLES; i++)
        job->ticks[i] = bench_user_measure(job->run);
    __asm__ volatile("int3");
}

static void sample_user(const struct operation *op)
{
    struct user_job *job = PV_USER_PTR(user_job);
    struct pv_user_exit exit;

    must_be_zero(pv_user_init(), "user mode");
    job->run = op->run;
    must_be_zero(pv_user_call(PV_USER_PTR(user_loop), (uint64_t)job, &exit), "pv_user_call");
    if (exit.fault != PV_FAULT(PV_BP, 0))
        pv_panic("BENCH FAILED %s: user mode ended by %#lx\n", op->name, exit.fault);
    memcpy(ticks, job->ticks, sizeof(ticks));
}

static void sort_samples(void)
{
    for (unsigned int i = 1; i < SAMPLES; i++) {
        uint64_t value = ticks[i];
        unsigned int at = i;

        for (; at > 0 && ticks[at - 1] > value; at--)
            ticks[at] = ticks[at - 1];
        ticks[at] = value;
    }
}

/* Leaves the samples sorted; their median is returned. */
static uint64_t sample(const struct operation *op)
{
    call(op->setup);
    if (op->user)
        sample_user(op);
    else
        sample_kernel(op);
    call(op->teardown);
    sort_samples();
    return ticks[SAMPLES / 2];
}

/* ---- Report ---- */

static void report(const struct operation *op)
{
    uint64_t base = op->user ? user_overhead : overhead;
    uint64_t median = sample(op);

    pv_printf("BENCH ROW %lu %lu %lu %u %s\n", median - base, ticks[0] - base,
              ticks[SAMPLES - 1] - base, op->count ? op->count : 1, op->name);
}

static bool same_name(const char *name, const char *option)
{
    for (; *name && (*name == *option || (*name == ' ' && *option == '_')); name++)
        option++;
    return *name == *option;
}

static void measure_overhead(void)
{
    const struct operation nothing = { .name = "nothing", .run = bench_nothing };
    const struct operation user_nothing = {
        .name = "nothing in user mode", .run = PV_USER_PTR(bench_user_nothing), .user = true,
    };

    overhead = sample(&nothing);
    user_overhead = sample(&user_nothing);
}

int guest_main(const struct start_info *si)
{
    uint64_t start = pv_rdtsc();
    char only[NAME_MAX];
    bool all = !pv_option("only", only, sizeof(only));
    unsigned int rows = 0;

    (void)si;
    pv_printf("BENCH START tsc=%lu\n", start);
    measure_overhead();
    for (size_t i = 0; i < PV_ARRAY_SIZE(tables); i++) {
        for (const struct operation *op = tables[i]; op->name; op++) {
            if (!all && !same_name(op->name, only))
                continue;
            report(op);
            rows++;
        }
    }
    pv_printf("BENCH DONE rows=%u\n", rows);
    return SHUTDOWN_reboot;
}
