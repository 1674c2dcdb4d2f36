/* SPDX-License-Identifier: MIT */
/*
 * Entries that are not present but hold the address of memory: the guest's own affair, but for a
 * domain that the hypervisor guards against L1TF (pv-l1tf=, here told by the option l1tf=checked).
 */
#include "../lib/case.h"

#define PLACE 0xffffd38000000000UL

static bool checked(void)
{
    char value[8];

    return pv_option("l1tf", value, sizeof(value));
}

/* What an entry, whose value is @pte, gets by each way there is. */
static void expect_everywhere(uint64_t pte, int expected)
{
    uint64_t *page = pv_alloc_page(), entry;

    EXPECT_EQ(pv_map(PLACE, pv_va_to_mfn(page), PV_PROT_RO), 0);
    entry = pv_pte_maddr(pv_current_root(), PLACE, 1);
    EXPECT_EQ(pv_write_pte(entry, pte), expected);
    EXPECT_EQ(pv_write_pte(entry | MMU_PT_UPDATE_PRESERVE_AD, pte), expected);
    EXPECT_EQ(pv_update_va(PLACE, pte, UVMF_INVLPG), expected);
    EXPECT_EQ(pv_update_va(PLACE, 0, UVMF_INVLPG), 0);
    for (unsigned int level = 1; level <= 4; level++) {
        pv_mfn_t mfn = pv_va_to_mfn(page);

        EXPECT_EQ(pv_update_va((uint64_t)page, pv_pte(mfn, PV_PROT_RW), UVMF_INVLPG), 0);
        page[9] = pte;
        EXPECT_EQ(pv_update_va((uint64_t)page, pv_pte(mfn, PV_PROT_RO), UVMF_INVLPG), 0);
        EXPECT_EQ(pv_pin(mfn, level), expected);
        if (expected == 0) {
            EXPECT_EQ(pv_write_pte((mfn.nr << PV_PAGE_SHIFT) + 80, pte), 0);
            EXPECT_EQ(pv_unpin(mfn), 0);
        }
    }
    EXPECT_EQ(pv_free_table(page), 0);
}

CASE(absent_own_address, "XSA-273: an absent entry with the address of memory: allowed, if the "
     "domain is not guarded against L1TF; else refused at every level, on every way",
     "mmu_flags.absent:effect")
{
    uint64_t own = pv_current_root().nr << PV_PAGE_SHIFT;

    expect_everywhere(own | (PV_PROT_RW & ~PV_PTE_P), checked() ? -XEN_EINVAL : 0);
    expect_everywhere(own | 1UL << 59, checked() ? -XEN_EINVAL : 0);
}

CASE(absent_inverted_address, "XSA-273: an absent entry with no address, or a very high one, is "
     "always allowed",
     "mmu_flags.absent:effect")
{
    uint64_t own = pv_current_root().nr << PV_PAGE_SHIFT;

    expect_everywhere((~own & PV_PTE_FRAME) | (PV_PROT_RW & ~PV_PTE_P), 0);
    expect_everywhere(0xffe, 0);
    expect_everywhere(PV_PTE_NX, 0);
}

CASE(absent_store, "XSA-273: a store of such an entry is carried out, or is the kernel's own fault",
     "mmu_flags.absent:effect")
{
    uint64_t own = pv_current_root().nr << PV_PAGE_SHIFT;
    uint64_t *l1 = pv_alloc_table();

    EXPECT_EQ(pv_pin(pv_va_to_mfn(l1), 1), 0);
    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    EXPECT_FAULT(pv_probe_write((uint64_t)l1, own), checked() ?
                 PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE) : PV_NO_FAULT);
    EXPECT_EQ(l1[0], checked() ? 0 : own);
    EXPECT_FAULT(pv_probe_write((uint64_t)l1, ~own & PV_PTE_FRAME), PV_NO_FAULT);
    EXPECT_EQ(HYPERVISOR_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), 0);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l1)), 0);
    EXPECT_EQ(pv_free_table(l1), 0);
}
