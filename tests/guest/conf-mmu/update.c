/* SPDX-License-Identifier: MIT */
/* mmu_update: its four commands, its counts, its domains. */
#include "../lib/case.h"

CONF_GUEST("conf-mmu");

#define LEAF 0xffffd08000000000UL /* where this file maps pages; its L1 exists after `leaf()` */
#define UNTOUCHED 0x5a5a

/* The machine address of the L1 entry of LEAF, which maps nothing. */
static uint64_t leaf(void)
{
    static uint64_t maddr;
    void *page;

    if (!maddr) {
        page = pv_alloc_page();
        if (pv_map(LEAF, pv_va_to_mfn(page), PV_PROT_RW) || pv_unmap(LEAF, 1))
            return 0;
        pv_free_page(page);
        maddr = pv_pte_maddr(pv_current_root(), LEAF, 1);
    }
    return maddr;
}

static uint64_t entry_of_leaf(void)
{
    return *pv_find_pte(pv_current_root(), LEAF, 1);
}

static long update(uint64_t ptr, uint64_t val, unsigned int domain)
{
    struct mmu_update request = { .ptr = ptr, .val = val };

    return HYPERVISOR_mmu_update(&request, 1, NULL, domain);
}

CASE(mmu_normal, "a normal update writes the entry: the page can be used at once",
     "mmu_update.normal:effect")
{
    uint64_t *page = pv_alloc_page(), value = 0;

    *page = 0x1234;
    EXPECT_EQ(update(leaf(), pv_pte(pv_va_to_mfn(page), PV_PROT_RO), DOMID_SELF), 0);
    EXPECT_FAULT(pv_probe_read(LEAF, &value), PV_NO_FAULT);
    EXPECT_EQ(value, 0x1234);
    EXPECT_EQ(update(leaf(), 0, DOMID_SELF), 0);
    EXPECT_EQ(entry_of_leaf(), 0);
    EXPECT_EQ(pv_mmuext_va(MMUEXT_INVLPG_LOCAL, LEAF), 0);
    EXPECT_FAULT(pv_probe_read(LEAF, &value), PV_FAULT(PV_PF, 0));
    pv_free_page(page);
}

CASE(mmu_not_present, "an entry that is not present may hold anything else",
     "mmu_update.normal:effect")
{
    uint64_t swap = 0x7fffedcba9876f5eUL & ~PV_PTE_P;

    EXPECT_EQ(update(leaf(), swap, DOMID_SELF), 0);
    EXPECT_EQ(entry_of_leaf(), swap);
    EXPECT_EQ(update(leaf(), 0, DOMID_SELF), 0);
}

CASE(mmu_preserve_ad, "PRESERVE_AD keeps the accessed and dirty bits that the entry has; normal "
     "does not",
     "mmu_update.preserve_ad:effect")
{
    void *page = pv_alloc_page();
    uint64_t clean = pv_pte(pv_va_to_mfn(page), PV_PTE_P | PV_PTE_RW | PV_PTE_NX);
    uint64_t used = clean | PV_PTE_A | PV_PTE_D, ad = PV_PTE_A | PV_PTE_D;

    EXPECT_EQ(update(leaf(), used, DOMID_SELF), 0);
    EXPECT_EQ(update(leaf() | MMU_PT_UPDATE_PRESERVE_AD, clean, DOMID_SELF), 0);
    EXPECT_EQ(entry_of_leaf() & ad, ad);
    EXPECT_EQ(update(leaf(), clean, DOMID_SELF), 0);
    EXPECT_EQ(entry_of_leaf() & ad, 0);
    EXPECT_EQ(update(leaf(), 0, DOMID_SELF), 0);
    pv_free_page(page);
}

CASE(mmu_no_translate, "NO_TRANSLATE does what a normal update does, for a guest that has machine "
     "frames",
     "mmu_update.no_translate:effect")
{
    void *page = pv_alloc_page();

    EXPECT_EQ(update(leaf() | MMU_PT_UPDATE_NO_TRANSLATE, pv_pte(pv_va_to_mfn(page), PV_PROT_RO),
                     DOMID_SELF), 0);
    EXPECT_EQ(pv_pte_mfn(entry_of_leaf()).nr, pv_va_to_mfn(page).nr);
    EXPECT_EQ(update(leaf(), 0, DOMID_SELF), 0);
    pv_free_page(page);
}

CASE(mmu_machphys, "MACHPHYS sets the pfn that the table shows for a frame of the caller",
     "mmu_update.machphys:effect")
{
    void *page = pv_alloc_page();
    pv_mfn_t mfn = pv_va_to_mfn(page);
    uint64_t pfn = machine_to_phys_mapping[mfn.nr];

    EXPECT_EQ(pfn, pv_va_to_pfn(page).nr);
    EXPECT_EQ(update(mfn.nr << 12 | MMU_MACHPHYS_UPDATE, 0x7777, DOMID_SELF), 0);
    EXPECT_EQ(machine_to_phys_mapping[mfn.nr], 0x7777);
    EXPECT_EQ(update(mfn.nr << 12 | MMU_MACHPHYS_UPDATE, pfn, DOMID_SELF), 0);
    EXPECT_EQ(machine_to_phys_mapping[mfn.nr], pfn);
    pv_free_page(page);
}

CASE(mmu_machphys_bad, "MACHPHYS of a frame that is not the caller's is -EINVAL",
     "mmu_update.machphys:EINVAL security.machphys:refused")
{
    uint64_t shown = machine_to_phys_mapping[1];

    EXPECT_EQ(update(1 << 12 | MMU_MACHPHYS_UPDATE, 0x7777, DOMID_SELF), -XEN_EINVAL);
    EXPECT_EQ(machine_to_phys_mapping[1], shown);
    EXPECT_EQ(update(~0xfffUL | MMU_MACHPHYS_UPDATE, 0x7777, DOMID_SELF), -XEN_EINVAL);
}

CASE(mmu_plain_page, "an update of an entry in an ordinary writable page just writes",
     "mmu_update.normal:effect")
{
    uint64_t *page = pv_alloc_page();

    EXPECT_EQ(update(pv_va_to_mfn(page).nr << 12 | 16, 0x123456789abcdef0UL, DOMID_SELF), 0);
    EXPECT_EQ(page[2], 0x123456789abcdef0UL);
    pv_free_page(page);
}

CASE(mmu_bad_table, "an address in no frame of the caller's is -EINVAL", "mmu_update.normal:EINVAL")
{
    EXPECT_EQ(update(1 << 12, 0, DOMID_SELF), -XEN_EINVAL);
    EXPECT_EQ(update(0x000ffffffffff000UL, 0, DOMID_SELF), -XEN_EINVAL);
    EXPECT_EQ(update(~0xfffUL, 0, DOMID_SELF), -XEN_EINVAL);
    /* Among them one whose record, in a table in the hypervisor's range, would be at NULL. */
    for (unsigned int bit = 40; bit < 52; bit++)
        EXPECT_ROW(update(0x7fUL << bit, 0, DOMID_SELF), -XEN_EINVAL, "a frame that is not there");
    for (uint64_t frame = 1UL << 36; frame < 1UL << 52; frame += frame >> 3)
        EXPECT_ROW(update(frame << 12, 0, DOMID_SELF), -XEN_EINVAL, "a frame that is not there");
}

CASE(mmu_unknown, "the low three bits are the command: 4 and above are -ENOSYS",
     "mmu_update:ENOSYS")
{
    uint64_t *page = pv_alloc_page();

    for (unsigned int command = 4; command < 8; command++)
        EXPECT_EQ(update((pv_va_to_mfn(page).nr << 12) + command, 0x55, DOMID_SELF), -XEN_ENOSYS);
    EXPECT_EQ(page[0], 0);
    pv_free_page(page);
}

CASE(mmu_count, "requests are done in order up to the first that fails, whose index pdone gets",
     "mmu_update:done mmu_update.normal:EINVAL")
{
    uint64_t *page = pv_alloc_page(), base = pv_va_to_mfn(page).nr << 12;
    struct mmu_update list[] = {
        { base, 1 }, { base + 8, 2 }, { 1 << 12, 3 }, { base + 16, 4 },
    };
    unsigned int done = UNTOUCHED;

    EXPECT_EQ(HYPERVISOR_mmu_update(list, 4, &done, DOMID_SELF), -XEN_EINVAL);
    EXPECT_EQ(done, 2);
    EXPECT_EQ(page[0], 1);
    EXPECT_EQ(page[1], 2);
    EXPECT_EQ(page[2], 0);
    EXPECT_EQ(HYPERVISOR_mmu_update(list, 2, &done, DOMID_SELF), 0);
    EXPECT_EQ(done, 2);
    EXPECT_EQ(HYPERVISOR_mmu_update(list, 0, &done, DOMID_SELF), 0);
    EXPECT_EQ(done, 0);
    pv_free_page(page);
}

CASE(mmu_long, "a long list is done to its end, and all of it is counted", "mmu_update:done")
{
    enum { ENTRIES = 2048 };
    struct mmu_update *list = pv_alloc_pages(8);
    uint64_t *page = pv_alloc_page(), base = pv_va_to_mfn(page).nr << 12;
    unsigned int done = 0, right = 0;

    for (unsigned int i = 0; i < ENTRIES; i++)
        list[i] = (struct mmu_update){ base + i % 512 * 8, i };
    EXPECT_EQ(HYPERVISOR_mmu_update(list, ENTRIES, &done, DOMID_SELF), 0);
    EXPECT_EQ(done, ENTRIES);
    for (unsigned int i = 0; i < 512; i++)
        right += page[i] == ENTRIES - 512 + i;
    EXPECT_EQ(right, 512);
    for (unsigned int i = 0; i < 8; i++)
        pv_free_page((char *)list + i * PV_PAGE_SIZE);
    pv_free_page(page);
}

CASE(mmu_bad_pointers, "a list that can't be read is -EFAULT; a count that can't be written is "
     "left out",
     "mmu_update:EFAULT")
{
    static const uint64_t bad[] = { CONF_EMPTY_VA, CONF_BAD_VA, CONF_HYPERVISOR_VA };
    uint64_t *page = pv_alloc_page();
    struct mmu_update request = { pv_va_to_mfn(page).nr << 12, 0x77 };

    for (size_t i = 0; i < PV_ARRAY_SIZE(bad); i++)
        EXPECT_EQ(HYPERVISOR_mmu_update((void *)bad[i], 1, NULL, DOMID_SELF), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_mmu_update(&request, 1, (void *)CONF_HYPERVISOR_VA, DOMID_SELF), 0);
    EXPECT_EQ(page[0], 0x77);
    pv_free_page(page);
}

CASE(mmu_domains, "frames of a domain that is not there: -ESRCH; a page-table owner that is not: "
     "-ESRCH",
     "mmu_update:ESRCH")
{
    void *page = pv_alloc_page();
    uint64_t pte = pv_pte(pv_va_to_mfn(page), PV_PROT_RO);

    EXPECT_EQ(update(leaf(), pte, 77), -XEN_ESRCH);
    EXPECT_EQ(update(leaf(), pte, DOMID_INVALID), -XEN_ESRCH);
    EXPECT_EQ(update(leaf(), pte, (77 + 1) << 16 | DOMID_SELF), -XEN_ESRCH);
    EXPECT_EQ(entry_of_leaf(), 0);
    EXPECT_EQ(update(leaf(), pte, (0 + 1) << 16 | DOMID_SELF), 0);
    EXPECT_EQ(update(leaf(), 0, DOMID_SELF), 0);
    pv_free_page(page);
}

CASE(mmu_own_id, "the caller's own number names no foreign domain: -ESRCH; as the owner of the "
     "table DOMID_SELF is none",
     "mmu_update:ESRCH mmuext_op:ESRCH update_va_mapping_otherdomain:ESRCH")
{
    void *page = pv_alloc_page();
    uint64_t pte = pv_pte(pv_va_to_mfn(page), PV_PROT_RO);
    struct mmuext_op flush = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };

    /* The first domain is number 0. */
    EXPECT_EQ(update(leaf(), pte, 0), -XEN_ESRCH);
    EXPECT_EQ(update(leaf(), pte, (0 + 1) << 16 | 0), -XEN_ESRCH);
    EXPECT_EQ(update(leaf(), pte, (DOMID_SELF + 1) << 16 | DOMID_SELF), -XEN_ESRCH);
    EXPECT_EQ(HYPERVISOR_update_va_mapping_otherdomain(LEAF, pte, UVMF_NONE, 0), -XEN_ESRCH);
    EXPECT_EQ(HYPERVISOR_mmuext_op(&flush, 1, NULL, 0), -XEN_ESRCH);
    EXPECT_EQ(HYPERVISOR_mmuext_op(&flush, 1, NULL, DOMID_SELF), 0);
    EXPECT_EQ(entry_of_leaf(), 0);
    pv_free_page(page);
}

CASE(mmu_domid_xen, "DOMID_XEN lends the hypervisor's shared frames only: not the caller's, not "
     "its own",
     "mmu_update:foreign security.hypervisor_frames:refused")
{
    void *page = pv_alloc_page();

    EXPECT_EQ(update(leaf(), pv_pte(pv_va_to_mfn(page), PV_PROT_RO), DOMID_XEN), -XEN_EBUSY);
    EXPECT_EQ(entry_of_leaf(), 0);
    pv_free_page(page);
}

CASE(mmu_foreign_upper, "only an entry of level 1 can be written for a domain that is not the "
     "table's: above, not even cleared; and a store to a plain page is just that",
     "mmu_update:foreign")
{
    static const domid_t owners[] = { DOMID_IO, DOMID_XEN };
    uint64_t *page = pv_alloc_page();

    for (unsigned int level = 1; level <= 4; level++) {
        void *table = pv_alloc_table();
        pv_mfn_t mfn = pv_va_to_mfn(table);
        char what[24];

        snprintf(what, sizeof(what), "level %u", level);
        EXPECT_EQ(pv_pin(mfn, level), 0);
        for (size_t i = 0; i < PV_ARRAY_SIZE(owners); i++) {
            EXPECT_ROW(update(mfn.nr << 12, 0, owners[i]), level == 1 ? 0 : -XEN_EINVAL, what);
            EXPECT_EQ(update(pv_va_to_mfn(page).nr << 12, 7 + i, owners[i]), 0);
            EXPECT_EQ(page[0], 7 + i);
        }
        EXPECT_EQ(pv_unpin(mfn), 0);
        EXPECT_EQ(pv_free_table(table), 0);
    }
    pv_free_page(page);
}

CASE(mmu_bad_entry, "PRESERVE_AD and NO_TRANSLATE refuse what a normal update refuses",
     "mmu_update.preserve_ad:EINVAL mmu_update.no_translate:EINVAL")
{
    uint64_t pte = pv_pte(pv_mfn((1UL << 40) - 1), PV_PROT_RO);

    EXPECT_EQ(update(leaf() | MMU_PT_UPDATE_PRESERVE_AD, pte, DOMID_SELF), -XEN_EINVAL);
    EXPECT_EQ(update(leaf() | MMU_PT_UPDATE_NO_TRANSLATE, pte, DOMID_SELF), -XEN_EINVAL);
    EXPECT_EQ(entry_of_leaf(), 0);
}
