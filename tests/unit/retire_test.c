/* SPDX-License-Identifier: MIT */
/*
 * Freeing what others may still look at: nothing is freed before every CPU has done its softirqs,
 * and then everything is. The CPUs are played one after the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/domain.h"

#define CPUS 4u

/* ---- What retire.c stands on ---- */

static struct cpu_info info;
static u64 asked;               /* CPUs whose softirq bit is set */

struct cpu_info *host_cpu_info(void)
{
    return &info;
}

void host_yield(void)
{
}

noreturn void host_bug(const char *file, int line)
{
    print_error("%s:%d: BUG\n", file, line);
    abort();
}

void spin_lock_slow(spinlock_t *lock, u16 ticket)
{
    (void)lock, (void)ticket;
    host_bug(__FILE__, __LINE__);
}

u64 cpu_online_mask(void)
{
    return BIT(CPUS) - 1;
}

void raise_softirq_on(unsigned int cpu, enum softirq nr)
{
    assert_int_equal(nr, SOFTIRQ_RETIRE);
    asked |= BIT(cpu);
}

/* ---- The tests ---- */

struct thing {
    struct retired retired;
    unsigned int ended;
    bool twice;
};

static void end(struct retired *r)
{
    struct thing *t = container_of(r, struct thing, retired);

    t->ended++;
    if (t->twice && t->ended == 1)
        retire(r, end);
}

static void softirqs_of(unsigned int cpu)
{
    assert_true(asked & BIT(cpu));
    asked &= ~BIT(cpu);
    info.cpu = cpu;
    retire_softirq();
}

static void the_last_cpu_frees(void **state)
{
    (void)state;
    for (unsigned int last = 0; last < CPUS; last++) {
        struct thing t = { .ended = 0 };

        retire(&t.retired, end);
        assert_int_equal(asked, BIT(CPUS) - 1);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            if (cpu == last)
                continue;
            softirqs_of(cpu);
            assert_int_equal(t.ended, 0);
            assert_true(retire_pending());
        }
        softirqs_of(last);
        assert_int_equal(t.ended, 1);
        assert_false(retire_pending());
    }
}

static void one_cpu_many_times_is_one_cpu(void **state)
{
    struct thing t = { .ended = 0 };

    (void)state;
    retire(&t.retired, end);
    for (unsigned int i = 0; i < 10; i++) {
        asked |= 1;
        softirqs_of(0);
    }
    assert_int_equal(t.ended, 0);
    for (unsigned int cpu = 1; cpu < CPUS; cpu++)
        softirqs_of(cpu);
    assert_int_equal(t.ended, 1);
}

/* What comes later waits for CPUs that were already there for what came before. */
static void each_waits_for_itself(void **state)
{
    struct thing first = { .ended = 0 }, second = { .ended = 0 };

    (void)state;
    retire(&first.retired, end);
    softirqs_of(0);
    softirqs_of(1);
    retire(&second.retired, end);
    softirqs_of(2);
    softirqs_of(3);
    assert_int_equal(first.ended, 1);
    assert_int_equal(second.ended, 0);
    softirqs_of(0);
    assert_int_equal(second.ended, 0);
    softirqs_of(1);
    assert_int_equal(second.ended, 1);
    assert_false(retire_pending());
}

static void a_second_time_waits_for_all_again(void **state)
{
    struct thing t = { .twice = true };

    (void)state;
    retire(&t.retired, end);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++)
        softirqs_of(cpu);
    assert_int_equal(t.ended, 1);
    assert_true(retire_pending());
    assert_int_equal(asked, BIT(CPUS) - 1);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        assert_int_equal(t.ended, 1);
        softirqs_of(cpu);
    }
    assert_int_equal(t.ended, 2);
    assert_false(retire_pending());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_cpu_frees),
        cmocka_unit_test(one_cpu_many_times_is_one_cpu),
        cmocka_unit_test(each_waits_for_itself),
        cmocka_unit_test(a_second_time_waits_for_all_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
