/* SPDX-License-Identifier: MIT */
/* A frame has one type at a time; the hypervisor's range and frames stay its own. */
#include "../lib/case.h"

#define PLACE 0xffffd28000000000UL
#define TABLE (PV_PTE_P | PV_PTE_RW | PV_PTE_USER | PV_PTE_A | PV_PTE_D)

CASE(types_exclusive, "a table of one level can't be used as another's",
     "security.type_confusion:refused")
{
    void *table = pv_alloc_table();
    pv_mfn_t mfn = pv_va_to_mfn(table);

    for (unsigned int level = 1; level <= 4; level++) {
        EXPECT_EQ(pv_pin(mfn, level), 0);
        for (unsigned int other = 1; other <= 4; other++)
            EXPECT_EQ(pv_pin(mfn, other), -XEN_EINVAL);
        EXPECT_EQ(pv_unpin(mfn), 0);
    }
    EXPECT_EQ(pv_free_table(table), 0);
}

CASE(types_wrong_level, "an entry for a table of the wrong level is refused",
     "security.type_confusion:refused")
{
    void *l1 = pv_alloc_table(), *l3 = pv_alloc_table(), *l4 = pv_alloc_table();

    EXPECT_EQ(pv_pin(pv_va_to_mfn(l1), 1), 0);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(l3), 3), 0);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(l4), 4), 0);
    EXPECT_EQ(pv_write_pte(pv_va_to_mfn(l3).nr << 12, pv_pte(pv_va_to_mfn(l1), TABLE)),
              -XEN_EINVAL);
    EXPECT_EQ(pv_write_pte(pv_va_to_mfn(l4).nr << 12, pv_pte(pv_va_to_mfn(l1), TABLE)),
              -XEN_EINVAL);
    EXPECT_EQ(pv_write_pte(pv_va_to_mfn(l4).nr << 12, pv_pte(pv_va_to_mfn(l3), TABLE)), 0);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l4)), 0);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l3)), 0);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l1)), 0);
    EXPECT_EQ(pv_free_table(l4), 0);
    EXPECT_EQ(pv_free_table(l3), 0);
    EXPECT_EQ(pv_free_table(l1), 0);
}

CASE(types_gdt_as_table, "a table can't be made of a page that was written while it was a GDT page",
     "security.gdt_page_table:refused")
{
    uint64_t *gdt = pv_alloc_table();
    unsigned long frame = pv_va_to_mfn(gdt).nr;

    /* As a descriptor this is absent; as an L1 entry it would map the lowest frame writable. */
    EXPECT_EQ(HYPERVISOR_set_gdt(&frame, 512), 0);
    EXPECT_EQ(HYPERVISOR_update_descriptor((frame << 12) + 64, 0x7), 0);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(gdt), 1), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_set_gdt(NULL, 0), 0);
    EXPECT_EQ(pv_free_table(gdt), 0);
}

CASE(types_l4_slots, "entries of an L4 in the hypervisor's slots can't be set",
     "security.l4_slots:refused")
{
    void *l4 = pv_alloc_table(), *l3 = pv_alloc_table();
    uint64_t base = pv_va_to_mfn(l4).nr << 12;

    EXPECT_EQ(pv_pin(pv_va_to_mfn(l4), 4), 0);
    for (unsigned int slot = 256; slot < 272; slot++) {
        EXPECT_EQ(pv_write_pte(base + slot * 8, pv_pte(pv_va_to_mfn(l3), TABLE)), -XEN_EINVAL);
        EXPECT_EQ(pv_write_pte(base + slot * 8, 0), -XEN_EINVAL);
    }
    EXPECT_EQ(pv_write_pte(base + 255 * 8, pv_pte(pv_va_to_mfn(l3), TABLE)), 0);
    EXPECT_EQ(pv_write_pte(base + 272 * 8, pv_pte(pv_va_to_mfn(l3), TABLE)), 0);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l4)), 0);
    EXPECT_EQ(pv_free_table(l4), 0);
    EXPECT_EQ(pv_free_table(l3), 0);
}

CASE(types_l4_slots_pin, "what a table has in these slots before it is pinned is not looked at, "
     "and gone",
     "security.l4_slots:refused")
{
    uint64_t *l4 = pv_alloc_page(), value;

    l4[261] = 0x1000 | TABLE;
    l4[271] = pv_pte(pv_va_to_mfn(l4), TABLE);
    EXPECT_EQ(pv_update_va((uint64_t)l4, pv_pte(pv_va_to_mfn(l4), PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_EQ(pv_pin(pv_va_to_mfn(l4), 4), 0);
    EXPECT_TRUE(l4[261] != (0x1000 | TABLE));
    EXPECT_TRUE(pv_pte_mfn(l4[271]).nr != pv_va_to_mfn(l4).nr);
    EXPECT_TRUE(pv_probe_read(CONF_HYPERVISOR_VA, &value) != PV_NO_FAULT);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l4)), 0);
    EXPECT_EQ(pv_free_table(l4), 0);
}

CASE(types_foreign_frame, "a frame of the hypervisor's can't be mapped, neither read-only nor "
     "writable",
     "security.hypervisor_frames:refused")
{
    void *page = pv_alloc_page();
    const uint64_t *l4 = pv_pfn_to_va(pv_mfn_to_pfn(pv_current_root()));
    /* What the hypervisor put into its own slot of our root is a table of its own. */
    pv_mfn_t own = pv_pte_mfn(l4[261]);
    uint64_t value;

    EXPECT_EQ(pv_map(PLACE, pv_va_to_mfn(page), PV_PROT_RO), 0);
    EXPECT_EQ(pv_unmap(PLACE, 1), 0);
    EXPECT_TRUE(pv_update_va(PLACE, pv_pte(own, PV_PROT_RO), UVMF_INVLPG) < 0);
    EXPECT_TRUE(pv_update_va(PLACE, pv_pte(own, PV_PROT_RW), UVMF_INVLPG) < 0);
    EXPECT_FAULT(pv_probe_read(PLACE, &value), PV_FAULT(PV_PF, 0));
    pv_free_page(page);
}

static int map_with(pv_mfn_t frame, uint64_t flags)
{
    int rc = pv_update_va(PLACE, pv_pte(frame, flags), UVMF_INVLPG);

    return rc ? rc : pv_update_va(PLACE, 0, UVMF_INVLPG);
}

CASE(types_no_device, "the first domain maps what is no memory, as a device may be there; but on "
     "AMD not the 12 GiB below 1 TiB, which are HyperTransport's own",
     "update_va_mapping:EPERM")
{
    int reserved = conf_vendor_intel() ? 0 : -XEN_EPERM;

    EXPECT_EQ(map_with(pv_mfn(0xfcfffff), PV_PROT_RO), 0);
    EXPECT_EQ(map_with(pv_mfn(0xfd00000), PV_PROT_RO), reserved);
    EXPECT_EQ(map_with(pv_mfn(0xfffffff), PV_PROT_RO), reserved);
}

CASE(types_free_frame, "memory that is nobody's is -EBUSY, as another's is; only what is no memory "
     "is -EPERM",
     "update_va_mapping:EBUSY")
{
    void *page = pv_alloc_page();
    xen_pfn_t mfn = pv_va_to_mfn(page).nr, frame = mfn, pfn = pv_va_to_pfn(page).nr;
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    EXPECT_EQ(pv_map(PLACE, pv_mfn(mfn), PV_PROT_RO), 0);
    EXPECT_EQ(pv_unmap(PLACE, 1), 0);
    EXPECT_EQ(pv_unmap((uint64_t)page, 1), 0);
    set_xen_guest_handle(r.extent_start, &frame);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_decrease_reservation, &r), 1);
    EXPECT_EQ(map_with(pv_mfn(mfn), PV_PROT_RO), -XEN_EBUSY);
    EXPECT_EQ(map_with(pv_mfn(mfn), PV_PROT_RW), -XEN_EBUSY);
    EXPECT_EQ(map_with(pv_mfn(1UL << 38), PV_PROT_RO), -XEN_EPERM);
    frame = pfn;
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_populate_physmap, &r), 1);
    pv_set_pfn(pv_pfn(pfn), pv_mfn(frame));
    EXPECT_EQ(pv_map((uint64_t)page, pv_mfn(frame), PV_PROT_RW), 0);
    pv_free_page(page);
}

CASE(types_cache, "what the hypervisor shares with the guest is cached as the hypervisor has it: "
     "another kind is -EACCES, of the guest's own memory it is not",
     "update_va_mapping:EACCES")
{
    static const uint64_t kinds[] = { PV_PTE_PWT, PV_PTE_PCD, PV_PTE_PWT | PV_PTE_PCD };
    pv_mfn_t shared = pv_mfn(pv_start_info->shared_info >> PV_PAGE_SHIFT);
    void *page = pv_alloc_page();

    EXPECT_EQ(pv_map(PLACE, pv_va_to_mfn(page), PV_PROT_RO), 0);
    EXPECT_EQ(map_with(shared, PV_PROT_RW), 0);
    for (size_t i = 0; i < PV_ARRAY_SIZE(kinds); i++) {
        EXPECT_EQ(map_with(shared, PV_PROT_RW | kinds[i]), -XEN_EACCES);
        EXPECT_EQ(map_with(shared, PV_PROT_RO | kinds[i]), -XEN_EACCES);
        EXPECT_EQ(map_with(pv_va_to_mfn(page), PV_PROT_RW | kinds[i]), 0);
    }
    pv_free_page(page);
}

CASE(types_failed_pin, "a table whose validation fails half-way is an ordinary page again at once",
     "mmuext_op.pin_l2:EINVAL mmuext_op.pin_l3:EINVAL update_va_mapping:effect")
{
    for (unsigned int level = 2; level <= 4; level++) {
        uint64_t *table = pv_alloc_page();
        void *below = pv_alloc_table(), *wrong = pv_alloc_page();
        pv_mfn_t mfn = pv_va_to_mfn(table);
        uint64_t writable = pv_pte(mfn, PV_PROT_RW);

        table[0] = pv_pte(pv_va_to_mfn(below), TABLE);
        table[1] = pv_pte(pv_va_to_mfn(wrong), TABLE);
        EXPECT_EQ(pv_update_va((uint64_t)table, pv_pte(mfn, PV_PROT_RO), UVMF_INVLPG), 0);
        EXPECT_EQ(pv_pin(mfn, level), -XEN_EINVAL);
        EXPECT_EQ(pv_update_va((uint64_t)table, writable, UVMF_INVLPG), 0);
        pv_free_page(table);
        pv_free_page(wrong);
        EXPECT_EQ(pv_free_table(below), 0);
    }
}

static uint64_t *readable_table(unsigned int slot, const void *below)
{
    uint64_t *table = pv_alloc_page();

    if (below)
        table[slot] = pv_pte(pv_va_to_mfn(below), TABLE);
    EXPECT_EQ(pv_update_va((uint64_t)table, pv_pte(pv_va_to_mfn(table), PV_PROT_RO), UVMF_INVLPG),
              0);
    return table;
}

/*
 * Xen remembers one table of those whose validation failed behind their first entry, to take it
 * apart later: the uppermost, which takes apart the one below it if it has come behind its first
 * entry itself. Else that one stays a table for ever, with what it holds: the domain never gets it
 * back, and can't end.
 */
CASE(types_failed_twice, "where a validation fails three levels deep, all are ordinary pages "
     "again; Xen loses the lowest, if only the middle one fails at its first entry",
     "mmuext_op.pin_l4:below")
{
    for (unsigned int slot = 0; slot < 2; slot++) {
        void *writable = pv_alloc_page();
        uint64_t *lower = readable_table(1, writable), *middle = readable_table(slot, lower);
        uint64_t *upper = readable_table(1, middle);

        EXPECT_EQ(pv_pin(pv_va_to_mfn(upper), 4), -XEN_EINVAL);
        EXPECT_EQ(pv_mmuext_va(MMUEXT_TLB_FLUSH_LOCAL, 0), 0);
        EXPECT_EQ(pv_free_table(upper), 0);
        EXPECT_EQ(pv_free_table(middle), 0);
        if (slot)
            EXPECT_EQ(pv_free_table(lower), 0);
        else
            EXPECT_ON(pv_free_table(lower), -XEN_EBUSY, 0, "no reference is forgotten");
        pv_free_page(writable);
    }
}

CASE(types_failed_below, "a table is refused with the error of the entry, however far below, that "
     "is at fault",
     "mmuext_op.pin_l1:EBUSY mmuext_op.pin_l1:EPERM mmuext_op.pin_l2:below mmuext_op.pin_l3:below "
     "mmuext_op.pin_l4:below")
{
    static const struct {
        const char *what;
        long rc;
        uint64_t entry;
    } rows[] = {
        { "its own frame, writable", -XEN_EBUSY, 0 },
        { "no memory", -XEN_EPERM, 0x7f000000000000 | PV_PROT_RO },
    };

    for (size_t i = 0; i < PV_ARRAY_SIZE(rows); i++) {
        uint64_t *tables[4];

        for (unsigned int level = 1; level <= 4; level++) {
            uint64_t *table = tables[level - 1] = pv_alloc_page();
            pv_mfn_t mfn = pv_va_to_mfn(table);

            table[1] = level > 1 ? pv_pte(pv_va_to_mfn(tables[level - 2]), TABLE)
                                 : rows[i].entry ? rows[i].entry : pv_pte(mfn, PV_PROT_RW);
            EXPECT_EQ(pv_update_va((uint64_t)table, pv_pte(mfn, PV_PROT_RO), UVMF_INVLPG), 0);
            EXPECT_ROW(pv_pin(mfn, level), rows[i].rc, rows[i].what);
        }
        for (unsigned int level = 1; level <= 4; level++)
            EXPECT_EQ(pv_free_table(tables[level - 1]), 0);
    }
}

/* ---- The hypervisor's range ---- */

CASE(range_m2p, "the machine-to-physical table is readable, not writable and not executable, in "
     "kernel mode",
     "security.m2p:readonly start.m2p:effect")
{
    uint64_t value = 0, va = HYPERVISOR_VIRT_START + pv_current_root().nr * 8;

    EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    EXPECT_EQ(value, pv_mfn_to_pfn(pv_current_root()).nr);
    EXPECT_FAULT(pv_probe_write(va, 0), PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE));
}

static const uint64_t hypervisor_addresses[] = {
    0xffff804000000000UL, 0xffff808000000000UL, 0xffff820000000000UL, 0xffff82c000000000UL,
    0xffff82d040000000UL, 0xffff82d040200000UL, 0xffff830000000000UL, 0xffff830000100000UL,
    0xffff87fffffff000UL,
};

static void call_at(void *va)
{
    ((void (*)(void))va)();
}

PV_USER_TEXT static uint64_t user_read(uint64_t va)
{
    return *(volatile uint64_t *)va;
}

PV_USER_TEXT static uint64_t user_write(uint64_t va)
{
    *(volatile uint64_t *)va = 0;
    return 0;
}

PV_USER_TEXT static uint64_t user_jump(uint64_t va)
{
    ((void (*)(void))va)();
    return 0;
}

static int user_vector(void *fn, uint64_t va)
{
    struct pv_user_exit exit;

    return pv_user_call(fn, va, &exit) ? -2 : pv_fault_vector(exit.fault);
}

CASE(range_kernel, "the rest of the range can't be read, written or run in kernel mode: #PF",
     "security.hypervisor_range:refused")
{
    uint64_t value;

    for (size_t i = 0; i < PV_ARRAY_SIZE(hypervisor_addresses); i++) {
        uint64_t va = hypervisor_addresses[i];

        EXPECT_EQ(pv_fault_vector(pv_probe_read(va, &value)), PV_PF);
        EXPECT_EQ(pv_fault_vector(pv_probe_write(va, 0)), PV_PF);
        EXPECT_EQ(pv_fault_vector(pv_try_call(call_at, (void *)va)), PV_PF);
    }
}

CASE(range_user, "nor in user mode", "security.hypervisor_range:refused")
{
    for (size_t i = 0; i < PV_ARRAY_SIZE(hypervisor_addresses); i++) {
        uint64_t va = hypervisor_addresses[i];

        EXPECT_EQ(user_vector(PV_USER_PTR(user_read), va), PV_PF);
        EXPECT_EQ(user_vector(PV_USER_PTR(user_write), va), PV_PF);
        EXPECT_EQ(user_vector(PV_USER_PTR(user_jump), va), PV_PF);
    }
    EXPECT_EQ(user_vector(PV_USER_PTR(user_write), HYPERVISOR_VIRT_START), PV_PF);
}

CASE(range_error_code, "an access to the hypervisor's range shows as to a page that is not there",
     "security.hypervisor_range:error_code")
{
    uint64_t value;

    EXPECT_FAULT(pv_probe_read(0xffff87fffffff000UL, &value), PV_FAULT(PV_PF, 0));
}
