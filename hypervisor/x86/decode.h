/* SPDX-License-Identifier: MIT */
/*
 * Instructions, taken apart: for those that the hypervisor carries out for a guest. Pure functions;
 * the bytes were copied from the guest once, and nothing here touches memory.
 */
#ifndef X86_DECODE_H
#define X86_DECODE_H

#include "lib/types.h"
#include "x86/regs.h"

#define INSN_MAX 15

/* Opcode numbers: 0xNN of the one-byte map, 0x1NN after 0x0f. */
#define OPCODE_0F(b) (0x100u | (b))

enum insn_segment { SEG_NONE, SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };
enum insn_mode { MODE_16, MODE_32, MODE_64 };       /* the code segment's default */

struct insn {
    u8 len;                 /* bytes in all */
    u8 operand_size;        /* 2, 4, 8; byte forms say 1 */
    u8 address_size;        /* 2, 4, 8 */
    u8 rex;                 /* 0: none */
    u8 segment;             /* enum insn_segment: an override prefix */
    bool lock, repe, repne;
    u16 opcode;
    bool has_modrm;
    u8 mod, reg, rm;        /* reg and rm with their REX bits */
    /* A memory operand (mod != 3): base + index * scale + disp; -1: no such register. */
    s8 base, index;
    u8 scale;
    bool rip_relative;
    s32 disp;
    s64 imm;
};

enum decode_result {
    DECODED,
    DECODE_MORE,            /* the instruction goes on behind the bytes given */
    DECODE_UNKNOWN,         /* none that we emulate, or none at all */
};

/*
 * Takes apart the instruction that begins at @bytes, of which @len are there; *@out on DECODED
 * only.
 */
enum decode_result insn_decode(const u8 *bytes, unsigned int len, enum insn_mode mode,
                               struct insn *out);

/* Register 0 to 15, in the order of the encodings: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8... */
u64 *insn_register(struct cpu_regs *regs, unsigned int n);
/* The offset of the memory operand in its segment; wraps at the address size (XSA-186). */
u64 insn_offset(const struct insn *insn, struct cpu_regs *regs);

#endif
