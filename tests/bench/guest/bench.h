/* SPDX-License-Identifier: MIT */
/*
 * The benchmark guest: what an operation is, and what its files share.
 *
 * An operation is a row of a table. main.c takes samples of it: before(), the clock, run(), the
 * clock, after(). What is reported is the median of the samples, less the median of a run() that
 * does nothing; so it covers the guest's own stub or handler, and none of the measuring. Under
 * QEMU's -icount the clock, the TSC, counts instructions and every run of the guest is the same.
 *
 * So that a figure is the hypervisor's, run() does as little as it can: whatever can be prepared
 * (requests, operands) is prepared by setup() or before() and found in static variables.
 */
#ifndef BENCH_H
#define BENCH_H

#include <pvguest/guest.h>

struct operation {
    const char *name;       /* stable: reports are compared by it */
    void (*setup)(void);    /* once, ahead of all samples */
    void (*before)(void);   /* ahead of each sample, not timed */
    long (*run)(void);      /* timed */
    void (*after)(void);    /* behind each sample, not timed */
    void (*teardown)(void); /* once */
    long expect;            /* what each run() must return */
    unsigned int count;     /* how many things one run() does; 0: one. The report divides by it */
    bool user;              /* run() is user code (no before, after, result) */
};

/* A table ends with an operation that has no name. */
extern const struct operation call_operations[], table_operations[], root_operations[],
    event_operations[], trap_operations[], emulate_operations[], grant_operations[];

/* Panics with the text unless the result of a preparing step is 0, or the condition holds. */
void must_be_zero(long result, const char *what);
void must_hold(bool condition, const char *what);

/* entry.S: calls fn between two readings of the clock; their difference, and fn's result. */
long bench_measure(long (*fn)(void), uint64_t *ticks);
uint64_t bench_user_measure(long (*fn)(void));
/* Returns at once, in kernel and in user text. */
long bench_nothing(void);
long bench_user_nothing(void);

#endif
