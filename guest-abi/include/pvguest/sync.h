/* SPDX-License-Identifier: MIT */
/*
 * Mutual exclusion between vCPUs.
 *
 * A spinlock does not keep events away: a lock that an event handler also takes is held with
 * events disabled (pv_events_save / pv_events_restore, events.h).  A vCPU that waits yields the
 * processor to the hypervisor's scheduler, for the holder may not be running.
 */
#ifndef PVGUEST_SYNC_H
#define PVGUEST_SYNC_H

#include <pvguest/types.h>

struct pv_spinlock {
    uint32_t held;
};

#define PV_SPINLOCK_INIT { 0 }

/* Takes the lock, waiting as long as it needs. */
void pv_spin_lock(struct pv_spinlock *lock);

static inline void pv_spin_unlock(struct pv_spinlock *lock)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

#endif
