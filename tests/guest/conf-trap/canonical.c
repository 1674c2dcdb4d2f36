/* SPDX-License-Identifier: MIT */
/* Returns to the edge of what is canonical. */
#include "../lib/case.h"
#include "../lib/frame.h"

#define LAST_PAGE (CONF_BAD_VA - PV_PAGE_SIZE)

static void jump_to_end(void *arg)
{
    __asm__ volatile("jmp *%0"
                     : : "r"(arg), "a"((uint64_t)__HYPERVISOR_xen_version), "D"(0UL), "S"(0UL)
                     : "rcx", "r11", "memory");
}

CASE(sysret_end, "XSA-7: a hypercall whose return address is not canonical, since the instruction "
     "was the last one below, is done, and then #GP(0) at that address, in the guest",
     "hypercall:not_canonical security.sysret:refused")
{
    uint8_t *page = pv_alloc_page();

    page[PV_PAGE_SIZE - 2] = 0x0f;
    page[PV_PAGE_SIZE - 1] = 0x05;
    EXPECT_EQ(pv_map(LAST_PAGE, pv_va_to_mfn(page), PV_PROT_RX), 0);
    EXPECT_FAULT(pv_try_call(jump_to_end, (void *)(CONF_BAD_VA - 2)), PV_FAULT(PV_GP, 0));
    EXPECT_EQ(pv_last_fault()->regs.rip, CONF_BAD_VA);
    EXPECT_EQ(pv_last_fault()->regs.rax >> 16, 4);
    EXPECT_EQ(pv_unmap(LAST_PAGE, 1), 0);
    pv_free_page(page);
}
