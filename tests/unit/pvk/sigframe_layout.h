/* SPDX-License-Identifier: MIT */
/* Offsets and sizes of a signal frame's parts, as the host's C library has them. */
#ifndef SIGFRAME_LAYOUT_H
#define SIGFRAME_LAYOUT_H

#include <stddef.h>

struct sigframe_layout {
    size_t info_size, info_code, info_pid, info_status, info_addr;
    size_t stack_size, stack_flags, stack_length;
    size_t uc_stack, uc_registers, uc_mask;
    size_t reg_r8, reg_rdi, reg_rsp, reg_rip, reg_flags, reg_error, reg_cr2, fpstate;
};
extern const struct sigframe_layout host_layout;

#endif
