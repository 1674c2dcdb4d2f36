/* SPDX-License-Identifier: MIT */
/*
 * Each CPU's stack block, as regs.h draws it. A stack that runs over hits the unmapped page below
 * it: the #DF stack takes the double fault, and it is reported as what it is.
 */
#include "lib/printk.h"
#include "mm/mm.h"
#include "x86/platform.h"

/* Bit n: page n of the block is there. 1, 3, 5, 7: IST stacks; 9 to 15: the main stack. */
#define MAPPED_PAGES 0xfeaau

BUILD_ASSERT(__builtin_popcount(MAPPED_PAGES >> (STACK_PAGES - MAIN_STACK_PAGES)) ==
             MAIN_STACK_PAGES);

static unsigned long stack_block(unsigned int cpu)
{
    return STACKS_VIRT + (unsigned long)cpu * STACK_SIZE;
}

struct cpu_info *stack_cpu_info(unsigned int cpu)
{
    return (struct cpu_info *)(stack_block(cpu) + STACK_SIZE) - 1;
}

void stack_map(unsigned int cpu)
{
    for (unsigned int page = 0; page < STACK_PAGES; page++) {
        void *frame;

        if (!(MAPPED_PAGES >> page & 1))
            continue;
        frame = alloc_hv_pages(0);
        if (!frame || hv_map(stack_block(cpu) + page * PAGE_SIZE, virt_to_mfn(frame), 1, HV_RW))
            panic("no memory for the stack of CPU %u", cpu);
    }
}
