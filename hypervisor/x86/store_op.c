/* SPDX-License-Identifier: MIT */
/*
 * The forms that compilers emit for a store into a page-table entry: mov, xchg, add, or, and, sub,
 * xor, inc, dec, not, bit set, reset and complement, cmpxchg, xadd.
 *
 * Arithmetic is done by the processor, on a copy and in the operand's own size, so the flags are
 * its own, too.
 */
#include "x86/store_op.h"

#define FLAG_CF 0x001ul
#define FLAG_ZF 0x040ul
#define FLAGS   0x8d5ul     /* CF PF AF ZF SF OF */

/* One store: what is known before it. @regs is a copy that the caller drops if we refuse. */
struct op {
    const struct insn *insn;
    struct cpu_regs *regs;
    unsigned int size;      /* bytes: 1, 2, 4, 8 */
    u64 old;
};

/* Of the operand's bytes; a shift by 64 would be undefined. */
static u64 mask_of(unsigned int size)
{
    return size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

/* ---- Registers of the operand's size ---- */

/* Without REX, byte registers 4 to 7 are ah, ch, dh, bh. */
static bool high_byte(const struct op *o, unsigned int n)
{
    return o->size == 1 && o->insn->rex == 0 && n >= 4 && n < 8;
}

static u64 get_reg(const struct op *o, unsigned int n)
{
    if (high_byte(o, n))
        return *insn_register(o->regs, n - 4) >> 8 & 0xff;
    return *insn_register(o->regs, n) & mask_of(o->size);
}

static void set_reg(const struct op *o, unsigned int n, u64 value)
{
    bool high = high_byte(o, n);
    u64 *reg = insn_register(o->regs, high ? n - 4 : n);
    u64 mask = high ? 0xff00 : mask_of(o->size);

    value = high ? value << 8 : value;
    /* A 32-bit result clears the upper half. */
    *reg = o->size == 4 ? (u32)value : (*reg & ~mask) | (value & mask);
}

static void set_flags(const struct op *o, u64 flags, u64 which)
{
    o->regs->rflags = (o->regs->rflags & ~which) | (flags & which);
}

/* ---- Arithmetic: one instruction in four sizes ---- */

#define IN_SIZE(insn, size, v, flags, src)                                              \
    do {                                                                                \
        switch (size) {                                                                 \
        case 1: AS(insn "b %b2, %b0", v, flags, src); break;                            \
        case 2: AS(insn "w %w2, %w0", v, flags, src); break;                            \
        case 4: AS(insn "l %k2, %k0", v, flags, src); break;                            \
        default: AS(insn "q %2, %0", v, flags, src); break;                             \
        }                                                                               \
    } while (0)
#define AS(text, v, flags, src) \
    __asm__(text "; pushfq; popq %1" : "+q"(v), "=&r"(flags) : "q"(src) : "cc")

enum alu { ALU_ADD, ALU_OR, ALU_AND = 4, ALU_SUB, ALU_XOR };

/* @kind is the opcode's own number. False: adc, sbb, and cmp, which stores nothing. */
static bool alu(const struct op *o, unsigned int kind, u64 src, u64 *new)
{
    u64 v = o->old, flags;

    switch (kind) {
    case ALU_ADD: IN_SIZE("add", o->size, v, flags, src); break;
    case ALU_OR:  IN_SIZE("or", o->size, v, flags, src); break;
    case ALU_AND: IN_SIZE("and", o->size, v, flags, src); break;
    case ALU_SUB: IN_SIZE("sub", o->size, v, flags, src); break;
    case ALU_XOR: IN_SIZE("xor", o->size, v, flags, src); break;
    default: return false;
    }
    set_flags(o, flags, FLAGS);
    *new = v;
    return true;
}

static bool op_alu_reg(const struct op *o, u64 *new)
{
    return alu(o, o->insn->opcode >> 3, get_reg(o, o->insn->reg), new);
}

static bool op_alu_imm(const struct op *o, u64 *new)
{
    return alu(o, o->insn->reg & 7, (u64)o->insn->imm, new);
}

/* inc and dec (/0, /1) leave the carry alone. */
static bool op_inc_dec(const struct op *o, u64 *new)
{
    u64 carry = o->regs->rflags & FLAG_CF;

    if ((o->insn->reg & 7) > 1 || !alu(o, (o->insn->reg & 7) ? ALU_SUB : ALU_ADD, 1, new))
        return false;
    set_flags(o, carry, FLAG_CF);
    return true;
}

static bool op_not(const struct op *o, u64 *new)
{
    *new = ~o->old;
    return (o->insn->reg & 7) == 2;
}

static bool op_xadd(const struct op *o, u64 *new)
{
    if (!alu(o, ALU_ADD, get_reg(o, o->insn->reg), new))
        return false;
    set_reg(o, o->insn->reg, o->old);
    return true;
}

/* ---- Moves and exchanges ---- */

static bool op_mov_reg(const struct op *o, u64 *new)
{
    *new = get_reg(o, o->insn->reg);
    return true;
}

static bool op_mov_imm(const struct op *o, u64 *new)
{
    *new = (u64)o->insn->imm;
    return (o->insn->reg & 7) == 0;
}

static bool op_xchg(const struct op *o, u64 *new)
{
    *new = get_reg(o, o->insn->reg);
    set_reg(o, o->insn->reg, o->old);
    return true;
}

/* Also without a match it stores: the old value, as the processor does. */
static bool op_cmpxchg(const struct op *o, u64 *new)
{
    u64 accumulator = get_reg(o, 0), v = accumulator, flags;

    IN_SIZE("sub", o->size, v, flags, o->old);
    set_flags(o, flags, FLAGS);
    if (flags & FLAG_ZF) {
        *new = get_reg(o, o->insn->reg);
    } else {
        *new = o->old;
        set_reg(o, 0, o->old);
    }
    return true;
}

/* ---- Bits ---- */

enum bit_op { BIT_SET = 1, BIT_RESET, BIT_COMPLEMENT };

static bool bit(const struct op *o, unsigned int kind, u64 index, u64 *new)
{
    u64 b = 1ull << (index & (8 * o->size - 1));

    switch (kind) {
    case BIT_SET: *new = o->old | b; break;
    case BIT_RESET: *new = o->old & ~b; break;
    case BIT_COMPLEMENT: *new = o->old ^ b; break;
    default: return false;
    }
    set_flags(o, o->old & b ? FLAG_CF : 0, FLAG_CF);
    return true;
}

/* A register's bit number may reach beyond the operand: then it is another word that is meant. */
static bool op_bit_reg(const struct op *o, u64 *new)
{
    u64 index = get_reg(o, o->insn->reg);

    return index < 8 * o->size && bit(o, o->insn->opcode >> 3 & 3, index, new);
}

static bool op_bit_imm(const struct op *o, u64 *new)
{
    return (o->insn->reg & 7) > 4 && bit(o, o->insn->reg & 3, (u64)o->insn->imm, new);
}

/* ---- The table ---- */

typedef bool store_fn(const struct op *o, u64 *new);

#define ALU_ROW(op) [op] = op_alu_reg, [(op) + 1] = op_alu_reg

static store_fn *const one_byte[256] = {
    ALU_ROW(0x00), ALU_ROW(0x08), ALU_ROW(0x20), ALU_ROW(0x28), ALU_ROW(0x30),
    [0x80] = op_alu_imm, [0x81] = op_alu_imm, [0x83] = op_alu_imm,
    [0x86] = op_xchg, [0x87] = op_xchg,
    [0x88] = op_mov_reg, [0x89] = op_mov_reg,
    [0xc6] = op_mov_imm, [0xc7] = op_mov_imm,
    [0xf6] = op_not, [0xf7] = op_not,
    [0xfe] = op_inc_dec, [0xff] = op_inc_dec,
};
static store_fn *const two_byte[256] = {
    [0xab] = op_bit_reg, [0xb3] = op_bit_reg, [0xbb] = op_bit_reg, [0xba] = op_bit_imm,
    [0xb0] = op_cmpxchg, [0xb1] = op_cmpxchg,
    [0xc0] = op_xadd, [0xc1] = op_xadd,
    [0xc3] = op_mov_reg,        /* movnti */
};

bool store_op(const struct insn *insn, struct cpu_regs *regs, u64 old, u64 *new)
{
    struct op o = { .insn = insn, .regs = regs, .size = insn->operand_size };
    store_fn *const *map = insn->opcode & 0x100 ? two_byte : one_byte;
    store_fn *fn = map[insn->opcode & 0xff];

    if (fn == NULL || !insn->has_modrm || insn->mod == 3)
        return false;
    o.old = old & mask_of(o.size);
    if (!fn(&o, new))
        return false;
    *new &= mask_of(o.size);
    return true;
}
