/* SPDX-License-Identifier: MIT */
/*
 * Time.  System time is nanoseconds since the hypervisor booted, computed from the TSC by the
 * factors in vcpu_time_info; wall-clock time is UTC since 1970 (struct shared_info).  Both
 * records follow the version protocol of xen/xen.h.
 */
#ifndef PVGUEST_TIME_H
#define PVGUEST_TIME_H

#include <pvguest/types.h>

#define PV_NS_PER_SEC 1000000000UL
#define PV_NS_PER_MS  1000000UL

uint64_t pv_system_time(void);    /* ns */
uint64_t pv_tsc_khz(void);        /* as the hypervisor's factors say */

struct pv_wallclock {
    uint64_t sec;
    uint32_t nsec;
};
struct pv_wallclock pv_wallclock(void);

/*
 * Raises VIRQ_TIMER on this vCPU when system time reaches `deadline` ns; 0 cancels.  One timer
 * per vCPU, a new call replaces the old.  Returns 0 or set_timer_op's errno.
 */
int pv_set_timer(uint64_t deadline);

/* Sleeps (without needing events) for that long. */
void pv_sleep_ns(uint64_t ns);

static inline uint64_t pv_rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

#endif
