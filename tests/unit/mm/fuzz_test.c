/* SPDX-License-Identifier: MIT */
/*
 * Hostile guests against the real mm/, on one CPU and on three, checked against the brute-force
 * model (model.c). Seeds are fixed, and one is new at each run, printed: PAVANE_FUZZ_SEED runs
 * just that one; PAVANE_FUZZ_TIMES multiplies the length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lifetime.h"
#include "model.h"
#include "steps.h"

#define ROUNDS 50000u           /* a seed, for each CPU */
#define PAUSE  12u

static u64 from_environment(const char *name, u64 otherwise)
{
    const char *value = getenv(name);

    return value != NULL ? strtoull(value, NULL, 0) : otherwise;
}

static void fuzz(u64 seed, const struct machine_options *options)
{
    u64 rounds = ROUNDS / options->cpus * from_environment("PAVANE_FUZZ_TIMES", 1);
    const char *wrong;

    memset(&steps, 0, sizeof(steps));
    linear_seen = 0;
    machine_reset(seed, options);
    populate_all();
    /* One of the two is guarded against L1TF. */
    domains[1].absent_mask = PTE_ADDR & ((1ull << cpu_has.phys_bits) - 1);
    wrong = machine_run(rounds, PAUSE, random_step, model_check);
    printf("# seed %#lx, %u CPUs, softirqs 1/%u: %lu calls, %lu done, %lu restarts, %lu abandoned, "
           "%lu pins, %lu unpins, %lu roots, %lu GDT pages, %lu frames freed, %lu taken, "
           "%lu stores, %lu touches, linear entries %lu times\n",
           (unsigned long)seed, options->cpus, options->softirq_odds,
           steps.calls, steps.done, steps.restarts, steps.abandoned, steps.pinned, steps.unpinned,
           steps.roots, steps.gdts, steps.freed, steps.allocated, steps.stores, steps.touched,
           (unsigned long)linear_seen);
    if (wrong == NULL)
        wrong = machine_guard(destroy_all);
    assert_true(wrong != NULL || linear_seen > 0);
    if (wrong != NULL)
        fail_msg("seed %#lx, %u CPUs: %s", (unsigned long)seed, options->cpus, wrong);
}

/* The seeds of one kind of machine: fixed ones, and one that nobody chose. */
static void fuzz_all(const struct machine_options *options)
{
    static const u64 fixed[] = { 1, 2, 3 };
    u64 given = from_environment("PAVANE_FUZZ_SEED", 0);

    if (given != 0) {
        fuzz(given, options);
        return;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(fixed); i++)
        fuzz(fixed[i], options);
    fuzz((u64)time(NULL) << 20 ^ (u64)clock(), options);
}

static void one_cpu_undisturbed(void **state)
{
    (void)state;
    fuzz_all(&(struct machine_options){ .cpus = 1 });
    assert_true(steps.pinned > 0 && steps.unpinned > 0 && steps.roots > 0 && steps.gdts > 0 &&
                steps.freed > 0 && steps.allocated > 0 && steps.stores > 0);
}

static void one_cpu_often_interrupted(void **state)
{
    (void)state;
    fuzz_all(&(struct machine_options){ .cpus = 1, .softirq_odds = 3 });
    assert_true(steps.restarts > 0 && steps.abandoned > 0);
}

static void three_cpus(void **state)
{
    (void)state;
    fuzz_all(&(struct machine_options){ .cpus = 3, .softirq_odds = 30, .switch_odds = 6 });
}

static void three_cpus_often_interrupted(void **state)
{
    (void)state;
    fuzz_all(&(struct machine_options){ .cpus = 3, .softirq_odds = 3, .switch_odds = 3 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_cpu_undisturbed),
        cmocka_unit_test(one_cpu_often_interrupted),
        cmocka_unit_test(three_cpus),
        cmocka_unit_test(three_cpus_often_interrupted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
