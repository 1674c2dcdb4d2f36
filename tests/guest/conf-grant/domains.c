/* SPDX-License-Identifier: MIT */
/* Grants between two domains, and what remains when one of them ends. */
#include "grant.h"

/* The address that a child maps at. */
#define CHILD_MAP (CHILD_BASE + (CHILD_PAGES + 4) * PV_PAGE_SIZE)

/* The first frame of the child's table, mapped where its pages were while it was built. */
static volatile struct grant_entry_v1 *child_table(struct child *c)
{
    struct gnttab_setup_table setup = { .dom = c->id, .nr_frames = 1 };
    xen_pfn_t frame = 0;

    set_xen_guest_handle(setup.frame_list, &frame);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    EXPECT_EQ(pv_map(c->va, pv_va_to_mfn(grant_page), PV_PROT_RO), 0);
    EXPECT_EQ(HYPERVISOR_update_va_mapping_otherdomain(
                  c->va, pv_pte(pv_mfn(frame), PV_PROT_RW), UVMF_INVLPG | UVMF_ALL, c->id), 0);
    return (volatile struct grant_entry_v1 *)c->va;
}

static void child_offers(struct child *c, domid_t to, unsigned int page)
{
    volatile struct grant_entry_v1 *e = &child_table(c)[REF];

    e->frame = (uint32_t)c->mfn[page].nr;
    e->domid = to;
    e->flags = GTF_permit_access;
}

/* What our tables and handles take once, they keep. */
static uint64_t free_pages_with_handles(void)
{
    struct gnttab_map_grant_ref op;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(grant_va(), GNTMAP_host_map, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(unmap_at(op.host_addr, 0, op.handle), GNTST_okay);
    return free_pages_at_rest();
}

CASE(grant_foreign, "another domain's frame, mapped and copied by its grant",
     "grant_map:foreign grant_copy:foreign")
{
    static char own[4096] __attribute__((aligned(4096)));
    uint64_t va = grant_va();
    struct gnttab_map_grant_ref op;
    struct gnttab_copy copy = { .flags = GNTCOPY_source_gref, .len = 16 };
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    child_offers(&c, 0, CHILD_SHARED);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, c.id, REF, &op), GNTST_okay);
    EXPECT_FAULT(pv_probe_write(va + 2048, 0x600d), PV_NO_FAULT);
    EXPECT_EQ(*(volatile uint64_t *)((uint64_t)c.shared + 2048), 0x600d);
    copy.source.u.ref = REF;
    copy.source.domid = c.id;
    copy.source.offset = 2048;
    copy.dest.u.gmfn = pv_va_to_mfn(own).nr;
    copy.dest.domid = DOMID_SELF;
    EXPECT_EQ(copy_op(&copy), GNTST_okay);
    EXPECT_EQ(*(volatile uint64_t *)own, 0x600d);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    /* For somebody else. */
    child_offers(&c, 99, CHILD_SHARED);
    EXPECT_EQ(map_at(va, GNTMAP_host_map, c.id, REF, &op), GNTST_general_error);
    EXPECT_EQ(copy_op(&copy), GNTST_general_error);
    /* A frame that is not the granter's to give. */
    child_offers(&c, 0, CHILD_SHARED);
    child_table(&c)[REF].frame = (uint32_t)pv_va_to_mfn(own).nr;
    EXPECT_TRUE(map_at(va, GNTMAP_host_map, c.id, REF, &op) < 0);
    EXPECT_TRUE(copy_op(&copy) < 0);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(grant_granter_ends, "a granter that is destroyed keeps the frame until it is unmapped; then "
     "all its memory is free",
     "grant_map:granter_gone")
{
    uint64_t free = free_pages_with_handles(), va = grant_va(), value;
    struct xen_domctl_getdomaininfo info;
    struct gnttab_map_grant_ref op;
    struct child c;

    for (unsigned int i = 0; i < 3; i++) {
        if (!child_build(&c, child_spin))
            return;
        child_offers(&c, 0, CHILD_DATA);
        EXPECT_EQ(map_at(va, GNTMAP_host_map, c.id, REF, &op), GNTST_okay);
        EXPECT_FAULT(pv_probe_write(va, 0x1dea), PV_NO_FAULT);
        child_let_go(&c);
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, c.id), 0);
        EXPECT_EQ(domain_info(c.id, &info), 0);
        EXPECT_TRUE(info.flags & XEN_DOMINF_dying);
        EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
        EXPECT_EQ(value, 0x1dea);
        EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
        EXPECT_TRUE(WAIT_FOR(domain_info(c.id, &info) || info.domain != c.id));
        EXPECT_TRUE(WAIT_FOR(free_pages_are_back(free)));
    }
}

CASE(grant_grantee_ends, "a domain that is destroyed gives back what it maps",
     "grant_map:grantee_gone")
{
    struct gnttab_map_grant_ref op = { .flags = GNTMAP_host_map, .ref = REF, .status = 99 };
    const volatile struct gnttab_map_grant_ref *done;
    uint64_t free = free_pages_with_handles();
    struct child c;

    op.host_addr = CHILD_MAP;
    if (!child_build(&c, child_call))
        return;
    grant_offer(REF, c.id, grant_frame(), GTF_permit_access);
    EXPECT_EQ(child_calls(&c, GNTTABOP_map_grant_ref, &op, sizeof(op)), 0);
    done = (const void *)((uint64_t)c.shared + CHILD_OP_OFFSET);
    EXPECT_EQ(done->status, GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
    EXPECT_TRUE(!grant_end(REF));
    EXPECT_EQ(child_destroy(&c), 0);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_TRUE(grant_end(REF));
    EXPECT_TRUE(WAIT_FOR(free_pages_are_back(free)));
}

CASE(grant_in_use_by_another, "a grant that one domain has mapped is no other's to map, whoever "
     "its entry names by now", "security.grant_other:refused")
{
    struct gnttab_map_grant_ref map = {
        .flags = GNTMAP_host_map | GNTMAP_readonly, .host_addr = CHILD_MAP, .ref = REF,
        .status = 99,
    };
    struct gnttab_map_grant_ref op;
    uint64_t va = grant_va();
    const volatile char *at;
    struct child c;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(va, GNTMAP_host_map | GNTMAP_readonly, 0, REF, &op), GNTST_okay);
    if (!child_build(&c, child_call))
        return;
    EXPECT_EQ(child_calls(&c, GNTTABOP_map_grant_ref, &map, sizeof(map)), 0);
    at = (const volatile char *)c.shared + CHILD_OP_OFFSET;
    EXPECT_EQ(*(const volatile int16_t *)(at + offsetof(struct gnttab_map_grant_ref, status)),
              GNTST_general_error);
    EXPECT_EQ(child_destroy(&c), 0);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_unprivileged, "a domain maps only what is granted to itself, and by its own handles",
     "security.grant_other:refused")
{
    struct gnttab_map_grant_ref map = { .flags = GNTMAP_host_map, .ref = REF, .status = 99 };
    struct gnttab_unmap_grant_ref unmap = { .host_addr = grant_va(), .status = 99 };
    struct gnttab_map_grant_ref op;
    const volatile char *at;
    struct child c;

    map.host_addr = CHILD_MAP;
    if (!child_build(&c, child_call))
        return;
    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(child_calls(&c, GNTTABOP_map_grant_ref, &map, sizeof(map)), 0);
    at = (const volatile char *)c.shared + CHILD_OP_OFFSET;
    EXPECT_EQ(*(const volatile int16_t *)(at + offsetof(struct gnttab_map_grant_ref, status)),
              GNTST_general_error);
    EXPECT_EQ(child_destroy(&c), 0);

    EXPECT_EQ(map_at(unmap.host_addr, GNTMAP_host_map, 0, REF, &op), GNTST_okay);
    unmap.handle = op.handle;
    if (!child_build(&c, child_call))
        return;
    EXPECT_EQ(child_calls(&c, GNTTABOP_unmap_grant_ref, &unmap, sizeof(unmap)), 0);
    at = (const volatile char *)c.shared + CHILD_OP_OFFSET;
    EXPECT_EQ(*(const volatile int16_t *)(at + offsetof(struct gnttab_unmap_grant_ref, status)),
              GNTST_bad_handle);
    EXPECT_EQ(child_destroy(&c), 0);
    EXPECT_EQ(unmap_at(unmap.host_addr, 0, op.handle), GNTST_okay);
    EXPECT_TRUE(grant_end(REF));
}
