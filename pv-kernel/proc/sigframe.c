/* SPDX-License-Identifier: MIT */
/*
 * What a signal handler finds on its stack, as Linux lays it out on x86-64; from the stack pointer
 * up: the return address (the restorer, which calls rt_sigreturn), ucontext, siginfo; then,
 * 64-byte aligned, the floating-point state. What comes back from there is checked: only user
 * selectors, only the arithmetic flags.
 */
#include "arch/arch.h"
#include "mm/mm.h"
#include "proc/internal.h"
#include "proc/sigframe.h"

#define SA_ONSTACK   0x08000000u
#define SS_DISABLE   2
#define RED_ZONE     128
#define UC_FP_XSTATE 1
#define UC_SS        6              /* SIGCONTEXT_SS, STRICT_RESTORE_SS */
#define FXSAVE_SIZE  512
#define USER_FLAGS   0x40dd5ul      /* CF PF AF ZF SF TF DF OF AC may be set by user code */
#define RFLAGS_FIXED (PV_RFLAGS_IF | 2)

static bool on_altstack(uint64_t sp)
{
    const struct sigaltstack_k *alt = &current->altstack;

    return alt->size && sp > alt->sp && sp - alt->sp <= alt->size;
}

static uint64_t frame_top(const struct pv_regs *regs, int sig)
{
    const struct sigaltstack_k *alt = &current->altstack;

    if (current->sigaction[sig].flags & SA_ONSTACK && alt->size && !on_altstack(regs->rsp))
        return alt->sp + alt->size;
    return regs->rsp - RED_ZONE;
}

static void fill_registers(struct sigcontext_k *c, const struct pv_regs *r)
{
    *c = (struct sigcontext_k){
        .r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11, .r12 = r->r12, .r13 = r->r13,
        .r14 = r->r14, .r15 = r->r15, .rdi = r->rdi, .rsi = r->rsi, .rbp = r->rbp, .rbx = r->rbx,
        .rdx = r->rdx, .rax = r->rax, .rcx = r->rcx, .rsp = r->rsp, .rip = r->rip,
        .rflags = r->rflags, .cs = FLAT_USER_CS, .ss = FLAT_USER_SS,
        .error = r->error_code, .trap = r->vector, .cr2 = pv_this_vcpu()->info->arch.cr2,
    };
}

static void take_registers(struct pv_regs *r, const struct sigcontext_k *c)
{
    *r = (struct pv_regs){
        .r8 = c->r8, .r9 = c->r9, .r10 = c->r10, .r11 = c->r11, .r12 = c->r12, .r13 = c->r13,
        .r14 = c->r14, .r15 = c->r15, .rdi = c->rdi, .rsi = c->rsi, .rbp = c->rbp, .rbx = c->rbx,
        .rdx = c->rdx, .rax = c->rax, .rcx = c->rcx, .rsp = c->rsp, .rip = c->rip,
        .rflags = (c->rflags & USER_FLAGS) | RFLAGS_FIXED,
        .cs = FLAT_USER_CS, .ss = FLAT_USER_SS,
    };
}

void fill_siginfo(struct siginfo_k *out, int sig)
{
    const struct signal_info *info = &current->siginfo[sig];

    memset(out, 0, sizeof(*out));
    out->signo = sig;
    out->code = info->code;
    if (info->addr) {
        out->fault.addr = info->addr;
    } else {
        out->child.pid = info->pid;
        out->child.uid = info->uid;
        out->child.status = info->status;
    }
}

int push_signal_frame(struct pv_regs *regs, int sig, uint64_t mask)
{
    const struct sigaction_k *action = &current->sigaction[sig];
    uint64_t fp = ALIGN_DOWN(frame_top(regs, sig) - fpu_user_size(), 64);
    uint64_t at = ALIGN_DOWN(fp - sizeof(struct sigframe), 16) - 8;
    struct sigframe frame = { .return_address = action->restorer };

    frame.uc.flags = UC_SS | (fpu_user_size() > FXSAVE_SIZE ? UC_FP_XSTATE : 0);
    frame.uc.stack = current->altstack;
    if (!frame.uc.stack.size)
        frame.uc.stack.flags = SS_DISABLE;
    frame.uc.mask = mask;
    fill_registers(&frame.uc.context, regs);
    frame.uc.context.fpstate = fp;
    fill_siginfo(&frame.info, sig);
    fpu_save(current->fpu);
    if (fpu_to_user(fp, current->fpu) || copy_to_user(at, &frame, sizeof(frame)))
        return -EFAULT;
    regs->rsp = at;
    regs->rip = action->handler;
    regs->rdi = (uint64_t)sig;
    regs->rsi = at + offsetof(struct sigframe, info);
    regs->rdx = at + offsetof(struct sigframe, uc);
    regs->rax = 0;
    regs->rflags = RFLAGS_FIXED;
    regs->vector = 0;
    return 0;
}

long pop_signal_frame(struct pv_regs *regs)
{
    struct sigframe frame;
    /* The handler's return took the restorer's address off. */
    uint64_t at = regs->rsp - sizeof(frame.return_address);

    if (copy_from_user(&frame, at, sizeof(frame)))
        return -EFAULT;
    if (frame.uc.context.fpstate && fpu_from_user(current->fpu, frame.uc.context.fpstate))
        return -EFAULT;
    if (!frame.uc.context.fpstate)
        fpu_reset(current->fpu);
    fpu_load(current->fpu);
    take_registers(regs, &frame.uc.context);
    set_blocked(frame.uc.mask);
    return 0;
}
