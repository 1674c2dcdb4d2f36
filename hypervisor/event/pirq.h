/* SPDX-License-Identifier: MIT */
/*
 * Physical interrupts ("pirqs") of the first domain, as event channels: lines of the IO-APICs and
 * messages of devices. The lock of its ports is held for all of these.
 */
#ifndef EVENT_PIRQ_H
#define EVENT_PIRQ_H

#include "event/internal.h"

#define MAX_PIRQS 256u

/* 0, -EPERM: not this domain's business, -EINVAL: not mapped, -EEXIST: bound. */
int pirq_may_bind(const struct domain *d, u32 pirq);
void pirq_bound(u32 pirq, u32 port);        /* its interrupts come from now on */
void pirq_unbound(u32 pirq, u32 port);      /* no more */

#endif
