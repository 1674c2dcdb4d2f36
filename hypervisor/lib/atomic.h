/* SPDX-License-Identifier: MIT */
/* Atomic operations by the names the literature uses, and the clamp of untrusted indexes. */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

#include "lib/types.h"

/* True if *p was *old and is now `new`; otherwise *old is what was seen. */
#define cas(p, old, new) \
    __atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define atomic_add(p, n)        __atomic_add_fetch(p, n, __ATOMIC_SEQ_CST)
#define atomic_sub(p, n)        __atomic_sub_fetch(p, n, __ATOMIC_SEQ_CST)
#define atomic_or(p, n)         __atomic_fetch_or(p, n, __ATOMIC_SEQ_CST)
#define atomic_and(p, n)        __atomic_fetch_and(p, n, __ATOMIC_SEQ_CST)
#define atomic_xchg(p, v)       __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define load_acquire(p)         __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_release(p, v)     __atomic_store_n(p, v, __ATOMIC_RELEASE)

/*
 * Bits of words that guests may be writing to at the same time: one instruction each. What
 * compilers make of a fetch-and-or may be a loop, and a guest could keep that going. True: the bit
 * was set.
 */
static inline bool test_and_set_bit(u32 *word, unsigned int bit)
{
    bool was;

    __asm__ volatile("lock btsl %2, %1" : "=@ccc"(was), "+m"(*word) : "Ir"(bit) : "memory");
    return was;
}

static inline bool test_and_set_bit_64(u64 *word, u64 bit)
{
    bool was;

    __asm__ volatile("lock btsq %2, %1" : "=@ccc"(was), "+m"(*word) : "Jr"(bit) : "memory");
    return was;
}

static inline bool test_and_clear_bit_64(u64 *word, u64 bit)
{
    bool was;

    __asm__ volatile("lock btrq %2, %1" : "=@ccc"(was), "+m"(*word) : "Jr"(bit) : "memory");
    return was;
}

/*
 * An index that was checked against @n with a branch, made zero also on the path a mispredicted
 * branch would take (Spectre v1): the mask comes from the comparison's carry, not from a branch.
 */
static inline u64 index_nospec(u64 index, u64 n)
{
    u64 mask;

    __asm__("cmp %2, %1; sbb %0, %0" : "=r"(mask) : "r"(index), "re"(n) : "cc");
    return index & mask;
}

#endif
