/* SPDX-License-Identifier: MIT */
/*
 * The machine stands still: all other CPUs wait where they have nothing in hand.
 *
 * A CPU parks among its softirqs, on the way out to a guest or to sleep. There it holds no lock and
 * keeps no C frame, and no operation of its is half done but what its vCPU's record says (a
 * preempted call's arguments, mm_finish_put()'s list). It is not enough to stop a CPU by a
 * cross-call: that is served in the middle of a validation, too.
 *
 * Why all get there: the one that parks the others holds no lock and no frame BUSY, so nobody waits
 * for it but by cross-calls, which it serves. It has the control room's claim, so nobody waits for
 * its vCPU to leave its CPU, and nobody else parks.
 */
#include "domain/domain.h"
#include "domain/internal.h"
#include "lib/atomic.h"

static u64 wanted, parked;      /* atomic: masks of CPUs */

/*
 * Also raised by a request that is over by the time it is looked at: then there is nothing to do.
 */
void park_softirq(void)
{
    u64 self = BIT(this_cpu_id());

    if (!(load_acquire(&wanted) & self))
        return;
    atomic_or(&parked, self);
    while (load_acquire(&wanted) & self)
        cpu_wait();
    atomic_and(&parked, ~self);
}

/* Returns when all have arrived; each waits until unpark_others(). */
void park_others(void)
{
    u64 others = cpu_online_mask() & ~BIT(this_cpu_id());

    /* Those who were let go before have left, or they could be taken for parked now. */
    while (load_acquire(&parked))
        cpu_wait();
    atomic_or(&wanted, others);
    for (u64 left = others; left; left &= left - 1)
        raise_softirq_on((unsigned int)__builtin_ctzll(left), SOFTIRQ_PARK);
    while (load_acquire(&parked) != others)
        cpu_wait();
}

void unpark_others(void)
{
    atomic_and(&wanted, 0);
}
