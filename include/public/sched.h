/* SPDX-License-Identifier: MIT */
/*
 * sched_op(cmd, arg): give up the processor, wait, shut down.
 * Errors: -XEN_ENOSYS unknown command, -XEN_EFAULT, and those named below.
 */
#ifndef __XEN_PUBLIC_SCHED_H__
#define __XEN_PUBLIC_SCHED_H__

#include "event_channel.h"

#define SCHEDOP_yield           0 /* let others run; no argument */
#define SCHEDOP_block           1 /* unmask events, wait until one is pending; no argument */
#define SCHEDOP_shutdown        2 /* end this domain: struct sched_shutdown */
#define SCHEDOP_poll            3 /* wait for one of some ports, masked or not: struct sched_poll */
#define SCHEDOP_remote_shutdown 4 /* end another domain: struct sched_remote_shutdown */
#define SCHEDOP_shutdown_code   5 /* reason of a later shutdown: struct sched_shutdown */
#define SCHEDOP_watchdog        6 /* struct sched_watchdog */
#define SCHEDOP_pin_override    7 /* struct sched_pin_override */

/*
 * Reasons. After SHUTDOWN_suspend the call returns: 0 once the domain has been resumed elsewhere, 1
 * if suspension was cancelled. Any number up to 255 is passed on to the toolstack; the first
 * domain's reason decides what the machine does.
 */
#define SHUTDOWN_poweroff   0
#define SHUTDOWN_reboot     1
#define SHUTDOWN_suspend    2
#define SHUTDOWN_crash      3
#define SHUTDOWN_watchdog   4
#define SHUTDOWN_soft_reset 5
#define SHUTDOWN_MAX        5

#ifndef __ASSEMBLY__

struct sched_shutdown {
    unsigned int reason; /* SHUTDOWN_... */
};
typedef struct sched_shutdown sched_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_shutdown_t);

/* -XEN_EINVAL: more than 128 ports, or a port that does not exist. */
struct sched_poll {
    XEN_GUEST_HANDLE(evtchn_port_t) ports;
    unsigned int nr_ports;
    uint64_t timeout; /* system time, ns; 0: none */
};
typedef struct sched_poll sched_poll_t;
DEFINE_XEN_GUEST_HANDLE(sched_poll_t);

/* -XEN_ESRCH, -XEN_EPERM */
struct sched_remote_shutdown {
    domid_t domain_id;
    unsigned int reason;
};
typedef struct sched_remote_shutdown sched_remote_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_remote_shutdown_t);

/*
 * With id 0 and a timeout: start a watchdog, its id is the result (-XEN_ENOSPC: no more). With an
 * id and a timeout: rearm; with a timeout of 0: stop it (-XEN_EEXIST: not in use; -XEN_EINVAL: no
 * such id). When it expires the domain is shut down with SHUTDOWN_watchdog.
 */
struct sched_watchdog {
    uint32_t id;
    uint32_t timeout; /* seconds */
};
typedef struct sched_watchdog sched_watchdog_t;
DEFINE_XEN_GUEST_HANDLE(sched_watchdog_t);

/* Run this vCPU on one processor until released by a negative number; for the hardware domain. */
struct sched_pin_override {
    int32_t pcpu;
};
typedef struct sched_pin_override sched_pin_override_t;
DEFINE_XEN_GUEST_HANDLE(sched_pin_override_t);

#endif /* !__ASSEMBLY__ */

#endif
