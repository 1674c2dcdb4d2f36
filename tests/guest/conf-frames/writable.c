/* SPDX-License-Identifier: MIT */
/*
 * The one invariant: no frame is writable for a guest while it is a page table. Every way around
 * it.
 */
#include "../lib/case.h"

CONF_GUEST("conf-frames");

#define PLACE  0xffffd20000000000UL
#define SECOND 0xffffd20000200000UL /* under another L1 */

static uint64_t maddr_of(const void *page)
{
    return pv_va_to_mfn(page).nr << PV_PAGE_SHIFT;
}

/*
 * A store by the kernel itself. A store of a good entry into an L1 may be carried out
 * (vm_assist); this one would make a root writable.
 */
static pv_fault_t store(const void *table)
{
    return pv_probe_write((uint64_t)table, pv_pte(pv_current_root(), PV_PROT_RW));
}

#define STORE_REFUSED PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE)

static long map_as(uint64_t va, const void *page, uint64_t flags)
{
    return pv_update_va(va, pv_pte(pv_va_to_mfn(page), flags), UVMF_INVLPG);
}

/* An L1 that maps one page, pinned. */
static uint64_t *pinned_l1(void)
{
    uint64_t *l1 = pv_alloc_table();

    EXPECT_EQ(pv_pin(pv_va_to_mfn(l1), 1), 0);
    return l1;
}

static void drop_l1(uint64_t *l1)
{
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l1)), 0);
    EXPECT_EQ(pv_free_table(l1), 0);
}

/* Makes sure that both places have their L1 tables. */
static void prepare(void)
{
    void *page = pv_alloc_page();

    EXPECT_EQ(pv_map(PLACE, pv_va_to_mfn(page), PV_PROT_RO), 0);
    EXPECT_EQ(pv_map(SECOND, pv_va_to_mfn(page), PV_PROT_RO), 0);
    EXPECT_EQ(pv_unmap(PLACE, 1), 0);
    EXPECT_EQ(pv_unmap(SECOND, 1), 0);
    pv_free_page(page);
}

CASE(writable_update_va, "update_va_mapping does not map a page table writable",
     "security.table_writable:refused")
{
    uint64_t *l1 = pinned_l1();

    prepare();
    EXPECT_EQ(map_as((uint64_t)l1, l1, PV_PROT_RW), -XEN_EBUSY);
    EXPECT_EQ(map_as(PLACE, l1, PV_PROT_RW), -XEN_EBUSY);
    EXPECT_FAULT(store(l1), STORE_REFUSED);
    drop_l1(l1);
}

CASE(writable_mmu_update, "nor does mmu_update, by any of its commands",
     "security.table_writable:refused")
{
    uint64_t *l1 = pinned_l1(), entry, value;

    prepare();
    entry = pv_pte_maddr(pv_current_root(), PLACE, 1);
    for (unsigned int cmd = 0; cmd < 4; cmd++) {
        struct mmu_update request = { entry | cmd, pv_pte(pv_va_to_mfn(l1), PV_PROT_RW) };

        if (cmd != MMU_MACHPHYS_UPDATE)
            EXPECT_EQ(HYPERVISOR_mmu_update(&request, 1, NULL, DOMID_SELF), -XEN_EBUSY);
    }
    EXPECT_FAULT(pv_probe_read(PLACE, &value), PV_FAULT(PV_PF, 0));
    drop_l1(l1);
}

CASE(writable_by_pin, "a table that has a writable entry for a page table can't be pinned",
     "security.table_writable:refused")
{
    uint64_t *l1 = pinned_l1(), *other = pv_alloc_page();

    other[7] = pv_pte(pv_va_to_mfn(l1), PV_PROT_RW);
    EXPECT_EQ(map_as((uint64_t)other, other, PV_PROT_RO), 0);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(other), 1), -XEN_EBUSY);
    EXPECT_EQ(pv_free_table(other), 0);
    drop_l1(l1);
}

CASE(writable_self, "an L1 can't have a writable entry for itself; a read-only one it can",
     "security.table_self:refused")
{
    uint64_t *l1 = pv_alloc_page();

    l1[0] = pv_pte(pv_va_to_mfn(l1), PV_PROT_RW);
    EXPECT_EQ(map_as((uint64_t)l1, l1, PV_PROT_RO), 0);
    EXPECT_TRUE(pv_pin(pv_va_to_mfn(l1), 1) < 0);
    EXPECT_EQ(map_as((uint64_t)l1, l1, PV_PROT_RW), 0);
    l1[0] = pv_pte(pv_va_to_mfn(l1), PV_PROT_RO);
    EXPECT_EQ(map_as((uint64_t)l1, l1, PV_PROT_RO), 0);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(l1), 1), 0);
    drop_l1(l1);
}

CASE(writable_then_pin, "a frame that is mapped writable can't become a table of any level",
     "security.writable_pin:refused")
{
    void *page = pv_alloc_page();

    for (unsigned int level = 1; level <= 4; level++)
        EXPECT_EQ(pv_pin(pv_va_to_mfn(page), level), -XEN_EINVAL);
    *(uint64_t *)page = 1;
    EXPECT_EQ(*(uint64_t *)page, 1);
    pv_free_page(page);
}

CASE(writable_two_mappings, "with two writable mappings, taking one away is not enough",
     "security.writable_pin:refused")
{
    void *page = pv_alloc_page();
    pv_mfn_t mfn = pv_va_to_mfn(page);

    prepare();
    EXPECT_EQ(map_as(PLACE, page, PV_PROT_RW), 0);
    EXPECT_EQ(map_as((uint64_t)page, page, PV_PROT_RO), 0);
    EXPECT_EQ(pv_pin(mfn, 1), -XEN_EINVAL);
    EXPECT_EQ(map_as(PLACE, page, PV_PROT_RO), 0);
    EXPECT_EQ(pv_pin(mfn, 1), 0);
    EXPECT_EQ(map_as(PLACE, page, PV_PROT_RW), -XEN_EBUSY);
    EXPECT_EQ(pv_update_va(PLACE, 0, UVMF_INVLPG), 0);
    EXPECT_EQ(pv_unpin(mfn), 0);
    EXPECT_EQ(pv_free_table(page), 0);
}

CASE(writable_entry, "a frame with a writable mapping can't be entered as a table either",
     "security.writable_pin:refused mmu_update.normal:EINVAL")
{
    void *page = pv_alloc_page();
    uint64_t flags = PV_PTE_P | PV_PTE_RW | PV_PTE_USER | PV_PTE_A | PV_PTE_D;

    prepare();
    EXPECT_EQ(pv_write_pte(pv_pte_maddr(pv_current_root(), PLACE + (4UL << 20), 2),
                           pv_pte(pv_va_to_mfn(page), flags)), -XEN_EINVAL);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_BASEPTR, pv_va_to_mfn(page)), -XEN_EINVAL);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_va_to_mfn(page)), -XEN_EINVAL);
    pv_free_page(page);
}

CASE(writable_unpinned, "a table that is not pinned but in use is as safe as a pinned one",
     "security.table_writable:refused")
{
    const uint64_t *entry;
    void *l1;

    prepare();
    entry = pv_find_pte(pv_current_root(), PLACE, 2);
    l1 = pv_pfn_to_va(pv_mfn_to_pfn(pv_pte_mfn(*entry)));
    EXPECT_EQ(map_as((uint64_t)l1, l1, PV_PROT_RW), -XEN_EBUSY);
    EXPECT_FAULT(store((char *)l1 + 8), STORE_REFUSED);
}

CASE(writable_after_unpin, "once a table is no table any more, it is an ordinary frame again",
     "mmuext_op.unpin:effect")
{
    uint64_t *l1 = pinned_l1();

    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l1)), 0);
    EXPECT_EQ(map_as((uint64_t)l1, l1, PV_PROT_RW), 0);
    EXPECT_FAULT(pv_probe_write((uint64_t)l1, 5), PV_NO_FAULT);
    EXPECT_EQ(l1[0], 5);
    pv_free_page(l1);
}

CASE(writable_user_root, "an entry in the user's tables keeps the same rules",
     "security.table_writable:refused")
{
    uint64_t *l1 = pinned_l1();
    void *page = pv_alloc_page();
    uint64_t va = 0x20000000;

    EXPECT_EQ(pv_map(va, pv_va_to_mfn(page), PV_PROT_RW | PV_PTE_USER), 0);
    EXPECT_EQ(map_as(va, l1, PV_PROT_RW | PV_PTE_USER), -XEN_EBUSY);
    EXPECT_EQ(pv_unmap(va, 1), 0);
    drop_l1(l1);
    pv_free_page(page);
}

CASE(writable_roots, "the roots in use and the tables of the domain builder can't be mapped "
     "writable",
     "security.table_writable:refused start.tables:readonly")
{
    const struct start_info *si = pv_start_info;

    for (uint64_t i = 0; i < si->nr_pt_frames; i++) {
        uint64_t va = si->pt_base + i * PV_PAGE_SIZE;
        pv_mfn_t mfn = pv_va_to_mfn((void *)va);

        EXPECT_EQ(pv_update_va(va, pv_pte(mfn, PV_PROT_RW), UVMF_INVLPG), -XEN_EBUSY);
        EXPECT_FAULT(store((void *)va), STORE_REFUSED);
    }
}

CASE(writable_write_entry, "mmu_update writes a checked entry into a table, never an unchecked one",
     "security.table_writable:refused")
{
    uint64_t *l1 = pinned_l1(), *page = pv_alloc_page();

    EXPECT_EQ(pv_write_pte(maddr_of(l1), pv_pte(pv_va_to_mfn(page), PV_PROT_RW)), 0);
    EXPECT_EQ(pv_write_pte(maddr_of(l1), pv_pte(pv_va_to_mfn(l1), PV_PROT_RW)), -XEN_EBUSY);
    EXPECT_EQ(pv_pte_mfn(l1[0]).nr, pv_va_to_mfn(page).nr);
    drop_l1(l1);
    pv_free_page(page);
}
