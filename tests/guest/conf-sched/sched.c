/* SPDX-License-Identifier: MIT */
/* sched_op and the timers. */
#include "../lib/case.h"

CONF_GUEST("conf-sched");

#define MS PV_NS_PER_MS

static long sched(int cmd, void *arg)
{
    return HYPERVISOR_sched_op(cmd, arg);
}

CASE(sched_yield, "yield returns 0", "sched_op.yield:effect")
{
    EXPECT_EQ(sched(SCHEDOP_yield, NULL), 0);
}

CASE(sched_block, "block unmasks events and returns once one was delivered",
     "sched_op.block:effect")
{
    int port = pv_bind_virq(VIRQ_TIMER, 0, NULL, NULL);
    uint64_t start = pv_system_time();

    EXPECT_EQ(pv_set_timer(start + 10 * MS), 0);
    pv_events_disable();
    while (!pv_event_count(port))
        EXPECT_EQ(sched(SCHEDOP_block, NULL), 0);
    EXPECT_TRUE(pv_events_enabled());
    EXPECT_TRUE(pv_system_time() >= start + 10 * MS);
    pv_events_disable();
    EXPECT_EQ(pv_close(port), 0);
}

CASE(sched_block_pending, "block returns at once when an event is pending", "sched_op.block:effect")
{
    int port = pv_bind_ipi(0, NULL, NULL);

    pv_events_disable();
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_EQ(sched(SCHEDOP_block, NULL), 0);
    EXPECT_EQ(pv_event_count(port), 1);
    pv_events_disable();
    EXPECT_EQ(pv_close(port), 0);
}

CASE(sched_poll_timeout, "poll returns 0 at its time, not before", "sched_op.poll:effect")
{
    uint64_t deadline = pv_system_time() + 5 * MS;

    EXPECT_EQ(pv_poll(NULL, 0, deadline), 0);
    EXPECT_TRUE(pv_system_time() >= deadline);
}

CASE(sched_poll_past, "poll with a time that has passed returns at once", "sched_op.poll:effect")
{
    EXPECT_EQ(pv_poll(NULL, 0, 1), 0);
}

CASE(sched_poll_port, "poll returns at once for a pending port, masked or not, and leaves it "
     "pending",
     "sched_op.poll:effect")
{
    int port = pv_bind_ipi(0, NULL, NULL);
    evtchn_port_t list[] = { port };

    pv_mask(port);
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_EQ(pv_poll(list, 1, 0), 0);
    EXPECT_TRUE(pv_port_pending(port));
    EXPECT_EQ(pv_close(port), 0);
}

/* How long this vCPU has slept in all. */
static uint64_t time_blocked(void)
{
    struct vcpu_runstate_info info = { .state = RUNSTATE_offline };

    EXPECT_EQ(HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, 0, &info), 0);
    return info.time[RUNSTATE_blocked];
}

CASE(sched_poll_wakes, "a timer's masked port wakes poll", "sched_op.poll:effect")
{
    int port = pv_bind_virq(VIRQ_TIMER, 0, NULL, NULL);
    evtchn_port_t list[] = { port };
    uint64_t delay = 5 * MS, start, slept;

    pv_mask(port);
    /* On a busy host it may ring before poll sleeps, and wakes nobody: then a later one. */
    do {
        pv_clear_pending(port);
        slept = time_blocked();
        start = pv_system_time();
        EXPECT_EQ(pv_set_timer(start + delay), 0);
        EXPECT_EQ(pv_poll(list, 1, start + delay + 20000 * MS), 0);
        EXPECT_TRUE(pv_port_pending(port));
        EXPECT_TRUE(pv_system_time() < start + delay + 20000 * MS);
        delay *= 2;
    } while (time_blocked() == slept);
    EXPECT_EQ(pv_close(port), 0);
}

CASE(sched_poll_bad, "XSA-221: more than 128 ports or a port past the end is -EINVAL, a bad list "
     "-EFAULT",
     "sched_op.poll:EINVAL sched_op.poll:EFAULT")
{
    static evtchn_port_t many[129];     /* each of them could be polled for */
    evtchn_port_t list[] = { 1u << 20 };
    int port = pv_bind_ipi(0, NULL, NULL);

    for (unsigned int i = 0; i < PV_ARRAY_SIZE(many); i++)
        many[i] = port;
    EXPECT_EQ(pv_poll(many, 128, 1), 0);
    EXPECT_EQ(pv_poll(many, 129, 1), -XEN_EINVAL);
    EXPECT_EQ(pv_close(port), 0);
    EXPECT_EQ(pv_poll(list, 1, 1), -XEN_EINVAL);
    EXPECT_EQ(pv_poll(list, 129, 1), -XEN_EINVAL);
    EXPECT_EQ(pv_poll((evtchn_port_t *)CONF_EMPTY_VA, 1, 1), -XEN_EFAULT);
    EXPECT_EQ(pv_poll((evtchn_port_t *)CONF_HYPERVISOR_VA, 1, 1), -XEN_EFAULT);
    EXPECT_EQ(sched(SCHEDOP_poll, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
}

CASE(sched_poll_closed, "poll for a port that is closed is -EINVAL, wherever it stands before a "
     "pending one; behind one it is not looked at",
     "sched_op.poll:EINVAL")
{
    int closed = pv_bind_ipi(0, NULL, NULL), port = pv_bind_ipi(0, NULL, NULL);
    evtchn_port_t list[] = { closed, port, closed };

    pv_mask(port);
    EXPECT_EQ(pv_poll(list, 2, 1), 0);
    EXPECT_EQ(pv_close(closed), 0);
    EXPECT_EQ(pv_poll(list, 1, 1), -XEN_EINVAL);
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_EQ(pv_poll(list, 2, 1), -XEN_EINVAL);
    EXPECT_EQ(pv_poll(list + 1, 1, 1), 0);
    EXPECT_EQ(pv_poll(list + 1, 2, 1), 0);
    EXPECT_EQ(pv_close(port), 0);
    EXPECT_EQ(pv_poll(list + 1, 2, 1), -XEN_EINVAL);
}

CASE(sched_poll_empty, "the address of a list is looked at even if the list is empty",
     "sched_op.poll:EFAULT")
{
    EXPECT_EQ(pv_poll((evtchn_port_t *)CONF_HYPERVISOR_VA, 0, 1), -XEN_EFAULT);
    EXPECT_EQ(pv_poll((evtchn_port_t *)CONF_BAD_VA, 0, 1), -XEN_EFAULT);
    EXPECT_EQ(pv_poll((evtchn_port_t *)CONF_EMPTY_VA, 0, 1), 0);
}

CASE(sched_shutdown_pointer, "shutdown with a bad pointer is -EFAULT, and the domain lives",
     "sched_op.shutdown:EFAULT sched_op.shutdown_code:EFAULT")
{
    EXPECT_EQ(sched(SCHEDOP_shutdown, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(sched(SCHEDOP_shutdown, (void *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
    EXPECT_EQ(sched(SCHEDOP_shutdown_code, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
}

CASE(sched_shutdown_code, "shutdown_code only notes the reason", "sched_op.shutdown_code:effect")
{
    struct sched_shutdown code = { .reason = SHUTDOWN_reboot };

    EXPECT_EQ(sched(SCHEDOP_shutdown_code, &code), 0);
}

CASE(sched_remote, "remote_shutdown of a domain that is not there is -ESRCH",
     "sched_op.remote_shutdown:ESRCH")
{
    struct sched_remote_shutdown remote = { .domain_id = 77, .reason = SHUTDOWN_crash };

    EXPECT_EQ(sched(SCHEDOP_remote_shutdown, &remote), -XEN_ESRCH);
}

CASE(sched_watchdog, "a watchdog is started, rearmed and stopped by its number",
     "sched_op.watchdog:effect sched_op.watchdog:EINVAL sched_op.watchdog:EEXIST")
{
    struct sched_watchdog dog = { .id = 0, .timeout = 60 };
    long id = sched(SCHEDOP_watchdog, &dog);

    EXPECT_EQ(id, 1);
    dog.id = 1;
    EXPECT_EQ(sched(SCHEDOP_watchdog, &dog), 0);
    dog.timeout = 0;
    EXPECT_EQ(sched(SCHEDOP_watchdog, &dog), 0);
    EXPECT_EQ(sched(SCHEDOP_watchdog, &dog), -XEN_EINVAL);
    dog.id = 2;
    dog.timeout = 60;
    EXPECT_EQ(sched(SCHEDOP_watchdog, &dog), -XEN_EINVAL);
    dog.id = 3;
    EXPECT_EQ(sched(SCHEDOP_watchdog, &dog), -XEN_EINVAL);
}

CASE(sched_unknown, "another command is -ENOSYS", "sched_op:ENOSYS")
{
    EXPECT_EQ(sched(8, NULL), -XEN_ENOSYS);
    EXPECT_EQ(sched(-1, NULL), -XEN_ENOSYS);
}

/* ---- Timers ---- */

static long vcpu_op(int cmd, void *arg)
{
    return HYPERVISOR_vcpu_op(cmd, 0, arg);
}

/* On a host that has time for us it is a matter of microseconds. */
#define IN_TIME (20000 * MS)

/* Waits for the timer's event; how long it took from `start`, in ns. From IN_TIME on it is lost. */
static uint64_t until_event(int port, uint64_t start)
{
    evtchn_port_t list[] = { port };

    pv_poll(list, 1, start + IN_TIME);
    return pv_port_pending(port) ? pv_system_time() - start : ~0UL;
}

static int masked_timer(void)
{
    int port = pv_bind_virq(VIRQ_TIMER, 0, NULL, NULL);

    pv_mask(port);
    return port;
}

/*
 * A timer that is cancelled raises no event. A busy host may let it fire before we come to cancel
 * it; that says nothing, so then another is set, for a later time.
 */
static void expect_cancelled(int port, long (*set)(uint64_t when), long (*cancel)(void))
{
    uint64_t ahead = 20 * MS, when;

    do {
        pv_clear_pending(port);
        when = pv_system_time() + ahead;
        EXPECT_EQ(set(when), 0);
        EXPECT_EQ(cancel(), 0);
        ahead *= 2;
    } while (pv_system_time() >= when);
    pv_sleep_ns(ahead);         /* twice what it was */
    EXPECT_TRUE(!pv_port_pending(port));
}

static long set_timer(uint64_t when)
{
    return pv_set_timer(when);
}

static long cancel_timer(void)
{
    return pv_set_timer(0);
}

static long set_singleshot(uint64_t when)
{
    struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = when };

    return vcpu_op(VCPUOP_set_singleshot_timer, &timer);
}

static long stop_singleshot(void)
{
    return vcpu_op(VCPUOP_stop_singleshot_timer, NULL);
}

CASE(timer_one_shot, "set_timer_op raises VIRQ_TIMER at its time; 0 cancels", "set_timer_op:effect")
{
    int port = masked_timer();
    uint64_t start = pv_system_time();

    EXPECT_EQ(pv_set_timer(start + 5 * MS), 0);
    EXPECT_TRUE(until_event(port, start) - 5 * MS < IN_TIME - 5 * MS);
    expect_cancelled(port, set_timer, cancel_timer);
    EXPECT_EQ(pv_close(port), 0);
}

CASE(timer_past, "a time that has passed fires at once", "set_timer_op:past")
{
    int port = masked_timer();
    uint64_t start = pv_system_time();

    EXPECT_EQ(pv_set_timer(start - 1), 0);
    EXPECT_TRUE(until_event(port, start) < IN_TIME);
    EXPECT_EQ(pv_close(port), 0);
}

CASE(timer_absurd, "XSA-20: a negative time, or one 13 days ahead, fires after some 100 ms instead",
     "set_timer_op:absurd")
{
    int port = masked_timer();
    uint64_t start = pv_system_time();

    EXPECT_EQ(HYPERVISOR_set_timer_op(-1), 0);
    EXPECT_TRUE(until_event(port, start) < IN_TIME);
    pv_clear_pending(port);
    EXPECT_EQ(pv_set_timer(0), 0);
    EXPECT_EQ(pv_close(port), 0);
}

CASE(timer_absurd_all, "XSA-20: absurd times in every call that takes one are refused or obeyed at "
     "once, and time goes on",
     "set_timer_op:absurd")
{
    static const uint64_t times[] = { 1, 1UL << 62, ~0UL >> 1, 1UL << 63, ~0UL - 1, ~0UL };
    int port = masked_timer();
    uint64_t start = pv_system_time();

    for (size_t i = 0; i < PV_ARRAY_SIZE(times); i++) {
        struct vcpu_set_singleshot_timer single = { .timeout_abs_ns = times[i] };
        struct vcpu_set_periodic_timer periodic = { .period_ns = times[i] };

        EXPECT_EQ(HYPERVISOR_set_timer_op((int64_t)times[i]), 0);
        EXPECT_EQ(vcpu_op(VCPUOP_set_singleshot_timer, &single), 0);
        EXPECT_EQ(vcpu_op(VCPUOP_stop_singleshot_timer, NULL), 0);
        (void)vcpu_op(VCPUOP_set_periodic_timer, &periodic);
        EXPECT_EQ(vcpu_op(VCPUOP_stop_periodic_timer, NULL), 0);
    }
    EXPECT_EQ(pv_set_timer(0), 0);
    pv_clear_pending(port);
    EXPECT_TRUE(pv_system_time() >= start);
    EXPECT_TRUE(pv_system_time() < start + IN_TIME);
    start = pv_system_time();
    EXPECT_EQ(pv_set_timer(start + 5 * MS), 0);
    EXPECT_TRUE(until_event(port, start) - 5 * MS < IN_TIME - 5 * MS);
    EXPECT_EQ(pv_close(port), 0);
}

CASE(timer_singleshot, "set_singleshot_timer fires, also for a past time, unless it is stopped",
     "vcpu_op.set_singleshot_timer:effect vcpu_op.set_singleshot_timer:ETIME "
     "vcpu_op.stop_singleshot_timer:effect")
{
    int port = masked_timer();
    uint64_t start = pv_system_time();
    struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = start + 5 * MS };

    EXPECT_EQ(vcpu_op(VCPUOP_set_singleshot_timer, &timer), 0);
    EXPECT_TRUE(until_event(port, start) - 5 * MS < IN_TIME - 5 * MS);
    pv_clear_pending(port);
    timer.timeout_abs_ns = start;
    EXPECT_EQ(vcpu_op(VCPUOP_set_singleshot_timer, &timer), 0);
    EXPECT_TRUE(until_event(port, pv_system_time()) < IN_TIME);
    pv_clear_pending(port);
    timer.flags = VCPU_SSHOTTMR_future;
    EXPECT_ON(vcpu_op(VCPUOP_set_singleshot_timer, &timer), 0, -XEN_ETIME,
              "Xen 4.17 does not look at the flag; its header promises the error");
    pv_clear_pending(port);
    expect_cancelled(port, set_singleshot, stop_singleshot);
    EXPECT_EQ(vcpu_op(VCPUOP_set_singleshot_timer, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(pv_close(port), 0);
}

/* The same without sleeping: a vCPU that sleeps may get no periodic ticks. */
static bool event_while_running(int port)
{
    uint64_t deadline = pv_system_time() + IN_TIME;

    while (!pv_port_pending(port) && pv_system_time() < deadline)
        __builtin_ia32_pause();
    return pv_port_pending(port);
}

CASE(timer_periodic, "the periodic timer fires again and again until it is stopped; below 1 ms is "
     "-EINVAL",
     "vcpu_op.set_periodic_timer:effect vcpu_op.set_periodic_timer:EINVAL "
     "vcpu_op.stop_periodic_timer:effect")
{
    struct vcpu_set_periodic_timer timer = { .period_ns = 999999 };
    int port = masked_timer();

    EXPECT_EQ(vcpu_op(VCPUOP_set_periodic_timer, &timer), -XEN_EINVAL);
    timer.period_ns = ~0UL;
    EXPECT_EQ(vcpu_op(VCPUOP_set_periodic_timer, &timer), -XEN_EINVAL);
    timer.period_ns = 4 * MS;
    EXPECT_EQ(vcpu_op(VCPUOP_set_periodic_timer, &timer), 0);
    for (int i = 0; i < 3; i++) {
        EXPECT_TRUE(event_while_running(port));
        pv_clear_pending(port);
    }
    EXPECT_EQ(vcpu_op(VCPUOP_stop_periodic_timer, NULL), 0);
    pv_clear_pending(port);
    pv_sleep_ns(20 * MS);
    EXPECT_TRUE(!pv_port_pending(port));
    EXPECT_EQ(vcpu_op(VCPUOP_set_periodic_timer, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(pv_close(port), 0);
}

CASE(sched_watchdogs, "a domain has two watchdogs; the third is -ENOSPC",
     "sched_op.watchdog:ENOSPC")
{
    struct sched_watchdog dog = { .id = 0, .timeout = 60 };

    EXPECT_EQ(sched(SCHEDOP_watchdog, &dog), 1);
    EXPECT_EQ(sched(SCHEDOP_watchdog, &dog), 2);
    EXPECT_ON(sched(SCHEDOP_watchdog, &dog), (uint32_t)-XEN_ENOSPC, -XEN_ENOSPC,
              "Xen 4.17 widens the 32-bit error without its sign");
    for (dog.id = 1, dog.timeout = 0; dog.id <= 2; dog.id++)
        EXPECT_EQ(sched(SCHEDOP_watchdog, &dog), 0);
}
