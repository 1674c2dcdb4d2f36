/* SPDX-License-Identifier: MIT */
/* Single-stepping and breakpoints where the hypervisor has a hand in the instruction. */
#include "../lib/case.h"
#include "../lib/frame.h"

#define DR6_INIT 0xffff0ff0UL
#define DR7_INIT 0x400UL
#define DR6_BS   0x4000UL
#define STEPS    8

static unsigned int steps;
static uint64_t step_rip[STEPS], stop_at;

/* Notes where, until the instruction at stop_at is next. */
static void on_step(struct pv_regs *regs)
{
    if (steps < STEPS)
        step_rip[steps++] = regs->rip;
    if (regs->rip == stop_at || steps == STEPS)
        regs->rflags &= ~PV_RFLAGS_TF;
}

/*
 * Steps over one instruction, with a nop before and two after it: the rips at which #DB came are
 * checked to be those of the instruction's end and the nops', each once. @late: the first of them
 * does not come, since the instruction's return sets TF anew for the one behind it.
 */
#define STEP_OVER(name, late, insn, out, in, ...)                                          \
    do {                                                                                   \
        extern const char step_over_##name[], step_end_##name[];                           \
        steps = 0;                                                                         \
        stop_at = (uint64_t)step_end_##name + 2;                                           \
        EXPECT_EQ(pv_set_trap(PV_DB, on_step), 0);                                         \
        __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop\n"                       \
                         ".globl step_over_" #name ", step_end_" #name "\n"                \
                         "step_over_" #name ": " insn "\n"                                 \
                         "step_end_" #name ": nop; nop\n"                                  \
                         "pushfq; andq $~0x100, (%%rsp); popfq"                            \
                         : out : in : "memory", "cc" __VA_OPT__(, ) __VA_ARGS__);          \
        EXPECT_EQ(pv_set_trap(PV_DB, NULL), 0);                                            \
        EXPECT_ROW(step_rip[0], (uint64_t)step_over_##name, #name ": before it");          \
        EXPECT_ROW(step_rip[1], (uint64_t)step_end_##name + (late), #name ": behind it");  \
        EXPECT_ROW(step_rip[2], (uint64_t)step_end_##name + 1 + (late), #name ": later");  \
        EXPECT_ROW(steps, 4 - (late), #name ": steps");                                    \
        EXPECT_ROW(HYPERVISOR_get_debugreg(6) & DR6_BS, DR6_BS, #name ": DR6.BS");         \
        EXPECT_EQ(HYPERVISOR_set_debugreg(6, DR6_INIT), 0);                                \
    } while (0)

CASE(step_emulated, "TF: #DB comes after an emulated instruction, as after any",
     "debug.step:emulated")
{
    uint64_t value = 0;

    STEP_OVER(cr0, 0, "mov %%cr0, %0", PV_IN("=r"(value)), PV_IN());
    EXPECT_EQ(value & 1, 1);
    STEP_OVER(rdmsr, 0, "rdmsr", PV_IN("=a"(value)), PV_IN("c"(0xc0000080u)), "rdx");
    EXPECT_EQ(value & 1, 1);
    STEP_OVER(clts, 0, "clts", PV_IN(), PV_IN());
    STEP_OVER(cpuid, 0, XEN_CPUID, PV_IN("=a"(value)), PV_IN("0"(0x40000000UL)), "rbx", "rcx",
              "rdx");
    EXPECT_TRUE(value >= 0x40000002);
}

CASE(step_store, "TF: so it does after a store into a page table that is carried out",
     "debug.step:page_table")
{
    uint64_t *l1 = pv_alloc_table();

    EXPECT_EQ(pv_pin(pv_va_to_mfn(l1), 1), 0);
    STEP_OVER(store, 0, "movq $0x5550, (%0)", PV_IN(), PV_IN("r"(&l1[3])));
    EXPECT_EQ(l1[3], 0x5550);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l1)), 0);
    EXPECT_EQ(pv_free_table(l1), 0);
}

CASE(step_hypercall, "TF: a hypercall is one step, and TF is set again after it",
     "debug.step:hypercall")
{
    uint64_t result = 0;

    STEP_OVER(hypercall, 0, "syscall", PV_IN("=a"(result)),
              PV_IN("0"((uint64_t)__HYPERVISOR_xen_version), "D"(0UL), "S"(0UL)), "rcx", "r11");
    EXPECT_EQ(result >> 16, 4);
}

static uint64_t handler_rflags;

static void on_int60(struct pv_regs *regs)
{
    (void)regs;
    __asm__ volatile("pushfq; pop %0" : "=r"(handler_rflags));
}

CASE(step_interrupt, "TF: a handler runs without TF; its iret sets it again",
     "debug.step:handler")
{
    if (conf_no_software_interrupts())
        return;
    EXPECT_EQ(pv_set_trap(0x60, on_int60), 0);
    STEP_OVER(interrupt, 1, "int $0x60", PV_IN(), PV_IN());
    EXPECT_EQ(handler_rflags & PV_RFLAGS_TF, 0);
    EXPECT_EQ(pv_set_trap(0x60, NULL), 0);
}

/* ---- Breakpoints ---- */

/* Breakpoint 0 at @va; @how is the four bits of its condition: what, and how many bytes. */
static void set_breakpoint(uint64_t va, uint64_t how)
{
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, DR6_INIT), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(0, va), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, DR7_INIT | 1 | how << 16), 0);
}

static void clear_breakpoint(void)
{
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, DR7_INIT), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, DR6_INIT), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(0, 0), 0);
}

#define EXECUTE 0x0
#define WRITE_8 0x9

PV_USER_DATA static uint64_t watched;

PV_USER_TEXT static uint64_t user_write(uint64_t arg)
{
    __asm__ volatile("movq $7, (%0); nop" : : "r"(arg) : "memory");
    return arg;
}

CASE(breakpoint_user, "breakpoints in user mode: #DB before an instruction that is to be executed, "
     "after data was written",
     "debug.breakpoint:user exception.DB:user")
{
    uint64_t code = (uint64_t)PV_USER_PTR(conf_user_ud2), data = (uint64_t)PV_USER_PTR(watched);
    struct pv_user_exit exit;
    struct pv_regs regs = {
        .rip = code, .cs = FLAT_USER_CS, .ss = FLAT_USER_SS, .rflags = PV_RFLAGS_IF,
        .rsp = pv_user_stack(0) - 64,
    };

    EXPECT_EQ(pv_user_init(), 0);
    set_breakpoint(code, EXECUTE);
    EXPECT_EQ(pv_user_resume(&regs, &exit), 0);
    EXPECT_FAULT(exit.fault, PV_FAULT(PV_DB, 0));
    EXPECT_EQ(exit.regs.rip, code);
    EXPECT_EQ(HYPERVISOR_get_debugreg(6) & (DR6_BS | 0xf), 1);
    set_breakpoint(data, WRITE_8);
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_write), data, &exit), 0);
    EXPECT_FAULT(exit.fault, PV_FAULT(PV_DB, 0));
    EXPECT_EQ(*(volatile uint64_t *)data, 7);
    EXPECT_EQ(HYPERVISOR_get_debugreg(6) & (DR6_BS | 0xf), 1);
    clear_breakpoint();
}

static void execute_nop(void *arg)
{
    (void)arg;
    __asm__ volatile(".globl step_nop; step_nop: nop");
}

extern const char step_nop[];

CASE(breakpoint_kernel, "an instruction breakpoint in kernel mode; with RF set in the frame that "
     "is returned to it does not come again",
     "debug.breakpoint:kernel exception.DB:kernel")
{
    struct iret_context frame = {
        .rip = (uint64_t)conf_after_iret, .cs = FLAT_KERNEL_CS & ~3, .rflags = 2 | 0x10000,
        .rsp = (uint64_t)__builtin_frame_address(0) - 4096, .ss = FLAT_KERNEL_SS,
    };

    set_breakpoint((uint64_t)step_nop, EXECUTE);
    EXPECT_FAULT(pv_try_call(execute_nop, NULL), PV_FAULT(PV_DB, 0));
    EXPECT_EQ(pv_last_fault()->regs.rip, step_nop);
    EXPECT_EQ(HYPERVISOR_get_debugreg(6) & (DR6_BS | 0xf), 1);
    set_breakpoint((uint64_t)conf_after_iret, EXECUTE);
    conf_iret(&frame);
    EXPECT_EQ(conf_after.cs, FLAT_KERNEL_CS);
    EXPECT_EQ(HYPERVISOR_get_debugreg(6) & 0xf, 0);
    clear_breakpoint();
}

CASE(breakpoint_hypercall, "XSA-265: a breakpoint on data that a hypercall reads or writes for the "
     "guest does not keep the call from ending",
     "debug.breakpoint:hypercall")
{
    static struct xen_feature_info info;

    set_breakpoint((uint64_t)&info, 0xf);       /* 4 bytes, read or written */
    EXPECT_EQ(HYPERVISOR_xen_version(XENVER_get_features, &info), 0);
    clear_breakpoint();
    EXPECT_TRUE(info.submap != 0);
}

/* mov ss holds #DB back over the next instruction, which enters the hypervisor. */
CASE(breakpoint_shadow, "XSA-260: #DB that mov ss holds back until a system call has entered the "
     "hypervisor harms nobody",
     "debug.breakpoint:shadow")
{
    static uint64_t selector = FLAT_KERNEL_SS;
    uint64_t result = 0;
    pv_fault_t f;

    set_breakpoint((uint64_t)&selector, 0xb);   /* 8 bytes, read or written */
    PV_TRY_ASM(f, "mov (%[s]), %%ss; syscall; nop",
               PV_OUT([r] "+a"(result)),
               PV_IN([s] "r"(&selector), "D"(0UL), "S"(0UL)), "rcx", "r11");
    clear_breakpoint();
    EXPECT_TRUE(f == PV_NO_FAULT || f == PV_FAULT(PV_DB, 0));
    EXPECT_EQ(pv_this_vcpu()->id, 0);
}
