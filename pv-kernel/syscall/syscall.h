/* SPDX-License-Identifier: MIT */
/*
 * The door of syscall/: the Linux x86-64 system calls, one table: number -> name, handler. A hole
 * is -ENOSYS (and named on the console if `debug=syscalls` is given). Handlers take the six
 * registers and return a result or a negative errno; a file per family (families.h).
 */
#ifndef PVK_SYSCALL_H
#define PVK_SYSCALL_H

#include "kernel.h"

typedef long syscall_fn(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);

struct syscall {
    const char *name;
    syscall_fn *fn;
};

void syscall_init(void);            /* takes over guest user mode's SYSCALL */
/* From the entry path: does the call in @regs and sets rax; signals are delivered after it. */
void syscall_dispatch(struct pv_regs *regs);

#endif
