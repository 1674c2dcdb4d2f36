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

/* fpu.c: x87, SSE and AVX state of user code; the kernel itself uses none. */
void fpu_init(void);
unsigned int fpu_size(void);        /* of a save area, which is 64-byte aligned */
void fpu_reset(void *area);         /* as a program finds it at its start */
void fpu_save(void *area);
void fpu_load(const void *area);
/* In signal frames: the area as the user sees it, and back, checked. */
unsigned int fpu_user_size(void);
int fpu_to_user(uint64_t dst, void *area);
int fpu_from_user(void *area, uint64_t src);

/* switch.S: saves the callee's registers and the stack pointer, and goes on at another's. */
void switch_stacks(uint64_t *save_sp, uint64_t sp);
extern const char task_entry[];     /* where a new task's saved stack returns to */

/* traps.c */
void traps_init(void);              /* exceptions of user code become signals */

#endif
