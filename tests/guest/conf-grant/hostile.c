/* SPDX-License-Identifier: MIT */
/* What a guest may try with mappings of grants, and must not get. */
#include "grant.h"

CASE(grant_pte_bad, "XSA-227: an entry's address that is not aligned, or not in a level-1 table "
     "of ours",
     "security.grant_pte:refused")
{
    const uint32_t flags = GNTMAP_host_map | GNTMAP_contains_pte;
    uint64_t va = grant_va(), entry = pv_pte_maddr(pv_current_root(), va, 1);
    struct gnttab_map_grant_ref op;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    for (unsigned int i = 1; i < 8; i++)
        EXPECT_EQ(map_at(entry + i, flags, 0, REF, &op), GNTST_general_error);
    EXPECT_EQ(map_at(pv_pte_maddr(pv_current_root(), va, 2), flags, 0, REF, &op),
              GNTST_general_error);
    EXPECT_EQ(map_at(pv_va_to_mfn(&op).nr << PV_PAGE_SHIFT, flags, 0, REF, &op),
              GNTST_general_error);
    EXPECT_EQ(map_at(0x100000, flags, 0, REF, &op), GNTST_general_error);
    EXPECT_EQ(map_at(1UL << 51, flags, 0, REF, &op), GNTST_general_error);
    EXPECT_EQ(map_at(CONF_HYPERVISOR_VA, GNTMAP_host_map, 0, REF, &op), GNTST_general_error);
    EXPECT_EQ(map_at(CONF_BAD_VA, GNTMAP_host_map, 0, REF, &op), GNTST_general_error);
    EXPECT_EQ(map_at(CONF_EMPTY_VA, GNTMAP_host_map, 0, REF, &op), GNTST_general_error);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_unmap_elsewhere, "XSA-234: unmapping needs an entry that maps the frame, with the same "
     "rights",
     "security.grant_unmap:other_entry grant_unmap:general_error")
{
    uint64_t va = grant_va(), other = pv_vmap_alloc(1), value;
    pv_mfn_t frame = grant_frame();
    struct gnttab_map_grant_ref op;

    EXPECT_EQ(pv_map(other, pv_va_to_mfn(&op), PV_PROT_RW), 0);
    grant_offer(REF, 0, frame, GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(unmap_at(other, 0, op.handle), GNTST_general_error);
    EXPECT_EQ(pv_map(other, frame, PV_PROT_RO), 0);
    EXPECT_EQ(unmap_at(other, 0, op.handle), GNTST_general_error);
    EXPECT_EQ(unmap_at(CONF_EMPTY_VA, 0, op.handle), GNTST_general_error);
    EXPECT_EQ(unmap_at(CONF_HYPERVISOR_VA, 0, op.handle), GNTST_general_error);
    EXPECT_FAULT(pv_probe_read(other, &value), PV_NO_FAULT);
    EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_EQ(pv_unmap(other, 1), 0);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_overwritten, "a guest that clears the mapping by itself keeps the handle, and the frame "
     "its marks",
     "security.grant_unmap:overwritten")
{
    uint64_t va = grant_va();
    pv_mfn_t frame = grant_frame();
    struct gnttab_map_grant_ref op;

    grant_offer(REF, 0, frame, GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(pv_unmap(va, 1), 0);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_general_error);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
    /* Its own frame it can map there again. */
    EXPECT_EQ(pv_map(va, frame, PV_PROT_RW), 0);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_table_writable, "a page table that is granted is never mapped writable, and what is "
     "mapped writable never becomes one",
     "security.grant_table:refused")
{
    uint64_t va = grant_va();
    void *table = pv_alloc_table();
    pv_mfn_t frame = pv_va_to_mfn(table);
    struct gnttab_map_grant_ref op;

    EXPECT_EQ(pv_pin(frame, 1), 0);
    grant_offer(REF, 0, frame, GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_general_error);
    EXPECT_EQ(map_at(va, GNTMAP_device_map, 0, REF, &op), GNTST_general_error);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map | GNTMAP_readonly, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_EQ(pv_unpin(frame), 0);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(pv_pin(frame, 1), -XEN_EINVAL);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_EQ(map_at(0, GNTMAP_device_map, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(pv_pin(frame, 1), -XEN_EINVAL);
    EXPECT_EQ(unmap_at(0, op.dev_bus_addr, op.handle), GNTST_okay);
    EXPECT_EQ(pv_pin(frame, 1), 0);
    EXPECT_EQ(pv_unpin(frame), 0);
    EXPECT_TRUE(grant_end(REF));
    EXPECT_EQ(pv_free_table(table), 0);
}

CASE(grant_forced_back, "a granter that changes an entry in use, against the rules, keeps what it "
     "wrote, and the mapping its frame",
     "security.grant_revoked:effect")
{
    uint64_t va = grant_va(), value;
    struct gnttab_map_grant_ref op, again;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_okay);
    grant_offer(REF, 5, pv_mfn(0x7fffffff), 0);
    grant_page[0] = 3;
    EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    EXPECT_EQ(value, 3);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), 0);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &again), GNTST_general_error);
}

CASE(grant_map_refused, "XSA-316: a mapping that is refused, whatever the reason, says so by a "
     "negative status, and leaves the entry, the grant and the next mapping as they were",
     "security.grant_map:refused")
{
    static const struct {
        uint32_t flags, ref;
        domid_t granter;
    } rows[] = {
        { 0, REF, 0 },                                          /* for nobody */
        { GNTMAP_host_map, REF, DOMID_FIRST_RESERVED - 1 },     /* of no domain */
        { GNTMAP_host_map, 64 * TABLE_END, 0 },                 /* beyond the table */
        { GNTMAP_host_map, REF + 1, 0 },                        /* not granted */
        { GNTMAP_host_map, REF, 0 },                            /* to read, and asks to write */
        { GNTMAP_device_map, REF, 0 },
        { GNTMAP_host_map | GNTMAP_device_map, REF, 0 },
        { GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly, REF, 0 },    /* no entry */
    };
    struct gnttab_map_grant_ref op;
    uint64_t va = grant_va(), value;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access | GTF_readonly);
    for (size_t i = 0; i < PV_ARRAY_SIZE(rows); i++) {
        EXPECT_TRUE(map_at(va, rows[i].flags, rows[i].granter, rows[i].ref, &op) < 0);
        EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_readonly);
        EXPECT_FAULT(pv_probe_read(va, &value), PV_FAULT(PV_PF, 0));
    }
    EXPECT_EQ(map_at(va, GNTMAP_host_map | GNTMAP_readonly, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_TRUE(grant_end(REF));
}
