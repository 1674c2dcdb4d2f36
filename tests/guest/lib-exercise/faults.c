/* SPDX-License-Identifier: MIT */
/* The library's exceptions: faults as values, handlers, calls that end by a fault. */
#include "../lib/case.h"

CONF_GUEST("lib-exercise");

#define UNMAPPED      0x1000UL
#define NON_CANONICAL 0x8000000000000000UL
#define MSR_EFER      0xc0000080u
/* Of a case each: the library leaves a vector's gate in place when its handler goes. */
#define SOFT_VECTOR   0x80
#define OTHER_VECTOR  0x81

CASE(lib_probe_unmapped, "a probe of an unmapped page is a #PF with its address", "library")
{
    uint64_t value;

    EXPECT_FAULT(pv_probe_read(UNMAPPED, &value), PV_FAULT(PV_PF, 0));
    EXPECT_EQ(pv_last_fault()->cr2, UNMAPPED);
    EXPECT_FAULT(pv_probe_write(UNMAPPED, 1), PV_FAULT(PV_PF, PV_PF_WRITE));
    EXPECT_FAULT(pv_probe_read(NON_CANONICAL, &value), PV_FAULT(PV_GP, 0));
}

CASE(lib_probe_mapped, "a probe of what is mapped reads and writes it", "library")
{
    uint64_t here = 5, value = 0;

    EXPECT_FAULT(pv_probe_read((uint64_t)&here, &value), PV_NO_FAULT);
    EXPECT_EQ(value, 5);
    EXPECT_FAULT(pv_probe_write((uint64_t)&here, 6), PV_NO_FAULT);
    EXPECT_EQ(*(volatile uint64_t *)&here, 6);
}

CASE(lib_probe_table, "a page table can be read, not written", "library")
{
    uint64_t value;

    EXPECT_FAULT(pv_probe_read(pv_start_info->pt_base, &value), PV_NO_FAULT);
    EXPECT_FAULT(pv_probe_write(pv_start_info->pt_base, 0),
                 PV_FAULT(PV_PF, PV_PF_WRITE | PV_PF_PRESENT));
}

CASE(lib_probe_msr, "a probe of EFER reads it; a refused write is a #GP", "library")
{
    uint64_t value = 0;

    EXPECT_FAULT(pv_probe_rdmsr(MSR_EFER, &value), PV_NO_FAULT);
    EXPECT_TRUE(value & 1); /* SYSCALL is enabled */
    EXPECT_FAULT(pv_probe_wrmsr(MSR_EFER, 0), PV_FAULT(PV_GP, 0));
}

CASE(lib_try_asm, "PV_TRY_ASM turns an instruction's fault into a value", "library")
{
    pv_fault_t fault;

    PV_TRY_ASM(fault, "nop", PV_OUT(), PV_IN());
    EXPECT_FAULT(fault, PV_NO_FAULT);
    PV_TRY_ASM(fault, "ud2", PV_OUT(), PV_IN());
    EXPECT_FAULT(fault, PV_FAULT(PV_UD, 0));
    PV_TRY_ASM(fault, "hlt", PV_OUT(), PV_IN());
    EXPECT_FAULT(fault, PV_FAULT(PV_GP, 0));
    PV_TRY_ASM(fault, "xor %%edx, %%edx; div %%edx", PV_OUT(), PV_IN(), "rax", "rdx");
    EXPECT_FAULT(fault, PV_FAULT(PV_DE, 0));
}

/* ---- Handlers ---- */

static unsigned int soft_calls;

static void soft_handler(struct pv_regs *regs)
{
    soft_calls++;
    regs->rax = regs->vector;
}

CASE(lib_set_trap, "a software vector calls its handler, which may change registers", "library")
{
    uint64_t rax = 0;
    pv_fault_t fault;

    PV_TRY_ASM(fault, "int $0x80; nop", PV_OUT(), PV_IN());
    EXPECT_FAULT(fault, PV_FAULT(PV_GP, SOFT_VECTOR * 8 + 2));
    soft_calls = 0;
    EXPECT_EQ(pv_set_trap(SOFT_VECTOR, soft_handler), 0);
    __asm__ volatile("int $0x80" : "+a"(rax));
    EXPECT_EQ(soft_calls, 1);
    EXPECT_EQ(rax, SOFT_VECTOR);
    EXPECT_EQ(pv_set_trap(SOFT_VECTOR, NULL), 0);
    EXPECT_EQ(pv_set_trap(256, soft_handler), -XEN_EINVAL);
}

CASE(lib_trap_order, "an instruction's own fixup comes before a handler", "library")
{
    pv_fault_t fault;

    soft_calls = 0;
    EXPECT_EQ(pv_set_trap(OTHER_VECTOR, soft_handler), 0);
    PV_TRY_ASM(fault, "nop; int $0x81; nop", PV_OUT(), PV_IN());
    EXPECT_FAULT(fault, PV_FAULT(OTHER_VECTOR, 0));
    EXPECT_EQ(soft_calls, 0);
    EXPECT_EQ(pv_set_trap(OTHER_VECTOR, NULL), 0);
}

/* ---- Calls ---- */

static void jump(void *target)
{
    ((void (*)(void))target)();
}

static pv_fault_t inner;

static void jump_then_invalid(void *target)
{
    inner = pv_try_call(jump, target);
    __asm__ volatile("ud2");
}

static void add_one(void *number)
{
    (*(int *)number)++;
}

CASE(lib_try_call, "a call that returns is no fault; one that faults ends there", "library")
{
    int number = 1;

    EXPECT_FAULT(pv_try_call(add_one, &number), PV_NO_FAULT);
    EXPECT_EQ(number, 2);
    EXPECT_FAULT(pv_try_call(jump, (void *)UNMAPPED), PV_FAULT(PV_PF, PV_PF_FETCH));
}

CASE(lib_try_call_nested, "calls that may fault can be nested", "library")
{
    inner = PV_NO_FAULT;
    EXPECT_FAULT(pv_try_call(jump_then_invalid, (void *)UNMAPPED), PV_FAULT(PV_UD, 0));
    EXPECT_FAULT(inner, PV_FAULT(PV_PF, PV_PF_FETCH));
    EXPECT_TRUE(!pv_events_enabled());
}

CASE(lib_hypercall_ways, "a hypercall by number is the same by page and by SYSCALL", "library")
{
    long version = HYPERVISOR_xen_version(XENVER_version, NULL);

    EXPECT_EQ(pv_hypercall(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0, 0), version);
    EXPECT_EQ(pv_syscall(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0, 0), version);
    EXPECT_EQ(pv_hypercall(100, 0, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    EXPECT_EQ(pv_syscall(99999, 0, 0, 0, 0, 0, 0), -XEN_ENOSYS);
}
