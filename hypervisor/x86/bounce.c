/* SPDX-License-Identifier: MIT */
/*
 * Frames onto guest stacks: how a guest learns of exceptions, events and system calls.
 *
 * The frame, ascending from the new stack pointer (ABI, 64-bit PV):
 *
 *      rcx, r11, [error code], rip, cs | saved event mask << 32, rflags, rsp, ss
 *
 * From guest user mode the vCPU first changes to kernel mode, and the frame goes to kernel_sp;
 * from kernel mode it goes on at the current stack, aligned down to 16. The guest kernel sees
 * itself at ring 0: its cs is shown with RPL 0. A frame that can't be stored has no one to tell:
 * the domain crashes. All of the frame's range is checked ahead of its first word, and nothing but
 * the mode changes before the last one is stored.
 */
#include "domain/domain.h"
#include "x86/guest_mode.h"

#define FRAME_WORDS 8       /* with an error code */
#define TRAP_MASKS_EVENTS 4 /* in trap_info.flags: the handler starts with events masked */

/*
 * The flags as the guest's handler is to see them: IF is its event mask (0: open), and IOPL its
 * own, if it asked to see it. The real ones are always 1 and 0.
 */
static u64 shown_rflags(const struct vcpu *v, const struct cpu_regs *regs, u64 event_mask)
{
    u64 rflags = regs->rflags & ~(RFLAGS_IF | RFLAGS_IOPL);

    if (!event_mask)
        rflags |= RFLAGS_IF;
    if (vm_assist(v->domain, VMASST_TYPE_architectural_iopl))
        rflags |= (u64)v->cpu.iopl << RFLAGS_IOPL_SHIFT;
    return rflags;
}

/*
 * To kernel mode, for a handler: where its stack begins, and *@cs as the guest is to see it, the
 * event mask above it.
 */
static inline u64 handler_stack(struct vcpu *v, const struct cpu_regs *regs, u64 event_mask,
                                u64 *cs)
{
    if (v->cpu.kernel_mode) {
        *cs = (regs->cs & 0xfffc) | event_mask << 32;
        return regs->rsp & ~15ul;
    }
    *cs = (regs->cs & 0xffff) | event_mask << 32;
    change_mode(v);
    return v->cpu.kernel_sp & ~15ul;
}

/* The frame is stored at @sp: from now on the guest is in its handler. */
static void enter_handler(struct vcpu *v, struct cpu_regs *regs, u64 sp, u64 handler, bool mask)
{
    regs->rsp = sp;
    regs->rip = handler;
    regs->cs = SEL_RING3_CS64;
    regs->ss = SEL_RING3_DS;
    regs->rflags &= ~(RFLAGS_TF | RFLAGS_RF | RFLAGS_NT | RFLAGS_VM | RFLAGS_AC);
    /* Handlers take rcx and r11 from the frame, so the quick way out may spoil them. */
    regs->entry_vector = ENTRY_SYSCALL;
    if (mask)
        v->info->evtchn_upcall_mask = 1;
}

/*
 * Hot: each exception, event and system call of a guest. The frame is stored word by word from the
 * registers, with one check of the range and one window in SMAP around all of it.
 *
 * @mask: the handler starts with its events masked. The mask is read once, ahead of the frame: the
 * guest's other vCPUs may write it, and what the frame says is then what was.
 */
static void deliver(struct vcpu *v, struct cpu_regs *regs, u64 handler, bool mask, s64 error_code)
{
    u64 *top, *sp;
    u64 event_mask, cs;

    if (handler == 0) {
        domain_crash(v->domain, "no handler for vector or callback %#x", regs->entry_vector);
        return;
    }
    event_mask = READ_ONCE(v->info->evtchn_upcall_mask);
    top = (u64 *)handler_stack(v, regs, event_mask, &cs);
    if (!guest_range_ok((unsigned long)(top - FRAME_WORDS), FRAME_WORDS * sizeof(u64)))
        goto no_stack;
    guest_access_begin();
    put_guest_word(top - 1, regs->ss & 0xffff, fault);
    put_guest_word(top - 2, regs->rsp, fault);
    put_guest_word(top - 3, shown_rflags(v, regs, event_mask), fault);
    put_guest_word(top - 4, cs, fault);
    put_guest_word(top - 5, regs->rip, fault);
    sp = top - 7;
    if (error_code != TRAP_NO_ERROR) {
        put_guest_word(top - 6, (u32)error_code, fault);
        sp = top - 8;
    }
    put_guest_word(sp + 1, regs->r11, fault);
    put_guest_word(sp, regs->rcx, fault);
    guest_access_end();
    enter_handler(v, regs, (u64)sp, handler, mask);
    return;

fault:
    guest_access_end();
no_stack:
    domain_crash(v->domain, "stack at %#lx can't take a frame", (unsigned long)top);
}

static inline void inject(struct vcpu *v, struct cpu_regs *regs, u8 vector, s64 error_code)
{
    const struct trap_info *t = &v->cpu.traps[vector];

    deliver(v, regs, t->address, t->flags & TRAP_MASKS_EVENTS, error_code);
}

void inject_trap(struct cpu_regs *regs, u8 vector, s64 error_code)
{
    inject(current, regs, vector, error_code);
}

void inject_gp(struct cpu_regs *regs, u32 error_code)
{
    inject_trap(regs, X86_TRAP_GP, error_code);
}

/*
 * cr2 goes where the ABI has it, in vcpu_info: nothing of the guest's can be between it and the
 * frame.
 */
void inject_page_fault(struct cpu_regs *regs, u64 cr2, u32 error_code)
{
    struct vcpu *v = current;

    /* All guest code runs in ring 3: which of its two worlds it was is ours to say. */
    error_code &= ~PF_USER;
    if (!v->cpu.kernel_mode)
        error_code |= PF_USER;
    v->info->arch.cr2 = cr2;
    inject(v, regs, X86_TRAP_PF, error_code);
}

void deliver_upcall(struct vcpu *v, struct cpu_regs *regs)
{
    deliver(v, regs, v->cpu.event_callback, true, TRAP_NO_ERROR);
}

/* Masked until the handler's iret, as the real one is; a second one waits. */
void deliver_nmi(struct vcpu *v, struct cpu_regs *regs)
{
    v->cpu.nmi_pending = false;
    v->cpu.nmi_masked = true;
    inject_trap(regs, X86_TRAP_NMI, TRAP_NO_ERROR);
}

/* ---- System calls of guest user code: called from entry.S ---- */

/*
 * A system call that the guest kernel takes no calls of: #UD at the instruction itself, two bytes
 * back, as if it did not exist.
 */
static void refuse_syscall(struct cpu_regs *regs)
{
    regs->rip -= 2;
    inject_trap(regs, X86_TRAP_UD, TRAP_NO_ERROR);
}

/* Hot: each system call of a guest's programs. */
void guest_syscall(struct cpu_regs *regs)
{
    struct vcpu *v = current;

    if (v->cpu.syscall_callback == 0)
        refuse_syscall(regs);
    else
        deliver(v, regs, v->cpu.syscall_callback, v->cpu.syscall_masks_events, TRAP_NO_ERROR);
}

void guest_syscall32(struct cpu_regs *regs)
{
    struct vcpu *v = current;

    if (v->cpu.syscall32_callback == 0)
        refuse_syscall(regs);
    else
        deliver(v, regs, v->cpu.syscall32_callback, v->cpu.syscall32_masks_events, TRAP_NO_ERROR);
}

/*
 * Nothing says where the instruction was (entry.S), so it can't be refused as if it did not exist:
 * #GP, as where the MSRs are not set.
 */
void guest_sysenter(struct cpu_regs *regs)
{
    struct vcpu *v = current;

    if (v->cpu.sysenter_callback == 0)
        inject_gp(regs, 0);
    else
        deliver(v, regs, v->cpu.sysenter_callback, v->cpu.sysenter_masks_events, TRAP_NO_ERROR);
}

/* Eleven words: the data segments, too, for the guest to find out which could not be loaded. */
void deliver_failsafe(struct vcpu *v, struct cpu_regs *regs)
{
    u64 event_mask = READ_ONCE(v->info->evtchn_upcall_mask), cs;
    u64 sp = handler_stack(v, regs, event_mask, &cs);
    u64 frame[11] = {
        regs->rcx, regs->r11, v->cpu.ds, v->cpu.es, v->cpu.fs, v->cpu.gs, regs->rip, cs,
        shown_rflags(v, regs, event_mask), regs->rsp, regs->ss & 0xffff,
    };

    sp -= sizeof(frame);
    v->cpu.failsafe_pending = false;
    if (v->cpu.failsafe_callback == 0 || !copy_to_guest_raw(sp, frame, sizeof(frame))) {
        domain_crash(v->domain, "no way to deliver the failsafe callback");
        return;
    }
    enter_handler(v, regs, sp, v->cpu.failsafe_callback, v->cpu.failsafe_masks_events);
}
