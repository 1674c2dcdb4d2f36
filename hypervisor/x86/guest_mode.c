/* SPDX-License-Identifier: MIT */
/*
 * The two ring-3 worlds of a guest, kernel and user, and the iret hypercall between them.
 *
 * Each world has its own page-table root and GS base; which one runs is a bit of ours. While a
 * vCPU is loaded, GS_BASE is the running world's and KERNEL_GS_BASE the other's, so that a change
 * is one swapgs and one load of CR3.
 */
#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "x86/guest_mode.h"

void toggle_guest_mode(struct vcpu *v)
{
    mfn_t root;

    v->cpu.kernel_mode = !v->cpu.kernel_mode;
    root = v->cpu.kernel_mode ? v->kernel_root : v->user_root;
    __asm__ volatile("swapgs" ::: "memory");
    /* Not noted as a flush: that only costs one more, later (mm/tlb.c). */
    write_cr3(mfn_to_maddr(root).v);
}

/* What iret finds on the stack, ascending (ABI: struct iret_context). */
struct iret_frame {
    u64 rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

long do_iret(void)
{
    struct vcpu *v = current;
    struct cpu_regs *regs = guest_regs();
    struct iret_frame f;

    if (!copy_from_guest_raw(&f, regs->rsp, sizeof(f))) {
        domain_crash(v->domain, "iret: no frame at %#lx", (unsigned long)regs->rsp);
        return 0;
    }
    if ((f.cs & 3) == 3) {
        if (mfn_eq(v->user_root, INVALID_MFN)) {
            domain_crash(v->domain, "iret: to user mode without a user page table");
            return 0;
        }
        toggle_guest_mode(v);
    }
    if (vm_assist(v->domain, VMASST_TYPE_architectural_iopl))
        v->cpu.iopl = f.rflags >> 12 & 3;
    regs->rip = f.rip;
    regs->cs = (f.cs & 0xffff) | 3;
    regs->rflags = (f.rflags & ~(RFLAGS_IOPL | RFLAGS_VM)) | RFLAGS_IF | 2;
    regs->rsp = f.rsp;
    regs->ss = (f.ss & 0xffff) | 3;
    if (f.flags & VGCF_IN_SYSCALL) {
        /* The guest says that its user code expects SYSRET's selectors, rcx and r11. */
        regs->cs = SEL_RING3_CS64;
        regs->ss = SEL_RING3_DS;
        regs->entry_vector = ENTRY_SYSCALL;
    } else {
        regs->entry_vector = 0;
        regs->r11 = f.r11;
        regs->rcx = f.rcx;
    }
    v->info->evtchn_upcall_mask = !(f.rflags & RFLAGS_IF);
    if (v->cpu.nmi_masked) {
        v->cpu.nmi_masked = false;
        if (v->cpu.nmi_pending)
            raise_softirq(SOFTIRQ_EXIT);
    }
    return (long)f.rax;
}
