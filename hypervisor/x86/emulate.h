/* SPDX-License-Identifier: MIT */
/* What the files of the emulator share among themselves. */
#ifndef X86_EMULATE_H
#define X86_EMULATE_H

#include "x86/decode.h"
#include "x86/x86.h"

/* How the emulation of one instruction ended. */
enum emulated {
    EMULATE_NO,         /* not ours to do: the guest gets the fault that it caused */
    EMULATE_DONE,       /* done: rip goes on */
    EMULATE_AGAIN,      /* nothing is done yet: the guest runs it again */
    EMULATE_PART,       /* some rounds of a rep are done: the guest runs it again for the rest */
    EMULATE_FAULTED,    /* the guest has got another fault instead */
};

/* emulate_io.c */
/* Whether virtual IOPL lets the code that runs now use cli, sti and all ports. */
bool io_privileged(const struct vcpu *v);
/* The same for these ports, or the I/O bitmap does. */
bool io_allowed(struct vcpu *v, u16 port, unsigned int size);
/*
 * The access itself, by a vCPU that io_allowed() lets: what the domain may not have reads as ones.
 */
u32 io_read(struct vcpu *v, u16 port, unsigned int size);
void io_write(struct vcpu *v, u16 port, unsigned int size, u32 value);
/* The access was made: notes the guest's breakpoints on these ports for emulate_finish(). */
void io_note_breakpoints(struct vcpu *v, u16 port, unsigned int size);

/* emulate_string.c: ins and outs, @insn.opcode 0x6c to 0x6f. */
enum emulated emulate_string_io(struct vcpu *v, struct cpu_regs *regs, const struct insn *insn,
                                bool long_mode);
/* emulate.c: the guest's #PF for an access at @addr that failed: PF_WRITE, PF_FETCH, 0: a read. */
void emulate_page_fault(struct vcpu *v, struct cpu_regs *regs, u64 addr, u32 access);
/*
 * 64-bit code's instruction at rip, taken apart: EMULATE_DONE; EMULATE_NO: none that we know;
 * EMULATE_FAULTED: it can't be read any more, and the guest has got the #PF for that.
 */
enum emulated emulate_fetch(struct vcpu *v, struct cpu_regs *regs, struct insn *insn);
/* The instruction, or one round of it, is done: the guest goes on at @next, maybe with #DB. */
void emulate_finish(struct vcpu *v, struct cpu_regs *regs, u64 next);

#endif
