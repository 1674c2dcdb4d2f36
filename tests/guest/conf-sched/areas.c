/* SPDX-License-Identifier: MIT */
/* What several vCPUs see of each other's runstate and time. */
#include "../lib/case.h"

#define LOOKS 300

static long op(int cmd, unsigned int vcpu, void *arg)
{
    return HYPERVISOR_vcpu_op(cmd, vcpu, arg);
}

static bool one_vcpu(void)
{
    if (pv_nr_vcpus() > 1)
        return false;
    conf_skip("the domain has one vCPU");
    return true;
}

static void wait_down(unsigned int id)
{
    while (pv_vcpu_is_up(id))
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
}

CASE(vcpu_physid, "the physical CPU of a vCPU that is not pinned is not told: -EINVAL",
     "vcpu_op.get_physid:EINVAL")
{
    struct vcpu_get_physid physid;

    EXPECT_EQ(op(VCPUOP_get_physid, 0, &physid), -XEN_EINVAL);
    EXPECT_EQ(op(VCPUOP_get_physid, 4095, &physid), -XEN_ENOENT);
}

/* ---- Runstate ---- */

static struct vcpu_runstate_info area;
static bool looking;
static unsigned int torn, looks;

/* What all times add up to, less the time of the last change: constant, unless read torn. */
static uint64_t origin(const struct vcpu_runstate_info *r)
{
    return r->time[0] + r->time[1] + r->time[2] + r->time[3] - r->state_entry_time;
}

/* A reader on another vCPU, by the protocol: again while the flag is set or the stamp changed. */
static int look(void *arg)
{
    const volatile struct vcpu_runstate_info *r = &area;
    uint64_t first = 0;

    (void)arg;
    while (__atomic_load_n(&looking, __ATOMIC_ACQUIRE)) {
        struct vcpu_runstate_info copy;
        uint64_t stamp = r->state_entry_time;

        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        for (unsigned int i = 0; i < 4; i++)
            copy.time[i] = r->time[i];
        copy.state_entry_time = stamp;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (stamp & XEN_RUNSTATE_UPDATE || stamp != r->state_entry_time)
            continue;
        if (first == 0)
            first = origin(&copy);
        torn += origin(&copy) != first;
        looks++;
    }
    return 0;
}

CASE(runstate_update_flag, "vm_assist(runstate_update_flag): another vCPU that goes by the flag in "
     "the time stamp never reads a torn record; at rest the flag is clear",
     "vm_assist.runstate_update_flag:effect")
{
    struct vcpu_register_runstate_memory_area reg = { .addr.v = &area };

    if (one_vcpu())
        return;
    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag), 0);
    EXPECT_EQ(op(VCPUOP_register_runstate_memory_area, 0, &reg), 0);
    looking = true;
    EXPECT_EQ(pv_start_vcpu(1, look, NULL), 0);
    for (unsigned int i = 0; i < LOOKS; i++) {
        pv_sleep_ns(PV_NS_PER_MS / 10);
        EXPECT_EQ(*(volatile uint64_t *)&area.state_entry_time & XEN_RUNSTATE_UPDATE, 0);
    }
    while (!__atomic_load_n(&looks, __ATOMIC_RELAXED))
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    __atomic_store_n(&looking, false, __ATOMIC_RELEASE);
    wait_down(1);
    EXPECT_EQ(torn, 0);
    reg.addr.v = NULL;
    EXPECT_EQ(op(VCPUOP_register_runstate_memory_area, 0, &reg), 0);
    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag), 0);
}

/* ---- Time ---- */

#define READINGS 20000
/* What Xen lets the clocks of two vCPUs differ by where it does not call the TSC stable. */
#define XEN_SLACK (50 * PV_NS_PER_MS)

static uint64_t latest[2];      /* of each vCPU */
static bool started;

/* How far system time was behind what the other had already read, at most. */
static uint64_t read_clocks(unsigned int self)
{
    uint64_t behind = 0;

    for (unsigned int i = 0; i < READINGS; i++) {
        uint64_t other = __atomic_load_n(&latest[!self], __ATOMIC_SEQ_CST);
        uint64_t now = pv_system_time();

        if (now < other && other - now > behind)
            behind = other - now;
        __atomic_store_n(&latest[self], now, __ATOMIC_SEQ_CST);
    }
    return behind;
}

static uint64_t behind_there;

static int second_reads(void *arg)
{
    (void)arg;
    __atomic_store_n(&started, true, __ATOMIC_RELEASE);
    behind_there = read_clocks(1);
    return 0;
}

CASE(time_across_vcpus, "system time read on one vCPU is never before what another had read "
     "already",
     "time.record:across")
{
    uint64_t slack = conf_on_pavane() ? 0 : XEN_SLACK;

    if (one_vcpu())
        return;
    EXPECT_EQ(pv_start_vcpu(1, second_reads, NULL), 0);
    while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE))
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    EXPECT_TRUE(read_clocks(0) <= slack);
    wait_down(1);
    EXPECT_TRUE(behind_there <= slack);
}
