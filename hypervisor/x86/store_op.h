/* SPDX-License-Identifier: MIT */
/* Instructions that read, change and write one memory operand: what they would store. Pure. */
#ifndef X86_STORE_OP_H
#define X86_STORE_OP_H

#include "x86/decode.h"

/*
 * What @insn stores where its memory operand holds @old: *@new, of insn->operand_size bytes, and
 * its effect on @regs (flags, a register that receives the old value), which are changed. False:
 * not an instruction of this kind. rip is left alone.
 */
bool store_op(const struct insn *insn, struct cpu_regs *regs, u64 old, u64 *new);

#endif
