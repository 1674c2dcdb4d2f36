/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: a guest's, which are given to the guest or answered for it, and our own, which have a
 * fixup or are a bug.
 *
 * The table says for each vector its name and what we try first for a guest; what that leaves
 * goes to the guest's own handler, with the error code if the vector has one.
 */
#include "domain/domain.h"
#include "lib/string.h"
#include "x86/extable.h"
#include "x86/guest_mode.h"
#include "x86/offsets.h"
#include "x86/rules.h"

BUILD_ASSERT(offsetof(struct cpu_regs, error_code) == REGS_ERROR_CODE);
BUILD_ASSERT(offsetof(struct cpu_regs, entry_vector) == REGS_VECTOR);
BUILD_ASSERT(offsetof(struct cpu_regs, rip) == REGS_RIP);
BUILD_ASSERT(offsetof(struct cpu_regs, cs) == REGS_CS);
BUILD_ASSERT(offsetof(struct cpu_regs, rflags) == REGS_RFLAGS);
BUILD_ASSERT(offsetof(struct cpu_regs, rsp) == REGS_RSP);
BUILD_ASSERT(offsetof(struct cpu_regs, ss) == REGS_SS);
BUILD_ASSERT(sizeof(struct cpu_regs) == REGS_SIZE);
BUILD_ASSERT(offsetof(struct cpu_info, vcpu) == INFO_CURRENT);
BUILD_ASSERT(offsetof(struct cpu_info, softirqs) == INFO_SOFTIRQS);
BUILD_ASSERT(sizeof(struct cpu_info) == INFO_SIZE);
BUILD_ASSERT(offsetof(struct vcpu, info) == VCPU_INFO);
BUILD_ASSERT(offsetof(struct vcpu, cpu.kernel_mode) == VCPU_KERNEL_MODE);
BUILD_ASSERT(offsetof(struct vcpu_info, evtchn_upcall_pending) == VINFO_UPCALL_PENDING);
BUILD_ASSERT(offsetof(struct vcpu_info, evtchn_upcall_mask) == VINFO_UPCALL_MASK);
BUILD_ASSERT(SEL_CS64 == SEL_RING3_CS64 && SEL_CS32 == SEL_RING3_CS32);
BUILD_ASSERT(SEL_DS == SEL_RING3_DS && SEL_HV == SEL_HV_CS);

/* ---- What is tried for a guest before its own handler gets the exception ---- */

/*
 * Of the running vCPU. True: that was all, @regs are as they shall be. False: its handler gets it.
 */

#define DR6_HITS 0xf00ful    /* B0-B3, BD, BS, BT: what the processor adds, and never clears */

typedef bool try_fn(struct vcpu *v, struct cpu_regs *regs);

/*
 * DR6 says why, and the processor only ever adds to it: what it shows is gathered in the guest's
 * own copy, which the guest clears, and the real one is made ready for the next time.
 */
static bool try_debug(struct vcpu *v, struct cpu_regs *regs)
{
    u64 dr6 = read_dr6();

    v->cpu.debugreg[6] |= dr6 & DR6_HITS;
    write_dr6(DR6_ONES);
    return false;
}

static bool try_nmi(struct vcpu *v, struct cpu_regs *regs)
{
    return true;    /* the machine's own NMI: none of the guest's, and nothing here raises one */
}

/* The ABI: the guest's first use of the FPU clears its TS, and its handler finds it clear. */
static bool try_device_not_available(struct vcpu *v, struct cpu_regs *regs)
{
    guest_set_ts(v, false);
    return false;
}

/*
 * `int n` for a vector whose gate is ours alone arrives as #GP with the vector in the error code.
 * The guest's table says whether its kernel (1, 2) or also its user code (3) may raise it.
 */
static bool try_software_interrupt(struct vcpu *v, struct cpu_regs *regs)
{
    u8 vector = (u8)(regs->error_code >> 3);
    const struct trap_info *t = &v->cpu.traps[vector];
    unsigned int dpl = t->flags & 3;

    if (t->address == 0 || dpl < (v->cpu.kernel_mode ? 1 : 3))
        return false;
    regs->rip += 2;
    inject_trap(regs, vector, TRAP_NO_ERROR);
    return true;
}

#define GP_IDT 2u       /* the error code names an IDT entry */

/* A #GP with another error code names a selector: the guest's own affair. */
static bool try_general_protection(struct vcpu *v, struct cpu_regs *regs)
{
    if ((regs->error_code & 7) == GP_IDT)
        return try_software_interrupt(v, regs);
    return regs->error_code == 0 && emulate_privileged(v, regs);
}

/*
 * A fault in the LDT window, by the guest's own load of a selector or by ours on its behalf. True:
 * the access can be made again. False: the fault is the guest's, and *@cr2 where it sees it, since
 * the window stands for its own LDT.
 */
static bool ldt_page_brought(struct vcpu *v, u64 *cr2)
{
    u64 offset = *cr2 - LDT_WINDOW(this_cpu_id());

    if (likely(offset >= LDT_WINDOW_SIZE))
        return false;
    if (guest_ldt_fault(v, *cr2) != -EFAULT)
        return true;
    *cr2 = v->cpu.ldt_base + offset;
    return false;
}

/*
 * Hot. Three things may stand behind it: the LDT window, a store into a page table that the guest
 * may think writable, or what most are, the guest's own fault. A reserved bit in a table can't come
 * from a guest, whose entries are all judged: it is our bug.
 */
static bool try_page_fault(struct vcpu *v, struct cpu_regs *regs)
{
    u64 cr2 = read_cr2();

    BUG_ON(regs->error_code & PF_RESERVED);
    if (unlikely(ldt_page_brought(v, &cr2)))
        return true;
    if ((regs->error_code & (PF_PRESENT | PF_WRITE)) == (PF_PRESENT | PF_WRITE) &&
        v->cpu.kernel_mode && emulate_pte_write(v, regs, cr2))
        return true;
    inject_page_fault(regs, cr2, regs->error_code);
    return true;
}

/* Nothing that a guest can cause, and nothing that can be gone on from. */
static bool try_machine_check(struct vcpu *v, struct cpu_regs *regs)
{
    dump_regs(regs);
    panic("machine check");
}

static bool try_double_fault(struct vcpu *v, struct cpu_regs *regs)
{
    dump_regs(regs);
    BUG();      /* a guest's own faults never nest: ours did */
}

/* error_code: the processor pushes one, and so does the frame that the guest gets. */
static const struct vector {
    const char *name;
    try_fn *first;
    bool error_code;
} vectors[32] = {
    [X86_TRAP_DE] = { .name = "divide error" },
    [X86_TRAP_DB] = { .name = "debug", .first = try_debug },
    [X86_TRAP_NMI] = { .name = "NMI", .first = try_nmi },
    [X86_TRAP_BP] = { .name = "breakpoint" },
    [X86_TRAP_OF] = { .name = "overflow" },
    [X86_TRAP_BR] = { .name = "bound range" },
    [X86_TRAP_UD] = { .name = "invalid opcode", .first = emulate_forced_cpuid },
    [X86_TRAP_NM] = { .name = "device not available", .first = try_device_not_available },
    [X86_TRAP_DF] = { .name = "double fault", .first = try_double_fault, .error_code = true },
    [X86_TRAP_TS] = { .name = "invalid TSS", .error_code = true },
    [X86_TRAP_NP] = { .name = "segment not present", .error_code = true },
    [X86_TRAP_SS] = { .name = "stack fault", .error_code = true },
    [X86_TRAP_GP] = {
        .name = "general protection", .first = try_general_protection, .error_code = true
    },
    [X86_TRAP_PF] = { .name = "page fault", .first = try_page_fault, .error_code = true },
    [X86_TRAP_MF] = { .name = "x87 error" },
    [X86_TRAP_AC] = { .name = "alignment check", .error_code = true },
    [X86_TRAP_MC] = { .name = "machine check", .first = try_machine_check },
    [X86_TRAP_XM] = { .name = "SIMD error" },
    [X86_TRAP_CP] = { .name = "control protection", .error_code = true },
};

/* `int $0x80` has a gate of its own that ring 3 may use; without a handler it is a #GP. */
static void guest_int80(struct vcpu *v, struct cpu_regs *regs)
{
    const struct trap_info *t = &v->cpu.traps[0x80];

    if (t->address != 0 && (t->flags & 3) >= (v->cpu.kernel_mode ? 1 : 3)) {
        inject_trap(regs, 0x80, TRAP_NO_ERROR);
    } else {
        regs->rip -= 2;
        inject_gp(regs, 0x80 << 3 | GP_IDT);
    }
}

/*
 * A vector below 32 without a row is one that no processor raises. Not inline: `int $0x80` would
 * save the registers that this one needs.
 */
static __attribute__((noinline)) void guest_exception(struct vcpu *v, struct cpu_regs *regs,
                                                      unsigned int vector)
{
    const struct vector *e = &vectors[vector];
    s64 error_code;

    BUG_ON(vector >= ARRAY_SIZE(vectors) || e->name == NULL);
    error_code = e->error_code ? (s64)regs->error_code : TRAP_NO_ERROR;
    if (e->first == NULL || !e->first(v, regs))
        inject_trap(regs, (u8)vector, error_code);
}

/* From entry.S: an exception of ring 3, on any stack; the frame is at the top of the main one. */
void guest_trap(struct cpu_regs *regs)
{
    unsigned int vector = regs->entry_vector;

    if (vector == 0x80)
        guest_int80(current, regs);
    else
        guest_exception(current, regs, vector);
}

/* ---- Our own ---- */

extern const char guest_iretq[];
extern const struct extable_entry __extable_start[], __extable_end[];

/*
 * The last instruction before a guest found its cs, ss or rip unfit, or their descriptors in an LDT
 * page that nobody has touched yet. Its general registers were loaded already and are in our frame;
 * the rest is still at the top of the stack. After a page was brought, the way out begins again,
 * softirqs first.
 */
static noreturn void guest_return_fault(const struct cpu_regs *regs)
{
    struct cpu_regs *guest = guest_regs(), fault = *regs;   /* the two frames overlap */
    u64 cr2 = read_cr2();

    memcpy(guest, &fault, offsetof(struct cpu_regs, rip));
    if (fault.entry_vector != X86_TRAP_PF)
        inject_trap(guest, (u8)fault.entry_vector, (s64)fault.error_code);
    else if (!ldt_page_brought(current, &cr2))
        inject_page_fault(guest, cr2, fault.error_code);
    return_to_guest();
}

/* An access that has a place to go on in the table (extable.h) goes on there. */
static bool fixup(struct cpu_regs *regs)
{
    u64 to = extable_lookup(__extable_start, __extable_end, regs->rip);

    if (to == 0)
        return false;
    regs->rip = to;
    return true;
}

/*
 * #DB of ours: a data breakpoint of the guest hit by our copy, or one held back by mov ss
 * (XSA-260).
 */
static bool hv_debug(void)
{
    write_dr6(DR6_ONES);
    return true;
}

static bool hv_page_fault(struct cpu_regs *regs)
{
    /*
     * A segment load of the guest's selector may touch an LDT page that is not mapped yet. One that
     * can't be had at once counts as bad: here is no place to wait.
     */
    if (current != NULL && guest_ldt_fault(current, read_cr2()) == 0)
        return true;
    return fixup(regs);
}

/*
 * What a guest's memory, selector or return frame can make of our own access. Any other vector is
 * none of the guest's, wherever it comes: a #MC just at our IRET ends the machine, too.
 */
static bool hv_fault_expected(struct cpu_regs *regs)
{
    switch (regs->entry_vector) {
    case X86_TRAP_NP:
    case X86_TRAP_SS:
    case X86_TRAP_GP:
    case X86_TRAP_PF:
        if (regs->rip == (u64)guest_iretq)
            guest_return_fault(regs);
        return regs->entry_vector == X86_TRAP_PF ? hv_page_fault(regs) : fixup(regs);
    default:
        return false;
    }
}

/*
 * From entry.S: an exception of ring 0. What is not expected is our bug, and stops the machine with
 * all that is known; nothing is tried to save it.
 */
void hv_trap(struct cpu_regs *regs)
{
    unsigned int vector = regs->entry_vector;

    if (vector == X86_TRAP_NMI || (vector == X86_TRAP_DB && hv_debug()))
        return;
    if (hv_fault_expected(regs))
        return;
    console_emergency();
    pr_err("BUG: %s (vector %u, error %#x) in the hypervisor, CPU %u\n",
           vector < ARRAY_SIZE(vectors) && vectors[vector].name ? vectors[vector].name : "trap",
           vector, regs->error_code, this_cpu_id());
    dump_regs(regs);
    bug_stop();
}
