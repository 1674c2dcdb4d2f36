/* SPDX-License-Identifier: MIT */
/*
 * The guest library's one door: everything a 64-bit PV guest needs.
 *
 * A guest provides guest_main() and is linked with start.o (or start-nopage.o), guest.lds and
 * libpvguest.a; docs/write-a-guest.md walks through one.  When guest_main starts, on vCPU 0, in
 * kernel mode and on a stack of 32 KiB: shared_info is mapped, exceptions and events have their
 * entries, events are disabled, console printing works.
 */
#ifndef PVGUEST_GUEST_H
#define PVGUEST_GUEST_H

#include <pvguest/types.h>
#include <pvguest/console.h>
#include <pvguest/events.h>
#include <pvguest/gnttab.h>
#include <pvguest/hypercall.h>
#include <pvguest/mm.h>
#include <pvguest/multicall.h>
#include <pvguest/smp.h>
#include <pvguest/string.h>
#include <pvguest/sync.h>
#include <pvguest/time.h>
#include <pvguest/traps.h>
#include <pvguest/user.h>
#include <pvguest/xenbus.h>

/* The guest.  What it returns is given to guest_exit(). */
int guest_main(const struct start_info *si);

/* Ends the domain by SCHEDOP_shutdown; reason is one of SHUTDOWN_* (xen/sched.h). */
_Noreturn void guest_exit(unsigned int reason);

/* The records shared with the hypervisor. */
extern const struct start_info *pv_start_info;
extern struct shared_info *pv_shared_info;

static inline bool pv_is_first_domain(void)
{
    return pv_start_info->flags & SIF_INITDOMAIN;
}

/*
 * Finds `name=value` on the command line and copies the value (up to a space) into `value`, cut
 * to size.  A bare `name` gives an empty value.  Returns whether it was there.
 */
bool pv_option(const char *name, char *value, size_t size);

#endif
