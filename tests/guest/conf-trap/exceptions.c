/* SPDX-License-Identifier: MIT */
/* Each exception, from guest kernel and guest user, with its error code. */
#include "../lib/case.h"
#include "../lib/frame.h"

/* One name for a thing done in both modes: a function for user mode, a statement for the kernel. */
#define BOTH(name, ...)                                                                    \
    PV_USER_TEXT static uint64_t user_##name(uint64_t arg)                                 \
    {                                                                                      \
        __asm__ volatile(__VA_ARGS__ : : [p] "r"(arg) : "rax", "rcx", "rdx", "memory");    \
        return 0;                                                                          \
    }                                                                                      \
    static void kernel_##name(void *arg)                                                   \
    {                                                                                      \
        __asm__ volatile(__VA_ARGS__ : : [p] "r"(arg) : "rax", "rcx", "rdx", "memory");    \
    }

BOTH(divide, "xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx")
BOTH(int3, "int3")
BOTH(ud2, "ud2")
BOTH(read, "mov (%[p]), %%rax")
BOTH(write, "movq $1, (%[p])")
BOTH(jump, "call *%[p]")
BOTH(int4, "int $4")
BOTH(hlt, "hlt")
BOTH(smsw, "smsw %%rax")
BOTH(sldt, "sldt %%rax")
BOTH(str, "str %%rax")
BOTH(sgdt, "sub $16, %%rsp; sgdt (%%rsp); add $16, %%rsp")
BOTH(sidt, "sub $16, %%rsp; sidt (%%rsp); add $16, %%rsp")

static pv_fault_t in_user(void *fn, uint64_t arg, uint64_t *cr2)
{
    struct pv_user_exit exit;

    if (pv_user_call(fn, arg, &exit))
        return PV_FAULT(255, 0);
    if (cr2)
        *cr2 = exit.cr2;
    return exit.fault;
}

#define KERNEL(name, arg) pv_try_call(kernel_##name, (void *)(arg))
#define USER(name, arg)   in_user(PV_USER_PTR(user_##name), (arg), NULL)

CASE(exception_plain, "#DE, #BP, #OF and #UD come with their vector and no error code",
     "exception.DE:kernel exception.DE:user exception.BP:kernel exception.BP:user "
     "exception.OF:kernel exception.OF:user exception.UD:kernel exception.UD:user")
{
    EXPECT_FAULT(KERNEL(divide, 0), PV_FAULT(PV_DE, 0));
    EXPECT_FAULT(USER(divide, 0), PV_FAULT(PV_DE, 0));
    EXPECT_FAULT(KERNEL(int3, 0), PV_FAULT(PV_BP, 0));
    EXPECT_FAULT(USER(int3, 0), PV_FAULT(PV_BP, 0));
    EXPECT_FAULT(KERNEL(int4, 0), PV_FAULT(PV_OF, 0));
    EXPECT_FAULT(USER(int4, 0), PV_FAULT(PV_OF, 0));
    EXPECT_FAULT(KERNEL(ud2, 0), PV_FAULT(PV_UD, 0));
    EXPECT_FAULT(USER(ud2, 0), PV_FAULT(PV_UD, 0));
}

CASE(no_umip, "SMSW, SLDT, STR, SGDT and SIDT are not refused: Linux's own kernel uses SGDT",
     "emulate.umip:kernel emulate.umip:user")
{
    EXPECT_FAULT(KERNEL(smsw, 0), PV_NO_FAULT);
    EXPECT_FAULT(KERNEL(sldt, 0), PV_NO_FAULT);
    EXPECT_FAULT(KERNEL(str, 0), PV_NO_FAULT);
    EXPECT_FAULT(KERNEL(sgdt, 0), PV_NO_FAULT);
    EXPECT_FAULT(KERNEL(sidt, 0), PV_NO_FAULT);
    EXPECT_FAULT(USER(smsw, 0), PV_NO_FAULT);
    EXPECT_FAULT(USER(sldt, 0), PV_NO_FAULT);
    EXPECT_FAULT(USER(str, 0), PV_NO_FAULT);
    EXPECT_FAULT(USER(sgdt, 0), PV_NO_FAULT);
    EXPECT_FAULT(USER(sidt, 0), PV_NO_FAULT);
}

CASE(exception_page_fault_kernel, "#PF in kernel mode: no user bit in the error code; cr2 is the "
     "address",
     "exception.PF:kernel")
{
    static char page[PV_PAGE_SIZE] __attribute__((aligned(4096)));
    uint64_t ro = (uint64_t)page;

    EXPECT_FAULT(KERNEL(read, CONF_EMPTY_VA + 24), PV_FAULT(PV_PF, 0));
    EXPECT_EQ(pv_last_fault()->cr2, CONF_EMPTY_VA + 24);
    EXPECT_FAULT(KERNEL(write, CONF_EMPTY_VA), PV_FAULT(PV_PF, PV_PF_WRITE));
    EXPECT_FAULT(KERNEL(jump, CONF_EMPTY_VA), PV_FAULT(PV_PF, PV_PF_FETCH));
    EXPECT_EQ(pv_update_va(ro, pv_pte(pv_va_to_mfn(page), PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_FAULT(KERNEL(write, ro), PV_FAULT(PV_PF, PV_PF_WRITE | PV_PF_PRESENT));
    EXPECT_FAULT(KERNEL(jump, ro), PV_FAULT(PV_PF, PV_PF_FETCH | PV_PF_PRESENT));
    EXPECT_EQ(pv_update_va(ro, pv_pte(pv_va_to_mfn(page), PV_PROT_RW), UVMF_INVLPG), 0);
}

CASE(exception_page_fault_user, "#PF in user mode: the user bit is set", "exception.PF:user")
{
    uint64_t cr2 = 0, hole = PV_USER_LIMIT - PV_PAGE_SIZE;
    uint64_t text = (uint64_t)PV_USER_PTR(user_ud2);

    EXPECT_FAULT(in_user(PV_USER_PTR(user_read), hole + 8, &cr2), PV_FAULT(PV_PF, PV_PF_USER));
    EXPECT_EQ(cr2, hole + 8);
    EXPECT_FAULT(USER(write, hole), PV_FAULT(PV_PF, PV_PF_USER | PV_PF_WRITE));
    EXPECT_FAULT(USER(jump, hole), PV_FAULT(PV_PF, PV_PF_USER | PV_PF_FETCH));
    EXPECT_FAULT(USER(write, text), PV_FAULT(PV_PF, PV_PF_USER | PV_PF_WRITE | PV_PF_PRESENT));
}

CASE(exception_page_fault_info, "cr2 is in vcpu_info before the handler starts", "exception.PF:cr2")
{
    KERNEL(read, CONF_EMPTY_VA + 0x123456);
    EXPECT_EQ(pv_this_vcpu()->info->arch.cr2, CONF_EMPTY_VA + 0x123456);
}

CASE(exception_user_isolated, "user mode reaches nothing that only the kernel root maps",
     "exception.PF:user security.kernel_from_user:refused")
{
    static uint64_t secret = 1;

    EXPECT_FAULT(USER(read, (uint64_t)&secret), PV_FAULT(PV_PF, PV_PF_USER));
    EXPECT_FAULT(USER(write, (uint64_t)&secret), PV_FAULT(PV_PF, PV_PF_USER | PV_PF_WRITE));
    EXPECT_FAULT(USER(jump, (uint64_t)kernel_ud2), PV_FAULT(PV_PF, PV_PF_USER | PV_PF_FETCH));
    EXPECT_EQ(secret, 1);
}

CASE(exception_not_canonical, "an address that is not canonical is #GP(0)",
     "exception.GP:kernel exception.GP:user")
{
    EXPECT_FAULT(KERNEL(read, CONF_BAD_VA), PV_FAULT(PV_GP, 0));
    EXPECT_FAULT(USER(read, CONF_BAD_VA), PV_FAULT(PV_GP, 0));
    EXPECT_FAULT(KERNEL(jump, CONF_BAD_VA), PV_FAULT(PV_GP, 0));
    EXPECT_FAULT(USER(jump, CONF_BAD_VA), PV_FAULT(PV_GP, 0));
}

CASE(exception_privileged, "hlt is #GP(0) in both modes", "exception.GP:kernel exception.GP:user")
{
    EXPECT_FAULT(KERNEL(hlt, 0), PV_FAULT(PV_GP, 0));
    EXPECT_FAULT(USER(hlt, 0), PV_FAULT(PV_GP, 0));
}

/* ---- Single step ---- */

static unsigned int steps;
static uint64_t step_rip[8];

static void on_step(struct pv_regs *regs)
{
    if (steps < PV_ARRAY_SIZE(step_rip))
        step_rip[steps] = regs->rip;
    steps++;
    if (steps == 3)
        regs->rflags &= ~PV_RFLAGS_TF;
}

extern const char step_1[], step_2[], step_3[];

CASE(exception_single_step, "TF: #DB after each instruction, with rip at the next one",
     "exception.DB:kernel")
{
    steps = 0;
    EXPECT_EQ(pv_set_trap(PV_DB, on_step), 0);
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n"
                     "nop; .globl step_1; step_1: nop; .globl step_2; step_2: nop\n"
                     ".globl step_3; step_3: nop" ::: "memory", "cc");
    EXPECT_EQ(pv_set_trap(PV_DB, NULL), 0);
    EXPECT_EQ(steps, 3);
    EXPECT_EQ(step_rip[0], step_1);
    EXPECT_EQ(step_rip[1], step_2);
    EXPECT_EQ(step_rip[2], step_3);
    EXPECT_EQ(HYPERVISOR_get_debugreg(6) & 0x4000, 0x4000);
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, 0xffff0ff0UL), 0);
}

CASE(exception_step_user, "TF in user mode: #DB after one instruction", "exception.DB:user")
{
    struct pv_user_exit exit;
    struct pv_regs regs = {
        .rip = (uint64_t)PV_USER_PTR(conf_user_syscall), .cs = FLAT_USER_CS, .ss = FLAT_USER_SS,
        .rflags = PV_RFLAGS_IF | PV_RFLAGS_TF, .rsp = pv_user_stack(0) - 64,
    };

    EXPECT_EQ(pv_user_init(), 0);
    EXPECT_EQ(pv_user_resume(&regs, &exit), 0);
    EXPECT_FAULT(exit.fault, PV_FAULT(PV_DB, 0));
    EXPECT_EQ(exit.regs.rip, regs.rip + 5);
    EXPECT_EQ(exit.regs.rflags & PV_RFLAGS_TF, PV_RFLAGS_TF);
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, 0xffff0ff0UL), 0);
}


CASE(exception_fpu_user, "#NM in user mode after fpu_taskswitch", "exception.NM:user")
{
    struct pv_user_exit exit;
    struct pv_regs regs = {
        .cs = FLAT_USER_CS, .ss = FLAT_USER_SS, .rflags = PV_RFLAGS_IF,
        .rsp = pv_user_stack(0) - 64,
    };
    /* fnop; ud2 */
    static const uint8_t code[] = { 0xd9, 0xd0, 0x0f, 0x0b };
    uint64_t va = 0x10000;
    void *page = pv_alloc_page();

    memcpy(page, code, sizeof(code));
    EXPECT_EQ(pv_user_init(), 0);
    EXPECT_EQ(pv_map(va, pv_va_to_mfn(page), PV_PROT_RX | PV_PTE_USER), 0);
    regs.rip = va;
    EXPECT_EQ(HYPERVISOR_fpu_taskswitch(1), 0);
    EXPECT_EQ(pv_user_resume(&regs, &exit), 0);
    EXPECT_FAULT(exit.fault, PV_FAULT(PV_NM, 0));
    EXPECT_EQ(exit.regs.rip, va);
    EXPECT_EQ(pv_user_resume(&regs, &exit), 0);
    EXPECT_FAULT(exit.fault, PV_FAULT(PV_UD, 0));
    EXPECT_EQ(pv_unmap(va, 1), 0);
    pv_free_page(page);
}

BOTH(x87, "fninit; fnstcw -8(%%rsp); andw $~4, -8(%%rsp); fldcw -8(%%rsp); fld1; fldz; "
     "fdivrp; fwait")

CASE(exception_x87, "an unmasked x87 exception is #MF at the next x87 instruction",
     "exception.MF:kernel exception.MF:user")
{
    EXPECT_FAULT(KERNEL(x87, 0), PV_FAULT(PV_MF, 0));
    EXPECT_FAULT(USER(x87, 0), PV_FAULT(PV_MF, 0));
    __asm__ volatile("fninit");
}
