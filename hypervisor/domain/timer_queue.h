/* SPDX-License-Identifier: MIT */
/* The order of timers, apart from CPUs and locks: pure, also tested on the host. */
#ifndef DOMAIN_TIMER_QUEUE_H
#define DOMAIN_TIMER_QUEUE_H

#include "domain/domain.h"

/* Puts @t behind all that expire before it or with it. */
void timer_queue_insert(struct list *queue, struct timer *t);
/* Takes out the first one if it expires at @now or before, else NULL. */
struct timer *timer_queue_expired(struct list *queue, u64 now);
/* When the first one expires; 0: the queue is empty. */
u64 timer_queue_first(const struct list *queue);

#endif
