/* SPDX-License-Identifier: MIT */
/*
 * The register frame and the top of a CPU's stack.
 *
 * Every way into the hypervisor builds the same frame, struct cpu_regs. From a guest it lies at
 * one fixed place, the top of the CPU's stack, just under the few words that belong to the CPU:
 *
 *      stack top ->  +--------------------+  STACK_SIZE-aligned end
 *                    | softirqs, .., vcpu |  the rest of struct cpu_info
 *                    | ss rsp rflags cs rip            <- TSS.rsp0 points above ss
 *                    | vector / error code |  struct cpu_regs
 *                    | 15 registers        |  <- rsp when C code is called
 *                    +--------------------+
 *                    | C frames, downward  |
 *
 * so current, the CPU's number and the guest's registers are found from rsp alone: nothing of
 * the guest's (GS base, swapgs state) is trusted or needed.
 */
#ifndef X86_REGS_H
#define X86_REGS_H

#include "config.h"

/*
 * A CPU's stack block, mapped with holes (x86/stacks.c): pages 0, 2, 4, 6, 8 are guard pages;
 * 1 NMI, 3 #MC, 5 #DB, 7 #DF stacks (IST 1 to 4); 9 to 15 the main stack.
 */
#define STACK_PAGES      16
#define STACK_SIZE       (STACK_PAGES * 4096)
#define MAIN_STACK_PAGES 7

/*
 * How a frame was made, beside the 256 vectors. A frame marked ENTRY_SYSCALL may return by SYSRET:
 * its selectors are the flat ones, and rcx and r11 are not the guest's to expect.
 */
#define ENTRY_SYSCALL   0x100
#define ENTRY_SYSCALL32 0x101
#define ENTRY_SYSENTER  0x102

#ifndef __ASSEMBLER__

#include "lib/types.h"

struct cpu_regs {
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u32 error_code;
    u32 entry_vector;   /* exception or interrupt number, or an ENTRY_ code */
    u64 rip;
    u64 cs;             /* only the low 16 bits mean anything */
    u64 rflags;
    u64 rsp;
    u64 ss;
};

struct vcpu;

/*
 * What a CPU knows of itself, at the top of its stack. Its own CPU alone reads and writes it, but
 * for prepare_cpu() (smp.c), before the CPU starts.
 */
struct cpu_info {
    struct cpu_regs guest_regs;
    struct vcpu *vcpu;          /* the vCPU loaded on this CPU, NULL while idle */
    unsigned long percpu;       /* what to add to a per-CPU variable's address */
    u32 cpu;                    /* our number of this CPU, 0 is the one that booted */
    u32 softirqs;               /* atomic: work before it leaves to a guest (domain/softirq.c) */
    u32 pad[2];
};

BUILD_ASSERT(sizeof(struct cpu_regs) == 168);
BUILD_ASSERT(sizeof(struct cpu_info) % 16 == 8);

/* The guest-side privilege of a frame: hypervisor frames have CPL 0, every guest frame CPL 3. */
static inline bool from_guest(const struct cpu_regs *regs)
{
    return (regs->cs & 3) == 3;
}

/*
 * From any depth of any of the block's stacks: the block is aligned to its size. Not volatile:
 * within a function the answer stays the same, and the compiler may keep it.
 */
static inline struct cpu_info *cpu_info(void)
{
    unsigned long rsp;

    __asm__("mov %%rsp, %0" : "=r"(rsp));
    return (struct cpu_info *)((rsp | (STACK_SIZE - 1)) + 1) - 1;
}

#define current       (cpu_info()->vcpu)
#define guest_regs()  (&cpu_info()->guest_regs)
#define this_cpu_id() (cpu_info()->cpu)

#endif
#endif
