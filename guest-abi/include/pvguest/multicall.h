/* SPDX-License-Identifier: MIT */
/*
 * Several hypercalls in one (HYPERVISOR_multicall, struct multicall_entry in xen/xen.h).
 *
 *   struct pv_multicall mc;
 *
 *   pv_multicall_begin(&mc);
 *   pv_multicall_add(&mc, __HYPERVISOR_stack_switch, FLAT_KERNEL_SS, sp);
 *   pv_multicall_add(&mc, __HYPERVISOR_set_timer_op, deadline);
 *   rc = pv_multicall_run(&mc);
 */
#ifndef PVGUEST_MULTICALL_H
#define PVGUEST_MULTICALL_H

#include <pvguest/types.h>
#include <xen/xen.h>

#define PV_MULTICALL_MAX 32

struct pv_multicall {
    unsigned int nr;
    struct multicall_entry entry[PV_MULTICALL_MAX];     /* those above nr: anything */
};

static inline void pv_multicall_begin(struct pv_multicall *mc)
{
    mc->nr = 0;
}

/*
 * Adds call number `op` with up to six arguments, of any integer type or pointers cast to one.
 * Returns its index in entry[], or -ENOSPC when there is no room.
 */
#define pv_multicall_add(mc, op, ...) \
    pv_multicall_add_array(mc, op, (const uint64_t[6]){ __VA_ARGS__ })
int pv_multicall_add_array(struct pv_multicall *mc, uint64_t op, const uint64_t args[6]);

/*
 * Makes the calls, in order, all of them whatever their results, which entry[].result then holds;
 * empties the list.  Returns the first negative result, or else 0; or, if none was made,
 * HYPERVISOR_multicall's own error.
 */
int pv_multicall_run(struct pv_multicall *mc);

#endif
