/* SPDX-License-Identifier: MIT */
/* The rules of policy.h. */
#include "control/policy.h"

static int other_domain(u16 domid, struct domain **d)
{
    if (!current->domain->privileged)
        return -EPERM;
    *d = domain_by_id(domid);
    return *d != NULL ? 0 : -ESRCH;
}

int policy_table_owner(u16 domid, struct domain **owner)
{
    if (domid == DOMID_SELF || domid == current->domain->id) {
        *owner = current->domain;
        return 0;
    }
    return other_domain(domid, owner);
}

int policy_foreign_owner(u16 domid, u16 *owner)
{
    struct domain *d;
    int rc;

    if (domid == DOMID_IO || domid == DOMID_XEN) {
        /* No frame of RAM has one of these as its owner: device memory is all that can be meant. */
        *owner = domid;
        return current->domain->privileged ? 0 : -EPERM;
    }
    rc = policy_table_owner(domid, &d);
    if (rc == 0)
        *owner = d->id;
    return rc;
}
