/* SPDX-License-Identifier: MIT */
/* What the cases on grants share: this domain's own table, and the operations, one at a time. */
#ifndef CONF_GRANT_H
#define CONF_GRANT_H

#include "../conf-control/child.h"

/* References that the cases use. */
#define REF       16u
#define TABLE_END 512u      /* of a table of one frame */

/* The table's first frame, mapped. */
volatile struct grant_entry_v1 *grant_table(void);
void grant_offer(unsigned int ref, domid_t to, pv_mfn_t frame, unsigned int flags);
uint16_t grant_flags(unsigned int ref);
/* Takes it back: true, unless somebody uses it. */
bool grant_end(unsigned int ref);

/* A page of ours, cleared, and its frame; the same one each time. */
extern char grant_page[4096];
pv_mfn_t grant_frame(void);

/* An address of which only the leaf entry is missing. */
uint64_t grant_va(void);

/* Where in a child's shared page its operation lies. */
#define CHILD_OP_OFFSET 512

/* The one call of a child that runs child_call, with an operation in its shared page. */
long child_calls(struct child *c, unsigned int cmd, const void *op, size_t size);

/* One operation; its status. */
int map_at(uint64_t host_addr, uint32_t flags, domid_t granter, unsigned int ref,
           struct gnttab_map_grant_ref *op);
int unmap_at(uint64_t host_addr, uint64_t dev_bus_addr, grant_handle_t handle);
int copy_op(struct gnttab_copy *op);

#endif
