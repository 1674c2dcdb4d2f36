/* SPDX-License-Identifier: MIT */
/* Privileged instructions that a guest kernel may use as they are, and the hypervisor emulates. */
#include "bench.h"

#define MSR_FS_BASE 0xc0000100u
#define CR0_PE      1UL

static long run_read_cr0(void)
{
    unsigned long cr0;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    return cr0 & CR0_PE;
}

static long run_wrmsr(void)
{
    __asm__ volatile("wrmsr" : : "c"(MSR_FS_BASE), "a"(0x1000), "d"(0));
    return 0;
}

static long run_clts(void)
{
    __asm__ volatile("clts");
    return 0;
}

static void set_task_switched(void)
{
    must_be_zero(HYPERVISOR_fpu_taskswitch(1), "fpu_taskswitch(1)");
}

const struct operation emulate_operations[] = {
    { .name = "mov from CR0, emulated", .run = run_read_cr0, .expect = CR0_PE },
    { .name = "wrmsr FS base, emulated", .run = run_wrmsr },
    { .name = "clts, emulated", .before = set_task_switched, .run = run_clts },
    { .name = NULL },
};
