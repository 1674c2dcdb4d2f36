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
 * Whose frames the caller means by @domid in a page-table call. There it is DOMID_SELF itself only,
 * and by its id no foreign domain that could be meant (-ESRCH). A privileged domain may also mean
 * DOMID_IO, which owns no frame, and DOMID_XEN, which owns some that can be mapped to be read.
 * These calls are frequent, and nearly always for the caller itself, which is all that is inline.
 */
int policy_named_owner(u16 domid, u16 *owner);          /* DOMID_SELF is none */
static inline int policy_foreign_owner(u16 domid, u16 *owner)
{
    if (unlikely(domid != DOMID_SELF))
        return policy_named_owner(domid, owner);
    *owner = current->domain->id;
    return 0;
}

/* Whether the caller may use the control interfaces, on others and on the machine. */
bool policy_may_control(void);
/* Whether it may write to, or read from, the hypervisor's console. */
bool policy_console_write(void);
bool policy_console_read(void);

#endif
