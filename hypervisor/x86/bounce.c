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
 * the domain crashes. Writes go through checked copies; nothing changes before the frame is
 * stored.
 */
#include "domain/domain.h"
#include "x86/guest_mode.h"

#define BOUNCE_MASK_EVENTS 1u
#define BOUNCE_ERROR_CODE  2u

struct bounce {
    u64 handler;
    u64 error_code;
    unsigned int flags;     /* BOUNCE_ */
};

static u64 shown_rflags(const struct vcpu *v, const struct cpu_regs *regs)
{
    u64 rflags = regs->rflags & ~(RFLAGS_IF | RFLAGS_IOPL);

    if (!v->info->evtchn_upcall_mask)
        rflags |= RFLAGS_IF;
    if (vm_assist(v->domain, VMASST_TYPE_architectural_iopl))
        rflags |= (u64)v->cpu.iopl << 12;
    return rflags;
}

/* The frame as it is for vectors without an error code: the third word left out. */
static bool store_without_error(u64 sp, u64 *frame)
{
    frame[2] = frame[1];
    frame[1] = frame[0];
    return copy_to_guest_raw(sp, &frame[1], 7 * sizeof(u64));
}

static void deliver(struct vcpu *v, struct cpu_regs *regs, const struct bounce *b)
{
    bool user = !v->cpu.kernel_mode;
    u64 cs = regs->cs & 0xffff, mask = v->info->evtchn_upcall_mask;
    bool error = b->flags & BOUNCE_ERROR_CODE;
    u64 sp, frame[8] = {
        regs->rcx, regs->r11, b->error_code, regs->rip, (user ? cs : cs & ~3ull) | mask << 32,
        shown_rflags(v, regs), regs->rsp, regs->ss & 0xffff,
    };

    if (b->handler == 0) {
        domain_crash(v->domain, "no handler for vector or callback %#x", regs->entry_vector);
        return;
    }
    if (user)
        toggle_guest_mode(v);
    sp = ((user ? v->cpu.kernel_sp : regs->rsp) & ~15ull) - (error ? 8 : 7) * sizeof(u64);
    if (error ? !copy_to_guest_raw(sp, frame, 8 * sizeof(u64)) : !store_without_error(sp, frame)) {
        domain_crash(v->domain, "stack at %#lx can't take a frame", (unsigned long)sp);
        return;
    }
    regs->rsp = sp;
    regs->rip = b->handler;
    regs->cs = SEL_RING3_CS64;
    regs->ss = SEL_RING3_DS;
    regs->rflags &= ~(RFLAGS_TF | RFLAGS_RF | RFLAGS_NT | RFLAGS_VM | RFLAGS_AC);
    /* Handlers take rcx and r11 from the frame, so the quick way out may spoil them. */
    regs->entry_vector = ENTRY_SYSCALL;
    if (b->flags & BOUNCE_MASK_EVENTS)
        v->info->evtchn_upcall_mask = 1;
}

void inject_trap(struct cpu_regs *regs, u8 vector, s64 error_code)
{
    struct vcpu *v = current;
    const struct trap_info *t = &v->cpu.traps[vector];
    struct bounce b = {
        .handler = t->address,
        .flags = t->flags & 4 ? BOUNCE_MASK_EVENTS : 0,
    };

    if (error_code != TRAP_NO_ERROR) {
        b.error_code = (u32)error_code;
        b.flags |= BOUNCE_ERROR_CODE;
    }
    deliver(v, regs, &b);
}

void inject_gp(struct cpu_regs *regs, u32 error_code)
{
    inject_trap(regs, X86_TRAP_GP, error_code);
}

void inject_page_fault(struct cpu_regs *regs, u64 cr2, u32 error_code)
{
    struct vcpu *v = current;

    /* All guest code runs in ring 3: which of its two worlds it was is ours to say. */
    error_code &= ~PF_USER;
    if (!v->cpu.kernel_mode)
        error_code |= PF_USER;
    v->info->arch.cr2 = cr2;
    inject_trap(regs, X86_TRAP_PF, error_code);
}

void deliver_upcall(struct vcpu *v, struct cpu_regs *regs)
{
    struct bounce b = { .handler = v->cpu.event_callback, .flags = BOUNCE_MASK_EVENTS };

    deliver(v, regs, &b);
}

void deliver_nmi(struct vcpu *v, struct cpu_regs *regs)
{
    v->cpu.nmi_pending = false;
    v->cpu.nmi_masked = true;
    inject_trap(regs, X86_TRAP_NMI, TRAP_NO_ERROR);
}

/* ---- System calls of guest user code: called from entry.S ---- */

static void deliver_syscall(struct vcpu *v, struct cpu_regs *regs, u64 handler, bool masks)
{
    struct bounce b = { .handler = handler, .flags = masks ? BOUNCE_MASK_EVENTS : 0 };

    deliver(v, regs, &b);
}

/* A system call that the guest kernel takes no calls of: #UD at the instruction itself. */
static void refuse_syscall(struct cpu_regs *regs)
{
    regs->rip -= 2;
    inject_trap(regs, X86_TRAP_UD, TRAP_NO_ERROR);
}

void guest_syscall(struct cpu_regs *regs)
{
    struct vcpu *v = current;

    if (v->cpu.syscall_callback == 0)
        refuse_syscall(regs);
    else
        deliver_syscall(v, regs, v->cpu.syscall_callback, v->cpu.syscall_masks_events);
}

void guest_syscall32(struct cpu_regs *regs)
{
    struct vcpu *v = current;

    if (v->cpu.syscall32_callback == 0)
        refuse_syscall(regs);
    else
        deliver_syscall(v, regs, v->cpu.syscall32_callback, v->cpu.syscall32_masks_events);
}

void guest_sysenter(struct cpu_regs *regs)
{
    struct vcpu *v = current;

    if (v->cpu.sysenter_callback == 0)
        inject_gp(regs, 0);
    else
        deliver_syscall(v, regs, v->cpu.sysenter_callback, v->cpu.sysenter_masks_events);
}

/* Eleven words: the data segments, too, for the guest to find out which could not be loaded. */
void deliver_failsafe(struct vcpu *v, struct cpu_regs *regs)
{
    bool user = !v->cpu.kernel_mode;
    u64 cs = regs->cs & 0xffff, mask = v->info->evtchn_upcall_mask;
    u64 frame[11] = {
        regs->rcx, regs->r11, v->cpu.ds, v->cpu.es, v->cpu.fs, v->cpu.gs,
        regs->rip, (user ? cs : cs & ~3ull) | mask << 32, shown_rflags(v, regs), regs->rsp,
        regs->ss & 0xffff,
    };
    u64 sp;

    v->cpu.failsafe_pending = false;
    if (user)
        toggle_guest_mode(v);
    sp = ((user ? v->cpu.kernel_sp : regs->rsp) & ~15ull) - sizeof(frame);
    if (v->cpu.failsafe_callback == 0 || !copy_to_guest_raw(sp, frame, sizeof(frame))) {
        domain_crash(v->domain, "no way to deliver the failsafe callback");
        return;
    }
    regs->rsp = sp;
    regs->rip = v->cpu.failsafe_callback;
    regs->cs = SEL_RING3_CS64;
    regs->ss = SEL_RING3_DS;
    regs->rflags &= ~(RFLAGS_TF | RFLAGS_RF | RFLAGS_NT | RFLAGS_VM | RFLAGS_AC);
    regs->entry_vector = ENTRY_SYSCALL;
    if (v->cpu.failsafe_masks_events)
        v->info->evtchn_upcall_mask = 1;
}
