/* SPDX-License-Identifier: MIT */
/* Spinlocks (pvguest/sync.h). */
#include "internal.h"

#define SPINS_BEFORE_YIELD 100

/* The holder may be a vCPU that has no CPU just now: after some turns it gets ours. */
void pv_spin_lock(struct pv_spinlock *lock)
{
    unsigned int spins = 0;

    while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE)) {
        if (++spins % SPINS_BEFORE_YIELD == 0)
            HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
        __builtin_ia32_pause();
    }
}
