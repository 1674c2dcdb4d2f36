/* SPDX-License-Identifier: MIT */
/* Software interrupts: `int n` and who may raise it. */
#include "../lib/case.h"
#include "../lib/frame.h"

/* A refused `int n` is #GP with the gate's index and the bit that says "descriptor table". */
#define REFUSED(n) PV_FAULT(PV_GP, (n) << 3 | 2)

static void kernel_int60(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x60");
}

static void kernel_int80(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x80");
}

PV_USER_TEXT static uint64_t user_int60(uint64_t arg)
{
    __asm__ volatile("int $0x60");
    return arg;
}

PV_USER_TEXT static uint64_t user_int80(uint64_t arg)
{
    __asm__ volatile("int $0x80");
    return arg;
}

static pv_fault_t in_user(void *fn)
{
    struct pv_user_exit exit;

    return pv_user_call(fn, 0, &exit) ? PV_FAULT(255, 0) : exit.fault;
}

/* The library's entry code, 16 bytes a vector: what arrives there becomes a value. */
extern const char pv_vector_stubs[];

static int set_dpl(unsigned int vector, unsigned int dpl)
{
    return pv_set_trap_raw(vector, pv_vector_stubs + vector * 16, 4 | dpl);
}

CASE(software_privilege, "int n needs the entry's privilege: 0 nobody, 1 and 2 the kernel, 3 all",
     "set_trap_table:privilege exception.software:kernel exception.software:user")
{
    pv_fault_t raised = PV_FAULT(0x60, 0);

    if (conf_no_software_interrupts())
        return;
    EXPECT_EQ(set_dpl(0x60, 0), 0);
    EXPECT_FAULT(pv_try_call(kernel_int60, NULL), REFUSED(0x60));
    EXPECT_FAULT(in_user(PV_USER_PTR(user_int60)), REFUSED(0x60));
    EXPECT_EQ(set_dpl(0x60, 1), 0);
    EXPECT_FAULT(pv_try_call(kernel_int60, NULL), raised);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_int60)), REFUSED(0x60));
    EXPECT_EQ(set_dpl(0x60, 2), 0);
    EXPECT_FAULT(pv_try_call(kernel_int60, NULL), raised);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_int60)), REFUSED(0x60));
    EXPECT_EQ(set_dpl(0x60, 3), 0);
    EXPECT_FAULT(pv_try_call(kernel_int60, NULL), raised);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_int60)), raised);
}

CASE(software_unset, "int n of a vector without an entry is #GP", "exception.software:unset")
{
    pv_fault_t f;

    if (conf_no_software_interrupts())
        return;
    PV_TRY_ASM(f, "int $0x70", PV_OUT(), PV_IN());
    EXPECT_EQ(pv_fault_vector(f), PV_GP);
    PV_TRY_ASM(f, "int $0x82", PV_OUT(), PV_IN());
    EXPECT_EQ(pv_fault_vector(f), PV_GP);
}

CASE(software_int80, "vector 0x80 is like the others: #GP until set, then for whom it is set",
     "exception.software:int80")
{
    pv_fault_t raised = PV_FAULT(0x80, 0);

    EXPECT_EQ(pv_fault_vector(pv_try_call(kernel_int80, NULL)), PV_GP);
    EXPECT_EQ(pv_fault_vector(in_user(PV_USER_PTR(user_int80))), PV_GP);
    EXPECT_EQ(set_dpl(0x80, 3), 0);
    EXPECT_FAULT(pv_try_call(kernel_int80, NULL), raised);
    EXPECT_FAULT(in_user(PV_USER_PTR(user_int80)), raised);
}

static void raise_60(void *arg)
{
    (void)arg;
    __asm__ volatile(".globl at_int60; at_int60: int $0x60");
}

extern const char at_int60[];

CASE(software_rip, "int n arrives with rip behind it and no error code", "exception.software:frame")
{
    if (conf_no_software_interrupts())
        return;
    EXPECT_EQ(pv_set_trap_raw(0x60, conf_entry, 3), 0);
    EXPECT_TRUE(conf_catch(raise_60, NULL));
    EXPECT_EQ(conf_frame.slot[2], at_int60 + 2);
    EXPECT_EQ(conf_frame.slot[6], FLAT_KERNEL_SS);
    EXPECT_EQ(pv_set_trap_raw(0x60, NULL, 0), 0);
}
