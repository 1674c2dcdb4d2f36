/* SPDX-License-Identifier: MIT */
/*
 * A small machine for the real mm/: memory, two domains, CPUs that take turns at every atomic
 * operation, each with a TLB that remembers what its page tables said before they changed.
 */
#ifndef TESTS_MM_MACHINE_H
#define TESTS_MM_MACHINE_H

#include "domain/domain.h"
#include "mm/internal.h"

#define FRAMES        100       /* of RAM, but for frame 0 and the hole */
#define HOLE_FIRST    40        /* device memory between RAM */
#define HOLE_END      44
#define DEVICE_END    (FRAMES + 4)  /* and above it */
#define CPUS          3
#define DOMAINS       2
#define VCPUS         4         /* of each domain; vCPU n runs on CPU n % CPUS */
#define DOM_PLAIN_ID  7         /* domain 0 is privileged, this one is not */
#define GDT_HELD      4

/* What the test holds for a vCPU beside its roots: pages of a GDT. */
struct test_vcpu {
    struct vcpu v;
    mfn_t gdt[GDT_HELD];
    unsigned int nr_gdt;
};

extern struct test_vcpu vcpus[DOMAINS][VCPUS];
extern struct domain domains[DOMAINS];

/* ---- Chance, from one seed ---- */
void rng_seed(u64 seed);
u64 rng(void);
static inline u64 below(u64 n)
{
    return rng() % n;
}

/* ---- Runs ---- */
struct machine_options {
    unsigned int cpus;          /* of them that run */
    unsigned int softirq_odds;  /* one in so many windows finds work; 0: never */
    unsigned int switch_odds;   /* one in so many atomic operations another CPU goes on */
};
/* A fresh machine; all memory is in the heap. */
void machine_reset(u64 seed, const struct machine_options *options);
void machine_set_odds(const struct machine_options *options);
/*
 * Every CPU calls @step(cpu) again and again, @rounds times each, in turns; @quiet() is called
 * whenever all stand between two steps, each @pause rounds. Returns NULL, or what went wrong.
 */
const char *machine_run(u64 rounds, u64 pause, void (*step)(unsigned int cpu), void (*quiet)(void));
/*
 * CPUs 0 and 1 call @step once each: CPU 0 up to its @at-th atomic operation, then CPU 1 to its
 * end, then CPU 0; a CPU that waits lets the other go on. False when CPU 0 was done before.
 */
bool machine_run_pair(unsigned int at, void (*step)(unsigned int cpu), const char **wrong);
/* @fn() on another CPU, in one go. */
void machine_on(unsigned int cpu, void (*fn)(void));
/* @fn(), without turns. Returns NULL, or what went wrong. */
const char *machine_guard(void (*fn)(void));
/* Ends either with a message, which it then returns. */
noreturn void machine_fail(const char *fmt, ...) __printf(1, 2);
#define require(cond, ...) do { if (!(cond)) machine_fail(__VA_ARGS__); } while (0)

/* ---- What steps do ---- */
unsigned int host_cpu(void);
void run_as(struct vcpu *v);            /* the vCPU that this CPU runs from now on */
/* The way out to the guest: all that is pending is done. */
void leave_to_guest(void);
/* A hypercall's new arguments after it returned -ERESTART. */
extern u64 restart_args[6];

/* ---- The CPUs' TLBs: what was seen in page tables since the last flush ---- */
struct tlb_entry {
    u64 mfn;
    u16 owner;
    bool writable;
};
#define TLB_ENTRIES 12
/*
 * The guest touches its memory: the CPU walks the tables, from its caches where it has
 * something.
 */
const struct tlb_entry *tlb_touch(const unsigned int index[4]);
/* As the load of CR3 does: this CPU holds nothing from now on. */
void tlb_forget(void);
/* Any translation that this CPU holds; NULL: none. */
const struct tlb_entry *tlb_any(void);
/* Each CPU's translations obey the invariant; called at quiet moments and at each touch. */
void tlb_check(void);

#endif
