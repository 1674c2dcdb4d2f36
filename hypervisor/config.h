/* SPDX-License-Identifier: MIT */
/*
 * The few fixed limits of the hypervisor. Everything else is sized at boot from the machine or
 * at run time from the guest. Also read by assembly, so only plain numbers.
 */
#ifndef PAVANE_CONFIG_H
#define PAVANE_CONFIG_H

#define MAX_CPUS            64      /* physical CPUs: each has a static SYSCALL landing stub */
#define MAX_VCPUS           32      /* per domain: those that fit the legacy shared_info array */
/* Where the loader puts us; free on BIOS and on UEFI machines */
#define HV_LOAD_PADDR       0x200000

#endif
