/* SPDX-License-Identifier: MIT */
/*
 * A sorted list. A CPU has one timer of its own, and for each vCPU that lives on it one or two; a
 * vCPU's period, and a domain's watchdogs, are with the CPU that set them last. So the walk is
 * short, and the usual timer, the next tick, belongs near the front.
 */
#include "domain/timer_queue.h"

void timer_queue_insert(struct list *queue, struct timer *t)
{
    struct list *pos;

    list_for_each(pos, queue)
        if (list_entry(pos, struct timer, link)->expires > t->expires)
            break;
    list_add_before(pos, &t->link);
}

struct timer *timer_queue_expired(struct list *queue, u64 now)
{
    struct timer *t;

    if (list_empty(queue))
        return NULL;
    t = list_entry(queue->next, struct timer, link);
    if (t->expires > now)
        return NULL;
    list_del(&t->link);
    return t;
}

u64 timer_queue_first(const struct list *queue)
{
    return list_empty(queue) ? 0 : list_entry(queue->next, struct timer, link)->expires;
}

u64 timer_next_period(u64 expires, u64 period, u64 now)
{
    return expires > now ? expires : expires + ((now - expires) / period + 1) * period;
}
