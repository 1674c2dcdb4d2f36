/* SPDX-License-Identifier: MIT */
/* What each operation refuses, and how: statuses and errors that no other case is about. */
#include "grant.h"

static long table_op(unsigned int cmd, void *op)
{
    return HYPERVISOR_grant_table_op(cmd, op, 1);
}

CASE(grant_table_pointers, "what the calls on tables do with bad pointers",
     "grant_table_op.setup_table:bad_virt_addr grant_table_op.setup_table:EFAULT "
     "grant_table_op.query_size:EFAULT grant_table_op.query_size:EINVAL "
     "grant_table_op.set_version:EFAULT grant_table_op.get_version:EFAULT")
{
    static const unsigned int calls[] = { GNTTABOP_setup_table, GNTTABOP_query_size,
                                          GNTTABOP_set_version, GNTTABOP_get_version };
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1, .status = 99 };
    struct gnttab_query_size size = { .dom = DOMID_SELF };

    for (unsigned int i = 0; i < PV_ARRAY_SIZE(calls); i++) {
        EXPECT_EQ(table_op(calls[i], (void *)CONF_EMPTY_VA), -XEN_EFAULT);
        EXPECT_EQ(table_op(calls[i], (void *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
    }
    set_xen_guest_handle(setup.frame_list, (xen_pfn_t *)CONF_EMPTY_VA);
    EXPECT_EQ(table_op(GNTTABOP_setup_table, &setup), 0);
    EXPECT_EQ(setup.status, GNTST_bad_virt_addr);
    set_xen_guest_handle(setup.frame_list, (xen_pfn_t *)CONF_HYPERVISOR_VA);
    EXPECT_EQ(table_op(GNTTABOP_setup_table, &setup), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_query_size, &size, 2), -XEN_EINVAL);
}

CASE(grant_version, "XSA-26, XSA-255, XSA-379, XSA-382, XSA-384, XSA-501: there is no version 2 to "
     "switch to, nor status frames; a domain's version is told to those who may ask",
     "grant_table_op.set_version:ENOSYS grant_table_op.get_version:ESRCH "
     "security.grant_version:refused")
{
    struct gnttab_set_version set = { .version = 2 };
    struct gnttab_get_version get = { .dom = 0x7000 };
    struct gnttab_get_status_frames frames = { .dom = DOMID_SELF, .nr_frames = 1 };
    xen_pfn_t frame = 0x5a5a;

    EXPECT_EQ(table_op(GNTTABOP_set_version, &set), -XEN_ENOSYS);
    set.version = 0;
    EXPECT_EQ(table_op(GNTTABOP_set_version, &set), -XEN_EINVAL);
    EXPECT_EQ(table_op(GNTTABOP_get_version, &get), -XEN_ESRCH);
    get.dom = 0;
    EXPECT_EQ(table_op(GNTTABOP_get_version, &get), 0);
    EXPECT_EQ(get.version, 1);
    set_xen_guest_handle(frames.frame_list, &frame);
    EXPECT_ON(table_op(GNTTABOP_get_status_frames, &frames), 0, -XEN_ENOSYS,
              "status frames belong to version 2, which Pavane has not");
    EXPECT_EQ(frame, 0x5a5a);
}

CASE(grant_version_answer, "set_version says which version there is now, also when it refuses; an "
     "answer that can't be written is -EFAULT, whatever was asked for",
     "grant_table_op.set_version:effect grant_table_op.set_version:EFAULT")
{
    static const uint32_t versions[] = { 0, 1, 3, ~0u };
    struct gnttab_set_version *set = pv_alloc_page();
    uint64_t readonly = pv_vmap_alloc(1);

    EXPECT_EQ(pv_map(readonly, pv_va_to_mfn(set), PV_PROT_RO), 0);
    for (size_t i = 0; i < PV_ARRAY_SIZE(versions); i++) {
        set->version = versions[i];
        EXPECT_EQ(table_op(GNTTABOP_set_version, (void *)readonly), -XEN_EFAULT);
        EXPECT_EQ(table_op(GNTTABOP_set_version, set), versions[i] == 1 ? 0 : -XEN_EINVAL);
        EXPECT_EQ(set->version, 1);
    }
    EXPECT_EQ(pv_unmap(readonly, 1), 0);
    pv_free_page(set);
}

CASE(grant_setup_order, "setup_table looks at the address of its list before all else, even of an "
     "empty one",
     "grant_table_op.setup_table:EFAULT grant_table_op.setup_table:bad_domain")
{
    struct gnttab_setup_table setup = { .dom = 0x7000, .nr_frames = 1, .status = 99 };
    xen_pfn_t frame;

    set_xen_guest_handle(setup.frame_list, (xen_pfn_t *)CONF_HYPERVISOR_VA);
    EXPECT_EQ(table_op(GNTTABOP_setup_table, &setup), -XEN_EFAULT);
    setup.nr_frames = 0;
    EXPECT_EQ(table_op(GNTTABOP_setup_table, &setup), -XEN_EFAULT);
    setup.dom = DOMID_SELF;
    EXPECT_EQ(table_op(GNTTABOP_setup_table, &setup), -XEN_EFAULT);
    EXPECT_EQ(setup.status, 99);
    set_xen_guest_handle(setup.frame_list, &frame);
    setup.dom = 0x7000;
    EXPECT_EQ(table_op(GNTTABOP_setup_table, &setup), 0);
    EXPECT_EQ(setup.status, GNTST_bad_domain);
}

CASE(grant_absent, "XSA-232, XSA-284: what no guest needs of version 1 is absent, each operation "
     "with the same error",
     "grant_table_op.absent:ENOSYS")
{
    uint64_t op[16] = { 0 };

    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_dump_table, op, 1), -XEN_ENOSYS);
    EXPECT_ON(HYPERVISOR_grant_table_op(GNTTABOP_transfer, op, 0), 0, -XEN_ENOSYS,
              "Pavane has no transfer of pages; Linux's drivers copy and map");
    EXPECT_ON(HYPERVISOR_grant_table_op(GNTTABOP_unmap_and_replace, op, 0), 0, -XEN_ENOSYS,
              "Pavane unmaps, and a guest maps its own page itself");
    EXPECT_ON(HYPERVISOR_grant_table_op(GNTTABOP_swap_grant_ref, op, 0), 0, -XEN_ENOSYS,
              "Pavane does not exchange entries; they are the guest's own to write");
    EXPECT_ON(HYPERVISOR_grant_table_op(GNTTABOP_cache_flush, op, 0), 0, -XEN_ENOSYS,
              "x86 keeps its caches coherent with devices");
}

/* What a new domain gets as the result of a call, and its operation as it is afterwards. */
static long child_asks(unsigned int cmd, void *op, size_t size)
{
    struct child c;
    long answer;

    if (!child_build(&c, child_call))
        return 99;
    answer = child_calls(&c, cmd, op, size);
    memcpy(op, (const char *)c.shared + CHILD_OP_OFFSET, size);
    EXPECT_EQ(child_destroy(&c), 0);
    return answer;
}

CASE(grant_table_denied, "a domain without privilege learns nothing of another's table",
     "grant_table_op.setup_table:permission_denied grant_table_op.query_size:permission_denied "
     "grant_table_op.get_version:EPERM")
{
    struct gnttab_setup_table setup = { .dom = 0, .nr_frames = 1, .status = 99 };
    struct gnttab_query_size size = { .dom = 0, .nr_frames = 77, .status = 99 };
    struct gnttab_get_version get = { .dom = 0, .version = 77 };

    EXPECT_EQ(child_asks(GNTTABOP_setup_table, &setup, sizeof(setup)), 0);
    EXPECT_EQ(setup.status, GNTST_permission_denied);
    EXPECT_EQ(child_asks(GNTTABOP_query_size, &size, sizeof(size)), 0);
    EXPECT_EQ(size.status, GNTST_permission_denied);
    EXPECT_EQ(size.nr_frames, 77);
    EXPECT_EQ(child_asks(GNTTABOP_get_version, &get, sizeof(get)), -XEN_EPERM);
    EXPECT_EQ(get.version, 77);
}

CASE(grant_map_no_space, "a domain that may have no mappings gets none, and the grant is as before",
     "grant_map:no_space")
{
    struct gnttab_map_grant_ref op = { .flags = GNTMAP_device_map, .ref = REF, .status = 99 };
    struct child c;

    child_maptrack_frames = 0;
    if (child_build(&c, child_call)) {
        grant_offer(REF, c.id, grant_frame(), GTF_permit_access);
        EXPECT_EQ(child_calls(&c, GNTTABOP_map_grant_ref, &op, sizeof(op)), 0);
        memcpy(&op, (const char *)c.shared + CHILD_OP_OFFSET, sizeof(op));
        EXPECT_EQ(op.status, GNTST_no_space);
        EXPECT_EQ(grant_flags(REF), GTF_permit_access);
        EXPECT_TRUE(grant_end(REF));
        EXPECT_EQ(child_destroy(&c), 0);
    }
    child_maptrack_frames = -1;
}

#define PINS 300u

CASE(grant_map_pins, "XSA-236: as many mappings of one grant as there are pins; none is forgotten",
     "grant_map:pins")
{
    static grant_handle_t handle[PINS];
    struct gnttab_map_grant_ref op;
    unsigned int mapped = 0;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    while (mapped < PINS && map_at(0, GNTMAP_device_map, 0, REF, &op) == GNTST_okay)
        handle[mapped++] = op.handle;
    EXPECT_ON(mapped, 128, PINS, "Xen counts pins of one kind in 8 bits, and stops at half of "
              "them; Pavane in 32");
    EXPECT_EQ(op.status, conf_on_pavane() ? GNTST_okay : GNTST_general_error);
    while (mapped > 1)
        EXPECT_EQ(unmap_at(0, pv_va_to_mfn(grant_page).nr << PV_PAGE_SHIFT, handle[--mapped]),
                  GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
    EXPECT_EQ(unmap_at(0, pv_va_to_mfn(grant_page).nr << PV_PAGE_SHIFT, handle[0]), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_TRUE(grant_end(REF));
}

CASE(grant_unmap_parts, "XSA-224, XSA-394: each half of a mapping ends once, in any order, and the "
     "marks go with the second",
     "grant_unmap:halves grant_unmap:EINVAL grant_map:EINVAL")
{
    const uint32_t both = GNTMAP_host_map | GNTMAP_device_map;
    struct gnttab_map_grant_ref op;
    uint64_t va = grant_va(), dev;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    EXPECT_EQ(map_at(va, both, 0, REF, &op), GNTST_okay);
    dev = op.dev_bus_addr;
    EXPECT_EQ(unmap_at(0, dev, op.handle), GNTST_okay);
    EXPECT_EQ(unmap_at(0, dev, op.handle), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_EQ(unmap_at(va, dev, op.handle), GNTST_bad_handle);
    EXPECT_EQ(map_at(va, both, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_EQ(unmap_at(va, 0, op.handle), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access | GTF_reading | GTF_writing);
    EXPECT_EQ(unmap_at(va, dev, op.handle), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    /* An address for devices means nothing where there is no such mapping. */
    EXPECT_EQ(map_at(va, GNTMAP_host_map, 0, REF, &op), GNTST_okay);
    EXPECT_EQ(unmap_at(va, dev + PV_PAGE_SIZE, op.handle), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_TRUE(grant_end(REF));
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &op, ~0u), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, &op, 1u << 31), -XEN_EINVAL);
}

static char target[4096] __attribute__((aligned(4096)));

CASE(grant_copy_pins, "XSA-230, XSA-411, XSA-448, XSA-500: a copy, good, refused or of no length, "
     "leaves no mark in either entry",
     "grant_copy:empty grant_copy:unpinned grant_copy:EINVAL")
{
    struct gnttab_copy op = { .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref, .len = 8 };

    op.source.u.ref = REF;
    op.dest.u.ref = REF + 1;
    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    grant_offer(REF + 1, 0, pv_va_to_mfn(target), GTF_permit_access | GTF_readonly);
    EXPECT_EQ(copy_op(&op), GNTST_general_error);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_EQ(grant_flags(REF + 1), GTF_permit_access | GTF_readonly);
    grant_offer(REF + 1, 0, pv_va_to_mfn(target), GTF_permit_access);
    op.dest.offset = 4095;
    EXPECT_EQ(copy_op(&op), GNTST_bad_copy_arg);
    EXPECT_EQ(grant_flags(REF + 1), GTF_permit_access);
    op.dest.offset = 0;
    op.len = 0;
    EXPECT_EQ(copy_op(&op), GNTST_okay);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_EQ(grant_flags(REF + 1), GTF_permit_access);
    /* No bytes either go from where there is nothing, or to there. */
    op.dest.offset = 5000;
    EXPECT_EQ(copy_op(&op), GNTST_bad_copy_arg);
    op.source.u.ref = 64 * TABLE_END;
    EXPECT_EQ(copy_op(&op), GNTST_bad_gntref);
    EXPECT_TRUE(grant_end(REF));
    EXPECT_TRUE(grant_end(REF + 1));
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_copy, &op, ~0u), -XEN_EINVAL);
}

#define COPIES 500u

CASE(grant_copy_many, "XSA-226, XSA-318: more copies than a hypervisor does at one go, with "
     "refused ones among them; each is done once",
     "grant_copy:long")
{
    static struct gnttab_copy op[COPIES];
    unsigned int wrong = 0;

    grant_offer(REF, 0, grant_frame(), GTF_permit_access);
    memset(grant_page, 0, sizeof(grant_page));
    for (unsigned int i = 0; i < COPIES; i++) {
        /* Each takes what the one before it wrote, and so their order shows. */
        op[i] = (struct gnttab_copy){ .flags = GNTCOPY_source_gref, .len = 8, .status = 99 };
        op[i].source.u.ref = i % 7 == 6 ? 64 * TABLE_END : REF;
        op[i].source.domid = 0;
        op[i].source.offset = (uint16_t)(i * 8);
        op[i].dest.u.gmfn = pv_va_to_mfn(grant_page).nr;
        op[i].dest.domid = DOMID_SELF;
        op[i].dest.offset = (uint16_t)(i * 8 + 8);
    }
    *(uint64_t *)grant_page = 0x1234567890;
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_copy, op, COPIES), 0);
    for (unsigned int i = 0; i < COPIES; i++)
        wrong += op[i].status != (i % 7 == 6 ? GNTST_bad_gntref : GNTST_okay);
    EXPECT_EQ(wrong, 0);
    /* The chain breaks at the first that is refused. */
    EXPECT_EQ(((uint64_t *)grant_page)[6], 0x1234567890);
    EXPECT_EQ(((uint64_t *)grant_page)[7], 0);
    EXPECT_EQ(grant_flags(REF), GTF_permit_access);
    EXPECT_TRUE(grant_end(REF));
}
