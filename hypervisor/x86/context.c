/* SPDX-License-Identifier: MIT */
/*
 * A vCPU on and off a CPU, and a whole new state for one.
 *
 * While a vCPU runs, its registers are in the CPU: in guest_regs(), in the segment registers, and
 * in three MSRs: FS_BASE, GS_BASE (of the mode that runs) and KERNEL_GS_BASE (of the other).
 * guest_cpu_save() brings all of it into v->cpu; nothing of the guest stays that a later one
 * could see.
 */
#include "domain/domain.h"
#include "lib/string.h"
#include "x86/extable.h"
#include "x86/guest_mode.h"
#include "x86/msr.h"
#include "x86/platform.h"
#include "x86/rules.h"

/* CF PF AF ZF SF TF DF OF RF AC ID: what a guest's flags may bring into the real ones. */
#define RFLAGS_GUEST (BIT(0) | BIT(2) | BIT(4) | BIT(6) | BIT(7) | BIT(8) | BIT(10) | BIT(11) | \
                      BIT(16) | BIT(18) | BIT(21))

/*
 * ---- Segment registers ----
 *
 * Selectors name descriptors of the guest's own tables, and it may have changed those since they
 * were loaded. So a load can fault, and is the one place beside copies where that is no bug.
 */

/* Loads a selector of the guest's; one that the CPU refuses becomes null, and the result false. */
#define DEFINE_LOAD_SEGMENT(reg)                                                    \
    static bool load_##reg(u16 sel)                                                 \
    {                                                                               \
        bool ok = false;                                                            \
                                                                                    \
        __asm__ volatile("1: mov %1, %%" #reg "; movb $1, %0; jmp 3f\n"             \
                         "2: mov %2, %%" #reg "\n"                                  \
                         "3:" EXTABLE("1b", "2b")                                   \
                         : "+qm"(ok)                                                \
                         : "r"((u32)sel), "r"(0)                                    \
                         : "memory");                                               \
        return ok;                                                                  \
    }
DEFINE_LOAD_SEGMENT(ds)
DEFINE_LOAD_SEGMENT(es)
DEFINE_LOAD_SEGMENT(fs)
DEFINE_LOAD_SEGMENT(gs)

/* What is loaded now: guests load data segments themselves, so nothing else knows. */
#define DEFINE_STORE_SEGMENT(reg)                                                   \
    static u16 store_##reg(void)                                                    \
    {                                                                               \
        u32 sel;                                                                    \
                                                                                    \
        __asm__ volatile("mov %%" #reg ", %0" : "=r"(sel));                         \
        return (u16)sel;                                                            \
    }
DEFINE_STORE_SEGMENT(ds)
DEFINE_STORE_SEGMENT(es)
DEFINE_STORE_SEGMENT(fs)
DEFINE_STORE_SEGMENT(gs)

void load_inactive_gs(u16 sel)
{
    __asm__ volatile("swapgs");
    /* A null selector leaves the base alone on some CPUs. */
    if (!load_gs(sel > 3 ? fixup_selector(sel) : 0) || sel <= 3)
        wrmsr(MSR_GS_BASE, 0);
    __asm__ volatile("swapgs");
}

/*
 * The guest may have changed bases by instructions (FSGSBASE), so the MSRs are read, not
 * remembered.
 */
static void save_segments(struct guest_cpu *c)
{
    u64 active = rdmsr(MSR_GS_BASE), other = rdmsr(MSR_KERNEL_GS_BASE);

    c->ds = store_ds();
    c->es = store_es();
    c->fs = store_fs();
    c->gs = store_gs();
    c->fs_base = rdmsr(MSR_FS_BASE);
    c->gs_base_kernel = c->kernel_mode ? active : other;
    c->gs_base_user = c->kernel_mode ? other : active;
}

/*
 * Bases come after selectors, which would change them. A selector that can't be loaded is null now,
 * and the guest is told of it on the way out, by its failsafe callback.
 */
static void load_segments(struct guest_cpu *c)
{
    bool ok = load_ds(c->ds);

    ok &= load_es(c->es);
    ok &= load_fs(c->fs);
    ok &= load_gs(c->gs);
    if (!ok) {
        c->failsafe_pending = true;
        raise_softirq(SOFTIRQ_EXIT);
    }
    wrmsr(MSR_FS_BASE, c->fs_base);
    wrmsr(MSR_GS_BASE, c->kernel_mode ? c->gs_base_kernel : c->gs_base_user);
    wrmsr(MSR_KERNEL_GS_BASE, c->kernel_mode ? c->gs_base_user : c->gs_base_kernel);
}

/* ---- On and off a CPU ---- */

/*
 * The order: registers while the frame is there; segments before the windows that they name go; the
 * root last, since until then the guest's own tables are loaded.
 */
void guest_cpu_save(struct vcpu *v)
{
    v->cpu.regs = *guest_regs();
    save_segments(&v->cpu);
    guest_debugreg_unload(v);
    fpu_save(v);
    /* No selector may go on naming a window page that is about to vanish. */
    load_ds(0);
    load_es(0);
    load_fs(0);
    load_gs(0);
    guest_desc_unload(v);
    current = NULL;
    /* Its page tables may go before anything else runs here. */
    tlb_load_root(mfn_to_maddr(hv_root()).v);
}

/*
 * The root comes first, for LDT pages are found through it; the descriptor window before the
 * selectors that name it; selectors before bases (load_segments()). `current` is set at once: a
 * fault of a selector is this guest's.
 */
void guest_cpu_load(struct vcpu *v)
{
    current = v;
    *guest_regs() = v->cpu.regs;
    mm_load_root(v);
    guest_desc_load(v);
    load_segments(&v->cpu);
    cpu_set_cr4_guest_bits(v->cpu.cr4);
    guest_debugreg_load(v);
    msr_load_tsc_aux(v);
    fpu_load(v);
}

/* ---- A new vCPU ---- */

/* As after reset. 0 or -ENOMEM; then there is nothing to free. */
int guest_cpu_init(struct vcpu *v)
{
    struct guest_cpu *c = &v->cpu;

    c->kernel_mode = true;
    c->debugreg[6] = DR6_ONES;
    c->debugreg[7] = DR7_ONE;
    v->kernel_root = v->user_root = INVALID_MFN;
    return fpu_vcpu_init(v);
}

void guest_cpu_free(struct vcpu *v)
{
    guest_gdt_drop(v);
    fpu_vcpu_free(v);
}

/* ---- A whole new state ---- */

/*
 * All that would be loaded into a register that faults on such an address, in ring 0 (XSA-193), or
 * pushed to. rip and rsp are among them although IRET would leave the fault to the guest: the ABI
 * refuses them here.
 */
static bool addresses_ok(const struct vcpu_guest_context *ctx)
{
    const u64 addrs[] = {
        ctx->user_regs.rip, ctx->user_regs.rsp, ctx->kernel_sp, ctx->event_callback_eip,
        ctx->failsafe_callback_eip, ctx->syscall_callback_eip, ctx->fs_base, ctx->gs_base_kernel,
        ctx->gs_base_user,
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(addrs); i++) {
        if (!is_canonical(addrs[i]))
            return false;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(ctx->trap_ctxt); i++) {
        if (!is_canonical(ctx->trap_ctxt[i].address))
            return false;
    }
    return true;
}

/*
 * The debug registers go in one by one, checked against each other and against CR4.DE, which comes
 * with them; the old ones come back if one fails.
 */
static int set_debugregs(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    u64 old[8], old_cr4 = v->cpu.cr4;
    int rc = 0;

    memcpy(old, v->cpu.debugreg, sizeof(old));
    v->cpu.cr4 = guest_cr4_bits(ctx->ctrlreg[4]);
    for (unsigned int i = 0; i < 8 && !rc; i++) {
        if (i != 4 && i != 5)
            rc = guest_debugreg_set(v, i, ctx->debugreg[i]);
    }
    if (rc) {
        memcpy(v->cpu.debugreg, old, sizeof(old));
        v->cpu.cr4 = old_cr4;
    }
    return rc;
}

/* ctrlreg[1] of the ABI: the user mode's root, 0: none. */
static mfn_t context_user_root(const struct vcpu_guest_context *ctx)
{
    u64 mfn = xen_cr3_to_pfn(ctx->ctrlreg[1]);

    return mfn ? MFN(mfn) : INVALID_MFN;
}

/* Takes the GDT's frames in place of the old ones'; the list is a copy of ours already. */
static int set_gdt(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    mfn_t frames[GUEST_GDT_PAGES];

    for (unsigned int i = 0; i < GUEST_GDT_PAGES; i++)
        frames[i] = MFN(ctx->gdt_frames[i]);
    return ctx->gdt_ents > FIRST_RESERVED_GDT_ENTRY ?
               -EINVAL : guest_gdt_set(v, frames, (unsigned int)ctx->gdt_ents);
}

/*
 * What holds references: after an error nothing is held, but for roots over a restart. A vCPU that
 * has a context keeps its tables.
 */
static int set_tables(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    int rc;

    if (v->initialised) {
        if (v->kernel_root.v != xen_cr3_to_pfn(ctx->ctrlreg[3]) ||
            !mfn_eq(v->user_root, context_user_root(ctx)) || v->cpu.gdt_entries != ctx->gdt_ents)
            return -EOPNOTSUPP;
        return set_debugregs(v, ctx);
    }
    rc = set_gdt(v, ctx);
    if (rc)
        return rc;
    rc = mm_take_roots(v, MFN(xen_cr3_to_pfn(ctx->ctrlreg[3])), context_user_root(ctx));
    if (rc)
        goto drop_gdt;
    rc = set_debugregs(v, ctx);
    if (rc)
        goto drop_roots;
    return 0;

drop_roots:
    mm_drop_roots(v);
drop_gdt:
    guest_gdt_drop(v);
    return rc;
}

/*
 * A guest's own flags only: IF is always on, IOPL is a number of ours, and NT, VM, VIF and VIP
 * would mean something to the real IRET.
 */
static void set_registers(struct guest_cpu *c, const struct cpu_user_regs *u)
{
    c->regs = (struct cpu_regs){
        .r15 = u->r15, .r14 = u->r14, .r13 = u->r13, .r12 = u->r12,
        .r11 = u->r11, .r10 = u->r10, .r9 = u->r9, .r8 = u->r8,
        .rax = u->rax, .rbx = u->rbx, .rcx = u->rcx, .rdx = u->rdx,
        .rsi = u->rsi, .rdi = u->rdi, .rbp = u->rbp, .rsp = u->rsp, .rip = u->rip,
        .cs = fixup_selector(u->cs), .ss = fixup_selector(u->ss),
        .rflags = (u->rflags & RFLAGS_GUEST) | RFLAGS_ONE | RFLAGS_IF,
    };
    c->iopl = u->rflags >> RFLAGS_IOPL_SHIFT & 3;
    c->ds = u->ds;
    c->es = u->es;
    c->fs = u->fs;
    c->gs = u->gs;
}

/* Addresses have been checked. The vector is the index here, whatever the entry says. */
static void set_traps(struct guest_cpu *c, const struct trap_info *traps)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(c->traps); i++) {
        c->traps[i] = traps[i];
        c->traps[i].vector = (u8)i;
        c->traps[i].cs = fixup_selector(traps[i].cs);
    }
}

/* Addresses have been checked: they are loaded into rip by IRET or SYSRET. */
static void set_callbacks(struct guest_cpu *c, const struct vcpu_guest_context *ctx)
{
    c->event_callback = ctx->event_callback_eip;
    c->failsafe_callback = ctx->failsafe_callback_eip;
    c->syscall_callback = ctx->syscall_callback_eip;
    c->failsafe_masks_events = ctx->flags & VGCF_failsafe_disables_events;
    c->syscall_masks_events = ctx->flags & VGCF_syscall_disables_events;
    c->kernel_sp = ctx->kernel_sp;
    c->kernel_ss = fixup_selector((u16)ctx->kernel_ss);
}

/*
 * First all that can be refused, then what takes references and can fail, and last what only
 * stores: so a failure leaves the vCPU as it was. The assists are the domain's, and come with its
 * first vCPU.
 */
int guest_cpu_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    struct guest_cpu *c = &v->cpu;
    bool kernel_mode = ctx->flags & VGCF_in_kernel;
    int rc;

    if (!addresses_ok(ctx) || (!kernel_mode && mfn_eq(context_user_root(ctx), INVALID_MFN)) ||
        !guest_ldt_ok(ctx->ldt_base, ctx->ldt_ents))
        return -EINVAL;
    rc = set_tables(v, ctx);
    if (rc)
        return rc;

    BUG_ON(guest_ldt_set(v, ctx->ldt_base, (unsigned int)ctx->ldt_ents));
    c->kernel_mode = kernel_mode;
    set_registers(c, &ctx->user_regs);
    set_traps(c, ctx->trap_ctxt);
    set_callbacks(c, ctx);
    c->fs_base = ctx->fs_base;
    c->gs_base_kernel = ctx->gs_base_kernel;
    c->gs_base_user = ctx->gs_base_user;
    c->ts = ctx->ctrlreg[0] & CR0_TS;
    fpu_set_state(v, ctx->flags & VGCF_i387_valid ? &ctx->fpu_ctxt : NULL);
    if (v->id == 0)
        v->domain->vm_assist = ctx->vm_assist & VM_ASSIST_KNOWN;
    return 0;
}
