/* SPDX-License-Identifier: MIT */
/* What the files that enter and leave guests share: numbers of the architecture, and each other. */
#ifndef X86_GUEST_MODE_H
#define X86_GUEST_MODE_H

#include "x86/x86.h"

#define RFLAGS_TF   0x00000100ul
#define RFLAGS_IF   0x00000200ul
#define RFLAGS_IOPL 0x00003000ul
#define RFLAGS_NT   0x00004000ul
#define RFLAGS_RF   0x00010000ul
#define RFLAGS_VM   0x00020000ul
#define RFLAGS_AC   0x00040000ul
#define RFLAGS_VIF  0x00080000ul
#define RFLAGS_VIP  0x00100000ul

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

/* bounce.c */
void deliver_failsafe(struct vcpu *v, struct cpu_regs *regs);
void guest_syscall(struct cpu_regs *regs);
void guest_syscall32(struct cpu_regs *regs);
void guest_sysenter(struct cpu_regs *regs);

/* traps.c, from entry.S: an exception of a guest, and one of our own */
void guest_trap(struct cpu_regs *regs);
void hv_trap(struct cpu_regs *regs);

/* exit.c, from entry.S: does all that is pending for the running vCPU */
void exit_work(struct cpu_regs *regs);

#endif
