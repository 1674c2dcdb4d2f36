/* SPDX-License-Identifier: MIT */
/* From the hypervisor's bounce to the handler and back. */
#include "syscall/syscall.h"
#include "arch/arch.h"
#include "proc/proc.h"
#include "syscall/table.h"

static bool log_unknown;            /* debug=syscalls */

static long no_such_call(uint64_t nr)
{
    if (log_unknown)
        printk("%s[%d]: system call %lu is not there\n", current->comm, current->pid, nr);
    return -ENOSYS;
}

void syscall_dispatch(struct pv_regs *regs)
{
    uint64_t nr = regs->rax;
    syscall_fn *fn = nr < nr_syscalls ? syscalls[nr].fn : NULL;
    long rc;

    /* rt_sigreturn and execve make other registers; restarts need the number. */
    regs->error_code = nr;
    regs->cs |= 3;
    rc = fn ? fn(regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9)
            : no_such_call(nr);
    if (regs->vector == PV_ENTRY_SYSCALL)
        regs->rax = (uint64_t)rc;
}

static void syscall_entry(struct pv_regs *regs)
{
    syscall_dispatch(regs);
    return_to_user(regs);
}

void syscall_init(void)
{
    char what[16];

    log_unknown = pv_option("debug", what, sizeof(what)) && !strcmp(what, "syscalls");
    pv_set_syscall_handler(syscall_entry);
}
