/* SPDX-License-Identifier: MIT */
/*
 * Time and what comes at its time: clocks, timers, signals, threads that wake each other. Where
 * something must come within a time, the limit is generous, since the host may be busy.
 */
#include "probe.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#define NS 1000000000LL
#define CLOCK_ROUNDS 4000
#define CLOCK_SHARERS 6
#define PATIENCE_NS (20 * NS)
#define SIGNALS 150
#define THREADS 6
#define THREAD_ROUNDS 60

static volatile sig_atomic_t signals_seen;
static int64_t last_time;
static pthread_mutex_t clock_lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t now(clockid_t clock)
{
    struct timespec t;

    EXPECT(clock_gettime(clock, &t) == 0);
    return t.tv_sec * NS + t.tv_nsec;
}

static void *clock_sharer(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < CLOCK_ROUNDS; i++) {
        int64_t time;

        pthread_mutex_lock(&clock_lock);
        time = now(CLOCK_MONOTONIC);
        EXPECT(time >= last_time);
        last_time = time;
        pthread_mutex_unlock(&clock_lock);
        if (i % 100 == 0)
            sched_yield();
    }
    return NULL;
}

/* Time never goes back, not even from one processor to another, and clocks go equally fast. */
void test_clock(void)
{
    int64_t mono = now(CLOCK_MONOTONIC), real = now(CLOCK_REALTIME);
    int64_t boot = now(CLOCK_BOOTTIME), difference;
    pthread_t threads[CLOCK_SHARERS];

    for (unsigned i = 0; i < CLOCK_SHARERS; i++)
        EXPECT(pthread_create(&threads[i], NULL, clock_sharer, NULL) == 0);
    for (unsigned i = 0; i < CLOCK_SHARERS; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    usleep(200000);
    mono = now(CLOCK_MONOTONIC) - mono;
    real = now(CLOCK_REALTIME) - real;
    boot = now(CLOCK_BOOTTIME) - boot;
    EXPECT(mono >= NS / 5);
    difference = real - boot;
    /* Read one after the other, perhaps with a pause between. */
    EXPECT(difference < NS && difference > -NS);
}

static void on_signal(int number)
{
    (void)number;
    signals_seen++;
}

static void sleeper(unsigned number)
{
    for (unsigned i = 0; i < 20; i++) {
        int64_t begin = now(CLOCK_MONOTONIC), wanted = (1 + (number * 7 + i) % 20) * NS / 1000;
        struct timespec t = { .tv_nsec = wanted };
        int64_t slept;

        EXPECT(nanosleep(&t, NULL) == 0);
        slept = now(CLOCK_MONOTONIC) - begin;
        EXPECT(slept >= wanted);
        EXPECT(slept < PATIENCE_NS);
    }
}

/* Sleepers wake, and not before their time; an interval timer rings again and again. */
void test_sleep(void)
{
    struct itimerval every = { .it_interval.tv_usec = 10000, .it_value.tv_usec = 10000 };
    int64_t begin = now(CLOCK_MONOTONIC);

    in_children(6, sleeper);
    signals_seen = 0;
    EXPECT(signal(SIGALRM, on_signal) != SIG_ERR);
    EXPECT(setitimer(ITIMER_REAL, &every, NULL) == 0);
    while (signals_seen < 10)
        EXPECT(now(CLOCK_MONOTONIC) - begin < 2 * PATIENCE_NS);
    every.it_value.tv_usec = 0;
    EXPECT(setitimer(ITIMER_REAL, &every, NULL) == 0);
}

static void signal_child(unsigned number)
{
    (void)number;
    sigset_t set;
    int seen;
    pid_t peer;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    EXPECT(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    peer = fork();
    EXPECT(peer >= 0);
    if (peer == 0) {
        for (unsigned i = 0; i < SIGNALS; i++) {
            EXPECT(sigwait(&set, &seen) == 0 && seen == SIGUSR1);
            EXPECT(kill(getppid(), SIGUSR1) == 0);
        }
        _exit(0);
    }
    for (unsigned i = 0; i < SIGNALS; i++) {
        EXPECT(kill(peer, SIGUSR1) == 0);
        EXPECT(sigwait(&set, &seen) == 0 && seen == SIGUSR1);
    }
    EXPECT(waitpid(peer, &seen, 0) == peer && seen == 0);
}

/* Signals to and fro; a handler that interrupts a computation leaves it as it was. */
void test_signals(void)
{
    volatile double sum = 0;

    signals_seen = 0;
    EXPECT(signal(SIGUSR2, on_signal) != SIG_ERR);
    for (int i = 1; i <= 100; i++) {
        sum = sum + 1.0 / i;
        EXPECT(raise(SIGUSR2) == 0);
    }
    EXPECT(signals_seen == 100 && sum > 5.187377 && sum < 5.187378);
    in_children(3, signal_child);
}

struct table {
    pthread_mutex_t lock;
    pthread_cond_t turned;
    unsigned turn;
};

static struct table table = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
static __thread uintptr_t mine;

static void *player(void *argument)
{
    uintptr_t number = (uintptr_t)argument;

    mine = number * 1000;
    for (unsigned i = 0; i < THREAD_ROUNDS; i++) {
        pthread_mutex_lock(&table.lock);
        while (table.turn % THREADS != number)
            pthread_cond_wait(&table.turned, &table.lock);
        table.turn++;
        EXPECT(mine++ == number * 1000 + i);
        pthread_cond_broadcast(&table.turned);
        pthread_mutex_unlock(&table.lock);
    }
    return NULL;
}

/* Threads take turns, each waking the others, and keep what is theirs. */
void test_threads(void)
{
    pthread_t threads[THREADS];

    table.turn = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, player, (void *)i) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    EXPECT(table.turn == THREADS * THREAD_ROUNDS);
}
