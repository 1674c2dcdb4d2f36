/* SPDX-License-Identifier: MIT */
/* What hostile guests do, at random: one operation a step (steps.c). */
#ifndef TESTS_MM_STEPS_H
#define TESTS_MM_STEPS_H

/* The next operation of CPU @cpu: a hypercall of one of its vCPUs, a store, or a look at memory. */
void random_step(unsigned int cpu);

/* How often each kind of thing has happened, so that a test can say that it did. */
struct step_counts {
    unsigned long calls, done, refused, restarts, abandoned, pinned, unpinned, roots, gdts,
        freed, allocated, stores, touched;
};
extern struct step_counts steps;

#endif
