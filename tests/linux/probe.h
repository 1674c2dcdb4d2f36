/* SPDX-License-Identifier: MIT */
/*
 * What the parts of probe, the test program for a Linux under the hypervisor, share. A case is a
 * function that returns when all is well; EXPECT ends the process with the line that was not.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL

/* The condition is written out, so that a reader of the report sees what was wanted. */
#define EXPECT(condition)                                                               \
    do {                                                                                \
        if (!(condition)) {                                                             \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);              \
            fflush(stdout);                                                             \
            _exit(1);                                                                   \
        }                                                                               \
    } while (0)

/* probe.c */
typedef void child_fn(unsigned number);
void in_children(unsigned count, child_fn *run);
unsigned fault_of(void (*act)(void *), void *address);

/* What fault_of() found: the signal, or 0, and in the words below what came with it. */
extern void *fault_address;
extern int fault_code;

/* memory.c */
void test_cow(void);
void test_protect(void);
void test_map(void);
void test_shared(void);
void test_storm(void);
void test_fill(void);

/* cpu.c */
void test_faults(void);
void test_float(void);
void test_bases(void);
void test_ldt(void);
void test_syscalls(void);
void test_debug(void);

/* time.c */
void test_clock(void);
void test_sleep(void);
void test_signals(void);
void test_threads(void);

#endif
