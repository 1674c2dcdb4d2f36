/* SPDX-License-Identifier: MIT */
/* Between the files of domain/. */
#ifndef DOMAIN_INTERNAL_H
#define DOMAIN_INTERNAL_H

#include "domain/domain.h"

/* park.c */
void park_softirq(void);

/* timer.c */
void timers_init(void);

/* runstate.c; the lock of the vCPU's run queue is held, or @r is the caller's own copy */
void runstate_account(struct vcpu_runstate_info *r, u64 now);
void runstate_set(struct vcpu *v, int state);

/* Writes the registered areas of @v, which is loaded. What is not mapped is not written. */
void vcpu_areas_write(struct vcpu *v);

/* watchdog.c: SCHEDOP_watchdog's result, and a domain's beginning and end */
long watchdog_set(struct domain *d, u32 id, u32 timeout_s);
void watchdogs_init(struct domain *d);
void watchdogs_stop(struct domain *d);

/* vcpu_timer.c: VIRQ_TIMER at a time, or every so often */
void vcpu_timers_init(struct vcpu *v);
void vcpu_set_singleshot(struct vcpu *v, u64 expires_ns);   /* a time in the past: now */
void vcpu_set_period(struct vcpu *v, u64 period_ns);        /* 0 stops it */

#endif
