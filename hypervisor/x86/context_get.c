/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's whole state as the toolstack gets it: what context.c takes, the other way round. Given
 * back to a fresh vCPU of an equal domain, it goes on where this one stopped.
 *
 * The vCPU is off every CPU, so v->cpu holds all of it.
 */
#include "domain/domain.h"
#include "lib/string.h"
#include "x86/guest_mode.h"
#include "x86/platform.h"

/* The frame as the guest would know it: the real selectors, and its own IOPL. */
static void get_registers(const struct guest_cpu *c, struct cpu_user_regs *u)
{
    const struct cpu_regs *r = &c->regs;

    u->r15 = r->r15, u->r14 = r->r14, u->r13 = r->r13, u->r12 = r->r12;
    u->r11 = r->r11, u->r10 = r->r10, u->r9 = r->r9, u->r8 = r->r8;
    u->rax = r->rax, u->rbx = r->rbx, u->rcx = r->rcx, u->rdx = r->rdx;
    u->rsi = r->rsi, u->rdi = r->rdi, u->rbp = r->rbp;
    u->rip = r->rip, u->rsp = r->rsp;
    u->cs = (u16)r->cs;
    u->ss = (u16)r->ss;
    /* The real IOPL is always 0; the guest's own is a number of ours. */
    u->rflags = r->rflags | (u64)c->iopl << RFLAGS_IOPL_SHIFT;
    u->ds = c->ds, u->es = c->es, u->fs = c->fs, u->gs = c->gs;
}

/* There is always an FPU image: guests start with one. Whether it is up the caller adds. */
static u64 get_flags(const struct guest_cpu *c)
{
    u64 flags = VGCF_i387_valid;

    if (c->kernel_mode)
        flags |= VGCF_in_kernel;
    if (c->failsafe_masks_events)
        flags |= VGCF_failsafe_disables_events;
    if (c->syscall_masks_events)
        flags |= VGCF_syscall_disables_events;
    return flags;
}

static u64 root_cr3(mfn_t root)
{
    return mfn_eq(root, INVALID_MFN) ? 0 : xen_pfn_to_cr3(root.v);
}

void guest_cpu_get_context(const struct vcpu *v, struct vcpu_guest_context *ctx)
{
    const struct guest_cpu *c = &v->cpu;

    fpu_get_state(v, &ctx->fpu_ctxt);
    ctx->flags = get_flags(c);
    get_registers(c, &ctx->user_regs);
    memcpy(ctx->trap_ctxt, c->traps, sizeof(ctx->trap_ctxt));
    ctx->ldt_base = c->ldt_base;
    ctx->ldt_ents = c->ldt_entries;
    /* Frames beyond the entries in use are from an older GDT, and not held any more. */
    for (unsigned int i = 0; i < GUEST_GDT_PAGES && i * (PAGE_SIZE / 8) < c->gdt_entries; i++)
        ctx->gdt_frames[i] = c->gdt_frames[i].v;
    ctx->gdt_ents = c->gdt_entries;
    ctx->kernel_ss = c->kernel_ss;
    ctx->kernel_sp = c->kernel_sp;
    ctx->ctrlreg[0] = CR0_VALUE | (c->ts ? CR0_TS : 0);
    ctx->ctrlreg[1] = root_cr3(v->user_root);
    ctx->ctrlreg[3] = root_cr3(v->kernel_root);
    ctx->ctrlreg[4] = c->cr4;
    memcpy(ctx->debugreg, c->debugreg, sizeof(ctx->debugreg));
    ctx->event_callback_eip = c->event_callback;
    ctx->failsafe_callback_eip = c->failsafe_callback;
    ctx->syscall_callback_eip = c->syscall_callback;
    ctx->vm_assist = v->domain->vm_assist;
    ctx->fs_base = c->fs_base;
    ctx->gs_base_kernel = c->gs_base_kernel;
    ctx->gs_base_user = c->gs_base_user;
}
