/* SPDX-License-Identifier: MIT */
/*
 * System calls: time. All clocks but the wall's are nanoseconds since the hypervisor's boot or a
 * process's run time; CLOCK_REALTIME can't be set, it is the hypervisor's.
 */
#include "mm/mm.h"
#include "proc/proc.h"
#include "syscall/families.h"

#define NS_PER_US   1000ul
#define NS_PER_TICK (PV_NS_PER_SEC / 100)
#define TIMER_ABSTIME 1
#define ITIMER_REAL 0

enum { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS, CLOCK_THREAD, CLOCK_MONOTONIC_RAW,
       CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, NR_CLOCKS };

struct timespec_k {
    int64_t sec, nsec;
};

struct itimerval_k {
    int64_t interval_sec, interval_usec, sec, usec;
};

static uint64_t wall_ns(void)
{
    struct pv_wallclock wall = pv_wallclock();

    return wall.sec * PV_NS_PER_SEC + wall.nsec;
}

static uint64_t run_ns(void)
{
    return current->user_ns + pv_system_time() - current->run_since;
}

static uint64_t (*const clocks[NR_CLOCKS])(void) = {
    [CLOCK_REALTIME] = wall_ns, [CLOCK_REALTIME_COARSE] = wall_ns,
    [CLOCK_MONOTONIC] = pv_system_time, [CLOCK_MONOTONIC_RAW] = pv_system_time,
    [CLOCK_MONOTONIC_COARSE] = pv_system_time, [CLOCK_BOOTTIME] = pv_system_time,
    [CLOCK_PROCESS] = run_ns, [CLOCK_THREAD] = run_ns,
};

static struct timespec_k to_timespec(uint64_t ns)
{
    return (struct timespec_k){ (int64_t)(ns / PV_NS_PER_SEC), (int64_t)(ns % PV_NS_PER_SEC) };
}

static int timespec_to_user(uint64_t at, uint64_t ns)
{
    struct timespec_k t = to_timespec(ns);

    return copy_to_user(at, &t, sizeof(t));
}

/* Far-away times are cut to a few hundred years. */
static int timespec_from_user(uint64_t at, uint64_t *ns)
{
    struct timespec_k t;

    if (copy_from_user(&t, at, sizeof(t)))
        return -EFAULT;
    if (t.sec < 0 || t.nsec < 0 || t.nsec >= (int64_t)PV_NS_PER_SEC)
        return -EINVAL;
    t.sec = min(t.sec, (int64_t)(INT64_MAX / PV_NS_PER_SEC) / 2);
    *ns = (uint64_t)t.sec * PV_NS_PER_SEC + (uint64_t)t.nsec;
    return 0;
}

/* ---- Clocks ---- */

SYSCALL(sys_clock_gettime)
{
    return a < NR_CLOCKS ? timespec_to_user(b, clocks[a]()) : -EINVAL;
}

SYSCALL(sys_clock_getres)
{
    if (a >= NR_CLOCKS)
        return -EINVAL;
    return b ? timespec_to_user(b, 1) : 0;
}

SYSCALL(sys_gettimeofday)
{
    uint64_t ns = wall_ns();
    int64_t tv[2] = { (int64_t)(ns / PV_NS_PER_SEC), (int64_t)(ns % PV_NS_PER_SEC / NS_PER_US) };
    const int zone[2] = { 0, 0 };

    if ((a && copy_to_user(a, tv, sizeof(tv))) || (b && copy_to_user(b, zone, sizeof(zone))))
        return -EFAULT;
    return 0;
}

SYSCALL(sys_time)
{
    int64_t now = (int64_t)(wall_ns() / PV_NS_PER_SEC);

    return a && copy_to_user(a, &now, sizeof(now)) ? -EFAULT : now;
}

SYSCALL(sys_times)
{
    int64_t t[4] = { (int64_t)(run_ns() / NS_PER_TICK), 0,
                     (int64_t)(current->child_ns / NS_PER_TICK), 0 };

    if (a && copy_to_user(a, t, sizeof(t)))
        return -EFAULT;
    return (long)(pv_system_time() / NS_PER_TICK);
}

/* ---- Sleeping ---- */

static long sleep_until(uint64_t deadline, uint64_t rest_at)
{
    struct wait_queue nobody;
    uint64_t now;
    int rc;

    wait_queue_init(&nobody);
    while (!(rc = wait_on(&nobody, max(deadline, 1ul))))
        ;
    if (rc == -ETIMEDOUT)
        return 0;
    now = pv_system_time();
    if (rest_at && timespec_to_user(rest_at, deadline > now ? deadline - now : 0))
        return -EFAULT;
    return -EINTR;
}

SYSCALL(sys_nanosleep)
{
    uint64_t ns;
    int rc = timespec_from_user(a, &ns);

    return rc ? rc : sleep_until(pv_system_time() + ns, b);
}

SYSCALL(sys_clock_nanosleep)
{
    uint64_t clock = a, flags = b, ns, now = pv_system_time(), clock_now;
    int rc = timespec_from_user(c, &ns);

    if (clock >= NR_CLOCKS || clocks[clock] == run_ns)
        return -EINVAL;
    if (rc)
        return rc;
    if (!(flags & TIMER_ABSTIME))
        return sleep_until(now + ns, d);
    clock_now = clocks[clock]();
    return sleep_until(ns > clock_now ? now + (ns - clock_now) : now, 0);
}

/* ---- Alarms ---- */

static void set_alarm(uint64_t ns, uint64_t interval)
{
    current->alarm = ns ? pv_system_time() + ns : 0;
    current->alarm_interval = interval;
    timer_arm(current->alarm);
}

static uint64_t alarm_rest(void)
{
    uint64_t now = pv_system_time();

    /* One that is due but not yet delivered still has a moment to go. */
    return !current->alarm ? 0 : current->alarm > now ? current->alarm - now : 1;
}

SYSCALL(sys_alarm)
{
    uint64_t rest = alarm_rest();

    set_alarm((a & UINT32_MAX) * PV_NS_PER_SEC, 0);
    return (long)((rest + PV_NS_PER_SEC - 1) / PV_NS_PER_SEC);
}

static int itimer_to_user(uint64_t at)
{
    uint64_t rest = alarm_rest(), interval = current->alarm_interval;
    struct itimerval_k t = {
        .interval_sec = (int64_t)(interval / PV_NS_PER_SEC),
        .interval_usec = (int64_t)(interval % PV_NS_PER_SEC / NS_PER_US),
        .sec = (int64_t)(rest / PV_NS_PER_SEC),
        .usec = (int64_t)((rest % PV_NS_PER_SEC + NS_PER_US - 1) / NS_PER_US),
    };

    return copy_to_user(at, &t, sizeof(t));
}

SYSCALL(sys_getitimer)
{
    return a == ITIMER_REAL ? itimer_to_user(b) : -EINVAL;
}

static bool bad_timeval(int64_t sec, int64_t usec)
{
    return sec < 0 || sec > INT32_MAX || usec < 0 || usec >= 1000000;
}

SYSCALL(sys_setitimer)
{
    struct itimerval_k t;

    if (a != ITIMER_REAL)
        return -EINVAL;
    if (copy_from_user(&t, b, sizeof(t)) || (c && itimer_to_user(c)))
        return -EFAULT;
    if (bad_timeval(t.sec, t.usec) || bad_timeval(t.interval_sec, t.interval_usec))
        return -EINVAL;
    set_alarm((uint64_t)t.sec * PV_NS_PER_SEC + (uint64_t)t.usec * NS_PER_US,
              (uint64_t)t.interval_sec * PV_NS_PER_SEC + (uint64_t)t.interval_usec * NS_PER_US);
    return 0;
}
