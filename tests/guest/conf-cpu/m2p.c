/* SPDX-License-Identifier: MIT */
/* The machine-to-physical table and user mode. */
#include "../lib/case.h"

PV_USER_TEXT static uint64_t user_read(uint64_t address)
{
    uint64_t value;

    __asm__ volatile("mov (%1), %0" : "=r"(value) : "r"(address));
    return value;
}

static pv_fault_t in_user(void)
{
    struct pv_user_exit exit;

    if (pv_user_call(PV_USER_PTR(user_read), HYPERVISOR_VIRT_START, &exit))
        return PV_FAULT(255, 0);
    return exit.fault;
}

static long load_user_root(uint64_t mfn)
{
    struct mmuext_op op = { .cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = mfn };

    return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* Where Xen defends against Meltdown, user mode runs on a root of Xen's own. */
static void expect_hidden(void)
{
    pv_fault_t absent = PV_FAULT(PV_PF, PV_PF_USER);

    EXPECT_FAULT_ON(in_user(), conf_vendor_intel() ? PV_NO_FAULT : absent, absent,
                    "on an Intel processor Xen's own root for user mode always shows it");
}

CASE(m2p_strict, "a user root does not show the table, with vm_assist(m2p_strict) or without it; a "
     "kernel root does",
     "vm_assist.m2p_strict:effect")
{
    uint64_t value;

    EXPECT_EQ(pv_user_init(), 0);
    expect_hidden();
    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_enable, VMASST_TYPE_m2p_strict), 0);
    EXPECT_EQ(load_user_root(0), 0);
    EXPECT_EQ(load_user_root(pv_user_root().nr), 0);
    expect_hidden();
    EXPECT_FAULT(pv_probe_read(HYPERVISOR_VIRT_START, &value), PV_NO_FAULT);
    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_disable, VMASST_TYPE_m2p_strict), 0);
    expect_hidden();
}
