/* SPDX-License-Identifier: MIT */
/*
 * Included ahead of everything in the library's files that are tested on the building machine:
 * hypercalls are functions of the test's, instead of instructions.
 */
#ifndef TESTS_UNIT_GUEST_HOST_H
#define TESTS_UNIT_GUEST_HOST_H

#define PVGUEST_HYPERCALL_H

#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/sched.h>

long HYPERVISOR_grant_table_op(unsigned int cmd, void *ops, unsigned int count);
long HYPERVISOR_sched_op(int cmd, void *arg);

#endif
