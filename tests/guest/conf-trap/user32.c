/* SPDX-License-Identifier: MIT */
/* 32-bit user code: its ways into the guest kernel, and what only it can raise. */
#include "../lib/case.h"
#include "../lib/frame.h"

/* 32-bit instructions among the user code, which lies below 4 GiB. */
#define CODE32(name, insns)                                                                \
    extern const char name[];                                                              \
    __asm__(".pushsection .pv_user.text, \"ax\", @progbits\n\t.code32\n"                   \
            ".globl " #name "\n" #name ":\n\t" insns "\n\t.code64\n\t.popsection")

#define CARRY    1UL

/* The library's entry code, 16 bytes a vector. */
extern const char pv_vector_stubs[];

PV_USER_DATA static char stack32[256] __attribute__((aligned(16)));
PV_USER_DATA static uint32_t bounds32[2] = { 10, 20 };

static struct pv_regs regs32(const char *code)
{
    return (struct pv_regs){
        .rip = (uint64_t)code, .cs = FLAT_USER_CS32, .ss = FLAT_USER_SS32,
        .rflags = PV_RFLAGS_IF, .rsp = (uint64_t)PV_USER_PTR(stack32[128]),
        .rbx = (uint64_t)PV_USER_PTR(bounds32[0]),
    };
}

/* Only 32-bit code needs something in ds; the kernel leaves it alone. */
static void set_ds(uint16_t selector)
{
    __asm__ volatile("mov %0, %%ds" : : "r"((uint32_t)selector));
}

static pv_fault_t run(const struct pv_regs *regs, struct pv_user_exit *exit)
{
    int rc;

    set_ds(FLAT_USER_DS32);
    rc = pv_user_resume(regs, exit);
    set_ds(0);
    return rc ? PV_FAULT(255, 0) : exit->fault;
}

CODE32(code32_int3, "int3");
CODE32(code32_ud2, "ud2");
CODE32(code32_into, "movb $0x7f, %al; addb $1, %al; into");
CODE32(code32_bound, "movl $5, %eax; .byte 0x62, 0x03");    /* bound %eax, (%ebx) */
CODE32(code32_in_bounds, "movl $10, %eax; .byte 0x62, 0x03; ud2");
CODE32(code32_hlt, "hlt");
CODE32(code32_int80, "int $0x80");
CODE32(code32_step, "nop; nop; ud2");
CODE32(code32_syscall, "movl $0x1234, %eax; syscall; ud2");
CODE32(code32_sysenter, "sysenter; ud2");
CODE32(code32_inb, "inb $0x61, %al; ud2");
CODE32(code32_cpuid, "movl $0x40000000, %eax; .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid; ud2");

CASE(user32_exceptions, "exceptions of 32-bit user code come with its selector, also #OF by into "
     "and #BR by bound, which 64-bit code does not have",
     "user32:exceptions exception.BR:user")
{
    static const struct {
        const char *name, *code;
        unsigned int rip;           /* how far it got */
        pv_fault_t fault;
    } rows[] = {
        { "int3", code32_int3, 1, PV_FAULT(PV_BP, 0) },
        { "ud2", code32_ud2, 0, PV_FAULT(PV_UD, 0) },
        { "into", code32_into, 5, PV_FAULT(PV_OF, 0) },
        { "bound", code32_bound, 5, PV_FAULT(PV_BR, 0) },
        { "within bounds", code32_in_bounds, 7, PV_FAULT(PV_UD, 0) },
        { "hlt", code32_hlt, 0, PV_FAULT(PV_GP, 0) },
    };

    for (size_t i = 0; i < PV_ARRAY_SIZE(rows); i++) {
        struct pv_regs regs = regs32(rows[i].code);
        struct pv_user_exit exit;

        EXPECT_FAULT_ROW(run(&regs, &exit), rows[i].fault, rows[i].name);
        EXPECT_ROW(exit.regs.rip, regs.rip + rows[i].rip, rows[i].name);
        EXPECT_ROW(exit.regs.cs & 0xffff, FLAT_USER_CS32, rows[i].name);
        EXPECT_ROW(exit.regs.rsp, regs.rsp, rows[i].name);
    }
}

CASE(user32_int80, "XSA-259: int $0x80 of 32-bit user code enters as every interrupt does",
     "user32:int80 exception.software:int80")
{
    struct pv_regs regs = regs32(code32_int80);
    struct pv_user_exit exit;

    EXPECT_EQ(pv_set_trap_raw(0x80, pv_vector_stubs + 0x80 * 16, 3), 0);
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(0x80, 0));
    EXPECT_EQ(exit.regs.rip, regs.rip + 2);
    EXPECT_EQ(exit.regs.cs & 0xffff, FLAT_USER_CS32);
    EXPECT_EQ(exit.regs.rflags & PV_RFLAGS_IF, PV_RFLAGS_IF);
}

CASE(user32_step, "TF in 32-bit user code: #DB after one instruction", "exception.DB:user")
{
    struct pv_regs regs = regs32(code32_step);
    struct pv_user_exit exit;

    regs.rflags |= PV_RFLAGS_TF;
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_DB, 0));
    EXPECT_EQ(exit.regs.rip, regs.rip + 1);
    EXPECT_EQ(HYPERVISOR_set_debugreg(6, 0xffff0ff0UL), 0);
}

static void enter(void *arg)
{
    const struct pv_regs *regs = arg;
    struct iret_context frame = {
        .rip = regs->rip, .cs = regs->cs, .rflags = regs->rflags, .rsp = regs->rsp,
        .ss = regs->ss,
    };

    pv_user_init();
    conf_iret(&frame);
}

CASE(user32_syscall, "syscall of 32-bit user code: on an AMD processor its callback, with the "
     "32-bit selector and rip behind the instruction; on an Intel one, or without a callback, #UD "
     "at it",
     "callback.syscall32:effect user32:syscall")
{
    struct pv_regs regs = regs32(code32_syscall);
    struct pv_user_exit exit;

    regs.rflags |= CARRY;
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_UD, 0));
    EXPECT_EQ(exit.regs.rip, regs.rip + 5);
    if (conf_vendor_intel())
        return;
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_syscall32, conf_entry, CALLBACKF_mask_events), 0);
    EXPECT_TRUE(conf_catch(enter, &regs));
    EXPECT_EQ(conf_frame.at, pv_this_vcpu()->trap_stack - 7 * 8);
    EXPECT_EQ(conf_frame.slot[2], regs.rip + 7);
    EXPECT_EQ(conf_frame.slot[3] & 0xffff, FLAT_USER_CS32);
    EXPECT_EQ(conf_frame.slot[4] & (PV_RFLAGS_IF | CARRY), PV_RFLAGS_IF | CARRY);
    EXPECT_EQ(conf_frame.slot[5], regs.rsp);
    EXPECT_EQ(conf_frame.slot[6], FLAT_USER_SS32);
    EXPECT_EQ(conf_frame.rax, 0x1234);
    EXPECT_EQ(conf_frame.cs, FLAT_KERNEL_CS);
    EXPECT_EQ(conf_frame.mask, 1);
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_syscall32, conf_entry, 0), 0);
    EXPECT_TRUE(conf_catch(enter, &regs));
    EXPECT_ON(conf_frame.mask, 1, 0, "Xen goes by the flag of the 64-bit callback, which is set");
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_syscall, conf_entry, 0), 0);
    EXPECT_TRUE(conf_catch(enter, &regs));
    EXPECT_EQ(conf_frame.mask, 0);
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_syscall, NULL, 0), 0);
}

CASE(user32_sysenter, "XSA-44, XSA-339: sysenter of 32-bit user code with NT and TF set enters "
     "once by its callback on an Intel processor; on an AMD one in long mode it is #UD",
     "callback.sysenter:effect user32:sysenter")
{
    struct pv_regs regs = regs32(code32_sysenter);
    struct pv_user_exit exit;

    if (!conf_vendor_intel()) {
        pv_fault_t fault = run(&regs, &exit);

        /* QEMU, unlike the processor, looks at the MSR that names no entry. */
        EXPECT_TRUE(fault == PV_FAULT(PV_UD, 0) || fault == PV_FAULT(PV_GP, 0));
        EXPECT_EQ(exit.regs.rip, regs.rip);
        return;
    }
    if (!conf_on_pavane()) {
        conf_skip("Xen 4.17.7 takes a double fault here: its entry stack is one from its boot");
        return;
    }
    regs.rflags |= 0x4000;
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_sysenter, conf_entry, CALLBACKF_mask_events), 0);
    EXPECT_TRUE(conf_catch(enter, &regs));
    EXPECT_EQ(conf_frame.slot[3] & 3, 3);
    EXPECT_EQ(conf_frame.at, pv_this_vcpu()->trap_stack - 7 * 8);
    EXPECT_EQ(conf_frame.rflags & 0x4100, 0);
    /* Once: nothing more comes of it. */
    EXPECT_FAULT(run(&(struct pv_regs){ .rip = (uint64_t)PV_USER_PTR(conf_user_ud2),
                                        .cs = FLAT_USER_CS, .ss = FLAT_USER_SS,
                                        .rflags = PV_RFLAGS_IF, .rsp = pv_user_stack(0) - 64 },
                     &exit), PV_FAULT(PV_UD, 0));
}

CASE(user32_emulated, "what is emulated for 64-bit code is emulated for 32-bit code: ports with "
     "I/O privilege 3, CPUID behind the prefix",
     "user32:emulated cpuid.prefix:effect")
{
    struct physdev_set_iopl iopl = { .iopl = 3 };
    struct pv_regs regs = regs32(code32_inb);
    struct pv_user_exit exit;

    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_GP, 0));
    EXPECT_EQ(exit.regs.rip, regs.rip);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_UD, 0));
    EXPECT_EQ(exit.regs.rip, regs.rip + 2);
    iopl.iopl = 0;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    regs = regs32(code32_cpuid);
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_UD, 0));
    EXPECT_EQ(exit.regs.rip, regs.rip + 12);
    EXPECT_EQ(exit.regs.rbx, 0x566e6558);       /* "XenV" */
}

#define DATA 0x00cff3000000ffffUL       /* DPL 3, writable, base 0, 4 GiB */

CODE32(code32_insb, "insb; ud2");
CODE32(code32_outsb_cs, ".byte 0x2e; outsb; ud2");

CASE(user32_descriptors, "XSA-67, XSA-123, XSA-298: string I/O of 32-bit code goes by the segment "
     "that is named, and one whose descriptor is not in the table any more is #GP(0)",
     "user32:emulated emulate.io:string")
{
    struct physdev_set_iopl iopl = { .iopl = 3 };
    uint64_t *gdt = pv_alloc_table();
    unsigned long frame = pv_va_to_mfn(gdt).nr;
    uint16_t selector = 5 * 8 | 3;
    struct pv_regs regs = regs32(code32_insb);
    struct pv_user_exit exit;

    regs.rdx = 0x61;
    regs.rdi = regs.rsp;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    EXPECT_EQ(HYPERVISOR_set_gdt(&frame, 512), 0);
    EXPECT_EQ(HYPERVISOR_update_descriptor((frame << PV_PAGE_SHIFT) + 5 * 8, DATA), 0);
    __asm__ volatile("mov %0, %%es" : : "r"((uint32_t)selector));
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_UD, 0));
    EXPECT_EQ(exit.regs.rdi, regs.rdi + 1);
    EXPECT_EQ(HYPERVISOR_set_gdt(NULL, 0), 0);
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_GP, 0));
    EXPECT_EQ(exit.regs.rdi, regs.rdi);
    __asm__ volatile("mov %0, %%es" : : "r"(0));
    /* A null es: nothing to write through; and through cs one may read. */
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_GP, 0));
    regs = regs32(code32_outsb_cs);
    regs.rdx = 0x80;
    regs.rsi = regs.rip;
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_UD, 0));
    EXPECT_EQ(exit.regs.rsi, regs.rsi + 1);
    iopl.iopl = 0;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    EXPECT_EQ(pv_free_table(gdt), 0);
}

/* 32-bit code, DPL 3, from `base` on, `limit` its last byte: not more than a page. */
static uint64_t code_descriptor(uint64_t base, uint64_t limit)
{
    return 0x0040fb0000000000UL | (base & 0xffffff) << 16 | base >> 24 << 56 | limit;
}

CODE32(code32_last, "inb $0x61, %al; int3");

CASE(user32_segment_end, "an instruction that ends with its code segment is emulated; of one that "
     "reaches beyond it there is only the #GP(0)",
     "user32:emulated")
{
    struct physdev_set_iopl iopl = { .iopl = 3 };
    uint64_t *gdt = pv_alloc_table();
    unsigned long frame = pv_va_to_mfn(gdt).nr;
    struct pv_regs regs = regs32(NULL);
    struct pv_user_exit exit;

    regs.cs = 6 * 8 | 3;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    EXPECT_EQ(HYPERVISOR_set_gdt(&frame, 512), 0);
    EXPECT_EQ(HYPERVISOR_update_descriptor((frame << PV_PAGE_SHIFT) + 6 * 8,
                                           code_descriptor((uint64_t)code32_last, 2)), 0);
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_BP, 0));
    EXPECT_EQ(exit.regs.rip, 3);
    EXPECT_EQ(HYPERVISOR_update_descriptor((frame << PV_PAGE_SHIFT) + 6 * 8,
                                           code_descriptor((uint64_t)code32_last, 0)), 0);
    EXPECT_FAULT(run(&regs, &exit), PV_FAULT(PV_GP, 0));
    EXPECT_EQ(exit.regs.rip, 0);
    EXPECT_EQ(HYPERVISOR_set_gdt(NULL, 0), 0);
    iopl.iopl = 0;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    EXPECT_EQ(pv_free_table(gdt), 0);
}
