/* SPDX-License-Identifier: MIT */
/* The layouts of a signal frame (proc/sigframe.c): Linux's ucontext, siginfo and sigcontext. */
#ifndef PVK_SIGFRAME_H
#define PVK_SIGFRAME_H

#include "proc/proc.h"

struct sigcontext_k {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
    uint64_t rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, trap, old_mask, cr2, fpstate, reserved[8];
};

struct ucontext_k {
    uint64_t flags, link;
    struct sigaltstack_k stack;
    struct sigcontext_k context;
    uint64_t mask;
};

struct siginfo_k {
    int signo, error, code, pad;
    union {
        struct {
            int pid, uid, status, pad;
            int64_t user_ticks, system_ticks;
        } child;                    /* SIGCHLD; pid and uid also of kill */
        struct {
            uint64_t addr;
        } fault;
        uint8_t room[112];
    };
};

struct sigframe {
    uint64_t return_address;
    struct ucontext_k uc;
    struct siginfo_k info;
};

/* What siginfo_t says of a pending signal of the current task. */
void fill_siginfo(struct siginfo_k *out, int sig);

#endif
