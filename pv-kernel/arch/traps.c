/* SPDX-License-Identifier: MIT */
/*
 * Exceptions. Of user code: page faults are looked into, all else becomes the signal that Linux
 * gives for it. Of kernel code: what no fixup catches (guest-abi finds those first) is our bug.
 */
#include "arch/arch.h"
#include "mm/mm.h"
#include "proc/proc.h"

#define SI_KERNEL   0x80
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2

struct trap_signal {
    uint8_t vector, signal;
    uint8_t code;
    bool has_addr;                  /* si_addr is rip */
};

static const struct trap_signal trap_signals[] = {
    { PV_DE, SIGFPE, 1, true },             /* FPE_INTDIV */
    { PV_DB, SIGTRAP, 1, true },            /* TRAP_BRKPT */
    { PV_BP, SIGTRAP, SI_KERNEL, false },
    { PV_OF, SIGSEGV, SI_KERNEL, false },
    { PV_BR, SIGSEGV, SI_KERNEL, false },
    { PV_UD, SIGILL, 2, true },             /* ILL_ILLOPN */
    { PV_NM, SIGFPE, SI_KERNEL, false },
    { PV_TS, SIGSEGV, SI_KERNEL, false },
    { PV_NP, SIGBUS, SI_KERNEL, false },
    { PV_SS, SIGBUS, SI_KERNEL, false },
    { PV_GP, SIGSEGV, SI_KERNEL, false },
    { PV_MF, SIGFPE, 7, true },             /* FPE_FLTINV */
    { PV_AC, SIGBUS, 1, false },            /* BUS_ADRALN */
    { PV_XM, SIGFPE, 7, true },
};

static _Noreturn void kernel_fault(const struct pv_regs *regs)
{
    pv_print_regs(regs);
    panic("pv-kernel: fault in kernel code\n");
}

static void user_trap(struct pv_regs *regs)
{
    if (!pv_regs_user(regs))
        kernel_fault(regs);
    for (size_t i = 0; i < ARRAY_SIZE(trap_signals); i++) {
        const struct trap_signal *t = &trap_signals[i];

        if (t->vector == regs->vector)
            force_signal(t->signal, t->code, t->has_addr ? regs->rip : 0);
    }
    return_to_user(regs);
}

static void page_fault(struct pv_regs *regs)
{
    uint64_t va = pv_this_vcpu()->info->arch.cr2;
    bool write = regs->error_code & PV_PF_WRITE, exec = regs->error_code & PV_PF_FETCH;

    if (!pv_regs_user(regs))
        kernel_fault(regs);
    if (!space_fault(current->space, va, write, exec))
        force_signal(SIGSEGV, va < USER_END && space_find(current->space, va) ? SEGV_ACCERR
                                                                            : SEGV_MAPERR, va);
    return_to_user(regs);
}

void traps_init(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(trap_signals); i++)
        pv_set_trap(trap_signals[i].vector, user_trap);
    pv_set_trap(PV_PF, page_fault);
}
