/* SPDX-License-Identifier: MIT */
/* Between the files of control/. */
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
bool control_claim(void);
void control_release(void);

/* info.c: what the toolstack may know of @d. */
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* debug_keys.c: a command of sysctl */
int debug_keys(struct xen_sysctl *op);

/* A command of domctl: 0, negative errno, or -ERESTART: the same again. Results go into @op. */
typedef int domctl_fn(struct domain *d, struct xen_domctl *op);
/* domctl_vcpu.c: those about one vCPU. */
domctl_fn set_vcpu_context, get_vcpu_context, get_vcpu_info;

#endif
