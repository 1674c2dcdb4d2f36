/* SPDX-License-Identifier: MIT */
/*
 * The door of control/, with policy.h: what only the privileged may do, between the files of the
 * room.
 *
 *     policy.[hc]                         who may do what to whom, for all rooms
 *     domctl.c, domctl_vcpu.c, info.c     making, inspecting, steering and ending domains
 *     sysctl.c, debug_keys.c              the machine as a whole
 *     audit.[hc]                          everything counted again, on demand
 *
 * Formats are those of the ABI's toolstack interface (domctl.h, sysctl.h), whose version is
 * checked.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "domain/domain.h"
#include <xen/domctl.h>
#include <xen/sysctl.h>

/*
 * One control command at a time: they pause, change and destroy whole domains. Nobody waits for his
 * turn inside the hypervisor, where the one whose turn it is might wait for him to leave it: who
 * does not get it tries again from his guest.
 */
bool control_claim(void);       /* domctl.c; false: somebody else has it */
void control_release(void);

/* info.c: what the toolstack may know of @d. */
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* debug_keys.c: a command of sysctl. 0, -E2BIG, -EFAULT. The claim is held. */
int debug_keys(struct xen_sysctl *op);

/* A command of domctl: 0, negative errno, or -ERESTART: the same again. Results go into @op. */
typedef int domctl_fn(struct domain *d, struct xen_domctl *op);
/* domctl_vcpu.c: those about one vCPU. */
domctl_fn set_vcpu_context, get_vcpu_context, get_vcpu_info;

#endif
