/* SPDX-License-Identifier: MIT */
/*
 * Changes between the guest's kernel and user mode, and the iret hypercall: back from a handler to
 * either.
 */
#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "x86/guest_mode.h"

void toggle_guest_mode(struct vcpu *v)
{
    change_mode(v);
}

/* What iret finds on the stack, ascending (ABI: struct iret_context). */
struct iret_frame {
    u64 rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

/*
 * False: the frame can't be read. What is taken as it is goes to its place at once: the domain
 * crashes if the rest can't be read.
 */
static inline bool read_iret_frame(struct cpu_regs *regs, struct iret_frame *f)
{
    const struct iret_frame *from = (const struct iret_frame *)regs->rsp;

    if (!guest_range_ok(regs->rsp, sizeof(*from)))
        return false;
    guest_access_begin();
    f->rax = get_guest_word(&from->rax, fault);
    regs->r11 = get_guest_word(&from->r11, fault);
    regs->rcx = get_guest_word(&from->rcx, fault);
    f->flags = get_guest_word(&from->flags, fault);
    regs->rip = get_guest_word(&from->rip, fault);
    f->cs = get_guest_word(&from->cs, fault);
    f->rflags = get_guest_word(&from->rflags, fault);
    f->ss = get_guest_word(&from->ss, fault);
    regs->rsp = get_guest_word(&from->rsp, fault);
    guest_access_end();
    return true;

fault:
    guest_access_end();
    return false;
}

/*
 * Hot: the end of each handler of a guest. Nothing of the frame is checked here but that it can be
 * read, and that user mode has a root: the selectors and rip are for the processor to refuse, when
 * it leaves by IRET (traps.c). Of the flags those that would have power over the host are not the
 * guest's: IF stays set, IOPL 0 (XSA-202).
 *
 * The event mask comes from the frame's IF. Where that opens it, an event that has come meanwhile
 * is delivered on this very way out, before the guest's next instruction.
 *
 * The result is the context's rax, whatever number that is; hypercall_entry() and multicall know.
 */
long do_iret(void)
{
    struct vcpu *v = current;
    struct cpu_regs *regs = guest_regs();
    struct iret_frame f;

    if (!read_iret_frame(regs, &f)) {
        domain_crash(v->domain, "iret: no frame at %#lx", (unsigned long)regs->rsp);
        return 0;
    }
    if ((f.cs & 3) == 3) {
        if (mfn_eq(v->user_root, INVALID_MFN)) {
            domain_crash(v->domain, "iret: to user mode without a user page table");
            return 0;
        }
        change_mode(v);
    }
    if (vm_assist(v->domain, VMASST_TYPE_architectural_iopl))
        v->cpu.iopl = f.rflags >> RFLAGS_IOPL_SHIFT & 3;
    regs->cs = (f.cs & 0xffff) | 3;
    regs->rflags = (f.rflags & ~(RFLAGS_IOPL | RFLAGS_VM)) | RFLAGS_IF | 2;
    regs->ss = (f.ss & 0xffff) | 3;
    if (f.flags & VGCF_IN_SYSCALL) {
        /* The guest says that its user code expects SYSRET's selectors, rcx and r11. */
        regs->cs = SEL_RING3_CS64;
        regs->ss = SEL_RING3_DS;
        regs->entry_vector = ENTRY_SYSCALL;
    } else {
        regs->entry_vector = 0;
    }
    v->info->evtchn_upcall_mask = !(f.rflags & RFLAGS_IF);
    if (v->cpu.nmi_masked) {
        v->cpu.nmi_masked = false;
        if (v->cpu.nmi_pending)
            raise_softirq(SOFTIRQ_EXIT);
    }
    return (long)f.rax;
}
