/* SPDX-License-Identifier: MIT */
/* The iret hypercall: every way to leave the guest kernel, or to stay in it. */
#include "../lib/case.h"
#include "../lib/frame.h"

#define STACK_MARK 0xffffffff80100000UL

static struct iret_context to_kernel(void)
{
    return (struct iret_context){
        .rax = 0x1a, .r11 = 0x1b, .rcx = 0x1c, .rip = (uint64_t)conf_after_iret,
        .cs = FLAT_KERNEL_CS & ~3, .rflags = 0x2, .rsp = STACK_MARK, .ss = FLAT_KERNEL_SS,
    };
}

CASE(iret_kernel, "iret loads rax, rcx, r11, rip, rflags and rsp; a cs of RPL 0 stays in kernel "
     "mode",
     "iret.kernel:effect")
{
    struct iret_context frame = to_kernel();

    frame.rflags |= 0x801; /* overflow and carry */
    conf_iret(&frame);
    EXPECT_EQ(conf_after.rax, 0x1a);
    EXPECT_EQ(conf_after.rcx, 0x1c);
    EXPECT_EQ(conf_after.r11, 0x1b);
    EXPECT_EQ(conf_after.rsp, STACK_MARK);
    EXPECT_EQ(conf_after.rflags & 0x801, 0x801);
    EXPECT_EQ(conf_after.cs, FLAT_KERNEL_CS);
    EXPECT_EQ(conf_after.ss, FLAT_KERNEL_SS);
}

CASE(iret_kernel_rpl, "RPL 1 and 2 in cs also stay in kernel mode", "iret.kernel:effect")
{
    for (unsigned int rpl = 1; rpl < 3; rpl++) {
        struct iret_context frame = to_kernel();

        frame.cs |= rpl;
        conf_iret(&frame);
        EXPECT_EQ(conf_after.rsp, STACK_MARK);
        EXPECT_EQ(conf_after.cs, FLAT_KERNEL_CS);
    }
}

CASE(iret_flags, "XSA-202: IF becomes the event mask; IOPL and VM are dropped; real IF stays set",
     "iret.kernel:rflags")
{
    struct iret_context frame = to_kernel();

    frame.rflags = 0x2 | PV_RFLAGS_IF | 0x3000 | 0x20000;
    conf_iret(&frame);
    EXPECT_EQ(pv_this_vcpu()->info->evtchn_upcall_mask, 0);
    EXPECT_EQ(conf_after.rflags & 0x23000, 0);
    EXPECT_EQ(conf_after.rflags & PV_RFLAGS_IF, PV_RFLAGS_IF);
    frame.rflags = 0x2;
    conf_iret(&frame);
    EXPECT_EQ(pv_this_vcpu()->info->evtchn_upcall_mask, 1);
    EXPECT_EQ(conf_after.rflags & PV_RFLAGS_IF, PV_RFLAGS_IF);
}

CASE(iret_each_flag, "each flag of the frame by itself: arithmetic flags, DF, NT, AC and ID are "
     "loaded; IF is the mask's; IOPL, VM, the virtual interrupt flags and what is no flag are "
     "dropped",
     "iret.kernel:rflags")
{
    for (unsigned int bit = 0; bit < 64; bit++) {
        struct iret_context frame = to_kernel();

        if (bit == 8)
            continue;                   /* TF: exception_single_step */
        frame.rflags = 1UL << bit;
        conf_iret(&frame);
        EXPECT_EQ(conf_after.rflags, 0x202 | (bit < 22 ? 0x244cd5UL & 1UL << bit : 0));
        EXPECT_EQ(pv_this_vcpu()->info->evtchn_upcall_mask, bit != 9);
        __asm__ volatile("pushq $2; popfq" : : : "cc", "memory");
        pv_this_vcpu()->info->evtchn_upcall_mask = 1;
    }
}

CASE(iret_in_syscall, "with VGCF_in_syscall rcx and r11 are not taken from the frame",
     "iret.in_syscall:effect")
{
    struct iret_context frame = to_kernel();

    frame.flags = VGCF_in_syscall;
    conf_iret(&frame);
    EXPECT_EQ(conf_after.rax, 0x1a);
    EXPECT_EQ(conf_after.rsp, STACK_MARK);
    EXPECT_TRUE(conf_after.rcx != 0x1c);
    EXPECT_TRUE(conf_after.r11 != 0x1b);
}


static void do_iret(void *arg)
{
    conf_iret(arg);
}

static struct iret_context to_user(const void *rip)
{
    EXPECT_EQ(pv_user_init(), 0);
    return (struct iret_context){
        .rax = 0x1a, .r11 = 0x1b, .rcx = 0x1c, .rip = (uint64_t)rip, .cs = FLAT_USER_CS,
        .rflags = PV_RFLAGS_IF, .rsp = pv_user_stack(0) - 64, .ss = FLAT_USER_SS,
    };
}

CASE(iret_user, "a cs of RPL 3 goes to user mode, with all registers of the frame",
     "iret.user:effect")
{
    struct iret_context frame = to_user(PV_USER_PTR(conf_user_int3));

    EXPECT_EQ(pv_set_trap_raw(PV_BP, conf_entry, 7), 0);
    EXPECT_TRUE(conf_catch(do_iret, &frame));
    EXPECT_EQ(conf_frame.rax, 0x1a);
    EXPECT_EQ(conf_frame.slot[0], 0x1c);
    EXPECT_EQ(conf_frame.slot[1], 0x1b);
    EXPECT_EQ(conf_frame.slot[2], frame.rip + 1);
    EXPECT_EQ(conf_frame.slot[5], frame.rsp);
    EXPECT_EQ(conf_frame.slot[3] & 3, 3);
    EXPECT_EQ(pv_set_trap_raw(PV_BP, NULL, 0), 0);
}

CASE(iret_user_in_syscall, "VGCF_in_syscall to user mode: rip, rflags and rsp of the frame, rcx "
     "and r11 lost",
     "iret.in_syscall:effect")
{
    struct iret_context frame = to_user(PV_USER_PTR(conf_user_int3));

    frame.flags = VGCF_in_syscall;
    frame.rflags |= 1;
    EXPECT_EQ(pv_set_trap_raw(PV_BP, conf_entry, 7), 0);
    EXPECT_TRUE(conf_catch(do_iret, &frame));
    EXPECT_EQ(conf_frame.slot[2], frame.rip + 1);
    EXPECT_EQ(conf_frame.slot[4] & 1, 1);
    EXPECT_EQ(conf_frame.slot[5], frame.rsp);
    EXPECT_TRUE(conf_frame.slot[0] != 0x1c);
    EXPECT_EQ(pv_set_trap_raw(PV_BP, NULL, 0), 0);
}

/* An iret that can't be done: the #GP that comes of it, whichever mode it shows. */
static pv_fault_t iret_fault(struct iret_context frame)
{
    pv_fault_t fault = PV_NO_FAULT;

    if (pv_set_trap_raw(PV_GP, conf_entry, 4))
        return PV_FAULT(255, 0);
    if (conf_catch(do_iret, &frame))
        fault = PV_FAULT(PV_GP, conf_frame.slot[2]);
    pv_set_trap_raw(PV_GP, NULL, 0);
    return fault;
}

#define FAULT_RIP (conf_frame.slot[3])
#define FAULT_CS  (conf_frame.slot[4] & 0xffff)

CASE(iret_user_bad_rip, "XSA-7: iret to user code at an address that is not canonical: #GP(0) "
     "there",
     "iret.user:bad_rip security.sysret:refused")
{
    struct iret_context frame = to_user((void *)CONF_BAD_VA);

    EXPECT_FAULT(iret_fault(frame), PV_FAULT(PV_GP, 0));
    EXPECT_EQ(FAULT_RIP, CONF_BAD_VA);
    frame.flags = VGCF_in_syscall;
    EXPECT_FAULT(iret_fault(frame), PV_FAULT(PV_GP, 0));
}

CASE(iret_kernel_bad_rip, "iret to a kernel address that is not canonical: #GP(0) there",
     "iret.kernel:bad_rip security.sysret:refused")
{
    struct iret_context frame = to_kernel();

    frame.rip = CONF_BAD_VA;
    frame.rsp = (uint64_t)__builtin_frame_address(0) - 4096;
    EXPECT_FAULT(iret_fault(frame), PV_FAULT(PV_GP, 0));
    EXPECT_EQ(FAULT_RIP, CONF_BAD_VA);
}

CASE(iret_bad_selectors, "a cs or ss that can't be loaded is #GP with its selector, in the guest",
     "iret.kernel:bad_selector iret.user:bad_selector")
{
    struct iret_context frame = to_kernel();

    frame.rsp = (uint64_t)__builtin_frame_address(0) - 4096;
    frame.cs = 0x100;
    EXPECT_FAULT(iret_fault(frame), PV_FAULT(PV_GP, 0x100));
    frame = to_user(PV_USER_PTR(conf_user_int3));
    frame.cs = 0x103;
    EXPECT_FAULT(iret_fault(frame), PV_FAULT(PV_GP, 0x100));
    frame = to_user(PV_USER_PTR(conf_user_int3));
    EXPECT_EQ(FAULT_CS, 0x103);
    frame.ss = 0x203;
    EXPECT_FAULT(iret_fault(frame), PV_FAULT(PV_GP, 0x200));
    EXPECT_EQ(FAULT_RIP, frame.rip);
    EXPECT_EQ(pv_this_vcpu()->id, 0);
}

CASE(iret_hypervisor_selectors, "selectors of the hypervisor's own segments can't be loaded",
     "iret.kernel:bad_selector security.hypervisor_selectors:refused")
{
    struct iret_context frame = to_kernel();

    frame.rsp = (uint64_t)__builtin_frame_address(0) - 4096;
    for (uint64_t selector = 0xe000; selector < 0xe100; selector += 8) {
        if (selector == (FLAT_RING3_CS32 & ~7) || selector == (FLAT_RING3_SS32 & ~7) ||
            selector == (FLAT_RING3_CS64 & ~7))
            continue;
        frame.cs = selector;
        EXPECT_FAULT(iret_fault(frame), PV_FAULT(PV_GP, selector));
    }
}
