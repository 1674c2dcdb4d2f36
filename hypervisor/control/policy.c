/* SPDX-License-Identifier: MIT */
/* The rules of policy.h. */
#include "boot/boot.h"
#include "control/policy.h"

int policy_other_domain(u16 domid, struct domain **d)
{
    if (!current->domain->privileged)
        return -EPERM;
    *d = domain_by_id(domid);
    return *d != NULL ? 0 : -ESRCH;
}

int policy_domain(u16 domid, struct domain **d)
{
    if (domid == DOMID_SELF || domid == current->domain->id) {
        *d = current->domain;
        return 0;
    }
    return policy_other_domain(domid, d);
}

int policy_named_owner(u16 domid, u16 *owner)
{
    struct domain *d;
    int rc;

    if (domid == DOMID_IO || domid == DOMID_XEN) {
        /* No frame has DOMID_IO as its owner: device memory is all that can be meant. */
        *owner = domid;
        return current->domain->privileged ? 0 : -EPERM;
    }
    if (domid == current->domain->id)
        return -ESRCH;
    rc = policy_other_domain(domid, &d);
    if (rc == 0)
        *owner = d->id;
    return rc;
}

bool policy_may_control(void)
{
    return current->domain->privileged;
}

bool policy_console_write(void)
{
    return current->domain->privileged || boot_options.guest_console;
}

bool policy_console_read(void)
{
    return current->domain->privileged;
}
