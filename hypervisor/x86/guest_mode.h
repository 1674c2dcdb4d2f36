/* SPDX-License-Identifier: MIT */
/* What the files that enter and leave guests share: numbers of the architecture, and each other. */
#ifndef X86_GUEST_MODE_H
#define X86_GUEST_MODE_H

#include "domain/domain.h"

#define RFLAGS_ONE  0x00000002ul        /* reads as 1, whatever is written */
#define RFLAGS_TF   0x00000100ul
#define RFLAGS_IF   0x00000200ul
#define RFLAGS_DF   0x00000400ul
#define RFLAGS_IOPL 0x00003000ul
#define RFLAGS_IOPL_SHIFT 12
#define RFLAGS_NT   0x00004000ul
#define RFLAGS_RF   0x00010000ul
#define RFLAGS_VM   0x00020000ul
#define RFLAGS_AC   0x00040000ul
#define RFLAGS_VIF  0x00080000ul
#define RFLAGS_VIP  0x00100000ul

/* A page fault's error code. */
#define PF_PRESENT  0x01u
#define PF_WRITE    0x02u
#define PF_USER     0x04u
#define PF_RESERVED 0x08u
#define PF_FETCH    0x10u

enum x86_trap {
    X86_TRAP_DE, X86_TRAP_DB, X86_TRAP_NMI, X86_TRAP_BP, X86_TRAP_OF, X86_TRAP_BR, X86_TRAP_UD,
    X86_TRAP_NM, X86_TRAP_DF, X86_TRAP_TS = 10, X86_TRAP_NP, X86_TRAP_SS, X86_TRAP_GP, X86_TRAP_PF,
    X86_TRAP_MF = 16, X86_TRAP_AC, X86_TRAP_MC, X86_TRAP_XM, X86_TRAP_CP = 21,
};

/*
 * The two ring-3 worlds of a guest, kernel and user, each have a page-table root and a GS base of
 * their own; which one runs is a bit of ours. While a vCPU is loaded, GS_BASE is the running
 * world's and KERNEL_GS_BASE the other's, so that a change is one swapgs and one load of CR3.
 *
 * For the running vCPU, which has a root for the mode it changes to: user mode is only entered with
 * one, and a vCPU that runs has a kernel root.
 */
static inline void change_mode(struct vcpu *v)
{
    mfn_t root;

    v->cpu.kernel_mode = !v->cpu.kernel_mode;
    root = v->cpu.kernel_mode ? v->kernel_root : v->user_root;
    __asm__ volatile("swapgs" ::: "memory");
    /* Not noted as a flush: that only costs one more, later (mm/tlb.c). */
    write_cr3(mfn_to_maddr(root).v);
}

/* bounce.c */
/* The failsafe callback: a data segment of the running vCPU could not be loaded. */
void deliver_failsafe(struct vcpu *v, struct cpu_regs *regs);
/* From entry.S: SYSCALL of guest user code, 64-bit and 32-bit, and SYSENTER. */
void guest_syscall(struct cpu_regs *regs);
void guest_syscall32(struct cpu_regs *regs);
void guest_sysenter(struct cpu_regs *regs);

/* traps.c, from entry.S: an exception of a guest, and one of our own */
void guest_trap(struct cpu_regs *regs);
void hv_trap(struct cpu_regs *regs);

/* exit.c, from entry.S: does all that is pending for the running vCPU */
void exit_work(struct cpu_regs *regs);

#endif
