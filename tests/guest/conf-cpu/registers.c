/* SPDX-License-Identifier: MIT */
/* set_segment_base, fpu_taskswitch and the debug registers. */
#include "../lib/case.h"

static uint64_t cell[2] = { 0x1122334455667788UL, 0 };

static uint64_t read_fs0(void)
{
    uint64_t v;

    __asm__ volatile("mov %%fs:0, %0" : "=r"(v));
    return v;
}

CASE(segment_fs, "the FS base is where fs: accesses go", "set_segment_base.fs:effect")
{
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_FS, (uint64_t)cell), 0);
    EXPECT_EQ(read_fs0(), cell[0]);
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_FS, 0), 0);
}

CASE(segment_gs_kernel, "the kernel's GS base takes effect at once",
     "set_segment_base.gs_kernel:effect")
{
    struct pv_vcpu *self = pv_this_vcpu();
    struct {
        struct pv_vcpu copy;
        uint64_t mark;
    } other = { .copy = *self, .mark = 0x600d };
    uint64_t seen = 0;

    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_KERNEL, (uint64_t)&other), 0);
    __asm__ volatile("mov %%gs:%c[off], %[v]" : [v] "=r"(seen) : [off] "i"(sizeof(struct pv_vcpu)));
    HYPERVISOR_set_segment_base(SEGBASE_GS_KERNEL, (uint64_t)self);
    EXPECT_EQ(seen, 0x600d);
}

PV_USER_DATA static uint64_t user_cell = 0x7788;

PV_USER_TEXT static uint64_t user_gs0(uint64_t arg)
{
    uint64_t v;

    (void)arg;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(v));
    return v;
}

CASE(segment_gs_user, "user mode has its own GS base, and the kernel's comes back after it",
     "set_segment_base.gs_user:effect")
{
    struct pv_user_exit exit;

    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_USER, (uint64_t)PV_USER_PTR(user_cell)), 0);
    EXPECT_EQ(pv_this_vcpu()->id, 0);
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_gs0), 0, &exit), 0);
    EXPECT_TRUE(exit.returned);
    EXPECT_EQ(exit.regs.rdi, 0x7788);
    EXPECT_EQ(pv_this_vcpu()->id, 0);
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_USER, 0), 0);
}

PV_USER_TEXT static uint64_t user_gs_selector(uint64_t arg)
{
    uint64_t gs = 0;

    (void)arg;
    __asm__ volatile("mov %%gs, %k0" : "=r"(gs));
    return gs;
}

static uint64_t gs_selector_in_user(void)
{
    struct pv_user_exit exit;

    if (pv_user_call(PV_USER_PTR(user_gs_selector), 0, &exit) || !exit.returned)
        return ~0UL;
    return exit.regs.rdi;
}

CASE(segment_gs_user_selector, "user mode's GS selector; a bad one becomes 0 and is no error",
     "set_segment_base.gs_user_sel:effect")
{
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_USER_SEL, FLAT_RING3_DS32), 0);
    EXPECT_EQ(gs_selector_in_user(), FLAT_RING3_DS32);
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_USER_SEL, 0x2b), 0);
    EXPECT_EQ(gs_selector_in_user(), 0);
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_USER_SEL, 0), 0);
    EXPECT_EQ(pv_this_vcpu()->id, 0);
}

CASE(segment_not_canonical, "XSA-193: a base that is not canonical is -EINVAL and changes nothing",
     "set_segment_base.fs:EINVAL set_segment_base.gs_user:EINVAL set_segment_base.gs_kernel:EINVAL")
{
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_FS, (uint64_t)cell), 0);
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_FS, CONF_BAD_VA), -XEN_EINVAL);
    EXPECT_EQ(read_fs0(), cell[0]);
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_USER, CONF_BAD_VA), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_KERNEL, CONF_BAD_VA), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_FS, 0), 0);
}

CASE(segment_unknown, "another segment is -EINVAL", "set_segment_base:EINVAL")
{
    EXPECT_EQ(HYPERVISOR_set_segment_base(4, 0), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_set_segment_base(~0u, 0), -XEN_EINVAL);
}

static pv_fault_t use_fpu(void)
{
    pv_fault_t f;

    PV_TRY_ASM(f, "fnop", PV_OUT(), PV_IN());
    return f;
}

CASE(fpu_task_switched, "XSA-190: after fpu_taskswitch(1) the first use of the FPU is #NM, which "
     "clears it",
     "fpu_taskswitch:effect exception.NM:kernel")
{
    EXPECT_EQ(HYPERVISOR_fpu_taskswitch(0), 0);
    EXPECT_FAULT(use_fpu(), PV_NO_FAULT);
    EXPECT_EQ(HYPERVISOR_fpu_taskswitch(1), 0);
    EXPECT_FAULT(use_fpu(), PV_FAULT(PV_NM, 0));
    EXPECT_FAULT(use_fpu(), PV_NO_FAULT);
    EXPECT_EQ(HYPERVISOR_fpu_taskswitch(1), 0);
    EXPECT_EQ(HYPERVISOR_fpu_taskswitch(0), 0);
    EXPECT_FAULT(use_fpu(), PV_NO_FAULT);
}

CASE(fpu_state_kept, "FPU and SSE registers survive a hypercall that blocks",
     "fpu_taskswitch:effect")
{
    uint64_t value = 0xfeedfacecafebeefUL, seen = 0, deadline = pv_system_time() + PV_NS_PER_MS;

    __asm__ volatile("movq %0, %%xmm5" : : "r"(value));
    pv_poll(NULL, 0, deadline);
    __asm__ volatile("movq %%xmm5, %0" : "=r"(seen));
    EXPECT_EQ(seen, value);
}

/* ---- Debug registers ---- */

#define DR6_INIT 0xffff0ff0UL
#define DR7_INIT 0x400UL

CASE(debugreg_set_get, "what is set in DR0 to DR3 is read back",
     "set_debugreg:effect get_debugreg:effect")
{
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(HYPERVISOR_set_debugreg(i, (uint64_t)cell + i), 0);
        EXPECT_EQ(HYPERVISOR_get_debugreg(i), (uint64_t)cell + i);
        EXPECT_EQ(HYPERVISOR_set_debugreg(i, 0), 0);
    }
}

CASE(debugreg_initial, "DR6 and DR7 start with their reset values",
     "get_debugreg:effect start.debugreg:effect")
{
    EXPECT_EQ(HYPERVISOR_get_debugreg(6), DR6_INIT);
    EXPECT_EQ(HYPERVISOR_get_debugreg(7), DR7_INIT);
}

CASE(debugreg_hypervisor, "XSA-444: a breakpoint in the hypervisor's range or at no canonical "
     "address is -EPERM",
     "set_debugreg:EPERM security.breakpoint:refused")
{
    EXPECT_EQ(HYPERVISOR_set_debugreg(0, CONF_HYPERVISOR_VA), -XEN_EPERM);
    EXPECT_EQ(HYPERVISOR_set_debugreg(3, HYPERVISOR_VIRT_START), -XEN_EPERM);
    EXPECT_EQ(HYPERVISOR_set_debugreg(1, CONF_BAD_VA), -XEN_EPERM);
    EXPECT_EQ(HYPERVISOR_get_debugreg(0), 0);
}

CASE(debugreg_control, "XSA-12: in DR7 general detect is -EPERM, reserved bits are put right",
     "set_debugreg:EPERM set_debugreg:effect")
{
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, 1UL << 13), -XEN_EPERM);
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, 0), 0);
    EXPECT_EQ(HYPERVISOR_get_debugreg(7), DR7_INIT);
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, 0), 0);
    EXPECT_EQ(HYPERVISOR_get_debugreg(6), DR6_INIT);
}

CASE(debugreg_bits, "each bit of DR7 and DR6 by itself: the enable, kind and length bits of DR7 "
     "are stored, GD and I/O breakpoints without CR4.DE are -EPERM, the rest reads as the "
     "processor's constants",
     "set_debugreg:effect set_debugreg:EPERM")
{
    for (unsigned int bit = 0; bit < 32; bit++) {
        bool kept = bit < 10 || bit > 15;

        EXPECT_EQ(HYPERVISOR_set_debugreg(7, 1UL << bit), bit == 13 ? -XEN_EPERM : 0);
        EXPECT_EQ(HYPERVISOR_get_debugreg(7), DR7_INIT | (kept ? 1UL << bit : 0));
        EXPECT_EQ(HYPERVISOR_set_debugreg(7, 0), 0);
        kept = bit < 4 || (bit > 12 && bit < 16);
        EXPECT_EQ(HYPERVISOR_set_debugreg(6, 1UL << bit), 0);
        EXPECT_EQ(HYPERVISOR_get_debugreg(6), DR6_INIT | (kept ? 1UL << bit : 0));
    }
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, 0), 0);
    for (uint64_t kind = 0; kind < 16; kind++) {
        EXPECT_EQ(HYPERVISOR_set_debugreg(7, 1 | kind << 16), kind % 4 == 2 ? -XEN_EPERM : 0);
        EXPECT_EQ(HYPERVISOR_set_debugreg(7, 0), 0);
    }
}

CASE(debugreg_high, "DR6 and DR7 have 32 bits: a value above is -EINVAL, before all else, and the "
     "register stays",
     "set_debugreg:EINVAL")
{
    static const uint64_t high[] = { 1UL << 32, 1UL << 63, DR6_INIT | 1UL << 32,
                                     1UL << 32 | 0x2000 };

    for (size_t i = 0; i < PV_ARRAY_SIZE(high); i++) {
        EXPECT_EQ(HYPERVISOR_set_debugreg(6, high[i]), -XEN_EINVAL);
        EXPECT_EQ(HYPERVISOR_set_debugreg(7, high[i]), -XEN_EINVAL);
    }
    EXPECT_EQ(HYPERVISOR_get_debugreg(6), DR6_INIT);
    EXPECT_EQ(HYPERVISOR_get_debugreg(7), DR7_INIT);
}

CASE(debugreg_unknown, "a register that does not exist is -ENODEV",
     "set_debugreg:ENODEV get_debugreg:ENODEV")
{
    EXPECT_EQ(HYPERVISOR_set_debugreg(8, 0), -XEN_ENODEV);
    EXPECT_EQ(HYPERVISOR_get_debugreg(8), -XEN_ENODEV);
    EXPECT_EQ(HYPERVISOR_set_debugreg(-1, 0), -XEN_ENODEV);
    EXPECT_EQ(HYPERVISOR_get_debugreg(-1), -XEN_ENODEV);
}

CASE(debugreg_instructions, "mov to and from debug registers does what the hypercalls do",
     "emulate.mov_dr:effect")
{
    uint64_t seen = 0;
    pv_fault_t f;

    PV_TRY_ASM(f, "mov %[v], %%db2", PV_OUT(), PV_IN([v] "r"((uint64_t)cell)));
    EXPECT_FAULT(f, PV_NO_FAULT);
    EXPECT_EQ(HYPERVISOR_get_debugreg(2), (uint64_t)cell);
    PV_TRY_ASM(f, "mov %%db2, %[v]", PV_OUT([v] "+r"(seen)), PV_IN());
    EXPECT_FAULT(f, PV_NO_FAULT);
    EXPECT_EQ(seen, (uint64_t)cell);
    EXPECT_EQ(HYPERVISOR_set_debugreg(2, 0), 0);
}

CASE(debugreg_watch, "a data breakpoint is #DB after the access, and DR6 says which",
     "set_debugreg:effect exception.DB:kernel")
{
    volatile uint64_t *watched = &cell[1];
    pv_fault_t f;

    EXPECT_EQ(HYPERVISOR_set_debugreg(0, (uint64_t)watched), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, DR6_INIT), 0);
    /* Local enable of 0; a write of 8 bytes. */
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, DR7_INIT | 1 | 0x9 << 16), 0);
    PV_TRY_ASM(f, "movq $7, (%[p]); nop", PV_OUT(), PV_IN([p] "r"(watched)));
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, DR7_INIT), 0);
    EXPECT_FAULT(f, PV_FAULT(PV_DB, 0));
    EXPECT_EQ(*watched, 7);
    EXPECT_EQ(HYPERVISOR_get_debugreg(6) & 0xf, 1);
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, DR6_INIT), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(0, 0), 0);
}
