/* SPDX-License-Identifier: MIT */
/* Time (pvguest/time.h); the records and their version protocol are in xen/xen.h. */
#include "internal.h"

/*
 * A record is whole when its version is even and the same before and after reading: the version of
 * one that nobody is just writing.
 */
static uint32_t version_begin(const uint32_t *version)
{
    uint32_t v;

    while ((v = __atomic_load_n(version, __ATOMIC_ACQUIRE)) & 1)
        __builtin_ia32_pause();
    return v;
}

static bool version_changed(const uint32_t *version, uint32_t v)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(version, __ATOMIC_RELAXED) != v;
}

/* Only this vCPU's own record goes with its TSC. */
static struct vcpu_time_info read_time_info(void)
{
    const volatile struct vcpu_time_info *shared = &pv_this_vcpu()->info->time;
    const uint32_t *version = (const uint32_t *)&shared->version;
    struct vcpu_time_info copy;
    uint32_t v;

    do {
        v = version_begin(version);
        copy.tsc_timestamp = shared->tsc_timestamp;
        copy.system_time = shared->system_time;
        copy.tsc_to_system_mul = shared->tsc_to_system_mul;
        copy.tsc_shift = shared->tsc_shift;
    } while (version_changed(version, v));
    return copy;
}

/* In 128 bits: the product of a long time would not fit. */
uint64_t pv_system_time(void)
{
    struct vcpu_time_info t = read_time_info();
    uint64_t delta = pv_rdtsc() - t.tsc_timestamp;

    delta = t.tsc_shift >= 0 ? delta << t.tsc_shift : delta >> -t.tsc_shift;
    return t.system_time + (uint64_t)((unsigned __int128)delta * t.tsc_to_system_mul >> 32);
}

uint64_t pv_tsc_khz(void)
{
    struct vcpu_time_info t = read_time_info();
    uint64_t khz = (PV_NS_PER_MS << 32) / t.tsc_to_system_mul;

    return t.tsc_shift >= 0 ? khz >> t.tsc_shift : khz << -t.tsc_shift;
}

/* May be set by the control domain at any time, and then jumps. */
struct pv_wallclock pv_wallclock(void)
{
    const volatile struct shared_info *shared = pv_shared_info;
    const uint32_t *version = (const uint32_t *)&shared->wc_version;
    uint64_t sec, nsec;
    uint32_t v;

    do {
        v = version_begin(version);
        sec = (uint64_t)shared->wc_sec_hi << 32 | shared->wc_sec;
        nsec = shared->wc_nsec;
    } while (version_changed(version, v));

    /* The record says what the clock showed at system time 0. */
    nsec += pv_system_time();
    return (struct pv_wallclock){ sec + nsec / PV_NS_PER_SEC, (uint32_t)(nsec % PV_NS_PER_SEC) };
}

int pv_set_timer(uint64_t deadline)
{
    return (int)HYPERVISOR_set_timer_op(deadline);
}

void pv_sleep_ns(uint64_t ns)
{
    uint64_t deadline = pv_system_time() + ns;

    /* An event that is already pending ends a poll at once, so look at the clock again. */
    while (pv_system_time() < deadline)
        pv_poll(NULL, 0, deadline);
}

/*
 * The ABI lets a hypervisor start every vCPU with a periodic timer of 10 ms on VIRQ_TIMER.  One
 * that has none may not know the call that stops it, so the result says nothing.
 */
void pv_time_init(void)
{
    HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, pv_vcpu_id(), NULL);
}
