/* SPDX-License-Identifier: MIT */
/*
 * The privileged instructions that we carry out for a PV kernel, which trips on them in ring 3:
 * exactly those of the table below. All others stay the guest's #GP.
 *
 * The instruction is read from the guest's memory once, through its code segment, and taken apart
 * by decode.c. What it does goes through the same functions as the hypercall that does the same.
 */
#include "domain/domain.h"
#include "lib/string.h"
#include "x86/emulate.h"
#include "x86/guest_mode.h"
#include "x86/msr.h"
#include "x86/platform.h"

#define DR6_BS      BIT(14)     /* a single step */
#define FIRST_FETCH 8       /* bytes: enough for nearly all of these instructions */

/* The bits of CR4 that a guest reads, beside those that it controls: all are always set. */
#define CR4_SHOWN   (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)

/* ---- Faults of the emulated instruction ---- */

void emulate_page_fault(struct vcpu *v, struct cpu_regs *regs, u64 addr, u32 access)
{
    u32 error = access | PF_USER;
    u8 byte;

    /* What can be read is there, whatever else was wrong with it. */
    if (copy_from_guest_raw(&byte, addr, sizeof(byte)))
        error |= PF_PRESENT;
    inject_page_fault(regs, addr, error);
}

/* #UD in place of the #GP: for what does not exist on this guest's processor. */
static enum emulated undefined(struct cpu_regs *regs)
{
    inject_trap(regs, X86_TRAP_UD, TRAP_NO_ERROR);
    return EMULATE_FAULTED;
}

/* ---- Fetching ---- */

/* Where code runs. */
struct code {
    u64 addr;                   /* rip's linear address */
    enum insn_mode mode;
    unsigned int room;          /* bytes to the segment's end, as far as an instruction can reach */
};

/* Flat 64-bit code: rip is the address. */
static inline bool code_64(const struct cpu_regs *regs, struct code *code)
{
    *code = (struct code){ regs->rip, MODE_64, INSN_MAX };
    return is_canonical(code->addr);
}

/* By a segment of the guest's own. */
static __attribute__((noinline)) bool find_code_in(struct vcpu *v, const struct cpu_regs *regs,
                                                   struct code *code)
{
    struct guest_segment seg;

    if (!guest_segment(v, (u16)regs->cs, &seg) || !seg.code)
        return false;
    if (seg.long_mode)
        return code_64(regs, code);
    if (regs->rip > seg.limit)
        return false;
    code->addr = (u32)(seg.base + regs->rip);
    code->mode = seg.big ? MODE_32 : MODE_16;
    code->room = (unsigned int)min(seg.limit - regs->rip + 1, (u64)INSN_MAX);
    return true;
}

/* False: rip is not in a segment to run in. */
static inline bool find_code(struct vcpu *v, const struct cpu_regs *regs, struct code *code)
{
    return likely((u16)regs->cs == SEL_RING3_CS64) ? code_64(regs, code) :
                                                     find_code_in(v, regs, code);
}

/*
 * Reads and decodes: first bytes that are on the page of rip for sure, then on demand the
 * rest, which may be on a page that is not there: that is the guest's #PF, as if the CPU had
 * fetched it. Beyond the segment there is no instruction.
 */
static enum emulated fetch(struct vcpu *v, struct cpu_regs *regs, const struct code *code,
                           struct insn *insn)
{
    u8 bytes[INSN_MAX];
    u64 addr = code->addr;
    unsigned int on_page = min((unsigned int)(PAGE_SIZE - (addr & (PAGE_SIZE - 1))), code->room);
    unsigned int have = min(on_page, (unsigned int)FIRST_FETCH);
    enum decode_result r;

    /* A constant length is copied in place. */
    if (!(likely(have == FIRST_FETCH) ? copy_from_guest_raw(bytes, addr, FIRST_FETCH) :
                                        copy_from_guest_raw(bytes, addr, have))) {
        emulate_page_fault(v, regs, addr, PF_FETCH);
        return EMULATE_FAULTED;
    }
    r = insn_decode(bytes, have, code->mode, insn);
    while (r == DECODE_MORE && have < code->room) {
        unsigned int more = (have < on_page ? on_page : code->room) - have;

        if (!copy_from_guest_raw(bytes + have, addr + have, more)) {
            emulate_page_fault(v, regs, addr + have, PF_FETCH);
            return EMULATE_FAULTED;
        }
        have += more;
        r = insn_decode(bytes, have, code->mode, insn);
    }
    return r == DECODED ? EMULATE_DONE : EMULATE_NO;
}

/* ---- The instructions ---- */

/* One instruction of the running vCPU; @insn is our copy: the guest's memory is not read again. */
struct emulation {
    struct vcpu *v;
    struct cpu_regs *regs;          /* the guest's, changed in place when the instruction is done */
    struct insn insn;
    bool long_mode;                 /* 64-bit code: segments but FS and GS have no base */
};

typedef enum emulated emulate_fn(struct emulation *e);

static u64 edx_eax(const struct cpu_regs *regs)
{
    return regs->rdx << 32 | (u32)regs->rax;
}

static void set_edx_eax(struct cpu_regs *regs, u64 value)
{
    regs->rax = (u32)value;
    regs->rdx = value >> 32;
}

static u64 *gpr(struct emulation *e)
{
    return insn_register(e->regs, e->insn.rm);
}

/* in and out: bit 1 of the opcode is the direction, bit 3 the port's place. */
static enum emulated port_io(struct emulation *e)
{
    const struct insn *i = &e->insn;
    u16 port = i->opcode & 8 ? (u16)e->regs->rdx : (u8)i->imm;
    unsigned int size = min(i->operand_size, (u8)4);
    u64 mask = size == 4 ? ~0ull : BIT(8 * size) - 1;

    if (!io_allowed(e->v, port, size))
        return EMULATE_NO;
    if (i->opcode & 2)
        io_write(e->v, port, size, (u32)e->regs->rax);
    else
        e->regs->rax = (e->regs->rax & ~mask) | io_read(e->v, port, size);
    io_note_breakpoints(e->v, port, size);
    return EMULATE_DONE;
}

static enum emulated string_io(struct emulation *e)
{
    return emulate_string_io(e->v, e->regs, &e->insn, e->long_mode);
}

/*
 * cli and sti do nothing: real interrupts stay on, and the event mask is a byte that the guest
 * writes itself. Following IF here would be a trap, since we never see the popf that restores it.
 */
static enum emulated cli_sti(struct emulation *e)
{
    return io_privileged(e->v) ? EMULATE_DONE : EMULATE_NO;
}

static enum emulated clts(struct emulation *e)
{
    guest_set_ts(e->v, false);
    return EMULATE_DONE;
}

/* Only who maps uncached memory or drives devices can tell the difference. */
static enum emulated wbinvd(struct emulation *e)
{
    if (e->v->domain->privileged)
        __asm__ volatile("wbinvd" ::: "memory");
    return EMULATE_DONE;
}

static enum emulated read_cr(struct emulation *e)
{
    struct vcpu *v = e->v;
    u64 *to = gpr(e);

    switch (e->insn.reg) {
    case 0:
        *to = read_cr0();       /* the real TS is the guest's while it runs */
        return EMULATE_DONE;
    case 2:
        *to = v->info->arch.cr2;
        return EMULATE_DONE;
    case 3:
        *to = mfn_to_maddr(v->kernel_root).v;
        return EMULATE_DONE;
    case 4:
        *to = CR4_SHOWN | v->cpu.cr4;
        return EMULATE_DONE;
    default:
        return EMULATE_NO;
    }
}

/* As MMUEXT_NEW_BASEPTR; where that takes long, the guest executes the instruction again. */
static enum emulated write_guest_cr3(struct vcpu *v, u64 value)
{
    switch (mm_new_baseptr(v, MFN(xen_cr3_to_pfn(value)))) {
    case 0:
        return EMULATE_DONE;
    case -ERESTART:
        return EMULATE_AGAIN;
    default:
        return EMULATE_NO;
    }
}

/* Bits that are not the guest's to choose are dropped silently, as the ABI has it. */
static void write_guest_cr4(struct vcpu *v, u64 value)
{
    value = guest_cr4_bits(value);
    if (v->cpu.cr4 & ~value & CR4_DE)
        guest_debugreg_no_io(v);
    v->cpu.cr4 = value;
    cpu_set_cr4_guest_bits(value);
}

static enum emulated write_cr(struct emulation *e)
{
    struct vcpu *v = e->v;
    u64 value = *gpr(e);

    switch (e->insn.reg) {
    case 0:
        /* Kernels write back what they read; any other change is one that we could not make. */
        if ((value ^ read_cr0()) & ~CR0_TS)
            return EMULATE_NO;
        guest_set_ts(v, value & CR0_TS);
        return EMULATE_DONE;
    case 2:
        v->info->arch.cr2 = value;
        return EMULATE_DONE;
    case 3:
        return write_guest_cr3(v, value);
    case 4:
        write_guest_cr4(v, value);
        return EMULATE_DONE;
    default:
        return EMULATE_NO;
    }
}

/* DR4 and DR5 with CR4.DE set are the only debug registers that do not exist. */
static enum emulated read_dr(struct emulation *e)
{
    if (e->insn.reg > 7)
        return undefined(e->regs);
    return guest_debugreg_get(e->v, e->insn.reg, gpr(e)) ? undefined(e->regs) : EMULATE_DONE;
}

/* What a guest may not have (rules.c) is #GP, a register that is not there #UD. */
static enum emulated write_dr(struct emulation *e)
{
    switch (guest_debugreg_set(e->v, e->insn.reg, *gpr(e))) {
    case 0:
        return EMULATE_DONE;
    case -ENODEV:
        return undefined(e->regs);
    default:
        return EMULATE_NO;
    }
}

static enum emulated rdmsr_insn(struct emulation *e)
{
    u64 value;

    if (!guest_rdmsr(e->v, (u32)e->regs->rcx, &value))
        return EMULATE_NO;
    set_edx_eax(e->regs, value);
    return EMULATE_DONE;
}

static enum emulated wrmsr_insn(struct emulation *e)
{
    return guest_wrmsr(e->v, (u32)e->regs->rcx, edx_eax(e->regs)) ? EMULATE_DONE : EMULATE_NO;
}

/* Trapped only because the guest set CR4.TSD, which it did against its user mode. */
static enum emulated rdtsc_insn(struct emulation *e)
{
    if (!e->v->cpu.kernel_mode)
        return EMULATE_NO;
    set_edx_eax(e->regs, rdtsc());
    return EMULATE_DONE;
}

static enum emulated rdtscp(struct emulation *e)
{
    enum emulated how = rdtsc_insn(e);

    if (how == EMULATE_DONE)
        e->regs->rcx = (u32)e->v->cpu.tsc_aux;
    return how;
}

/* What the processor checks, checked before it: a fault of the real one would be ours (XSA-54). */
static enum emulated xsetbv_insn(struct emulation *e)
{
    u64 value = edx_eax(e->regs);

    if (!(e->v->cpu.cr4 & CR4_OSXSAVE) || e->insn.lock || e->insn.operand_size == 2)
        return undefined(e->regs);
    if ((u32)e->regs->rcx != 0 || !fpu_xcr0_ok(value))
        return EMULATE_NO;
    guest_xcr0_set(e->v, value);
    return EMULATE_DONE;
}

/* 0f 01 with mod 3: reg and rm say which. */
static enum emulated group7(struct emulation *e)
{
    if (e->insn.mod != 3)
        return EMULATE_NO;
    switch ((e->insn.reg & 7) << 3 | (e->insn.rm & 7)) {
    case 2 << 3 | 1:
        return e->v->cpu.kernel_mode ? xsetbv_insn(e) : EMULATE_NO;
    case 7 << 3 | 1:
        return rdtscp(e);
    default:
        return EMULATE_NO;
    }
}

/* ---- The table ---- */

#define USER 1      /* also in guest user mode: the handler looks at the mode itself */

static const struct {
    emulate_fn *fn;
    u8 flags;
} one_byte[256] = {
    [0x6c ... 0x6f] = { string_io, USER },
    [0xe4 ... 0xe7] = { port_io, USER },
    [0xec ... 0xef] = { port_io, USER },
    [0xfa ... 0xfb] = { cli_sti, USER },
}, two_byte[256] = {
    [0x01] = { group7, USER },
    [0x06] = { clts, 0 },
    [0x09] = { wbinvd, 0 },
    [0x20] = { read_cr, 0 },
    [0x21] = { read_dr, 0 },
    [0x22] = { write_cr, 0 },
    [0x23] = { write_dr, 0 },
    [0x30] = { wrmsr_insn, 0 },
    [0x31] = { rdtsc_insn, USER },
    [0x32] = { rdmsr_insn, 0 },
};

/* What has no row, or no row for user mode, stays #GP: the tables are the whole list. */
static enum emulated dispatch(struct emulation *e)
{
    u16 op = e->insn.opcode;
    emulate_fn *fn = op & 0x100 ? two_byte[op & 0xff].fn : one_byte[op].fn;
    u8 flags = op & 0x100 ? two_byte[op & 0xff].flags : one_byte[op].flags;

    if (!fn || (!e->v->cpu.kernel_mode && !(flags & USER)))
        return EMULATE_NO;
    return fn(e);
}

/* The instruction is over: rip goes on; single-stepping and breakpoints on ports stop behind it. */
void emulate_finish(struct vcpu *v, struct cpu_regs *regs, u64 next)
{
    u64 dr6 = v->cpu.io_hits | (regs->rflags & RFLAGS_TF ? DR6_BS : 0);

    regs->rip = next;
    regs->rflags &= ~RFLAGS_RF;
    if (unlikely(dr6)) {
        v->cpu.io_hits = 0;
        v->cpu.debugreg[6] |= dr6;
        inject_trap(regs, X86_TRAP_DB, TRAP_NO_ERROR);
    }
}

/*
 * The code may change between the processor's fetch and ours, by another vCPU or a mapping: then
 * what we do is what stands there now. It never matters, since all that is done is allowed to the
 * mode that runs, whatever the instruction.
 */
bool emulate_privileged(struct vcpu *v, struct cpu_regs *regs)
{
    struct emulation e = { .v = v, .regs = regs };
    struct code code;
    enum emulated how;

    if (!find_code(v, regs, &code))
        return false;
    how = fetch(v, regs, &code, &e.insn);
    if (how == EMULATE_DONE) {
        e.long_mode = code.mode == MODE_64;
        how = dispatch(&e);
    }
    if (how == EMULATE_DONE) {
        u64 next = regs->rip + e.insn.len;

        emulate_finish(v, regs, e.long_mode ? next : (u32)next);
    } else if (how == EMULATE_PART && ((regs->rflags & RFLAGS_TF) || v->cpu.io_hits)) {
        emulate_finish(v, regs, regs->rip);
    }
    return how != EMULATE_NO;
}

enum emulated emulate_fetch(struct vcpu *v, struct cpu_regs *regs, struct insn *insn)
{
    struct code code;

    if (!find_code(v, regs, &code) || code.mode != MODE_64)
        return EMULATE_NO;
    return fetch(v, regs, &code, insn);
}

/* ---- CPUID behind the forced-emulation prefix: ud2, "xen", cpuid ---- */

#define FORCED_START 0x65780b0fu      /* ud2, 'x', 'e' */

/* In flat code four bytes tell, and most of what comes here is of this kind. */
static bool is_mere_ud2(const struct cpu_regs *regs)
{
    u32 start;

    return (u16)regs->cs == SEL_RING3_CS64 &&
           copy_from_guest_raw(&start, regs->rip, sizeof(start)) && start != FORCED_START;
}

bool emulate_forced_cpuid(struct vcpu *v, struct cpu_regs *regs)
{
    static const u8 prefix[5] = { 0x0f, 0x0b, 'x', 'e', 'n' }, insn[2] = { 0x0f, 0xa2 };
    struct code code;
    struct cpuid_regs r;
    u8 bytes[7];

    if (is_mere_ud2(regs) || !find_code(v, regs, &code) || code.room < sizeof(bytes))
        return false;
    if (!copy_from_guest_raw(bytes, code.addr, sizeof(prefix)) ||
        memcmp(bytes, prefix, sizeof(prefix)) != 0)
        return false;
    if (!copy_from_guest_raw(bytes, code.addr + sizeof(prefix), sizeof(insn))) {
        emulate_page_fault(v, regs, code.addr + sizeof(prefix), PF_FETCH);
        return true;
    }
    if (memcmp(bytes, insn, sizeof(insn)) != 0)
        return false;
    r = guest_cpuid(v, (u32)regs->rax, (u32)regs->rcx);
    regs->rax = r.a;
    regs->rbx = r.b;
    regs->rcx = r.c;
    regs->rdx = r.d;
    emulate_finish(v, regs, regs->rip + sizeof(prefix) + sizeof(insn));
    return true;
}
