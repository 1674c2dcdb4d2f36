/* SPDX-License-Identifier: MIT */
/* GNTTABOP_copy. */
#include "grant.h"

static char own[4096] __attribute__((aligned(4096)));

static struct gnttab_copy copy_from_ref(unsigned int offset, unsigned int to, unsigned int len)
{
    struct gnttab_copy op = { .flags = GNTCOPY_source_gref, .len = (uint16_t)len };

    op.source.u.ref = REF;
    op.source.domid = 0;
    op.source.offset = (uint16_t)offset;
    op.dest.u.gmfn = pv_va_to_mfn(own).nr;
    op.dest.domid = DOMID_SELF;
    op.dest.offset = (uint16_t)to;
    return op;
}

static struct gnttab_copy copy_to_ref(unsigned int offset, unsigned int to, unsigned int len)
{
    struct gnttab_copy op = copy_from_ref(to, offset, len), back = { .len = op.len };

    back.source = op.dest;
    back.dest = op.source;
    back.flags = GNTCOPY_dest_gref;
    return back;
}

static void fill(char *page, unsigned int first)
{
    for (unsigned int i = 0; i < PV_PAGE_SIZE; i++)
        page[i] = (char)(first + i * 7);
}

CASE(grant_copy, "bytes go from a grant to a frame, and back, and nothing else is touched",
     "grant_copy:effect")
{
    struct gnttab_copy op;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    fill(grant_page, 1);
    memset(own, 0, sizeof(own));
    op = copy_from_ref(0, 0, PV_PAGE_SIZE);
    EXPECT_EQ(copy_op(&op), GNTST_okay);
    EXPECT_EQ(memcmp(own, grant_page, PV_PAGE_SIZE), 0);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);

    memset(own, 0, sizeof(own));
    op = copy_from_ref(5, 1001, 13);
    EXPECT_EQ(copy_op(&op), GNTST_okay);
    EXPECT_EQ(memcmp(own + 1001, grant_page + 5, 13), 0);
    EXPECT_EQ(own[1000], 0);
    EXPECT_EQ(own[1014], 0);

    fill(own, 99);
    op = copy_to_ref(4095, 17, 1);
    EXPECT_EQ(copy_op(&op), GNTST_okay);
    EXPECT_EQ(grant_page[17], own[4095]);
    EXPECT_EQ(grant_page[18], (char)(1 + 18 * 7));
    op = copy_to_ref(0, 0, PV_PAGE_SIZE);
    EXPECT_EQ(copy_op(&op), GNTST_okay);
    EXPECT_EQ(memcmp(own, grant_page, PV_PAGE_SIZE), 0);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_copy_frames, "a domain's own frames on both sides, or its own grants on both",
     "grant_copy:both")
{
    struct gnttab_copy op = { .len = 100 };

    fill(own, 3);
    memset(grant_page, 0, sizeof(grant_page));
    op.source.u.gmfn = pv_va_to_mfn(own).nr;
    op.dest.u.gmfn = pv_va_to_mfn(grant_page).nr;
    op.source.domid = op.dest.domid = DOMID_SELF;
    EXPECT_EQ(copy_op(&op), GNTST_okay);
    EXPECT_EQ(memcmp(own, grant_page, 100), 0);

    fill(own, 4);
    grant_offer(REF, 0, pv_va_to_mfn(own), GTF_permit_access | GTF_readonly);
    grant_offer(REF + 1, 0, pv_va_to_mfn(grant_page), GTF_permit_access);
    op.source.u.ref = REF;
    op.dest.u.ref = REF + 1;
    op.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
    EXPECT_EQ(copy_op(&op), GNTST_okay);
    EXPECT_EQ(memcmp(own, grant_page, 100), 0);
    EXPECT_TRUE(grant_end(REF));
    EXPECT_TRUE(grant_end(REF + 1));
}

CASE(grant_copy_bounds, "no byte beyond the end of a frame, and none for a length of 0",
     "grant_copy:bad_copy_arg")
{
    static const unsigned int beyond[][3] = {
        { 1, 0, 4096 }, { 0, 1, 4096 }, { 4096, 0, 1 }, { 0, 4096, 1 }, { 65535, 0, 65535 },
        { 0, 0, 4097 }, { 0, 65535, 2 },
    };
    struct gnttab_copy op;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    fill(grant_page, 8);
    memset(own, 0x55, sizeof(own));
    for (unsigned int i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        op = copy_from_ref(beyond[i][0], beyond[i][1], beyond[i][2]);
        EXPECT_EQ(copy_op(&op), GNTST_bad_copy_arg);
    }
    op = copy_from_ref(0, 0, 0);
    EXPECT_EQ(copy_op(&op), GNTST_okay);
    EXPECT_EQ(own[0], 0x55);
    EXPECT_EQ(own[4095], 0x55);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_copy_bad, "grants that do not allow it, others' frames, domains and references that are "
     "not",
     "grant_copy:general_error grant_copy:permission_denied grant_copy:bad_domain "
     "grant_copy:bad_gntref grant_copy:bad_page grant_copy:EFAULT security.grant_copy:refused")
{
    void *table = pv_alloc_table();
    struct gnttab_copy op = copy_to_ref(0, 0, 8);

    grant_offer(REF, 0, grant_frame(), GTF_permit_access | GTF_readonly);
    EXPECT_EQ(copy_op(&op), GNTST_general_error);
    grant_offer(REF, 9, grant_frame(), GTF_permit_access);
    EXPECT_EQ(copy_op(&op), GNTST_general_error);
    op.source.domid = 0;
    EXPECT_EQ(copy_op(&op), GNTST_permission_denied);
    op = copy_from_ref(0, 0, 8);
    EXPECT_EQ(copy_op(&op), GNTST_general_error);
    op.source.domid = 0x7000;
    EXPECT_EQ(copy_op(&op), GNTST_bad_domain);
    op = copy_from_ref(0, 0, 8);
    op.source.u.ref = 64 * TABLE_END;
    EXPECT_EQ(copy_op(&op), GNTST_bad_gntref);
    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    op = copy_from_ref(0, 0, 8);
    op.dest.u.gmfn = 0x7fffffff;
    EXPECT_EQ(copy_op(&op), GNTST_bad_page);
    /* A page table is not written this way, as a frame or by a grant of it. */
    EXPECT_EQ(pv_pin(pv_va_to_mfn(table), 1), 0);
    op.dest.u.gmfn = pv_va_to_mfn(table).nr;
    EXPECT_EQ(copy_op(&op), GNTST_general_error);
    grant_offer(REF, 0, pv_va_to_mfn(table), GTF_permit_access);
    op = copy_to_ref(0, 0, 8);
    EXPECT_EQ(copy_op(&op), GNTST_general_error);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(table)), 0);
    EXPECT_EQ(pv_free_table(table), 0);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_copy, (void *)CONF_EMPTY_VA, 1), -XEN_EFAULT);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_copy_order, "of several things that are wrong with it, a copy names a domain that is "
     "not, of either side, before all others; then the source's, then the target's",
     "grant_copy:order")
{
    struct gnttab_copy bad_ref = copy_from_ref(0, 0, 8), own_id = copy_to_ref(0, 0, 8), op;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    bad_ref.source.u.ref = 64 * TABLE_END;
    own_id.source.domid = 0;                    /* a frame's domain is DOMID_SELF */
    op = own_id;
    op.dest.domid = 0x7000;
    EXPECT_EQ(copy_op(&op), GNTST_bad_domain);
    op.flags = 0;
    EXPECT_EQ(copy_op(&op), GNTST_bad_domain);
    op = bad_ref;
    op.dest.domid = 0x7000;
    EXPECT_EQ(copy_op(&op), GNTST_bad_domain);
    op = bad_ref;
    op.dest.domid = 0;
    EXPECT_EQ(copy_op(&op), GNTST_bad_gntref);
    op.dest.offset = 4095;
    EXPECT_EQ(copy_op(&op), GNTST_bad_gntref);
    op = own_id;
    op.dest.u.ref = 64 * TABLE_END;
    EXPECT_EQ(copy_op(&op), GNTST_permission_denied);
    op = copy_to_ref(0, 4095, 8);
    op.source.u.gmfn = 0x7fffffff;
    EXPECT_EQ(copy_op(&op), GNTST_bad_page);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_copy_list, "several in one call, each with a status of its own",
     "grant_copy:list")
{
    struct gnttab_copy op[40];

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    fill(grant_page, 77);
    memset(own, 0, sizeof(own));
    for (unsigned int i = 0; i < 40; i++) {
        op[i] = copy_from_ref(i * 100, i * 100, i == 20 ? 4000 : 100);
        op[i].status = 99;
    }
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_copy, op, 40), 0);
    for (unsigned int i = 0; i < 40; i++)
        EXPECT_EQ(op[i].status, i == 20 ? GNTST_bad_copy_arg : GNTST_okay);
    memset(grant_page + 2000, 0, 100);
    EXPECT_EQ(memcmp(own, grant_page, 4000), 0);
    EXPECT_TRUE(grant_end(REF));
}
