/* SPDX-License-Identifier: MIT */
/* Several hypercalls in one (pvguest/multicall.h). */
#include "internal.h"

int pv_multicall_add_array(struct pv_multicall *mc, uint64_t op, const uint64_t args[6])
{
    struct multicall_entry *entry = &mc->entry[mc->nr];

    if (mc->nr == PV_MULTICALL_MAX)
        return -XEN_ENOSPC;
    entry->op = op;
    entry->result = 0;
    for (int i = 0; i < 6; i++)
        entry->args[i] = args[i];
    return (int)mc->nr++;
}

/* All entries are done, whatever came of those before; the first error is the result. */
int pv_multicall_run(struct pv_multicall *mc)
{
    unsigned int nr = mc->nr;
    long rc = HYPERVISOR_multicall(mc->entry, nr);

    mc->nr = 0;
    for (unsigned int i = 0; i < nr && !rc; i++)
        rc = (long)mc->entry[i].result < 0 ? (long)mc->entry[i].result : 0;
    return (int)rc;
}
