/* SPDX-License-Identifier: MIT */
/* The arch room's door: what the machine and the hypervisor under this kernel are. */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <pvguest/guest.h>

/* platform.c */
struct platform {
    unsigned int major, minor;  /* of the hypervisor, that is of the interface it offers */
    char extra[17];             /* the rest of its version, such as ".7" */
    char signature[13];         /* from its CPUID leaves; empty if it shows none */
    unsigned int vcpus;
    uint64_t memory_kib;
};

/* Asks the hypervisor; what it does not answer is left empty. */
void platform_identify(struct platform *platform);

/* A stretch of the machine's address space, as the firmware's map has it. */
struct machine_range {
    uint64_t start, size;
    uint32_t type;              /* 1: memory, others as ACPI numbers them */
} __attribute__((packed));

/* The machine's memory map, for the first domain: the number of ranges, or a negative errno. */
int platform_memory_map(struct machine_range *ranges, unsigned int room);

#endif
