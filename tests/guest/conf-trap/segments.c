/* SPDX-License-Identifier: MIT */
/* Faults of segment loads, and an LDT that is first touched by the way out of the hypervisor. */
#include "../lib/case.h"
#include "../lib/frame.h"

#define DATA    0x00cff3000000ffffUL    /* DPL 3, writable, base 0, 4 GiB */
#define CODE64  0x00affb000000ffffUL    /* DPL 3, long, readable */
#define PRESENT (1UL << 47)

#define SELECTOR(index)  ((index) * 8 | 3)
#define LDT(index)       (SELECTOR(index) | 4)
#define ERROR(selector)  ((selector) & ~3)

static uint64_t *gdt;

static void set_up(void)
{
    unsigned long frame;

    gdt = pv_alloc_table();
    frame = pv_va_to_mfn(gdt).nr;
    EXPECT_EQ(HYPERVISOR_set_gdt(&frame, 512), 0);
    EXPECT_EQ(HYPERVISOR_update_descriptor((frame << PV_PAGE_SHIFT) + 6 * 8, DATA & ~PRESENT), 0);
}

static void tear_down(void)
{
    EXPECT_EQ(HYPERVISOR_set_gdt(NULL, 0), 0);
    EXPECT_EQ(pv_free_table(gdt), 0);
}

#define LOAD(name, reg)                                                                    \
    PV_USER_TEXT static uint64_t user_##name(uint64_t arg)                                 \
    {                                                                                      \
        __asm__ volatile("mov %k0, %%" reg : : "r"(arg));                                  \
        return 0;                                                                          \
    }                                                                                      \
    static void kernel_##name(void *arg)                                                   \
    {                                                                                      \
        __asm__ volatile("mov %k0, %%" reg : : "r"(arg));                                  \
    }

LOAD(es, "es")
LOAD(ss, "ss")

static pv_fault_t in_user(void *fn, uint64_t arg)
{
    struct pv_user_exit exit;

    return pv_user_call(fn, arg, &exit) ? PV_FAULT(255, 0) : exit.fault;
}

CASE(segment_faults, "a segment that is not present is #NP with its selector, as a stack #SS; an "
     "empty one is #GP; in kernel and user mode",
     "exception.NP:kernel exception.NP:user exception.SS:kernel exception.SS:user "
     "exception.GP:user")
{
    uint64_t absent = SELECTOR(6), empty = SELECTOR(5);

    set_up();
    EXPECT_FAULT(pv_try_call(kernel_es, (void *)absent), PV_FAULT(PV_NP, ERROR(absent)));
    EXPECT_FAULT(pv_try_call(kernel_ss, (void *)absent), PV_FAULT(PV_SS, ERROR(absent)));
    EXPECT_FAULT(pv_try_call(kernel_ss, (void *)empty), PV_FAULT(PV_GP, ERROR(empty)));
    EXPECT_FAULT(in_user(PV_USER_PTR(user_es), absent), PV_FAULT(PV_NP, ERROR(absent)));
    EXPECT_FAULT(in_user(PV_USER_PTR(user_ss), absent), PV_FAULT(PV_SS, ERROR(absent)));
    EXPECT_FAULT(in_user(PV_USER_PTR(user_ss), empty), PV_FAULT(PV_GP, ERROR(empty)));
    tear_down();
}

static long set_ldt(const void *base, unsigned int entries)
{
    struct mmuext_op op = { .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (uint64_t)base,
                            .arg2.nr_ents = entries };

    return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void do_iret(void *arg)
{
    conf_iret(arg);
}

CASE(iret_ldt, "iret to user mode with cs and ss in an LDT that nobody has used yet: its page is "
     "mapped on the way; where the LDT is not mapped, #PF at its address",
     "iret.user:ldt")
{
    uint64_t *ldt = pv_alloc_page();
    struct iret_context frame = {
        .rip = (uint64_t)PV_USER_PTR(conf_user_int3), .cs = LDT(2), .rflags = PV_RFLAGS_IF,
        .rsp = pv_user_stack(0) - 64, .ss = LDT(1),
    };

    EXPECT_EQ(pv_user_init(), 0);
    ldt[1] = DATA;
    ldt[2] = CODE64;
    EXPECT_EQ(pv_update_va((uint64_t)ldt, pv_pte(pv_va_to_mfn(ldt), PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_EQ(set_ldt(ldt, 512), 0);
    EXPECT_EQ(pv_set_trap_raw(PV_BP, conf_entry, 7), 0);
    EXPECT_EQ(pv_set_trap_raw(PV_PF, conf_entry, 4), 0);
    EXPECT_TRUE(conf_catch(do_iret, &frame));
    EXPECT_EQ(conf_frame.slot[2], frame.rip + 1);
    EXPECT_EQ(conf_frame.slot[3] & 0xffff, LDT(2));
    EXPECT_EQ(conf_frame.slot[6], LDT(1));
    EXPECT_EQ(set_ldt((void *)CONF_EMPTY_VA, 512), 0);
    EXPECT_TRUE(conf_catch(do_iret, &frame));
    EXPECT_EQ(pv_this_vcpu()->info->arch.cr2, CONF_EMPTY_VA + 2 * 8);
    EXPECT_EQ(conf_frame.slot[3], frame.rip);
    EXPECT_EQ(pv_set_trap_raw(PV_BP, NULL, 0), 0);
    EXPECT_EQ(pv_set_trap_raw(PV_PF, NULL, 0), 0);
    EXPECT_EQ(set_ldt(NULL, 0), 0);
    EXPECT_EQ(pv_free_table(ldt), 0);
}
