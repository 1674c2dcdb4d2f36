/* SPDX-License-Identifier: MIT */
/* Mapping and unmapping, on grants that a domain makes to itself. */
#include "grant.h"

#define MARKS (GTF_reading | GTF_writing)

CASE(grant_map, "a mapping is of the granted frame, marks the entry, and is gone after unmapping",
     "grant_map:effect grant_unmap:effect")
{
    pv_mfn_t frame = grant_frame();
    uint64_t va = grant_va(), value;
    struct gnttab_map_grant_ref op;

    grant_offer(REF, 0, frame, GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | MARKS);
    EXPECT_EQ(op.dev_bus_addr, frame.nr << PV_PAGE_SHIFT);
    EXPECT_FAULT(pv_probe_write(va + 8, 0x1234), PV_NO_FAULT);
    EXPECT_EQ(((volatile uint64_t *)grant_page)[1], 0x1234);
    EXPECT_TRUE(!grant_end(REF));
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_FAULT(pv_probe_read(va, &value), PV_FAULT(PV_PF, 0));
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_map_readonly, "a read-only mapping marks the entry as read, and can't be written",
     "grant_map:readonly")
{
    uint64_t va = grant_va(), value;
    struct gnttab_map_grant_ref op;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map | GNTMAP_readonly, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_reading);
    grant_page[0] = 7;
    EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    EXPECT_EQ(value, 7);
    EXPECT_FAULT(pv_probe_write(va, 1), PV_FAULT(PV_PF, PV_PF_PRESENT | PV_PF_WRITE));
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_map_only_readonly, "what is granted for reading can't be mapped for writing",
     "grant_map:general_error")
{
    uint64_t va = grant_va();
    struct gnttab_map_grant_ref op;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access | GTF_readonly);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_general_error);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_readonly);
    EXPECT_EQ(map_at(va, GNTMAP_host_map | GNTMAP_readonly, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_map_pte, "a mapping by the machine address of its entry; the available bits are the "
     "caller's",
     "grant_map:contains_pte grant_unmap:contains_pte")
{
    const uint32_t flags = GNTMAP_host_map | GNTMAP_application_map | GNTMAP_contains_pte;
    uint64_t va = grant_va(), entry = pv_pte_maddr(pv_current_root(), va, 1), value;
    struct gnttab_map_grant_ref op;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(entry, flags | 1u << _GNTMAP_guest_avail0, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(*pv_find_pte(pv_current_root(), va, 1) & 0xe07,
              PV_PTE_P | PV_PTE_RW | PV_PTE_USER | 0x200);
    EXPECT_FAULT(pv_probe_write(va, 5), PV_NO_FAULT);
    EXPECT_EQ(grant_page[0], 5);
    EXPECT_EQ(unmap_at(entry, 0, op.handle), GNTST_okay);
    EXPECT_FAULT(pv_probe_read(va, &value), PV_FAULT(PV_PF, 0));
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_map_twice, "each mapping has a handle of its own, and the marks stay until the last is "
     "gone",
     "grant_map:twice grant_unmap:last")
{
    uint64_t va = grant_va(), second = pv_vmap_alloc(1);
    struct gnttab_map_grant_ref rw, ro;

    EXPECT_EQ(pv_map(second, grant_frame(), PV_PROT_RO), 0);
    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map | GNTMAP_readonly, 0, REF, &ro), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_reading);
    EXPECT_EQ(map_at(second, GNTMAP_host_map, 0, REF, &rw), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | MARKS);
    EXPECT_TRUE(ro.handle != rw.handle);
    EXPECT_EQ(unmap_at(second, 0, rw.handle), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_reading);
    EXPECT_EQ(unmap_at(va, 0, ro.handle), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_map_list, "several in one call, each with a status of its own",
     "grant_map:list grant_unmap:list")
{
    uint64_t va = pv_vmap_alloc(3);
    struct gnttab_map_grant_ref map[3];
    struct gnttab_unmap_grant_ref unmap[4];

    for (unsigned int i = 0; i < 3; i++) {
        EXPECT_EQ(pv_map(va + i * PV_PAGE_SIZE, grant_frame(), PV_PROT_RO), 0);
        grant_offer(REF + i, i == 1 ? 77 : 0, grant_frame(), GTF_permit_access);
        map[i] = (struct gnttab_map_grant_ref){ .host_addr = va + i * PV_PAGE_SIZE,
                                                .flags = GNTMAP_host_map, .ref = REF + i };
    }
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, map, 3), 0);
    EXPECT_EQ(map[0].status, GNTST_okay);
    EXPECT_EQ(map[1].status, GNTST_general_error);
    EXPECT_EQ(map[2].status, GNTST_okay);
    for (unsigned int i = 0; i < 4; i++)
        unmap[i] = (struct gnttab_unmap_grant_ref){ .handle = map[i & 2].handle,
                                                    .host_addr = map[i & 2].host_addr };
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, unmap, 4), 0);
    EXPECT_EQ(unmap[0].status, GNTST_okay);
    EXPECT_EQ(unmap[1].status, GNTST_bad_handle);
    EXPECT_EQ(unmap[2].status, GNTST_okay);
    EXPECT_EQ(unmap[3].status, GNTST_bad_handle);
    EXPECT_EQ(pv_unmap(va, 3), 0);
    for (unsigned int i = 0; i < 3; i++)
        EXPECT_TRUE(grant_end(REF + i));
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, map, 0), 0);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, unmap, 0), 0);
}

#define MANY 700u
#define REFS 7u         /* Xen pins one grant 255 times at most */

CASE(grant_map_many, "more mappings than a hypervisor does at one go",
     "grant_map:long grant_unmap:long")
{
    static struct gnttab_map_grant_ref map[MANY];
    static struct gnttab_unmap_grant_ref unmap[MANY];
    uint64_t va = pv_vmap_alloc(MANY);
    unsigned int wrong = 0;

    for (unsigned int i = 0; i < REFS; i++)
        grant_offer(REF + i, 0, grant_frame(), GTF_permit_access);
    for (unsigned int i = 0; i < MANY; i++) {
        wrong += !!pv_map(va + i * PV_PAGE_SIZE, grant_frame(), PV_PROT_RO);
        map[i] = (struct gnttab_map_grant_ref){ .host_addr = va + i * PV_PAGE_SIZE,
                                                .flags = GNTMAP_host_map,
                                                .ref = REF + i % REFS };
    }
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, map, MANY), 0);
    for (unsigned int i = 0; i < MANY; i++) {
        wrong += map[i].status != GNTST_okay;
        unmap[i].handle = map[i].handle;
        unmap[i].host_addr = map[i].host_addr;
    }
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, unmap, MANY), 0);
    for (unsigned int i = 0; i < MANY; i++)
        wrong += unmap[i].status != GNTST_okay;
    EXPECT_EQ(wrong, 0);
    for (unsigned int i = 0; i < REFS; i++) {
        EXPECT_EQ(grant_flags(REF + i), GTF_permit_access);
        EXPECT_TRUE(grant_end(REF + i));
    }
}

CASE(grant_map_device, "a mapping for devices names the frame, and ends by its own address",
     "grant_map:device grant_unmap:device grant_unmap:bad_dev_addr")
{
    uint64_t va = grant_va(), value;
    struct gnttab_map_grant_ref op;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map | GNTMAP_device_map, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(op.dev_bus_addr, pv_va_to_mfn(grant_page).nr << PV_PAGE_SHIFT);
    EXPECT_EQ(unmap_at(0, op.dev_bus_addr + PV_PAGE_SIZE, op.handle), GNTST_bad_dev_addr);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_FAULT(pv_probe_read(va, &value), PV_FAULT(PV_PF, 0));
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | MARKS);
    EXPECT_EQ(unmap_at(0, op.dev_bus_addr, op.handle), GNTST_okay);
    EXPECT_EQ(unmap_at(0, op.dev_bus_addr, op.handle), GNTST_bad_handle);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_map_replaces, "a mapping takes the place of what was mapped there",
     "grant_map:replaces")
{
    uint64_t va = grant_va(), value;
    struct gnttab_map_grant_ref op;

    EXPECT_EQ(pv_map(va, pv_va_to_mfn(&op), PV_PROT_RO), 0);
    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_okay);
    pv_mmuext_va(MMUEXT_INVLPG_LOCAL, va);
    grant_page[0] = 9;
    EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    EXPECT_EQ(value, 9);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_map_bad, "references, domains and flags that can't be",
     "grant_map:bad_gntref grant_map:bad_domain grant_map:bad_page grant_map:EFAULT")
{
    struct gnttab_query_size size = { .dom = DOMID_SELF };
    uint64_t va = grant_va(), value;
    struct gnttab_map_grant_ref op;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(va, 0, 0, REF, &op), GNTST_bad_gntref);
    EXPECT_EQ(map_at(va, GNTMAP_readonly, 0, REF, &op), GNTST_bad_gntref);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0x7000, REF, &op), GNTST_bad_domain);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, DOMID_SELF, REF, &op), GNTST_bad_domain);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, 64 * TABLE_END, &op), GNTST_bad_gntref);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, size.nr_frames * TABLE_END, &op), GNTST_bad_gntref);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, ~0u, &op), GNTST_bad_gntref);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF + 1, &op), GNTST_general_error);
    grant_offer(REF, 0, grant_frame(), GTF_accept_transfer);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_general_error);
    grant_offer(REF, 3, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_general_error);
    /* No RAM at all. */
    grant_offer(REF, 0, pv_mfn(0x7fffffff), GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_bad_page);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_FAULT(pv_probe_read(va, &value), PV_FAULT(PV_PF, 0));
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, (void *)CONF_EMPTY_VA, 1),
              -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, (void *)CONF_HYPERVISOR_VA, 1),
              -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, &op, ~0u), -XEN_EINVAL);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_unmap_bad, "handles that are not, or not any more",
     "grant_unmap:bad_handle grant_unmap:EFAULT grant_unmap:nothing")
{
    uint64_t va = grant_va();
    struct gnttab_map_grant_ref op;

    EXPECT_EQ(unmap_at(va, 0, ~0u), GNTST_bad_handle);
    EXPECT_EQ(unmap_at(va, 0, 0x10000000), GNTST_bad_handle);
    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_okay);
    /* Without an address it stays. */
    EXPECT_EQ(unmap_at(0, 0, op.handle), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | MARKS);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_bad_handle);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, (void *)CONF_EMPTY_VA, 1),
              -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, (void *)CONF_HYPERVISOR_VA, 1),
              -XEN_EFAULT);
    EXPECT_TRUE(grant_end(REF));
}
