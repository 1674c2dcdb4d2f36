/* SPDX-License-Identifier: MIT */
/*
 * The flags of one grant entry, which granter and hypervisor change at the same time. Pure: also
 * built for the host and tested there.
 *
 *      granter                 hypervisor
 *      0 -> permit_access
 *                              permit -> permit|reading[|writing]     claim
 *                              permit|reading|writing -> without      release
 *      permit -> 0             only while neither bit is set
 *
 * Each step is one atomic step on flags and grantee together: a claim that succeeds has seen both
 * as they were at that moment, and the granter's own compare-and-exchange to 0 fails from then on
 * until the release.
 */
#ifndef GRANT_GRANT_ENTRY_H
#define GRANT_GRANT_ENTRY_H

#include "lib/types.h"
#include <xen/grant_table.h>

/*
 * Marks the entry as being read, and written if @write: GNTST_okay, or GNTST_general_error when it
 * does not allow that to @grantee.
 */
int grant_entry_claim(grant_entry_v1_t *e, u16 grantee, bool write);
/* Takes back marks: GTF_reading, GTF_writing or both. */
void grant_entry_release(grant_entry_v1_t *e, u16 marks);

#endif
