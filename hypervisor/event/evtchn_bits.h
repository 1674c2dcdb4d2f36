/* SPDX-License-Identifier: MIT */
/*
 * The words of two-level events that hypervisor and guest share: pending and mask bits of the
 * domain, selector and upcall flag of a vCPU. Pure: also built for the host and tested there.
 */
#ifndef EVENT_EVTCHN_BITS_H
#define EVENT_EVTCHN_BITS_H

#include "lib/types.h"
#include <xen/xen.h>

#define RAISED_PENDING  1u      /* the port was not pending before */
#define RAISED_UPCALL   2u      /* the vCPU had no upcall pending before: it must be told */

unsigned int evtchn_bits_raise(struct shared_info *shared, struct vcpu_info *info, u32 port);
unsigned int evtchn_bits_unmask(struct shared_info *shared, struct vcpu_info *info, u32 port);
void evtchn_bits_clear(struct shared_info *shared, u32 port);
bool evtchn_bits_pending(const struct shared_info *shared, u32 port);
/* After vcpu_info has moved: whatever was notified at the old place is looked for again. */
void evtchn_bits_notify_all(struct vcpu_info *info);

#endif
