/* SPDX-License-Identifier: MIT */
/* The host's side: its headers and pv-kernel's can't be included together. */
#define _GNU_SOURCE
#include <signal.h>
#include <ucontext.h>

#include "sigframe_layout.h"

#define REGISTERS offsetof(ucontext_t, uc_mcontext.gregs)
#define REGISTER(n) (REGISTERS + (n) * sizeof(greg_t))

const struct sigframe_layout host_layout = {
    .info_size = sizeof(siginfo_t),
    .info_code = offsetof(siginfo_t, si_code),
    .info_pid = offsetof(siginfo_t, si_pid),
    .info_status = offsetof(siginfo_t, si_status),
    .info_addr = offsetof(siginfo_t, si_addr),
    .stack_size = sizeof(stack_t),
    .stack_flags = offsetof(stack_t, ss_flags),
    .stack_length = offsetof(stack_t, ss_size),
    .uc_stack = offsetof(ucontext_t, uc_stack),
    .uc_registers = REGISTERS,
    .uc_mask = offsetof(ucontext_t, uc_sigmask),
    .reg_r8 = REGISTER(REG_R8),
    .reg_rdi = REGISTER(REG_RDI),
    .reg_rsp = REGISTER(REG_RSP),
    .reg_rip = REGISTER(REG_RIP),
    .reg_flags = REGISTER(REG_EFL),
    .reg_error = REGISTER(REG_ERR),
    .reg_cr2 = REGISTER(REG_CR2),
    .fpstate = offsetof(ucontext_t, uc_mcontext.fpregs),
};
