/* SPDX-License-Identifier: MIT */
/* The library's other vCPUs, and time. Run on a machine with more than one CPU. */
#include "../lib/case.h"

#define ROUNDS    2
#define PER_ROUND 100

/* What the vCPUs do together; the lock guards `sum`. */
static struct pv_spinlock lock = PV_SPINLOCK_INIT;
static uint64_t sum;

/* By vCPU. */
static volatile unsigned int rounds_done[PV_MAX_VCPUS];
static volatile bool good[PV_MAX_VCPUS];

PV_USER_TEXT static uint64_t user_double(uint64_t n)
{
    return 2 * n;
}

static void add_together(void)
{
    for (int i = 0; i < PER_ROUND; i++) {
        pv_spin_lock(&lock);
        sum++;
        pv_spin_unlock(&lock);
    }
}

/* Whether user mode, faults as values and an event to itself work on this vCPU. */
static bool exercise(unsigned int id)
{
    struct pv_user_exit end;
    uint64_t value;
    int port = pv_bind_ipi(id, NULL, NULL);
    bool ok = port > 0;

    if (!ok)
        return false;
    ok &= !pv_user_call(PV_USER_PTR(user_double), id, &end) && end.regs.rdi == 2 * id;
    ok &= pv_probe_read(UINT64_C(0x1000), &value) == PV_FAULT(PV_PF, 0);
    pv_events_enable();
    ok &= !pv_notify((evtchn_port_t)port) && pv_event_count((evtchn_port_t)port) == 1;
    pv_events_disable();
    return !pv_close((evtchn_port_t)port) && ok;
}

static int other_vcpu(void *arg)
{
    unsigned int id = pv_vcpu_id();

    good[id] = exercise(id) && (uint64_t)arg == 10u * id;
    add_together();
    rounds_done[id]++;
    return 0;
}

static bool wait_for(unsigned int id, unsigned int rounds)
{
    uint64_t until = pv_system_time() + 60 * PV_NS_PER_SEC;

    while (rounds_done[id] != rounds || pv_vcpu_is_up(id)) {
        if (pv_system_time() > until)
            return false;
        pv_sleep_ns(PV_NS_PER_MS / 10);
    }
    return true;
}

CASE(lib_vcpus, "vCPUs start, work together, go down, and start again", "library")
{
    unsigned int nr = pv_nr_vcpus();

    EXPECT_TRUE(nr > 1);
    for (unsigned int round = 1; round <= ROUNDS; round++) {
        for (unsigned int id = 1; id < nr; id++)
            EXPECT_EQ(pv_start_vcpu(id, other_vcpu, (void *)(10UL * id)), 0);
        add_together();
        for (unsigned int id = 1; id < nr; id++) {
            EXPECT_TRUE(wait_for(id, round));
            EXPECT_TRUE(good[id]);
        }
    }
    EXPECT_EQ(sum, (uint64_t)ROUNDS * nr * PER_ROUND);
}

CASE(lib_vcpus_refused, "vCPU 0 and vCPUs that are not there can't be started", "library")
{
    EXPECT_EQ(pv_start_vcpu(0, other_vcpu, NULL), -XEN_EINVAL);
    EXPECT_EQ(pv_start_vcpu(PV_MAX_VCPUS, other_vcpu, NULL), -XEN_EINVAL);
    EXPECT_EQ(pv_start_vcpu(PV_MAX_VCPUS - 1, other_vcpu, NULL), -XEN_ENOENT);
}

CASE(lib_sleep, "a sleep lasts as long as asked, and time never goes back", "library")
{
    uint64_t before = pv_system_time(), last = before;

    pv_sleep_ns(5 * PV_NS_PER_MS);
    EXPECT_TRUE(pv_system_time() - before >= 5 * PV_NS_PER_MS);
    for (int i = 0; i < 10000; i++) {
        uint64_t now = pv_system_time();

        if (now < last) {
            EXPECT_EQ(now, last);
            return;
        }
        last = now;
    }
}

CASE(lib_wallclock, "the wall clock is past 2024, and goes on with system time", "library")
{
    struct pv_wallclock first = pv_wallclock(), second;

    EXPECT_TRUE(first.sec > 1735689600); /* 2025 */
    pv_sleep_ns(20 * PV_NS_PER_MS);
    second = pv_wallclock();
    EXPECT_TRUE(second.sec * PV_NS_PER_SEC + second.nsec >=
                first.sec * PV_NS_PER_SEC + first.nsec + 20 * PV_NS_PER_MS);
}
