/* SPDX-License-Identifier: MIT */
/*
 * String I/O: ins and outs, with or without rep. Each element is checked and moved by itself, so
 * a fault leaves the registers at the element that failed, as on hardware. After a slice of
 * elements the guest runs the instruction again for the rest; so no count keeps us here for long.
 */
#include "domain/domain.h"
#include "x86/emulate.h"
#include "x86/extable.h"
#include "x86/guest_mode.h"
#include "x86/msr.h"

#define SLICE       64      /* elements */

/* One instruction's worth of facts. */
struct string_op {
    bool in;                /* ins: from the port to memory */
    u8 size;                /* of an element */
    u16 port;
    u64 mask;               /* of the address size: what counts of rsi, rdi and rcx */
    u64 *index;             /* rdi or rsi */
    struct guest_segment seg;
};

/* Registers of a 32-bit address size change as a whole, the upper half to zero. */
static void set_masked(u64 *reg, u64 value, u64 mask)
{
    *reg = mask == 0xffff ? (*reg & ~mask) | (value & mask) : value & mask;
}

/*
 * Data selectors are in the CPU while the guest is loaded, and not in v->cpu; cs and ss are in the
 * frame.
 */
static u16 segment_selector(const struct cpu_regs *regs, u8 segment)
{
    u32 sel = 0;

    switch (segment) {
    case SEG_CS:
        return (u16)regs->cs;
    case SEG_SS:
        return (u16)regs->ss;
    case SEG_ES:
        __asm__ volatile("mov %%es, %0" : "=r"(sel));
        break;
    case SEG_FS:
        __asm__ volatile("mov %%fs, %0" : "=r"(sel));
        break;
    case SEG_GS:
        __asm__ volatile("mov %%gs, %0" : "=r"(sel));
        break;
    default:
        __asm__ volatile("mov %%ds, %0" : "=r"(sel));
        break;
    }
    return (u16)sel;
}

/* The memory operand's segment; false: one that can't be used so, which is #GP(0). */
static bool find_segment(struct vcpu *v, const struct cpu_regs *regs, const struct insn *insn,
                         bool long_mode, struct string_op *op)
{
    /* ins always goes to es, outs comes from ds or whatever an override says. */
    u8 segment = op->in ? SEG_ES : insn->segment;

    if (long_mode) {
        op->seg = (struct guest_segment){
            .base = segment == SEG_FS ? rdmsr(MSR_FS_BASE) :
                    segment == SEG_GS ? rdmsr(MSR_GS_BASE) : 0,
            .limit = ~0ull,
        };
        return true;
    }
    return guest_segment(v, segment_selector(regs, segment), &op->seg) &&
           (op->in ? op->seg.writable : op->seg.readable);
}

/* The linear address of the element; false: beyond the segment, or not canonical. */
static bool element_address(const struct string_op *op, bool long_mode, u64 *addr)
{
    u64 offset = *op->index & op->mask, last = offset + op->size - 1;

    if (long_mode) {
        *addr = op->seg.base + offset;
        return is_canonical(*addr) && is_canonical(*addr + op->size - 1);
    }
    if (op->seg.expand_down ? offset <= op->seg.limit || last > (op->seg.big ? ~0u : 0xffffu) :
                              last > op->seg.limit)
        return false;
    *addr = (u32)(op->seg.base + offset);
    return *addr + op->size - 1 <= ~0u;
}

/* Whether the guest can write the byte: by a write that changes nothing, also for who looks on. */
static bool byte_writable(u64 addr)
{
    bool ok = false;

    if (!guest_range_ok(addr, 1))
        return false;
    guest_access_begin();
    __asm__ volatile("1: lock orb $0, (%1); movb $1, %0\n"
                     "2:" EXTABLE("1b", "2b")
                     : "+r"(ok) : "r"(addr) : "memory");
    guest_access_end();
    return ok;
}

static bool byte_readable(u64 addr)
{
    u8 byte;

    return copy_from_guest_raw(&byte, addr, sizeof(byte));
}

/* Gives the guest its #PF, at the first byte of the element that can't be accessed. */
static enum emulated element_fault(struct vcpu *v, struct cpu_regs *regs,
                                   const struct string_op *op, u64 addr)
{
    u64 last = addr + op->size - 1;

    while (addr < last && (op->in ? byte_writable(addr) : byte_readable(addr)))
        addr++;
    emulate_page_fault(v, regs, addr, op->in ? PF_WRITE : 0);
    return EMULATE_FAULTED;
}

/*
 * One element. For ins the memory is tried first, since what was read from a port can't be put
 * back; for outs the memory is read before the port is written.
 */
static enum emulated move_element(struct vcpu *v, struct cpu_regs *regs,
                                  const struct string_op *op, u64 addr)
{
    u32 data = 0;

    if (op->in) {
        /* Reading a port has effects: see first that the memory is there. */
        if (!byte_writable(addr) || !byte_writable(addr + op->size - 1))
            return element_fault(v, regs, op, addr);
        data = io_read(v, op->port, op->size);
        if (!copy_to_guest_raw(addr, &data, op->size))
            return element_fault(v, regs, op, addr);
    } else {
        if (!copy_from_guest_raw(&data, addr, op->size))
            return element_fault(v, regs, op, addr);
        io_write(v, op->port, op->size, data);
    }
    io_note_breakpoints(v, op->port, op->size);
    return EMULATE_DONE;
}

/*
 * Registers change after each element, so wherever it stops the guest can go on: at a slice's end,
 * at a breakpoint on the port or a single step, at a fault. The I/O rights are asked once: a bitmap
 * that another vCPU changes meanwhile is a race of the guest with itself.
 */
enum emulated emulate_string_io(struct vcpu *v, struct cpu_regs *regs, const struct insn *insn,
                                bool long_mode)
{
    struct string_op op = {
        .in = insn->opcode < 0x6e,
        .size = min(insn->operand_size, (u8)4),
        .port = (u16)regs->rdx,
        .mask = ~0ull >> (64 - 8 * insn->address_size),
    };
    bool rep = insn->repe || insn->repne;

    op.index = op.in ? &regs->rdi : &regs->rsi;
    if (!io_allowed(v, op.port, op.size) || !find_segment(v, regs, insn, long_mode, &op))
        return EMULATE_NO;
    for (unsigned int n = 0; !rep || (regs->rcx & op.mask); n++) {
        enum emulated how;
        u64 addr, step = op.size;

        if (n == SLICE || (n && ((regs->rflags & RFLAGS_TF) || v->cpu.io_hits)))
            return EMULATE_PART;
        if (!element_address(&op, long_mode, &addr))
            return EMULATE_NO;
        how = move_element(v, regs, &op, addr);
        if (how != EMULATE_DONE)
            return how;
        if (regs->rflags & RFLAGS_DF)
            step = -step;
        set_masked(op.index, *op.index + step, op.mask);
        if (!rep)
            break;
        set_masked(&regs->rcx, regs->rcx - 1, op.mask);
    }
    return EMULATE_DONE;
}
