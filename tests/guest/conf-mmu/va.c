/* SPDX-License-Identifier: MIT */
/* update_va_mapping, with and without another domain. */
#include "../lib/case.h"

#define LEAF 0xffffd18000000000UL

/* Makes sure that LEAF has an L1 table. */
static void *prepare(void)
{
    void *page = pv_alloc_page();

    EXPECT_EQ(pv_map(LEAF, pv_va_to_mfn(page), PV_PROT_RW), 0);
    EXPECT_EQ(pv_update_va(LEAF, 0, UVMF_INVLPG), 0);
    return page;
}

CASE(va_effect, "the entry is written and, with INVLPG or a flush, valid at once",
     "update_va_mapping:effect")
{
    static const unsigned long kinds[] = {
        UVMF_INVLPG, UVMF_TLB_FLUSH, UVMF_INVLPG | UVMF_ALL, UVMF_TLB_FLUSH | UVMF_ALL,
    };
    uint64_t *a = prepare(), *b = pv_alloc_page(), value = 0;

    *a = 0xa;
    *b = 0xb;
    for (size_t i = 0; i < PV_ARRAY_SIZE(kinds); i++) {
        EXPECT_EQ(pv_update_va(LEAF, pv_pte(pv_va_to_mfn(a), PV_PROT_RW), kinds[i]), 0);
        EXPECT_FAULT(pv_probe_read(LEAF, &value), PV_NO_FAULT);
        EXPECT_EQ(value, 0xa);
        EXPECT_EQ(pv_update_va(LEAF, pv_pte(pv_va_to_mfn(b), PV_PROT_RW), kinds[i]), 0);
        EXPECT_FAULT(pv_probe_read(LEAF, &value), PV_NO_FAULT);
        EXPECT_EQ(value, 0xb);
        EXPECT_EQ(pv_update_va(LEAF, 0, kinds[i]), 0);
        EXPECT_FAULT(pv_probe_read(LEAF, &value), PV_FAULT(PV_PF, 0));
    }
    pv_free_page(a);
    pv_free_page(b);
}

CASE(va_mask, "the vCPUs to flush may be a bitmap; one that can't be read is -EFAULT, after the "
     "update",
     "update_va_mapping:multi update_va_mapping:EFAULT")
{
    uint64_t *page = prepare(), mask __attribute__((aligned(8))) = 1;
    uint64_t pte = pv_pte(pv_va_to_mfn(page), PV_PROT_RW);

    EXPECT_EQ(pv_update_va(LEAF, pte, UVMF_INVLPG | (unsigned long)&mask), 0);
    EXPECT_EQ(pv_update_va(LEAF, 0, UVMF_TLB_FLUSH | (unsigned long)&mask), 0);
    EXPECT_EQ(pv_update_va(LEAF, pte, UVMF_INVLPG | CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(pv_update_va(LEAF, 0, UVMF_INVLPG), 0);
    pv_free_page(page);
}

CASE(va_no_table, "an address without an L1 table is -EINVAL", "update_va_mapping:EINVAL")
{
    EXPECT_EQ(pv_update_va(CONF_EMPTY_VA, 0, UVMF_INVLPG), -XEN_EINVAL);
    EXPECT_EQ(pv_update_va(CONF_BAD_VA, 0, UVMF_INVLPG), -XEN_EINVAL);
}

CASE(va_hypervisor, "an address in the hypervisor's range is -EINVAL",
     "update_va_mapping:EINVAL security.hypervisor_range_update:refused")
{
    void *page = pv_alloc_page();
    uint64_t pte = pv_pte(pv_va_to_mfn(page), PV_PROT_RW);

    EXPECT_EQ(pv_update_va(HYPERVISOR_VIRT_START, pte, UVMF_INVLPG), -XEN_EINVAL);
    EXPECT_EQ(pv_update_va(CONF_HYPERVISOR_VA, pte, UVMF_INVLPG), -XEN_EINVAL);
    EXPECT_EQ(pv_update_va(HYPERVISOR_VIRT_END - PV_PAGE_SIZE, pte, UVMF_INVLPG), -XEN_EINVAL);
    pv_free_page(page);
}

CASE(va_bad_frame, "a frame that is absent, or the hypervisor's own, is -EINVAL and changes "
     "nothing",
     "update_va_mapping:EINVAL security.hypervisor_frames:refused")
{
    void *page = prepare();

    EXPECT_EQ(pv_update_va(LEAF, pv_pte(pv_mfn((1UL << 40) - 1), PV_PROT_RO), UVMF_INVLPG),
              -XEN_EINVAL);
    EXPECT_EQ(*pv_find_pte(pv_current_root(), LEAF, 1), 0);
    pv_free_page(page);
}

CASE(va_bad_flush, "a kind of flush that does not exist is none", "update_va_mapping:effect")
{
    void *page = prepare();

    EXPECT_EQ(pv_update_va(LEAF, pv_pte(pv_va_to_mfn(page), PV_PROT_RO), 3), 0);
    EXPECT_EQ(pv_update_va(LEAF, 0, 3 | UVMF_ALL), 0);
    pv_free_page(page);
}

CASE(va_other_domain, "update_va_mapping_otherdomain: the caller itself is allowed, a domain that "
     "is not there is -ESRCH",
     "update_va_mapping_otherdomain:effect update_va_mapping_otherdomain:ESRCH")
{
    void *page = prepare();
    uint64_t pte = pv_pte(pv_va_to_mfn(page), PV_PROT_RO);

    EXPECT_EQ(HYPERVISOR_update_va_mapping_otherdomain(LEAF, pte, UVMF_INVLPG, DOMID_SELF), 0);
    EXPECT_EQ(pv_pte_mfn(*pv_find_pte(pv_current_root(), LEAF, 1)).nr, pv_va_to_mfn(page).nr);
    EXPECT_EQ(HYPERVISOR_update_va_mapping_otherdomain(LEAF, 0, UVMF_INVLPG, 77), -XEN_ESRCH);
    EXPECT_EQ(pv_update_va(LEAF, 0, UVMF_INVLPG), 0);
    pv_free_page(page);
}
