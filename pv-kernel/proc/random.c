/* SPDX-License-Identifier: MIT */
/*
 * Random numbers for programs: the processor's where it has them, mixed into a counter and the
 * TSC, which are all there is where it has not. Not fit for keys on such a machine.
 */
#include "proc/proc.h"

#define LEAF1_RDRAND (1u << 30)
#define TRIES 10

static uint64_t state;

static uint64_t from_processor(void)
{
    uint32_t a = 1, b, c, d;
    uint64_t value = 0;
    uint8_t ok = 0;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    for (int i = 0; i < TRIES && !ok && c & LEAF1_RDRAND; i++)
        __asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(ok) : : "cc");
    return ok ? value : 0;
}

/* A 64-bit finalizer: every bit of the input changes half of the output's. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ul;
    x = (x ^ x >> 27) * 0x94d049bb133111ebul;
    return x ^ x >> 31;
}

uint64_t random_u64(void)
{
    state += 0x9e3779b97f4a7c15ul + pv_rdtsc();
    state ^= from_processor();
    return mix(state);
}
