/* SPDX-License-Identifier: MIT */
/*
 * lifetime CONFIG NAME: what it takes to create and to destroy a guest, as who types the command
 * sees it: from before fork to behind wait. It runs in the control domain, and prints a line a
 * sample and then one for each of the two commands:
 *
 *     LIFETIME create tsc=MEDIAN us=MEDIAN min=TSC max=TSC
 *
 * Between two commands it sleeps, so that a sample holds nothing of the command before: by then the
 * daemons have done their part, and the guest has booted and waits.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define SAMPLES   5
#define WARM_UPS  1 /* The first command reads what later ones find in memory. */
#define SETTLE_MS 500

struct series {
    const char *command;
    char *argument;
    uint64_t tsc[SAMPLES], us[SAMPLES];
};

static void fail(const char *what)
{
    printf("LIFETIME FAILED %s\n", what);
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now))
        fail("clock_gettime");
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void run(const struct series *series)
{
    char *arguments[] = { "xl-lite", (char *)series->command, series->argument, NULL };
    int status;
    pid_t child = fork();

    if (child == 0) {
        execv("/bin/xl-lite", arguments);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status)
        fail(series->command);
}

static void settle(void)
{
    struct timespec pause = { .tv_nsec = SETTLE_MS * 1000000L };

    if (nanosleep(&pause, NULL))
        fail("nanosleep");
}

static void sample(struct series *series, int i)
{
    uint64_t us = now_us(), tsc = __rdtsc();

    run(series);
    tsc = __rdtsc() - tsc;
    us = now_us() - us;
    settle();
    if (i < 0)
        return;
    series->tsc[i] = tsc;
    series->us[i] = us;
    printf("sample: %s tsc=%lu us=%lu\n", series->command, tsc, us);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void report(struct series *series)
{
    qsort(series->tsc, SAMPLES, sizeof(series->tsc[0]), compare);
    qsort(series->us, SAMPLES, sizeof(series->us[0]), compare);
    printf("LIFETIME %s tsc=%lu us=%lu min=%lu max=%lu\n", series->command,
           series->tsc[SAMPLES / 2], series->us[SAMPLES / 2], series->tsc[0],
           series->tsc[SAMPLES - 1]);
}

int main(int argc, char **argv)
{
    struct series create = { .command = "create" }, destroy = { .command = "destroy" };

    setlinebuf(stdout);
    if (argc != 3)
        fail("usage: lifetime CONFIG NAME");
    create.argument = argv[1];
    destroy.argument = argv[2];
    settle();
    for (int i = -WARM_UPS; i < SAMPLES; i++) {
        sample(&create, i);
        sample(&destroy, i);
    }
    report(&create);
    report(&destroy);
    puts("LIFETIME DONE");
    return 0;
}
