/* SPDX-License-Identifier: MIT */
/* The one table of system calls, by Linux's x86-64 numbers. */
#ifndef PVK_SYSCALL_TABLE_H
#define PVK_SYSCALL_TABLE_H

#include "syscall/syscall.h"

extern const struct syscall syscalls[];
extern const unsigned int nr_syscalls;

#endif
