/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder: prefixes, one table for each opcode map, ModRM, SIB, displacement,
 * immediate.
 *
 * Only instructions that some part of the emulator carries out are in the tables; anything else is
 * DECODE_UNKNOWN, and the guest gets the fault it had. Every byte is asked of a cursor that knows
 * how many there are, so no input reads beyond them; the host fuzzes this file with any bytes.
 */
#include "x86/decode.h"

/* What follows an opcode, and the size of what it works on. */
#define KNOWN   0x01
#define MODRM   0x02
#define IMM8    0x04
#define IMMZ    0x08    /* 2 or 4 bytes, sign-extended */
#define BYTE    0x10    /* works on bytes */
#define WIDE    0x20    /* works on 64 bits in 64-bit mode, whatever the prefixes say */
#define GROUP3  0x40    /* an immediate only for /0 and /1 (test) */

/* add or adc sbb and sub xor cmp, all with r/m first: eight opcodes apart, the first two store. */
#define ALU(op) [op] = KNOWN | MODRM | BYTE, [(op) + 1] = KNOWN | MODRM

static const u8 one_byte[256] = {
    ALU(0x00), ALU(0x08), ALU(0x10), ALU(0x18), ALU(0x20), ALU(0x28), ALU(0x30), ALU(0x38),
    [0x6c] = KNOWN | BYTE, [0x6d] = KNOWN, [0x6e] = KNOWN | BYTE, [0x6f] = KNOWN,  /* ins, outs */
    [0x80] = KNOWN | MODRM | IMM8 | BYTE, [0x81] = KNOWN | MODRM | IMMZ,
    [0x83] = KNOWN | MODRM | IMM8,
    [0x86] = KNOWN | MODRM | BYTE, [0x87] = KNOWN | MODRM,                          /* xchg */
    [0x88] = KNOWN | MODRM | BYTE, [0x89] = KNOWN | MODRM,                          /* mov */
    [0xc6] = KNOWN | MODRM | IMM8 | BYTE, [0xc7] = KNOWN | MODRM | IMMZ,
    [0xe4] = KNOWN | IMM8 | BYTE, [0xe5] = KNOWN | IMM8,                            /* in, out */
    [0xe6] = KNOWN | IMM8 | BYTE, [0xe7] = KNOWN | IMM8,
    [0xec] = KNOWN | BYTE, [0xed] = KNOWN, [0xee] = KNOWN | BYTE, [0xef] = KNOWN,
    [0xf6] = KNOWN | MODRM | BYTE | GROUP3, [0xf7] = KNOWN | MODRM | GROUP3,        /* not, neg */
    [0xfa] = KNOWN, [0xfb] = KNOWN,                                                 /* cli, sti */
    [0xfe] = KNOWN | MODRM | BYTE, [0xff] = KNOWN | MODRM,                          /* inc, dec */
};

static const u8 two_byte[256] = {
    [0x01] = KNOWN | MODRM,                                             /* xsetbv, rdtscp */
    [0x06] = KNOWN, [0x09] = KNOWN,                                     /* clts, wbinvd */
    [0x20] = KNOWN | MODRM | WIDE, [0x21] = KNOWN | MODRM | WIDE,       /* mov from cr, dr */
    [0x22] = KNOWN | MODRM | WIDE, [0x23] = KNOWN | MODRM | WIDE,       /* mov to cr, dr */
    [0x30] = KNOWN, [0x31] = KNOWN, [0x32] = KNOWN, [0x33] = KNOWN, /* wrmsr rdtsc rdmsr rdpmc */
    [0xa2] = KNOWN,                                                     /* cpuid */
    [0xab] = KNOWN | MODRM, [0xb3] = KNOWN | MODRM, [0xbb] = KNOWN | MODRM, /* bts btr btc */
    [0xb0] = KNOWN | MODRM | BYTE, [0xb1] = KNOWN | MODRM,              /* cmpxchg */
    [0xba] = KNOWN | MODRM | IMM8,
    [0xc0] = KNOWN | MODRM | BYTE, [0xc1] = KNOWN | MODRM,              /* xadd */
    [0xc3] = KNOWN | MODRM,                                             /* movnti */
};

/* Where decoding stands. */
struct cursor {
    const u8 *bytes;
    unsigned int len, at;
    bool short_of;          /* asked for a byte that was not given */
};

/* A byte that is not there reads as 0 and is remembered: what is made of it is thrown away. */
static u8 next_byte(struct cursor *c)
{
    if (c->at >= c->len) {
        c->short_of = true;
        return 0;
    }
    return c->bytes[c->at++];
}

/* @size bytes, little-endian, sign-extended. */
static s64 next_signed(struct cursor *c, unsigned int size)
{
    u64 value = 0;

    for (unsigned int i = 0; i < size; i++)
        value |= (u64)next_byte(c) << (8 * i);
    return (s64)(value << (64 - 8 * size)) >> (64 - 8 * size);
}

struct prefixes {
    bool operand, address;
};

/* One legacy prefix into @out; false if @b is none. */
static bool take_prefix(u8 b, struct insn *out, struct prefixes *p)
{
    switch (b) {
    case 0x26: out->segment = SEG_ES; return true;
    case 0x2e: out->segment = SEG_CS; return true;
    case 0x36: out->segment = SEG_SS; return true;
    case 0x3e: out->segment = SEG_DS; return true;
    case 0x64: out->segment = SEG_FS; return true;
    case 0x65: out->segment = SEG_GS; return true;
    case 0x66: p->operand = true; return true;
    case 0x67: p->address = true; return true;
    case 0xf0: out->lock = true; return true;
    case 0xf2: out->repne = true; out->repe = false; return true;
    case 0xf3: out->repe = true; out->repne = false; return true;
    default: return false;
    }
}

/* Prefixes and REX; returns the first opcode byte. A REX before another prefix does not count. */
static u8 take_prefixes(struct cursor *c, enum insn_mode mode, struct insn *out)
{
    struct prefixes p = { false, false };
    u8 b;

    for (;;) {
        b = next_byte(c);
        if (mode == MODE_64 && (b & 0xf0) == 0x40)
            out->rex = b;
        else if (take_prefix(b, out, &p))
            out->rex = 0;
        else
            break;
        if (c->short_of || c->at > INSN_MAX)
            break;
    }
    if (mode == MODE_64) {
        out->operand_size = out->rex & 8 ? 8 : p.operand ? 2 : 4;
        out->address_size = p.address ? 4 : 8;
        /* Only FS and GS still have a base. */
        if (out->segment != SEG_FS && out->segment != SEG_GS)
            out->segment = SEG_NONE;
    } else {
        out->operand_size = (mode == MODE_16) != p.operand ? 2 : 4;
        out->address_size = (mode == MODE_16) != p.address ? 2 : 4;
    }
    return b;
}

static void take_sib(struct cursor *c, struct insn *out)
{
    u8 sib = next_byte(c);
    u8 index = (sib >> 3 & 7) | (out->rex & 2 ? 8 : 0);

    out->index = index == 4 ? -1 : (s8)index;
    out->scale = sib >> 6;
    out->base = (s8)((sib & 7) | (out->rex & 1 ? 8 : 0));
    if ((sib & 7) == 5 && out->mod == 0) {
        out->base = -1;
        out->disp = (s32)next_signed(c, 4);
    }
}

/* MOV to and from control and debug registers (@reg_only) take any mod for 3. */
static void take_modrm(struct cursor *c, enum insn_mode mode, bool reg_only, struct insn *out)
{
    u8 modrm = next_byte(c), low = modrm & 7;

    out->has_modrm = true;
    out->mod = reg_only ? 3 : modrm >> 6;
    out->reg = (modrm >> 3 & 7) | (out->rex & 4 ? 8 : 0);
    out->rm = low | (out->rex & 1 ? 8 : 0);
    if (out->mod == 3)
        return;
    if (low == 4) {
        take_sib(c, out);
    } else if (low == 5 && out->mod == 0) {
        out->rip_relative = mode == MODE_64;
        out->disp = (s32)next_signed(c, 4);
    } else {
        out->base = (s8)out->rm;
    }
    if (out->mod == 1)
        out->disp = (s32)next_signed(c, 1);
    else if (out->mod == 2)
        out->disp = (s32)next_signed(c, 4);
}

/* After displacement and opcode, as the bytes come. */
static void take_immediate(struct cursor *c, u8 kind, struct insn *out)
{
    if ((kind & GROUP3) && (out->reg & 7) < 2)
        kind |= kind & BYTE ? IMM8 : IMMZ;
    if (kind & IMM8)
        out->imm = next_signed(c, 1);
    else if (kind & IMMZ)
        out->imm = next_signed(c, out->operand_size == 2 ? 2 : 4);
}

/*
 * DECODE_MORE is only said while more could help: no instruction is longer than INSN_MAX, and one
 * that would be is no instruction.
 */
enum decode_result insn_decode(const u8 *bytes, unsigned int len, enum insn_mode mode,
                               struct insn *out)
{
    struct cursor c = { .bytes = bytes, .len = len };
    u8 b, kind;

    *out = (struct insn){ .base = -1, .index = -1 };
    b = take_prefixes(&c, mode, out);
    out->opcode = b;
    kind = one_byte[b];
    if (b == 0x0f) {
        b = next_byte(&c);
        out->opcode = OPCODE_0F(b);
        kind = two_byte[b];
    }
    if (c.short_of)
        return len >= INSN_MAX ? DECODE_UNKNOWN : DECODE_MORE;
    if (!(kind & KNOWN))
        return DECODE_UNKNOWN;
    if (kind & MODRM) {
        take_modrm(&c, mode, kind & WIDE, out);
        /* 16-bit addressing has forms of its own; no kernel of ours uses it. */
        if (out->address_size == 2 && out->mod != 3 && !c.short_of)
            return DECODE_UNKNOWN;
    }
    take_immediate(&c, kind, out);
    if (c.short_of)
        return len >= INSN_MAX ? DECODE_UNKNOWN : DECODE_MORE;
    if (c.at > INSN_MAX)
        return DECODE_UNKNOWN;
    if (kind & BYTE)
        out->operand_size = 1;
    if (kind & WIDE)
        out->operand_size = mode == MODE_64 ? 8 : 4;
    out->len = (u8)c.at;
    return DECODED;
}

u64 *insn_register(struct cpu_regs *regs, unsigned int n)
{
    static const u8 offset[16] = {
        offsetof(struct cpu_regs, rax), offsetof(struct cpu_regs, rcx),
        offsetof(struct cpu_regs, rdx), offsetof(struct cpu_regs, rbx),
        offsetof(struct cpu_regs, rsp), offsetof(struct cpu_regs, rbp),
        offsetof(struct cpu_regs, rsi), offsetof(struct cpu_regs, rdi),
        offsetof(struct cpu_regs, r8), offsetof(struct cpu_regs, r9),
        offsetof(struct cpu_regs, r10), offsetof(struct cpu_regs, r11),
        offsetof(struct cpu_regs, r12), offsetof(struct cpu_regs, r13),
        offsetof(struct cpu_regs, r14), offsetof(struct cpu_regs, r15),
    };

    return (u64 *)((char *)regs + offset[n & 15]);
}

u64 insn_offset(const struct insn *insn, struct cpu_regs *regs)
{
    u64 addr = (u64)(s64)insn->disp;

    if (insn->rip_relative)
        addr += regs->rip + insn->len;
    if (insn->base >= 0)
        addr += *insn_register(regs, (unsigned int)insn->base);
    if (insn->index >= 0)
        addr += *insn_register(regs, (unsigned int)insn->index) << insn->scale;
    return insn->address_size == 8 ? addr : insn->address_size == 4 ? (u32)addr : (u16)addr;
}
