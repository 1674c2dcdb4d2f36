/* SPDX-License-Identifier: MIT */
/*
 * Every "may the running domain do this to that one" in one place.
 *
 * What a privileged domain may do with the machine's devices (ports, cache control, physdev_op)
 * is no such question: it stands where it is done, as d->privileged.
 *
 * A domain may always name itself, as DOMID_SELF or by its id. Only a privileged one may name
 * another: -EPERM for the rest, -ESRCH when there is no such domain.
 */
#ifndef CONTROL_POLICY_H
#define CONTROL_POLICY_H

#include "domain/domain.h"

/*
 * Whom the caller means by @domid when it acts for a domain: its memory, tables, ports. The pointer
 * is good to the end of the hypercall.
 */
int policy_domain(u16 domid, struct domain **d);
/* The same where a domain may not mean itself, though it may be found by its id. */
int policy_other_domain(u16 domid, struct domain **d);
/*
 * The same for page-table calls: there the caller is DOMID_SELF only, and by its id it is no
 * foreign domain that could be meant (-ESRCH).
 */
int policy_foreign_domain(u16 domid, struct domain **d);
/* Whose frames the caller may map when it names @domid in a page-table update. */
int policy_foreign_owner(u16 domid, u16 *owner);
/* Whether the caller may use the control interfaces, on others and on the machine. */
bool policy_may_control(void);
/* Whether it may write to, or read from, the hypervisor's console. */
bool policy_console_write(void);
bool policy_console_read(void);

#endif
