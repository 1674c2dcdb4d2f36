/* SPDX-License-Identifier: MIT */
/*
 * Every "may the running domain do this to that one" in one place.
 *
 * A domain may always name itself, as DOMID_SELF or by its id. Only a privileged one may name another:
 * -EPERM for the rest, -ESRCH when there is no such domain.
 */
#ifndef CONTROL_POLICY_H
#define CONTROL_POLICY_H

#include "domain/domain.h"

/* Whose frames the caller may map when it names @domid in a page-table update. */
int policy_foreign_owner(u16 domid, u16 *owner);
/* Whose tables it may change. */
int policy_table_owner(u16 domid, struct domain **owner);

#endif
