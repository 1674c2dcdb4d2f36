/* SPDX-License-Identifier: MIT */
/* Between domains: foreign mappings, event channels and grant tables, and what is refused. */
#include "child.h"

static long op(int cmd, void *arg)
{
    return HYPERVISOR_event_channel_op(cmd, arg);
}

static long status(domid_t id, evtchn_port_t port, struct evtchn_status *st)
{
    *st = (struct evtchn_status){ .dom = id, .port = port };
    return op(EVTCHNOP_status, st);
}

CASE(share_channel, "a channel between domains: status shows each end, and closing one leaves the "
     "other unbound",
     "event_channel_op.status:foreign event_channel_op.close:foreign")
{
    struct evtchn_status st;
    evtchn_port_t far;
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    far = c.shared->port;
    EXPECT_EQ(status(DOMID_SELF, c.port, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_interdomain);
    EXPECT_EQ(st.u.interdomain.dom, c.id);
    EXPECT_EQ(st.u.interdomain.port, far);
    EXPECT_EQ(status(c.id, far, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_interdomain);
    EXPECT_EQ(st.u.interdomain.dom, 0);
    EXPECT_EQ(st.u.interdomain.port, c.port);
    EXPECT_EQ(pv_close(c.port), 0);
    EXPECT_EQ(status(c.id, far, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_unbound);
    EXPECT_EQ(st.u.unbound.dom, 0);
    /* It can be bound again. */
    c.port = (evtchn_port_t)pv_bind_interdomain(c.id, far, NULL, NULL);
    EXPECT_TRUE((int)c.port > 0);
    EXPECT_TRUE(pv_port_pending(c.port) || pv_event_count(c.port) > 0);
    EXPECT_EQ(pv_bind_interdomain(c.id, far, NULL, NULL), -XEN_EINVAL);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(share_channel_end, "when a domain is destroyed, its ends are closed and ours unbound",
     "event_channel_op.status:peer_gone")
{
    struct evtchn_status st;
    evtchn_port_t port;
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    port = c.port;
    c.port = 0;
    EXPECT_EQ(child_destroy(&c), 0);
    EXPECT_EQ(status(DOMID_SELF, port, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_unbound);
    EXPECT_EQ(st.u.unbound.dom, c.id);
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_EQ(pv_close(port), 0);
}

CASE(share_channel_other, "only the domain that a port waits for can bind it",
     "event_channel_op.bind_interdomain:EINVAL event_channel_op.alloc_unbound:foreign")
{
    struct evtchn_alloc_unbound alloc = { .remote_dom = 77 };
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    alloc.dom = c.id;
    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), 0);
    EXPECT_EQ(pv_bind_interdomain(c.id, alloc.port, NULL, NULL), -XEN_EINVAL);
    EXPECT_EQ(pv_bind_interdomain(c.id, alloc.port + 1, NULL, NULL), -XEN_EINVAL);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(share_port_limit, "a domain has no port above the highest that it was created for",
     "event_channel_op.alloc_unbound:ENOSPC")
{
    struct xen_domctl create = create_op();
    struct evtchn_alloc_unbound alloc = { .remote_dom = DOMID_SELF };
    unsigned int n;

    create.u.createdomain.max_evtchn_port = 9;
    EXPECT_EQ(domctl(&create), 0);
    alloc.dom = create.domain;
    for (n = 0; n < 20 && !op(EVTCHNOP_alloc_unbound, &alloc); n++)
        ;
    EXPECT_EQ(n, 9);
    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), -XEN_ENOSPC);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, create.domain), 0);
}

CASE(share_unprivileged, "XSA-47: a domain without privilege can't make, look at or close ports of "
     "another: -EPERM, and nothing has happened",
     "event_channel_op:EPERM")
{
    static const uint64_t cmds[] = { EVTCHNOP_alloc_unbound, EVTCHNOP_status, EVTCHNOP_reset };

    for (unsigned int i = 0; i < PV_ARRAY_SIZE(cmds); i++) {
        struct evtchn_status st = { .dom = DOMID_SELF };
        volatile uint32_t *arg;
        struct child c;

        if (!child_build(&c, child_call))
            return;
        c.shared->call[0] = __HYPERVISOR_event_channel_op;
        c.shared->call[1] = cmds[i];
        c.shared->call[2] = CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE + 1024;
        arg = (volatile uint32_t *)((volatile char *)c.shared + 1024);
        arg[0] = 0;             /* the first domain; for alloc_unbound its partner, too */
        arg[1] = c.port;        /* status: which */
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
        EXPECT_TRUE(WAIT_FOR(c.shared->count > 0));
        EXPECT_EQ(c.shared->answer, -XEN_EPERM);
        st.port = c.port;
        EXPECT_EQ(op(EVTCHNOP_status, &st), 0);
        EXPECT_EQ(st.status, EVTCHNSTAT_interdomain);
        EXPECT_EQ(child_destroy(&c), 0);
    }
}

CASE(share_reset, "reset of another domain's ports: -EINVAL while it is not paused",
     "event_channel_op.reset:EINVAL event_channel_op.reset:foreign")
{
    struct evtchn_reset reset;
    struct evtchn_status st;
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    reset.dom = c.id;
    st = (struct evtchn_status){ .dom = DOMID_SELF, .port = c.port };
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_EQ(op(EVTCHNOP_reset, &reset), -XEN_EINVAL);
    EXPECT_EQ(op(EVTCHNOP_status, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_interdomain);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_pausedomain, c.id), 0);
    EXPECT_EQ(op(EVTCHNOP_reset, &reset), 0);
    EXPECT_EQ(op(EVTCHNOP_status, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_unbound);
    EXPECT_EQ(child_destroy(&c), 0);
}

/* The entry with which `va` would map the frame. */
static long map_foreign(uint64_t va, pv_mfn_t mfn, uint64_t flags, domid_t id)
{
    return HYPERVISOR_update_va_mapping_otherdomain(va, pv_pte(mfn, flags), UVMF_INVLPG | UVMF_ALL,
                                                    id);
}

CASE(share_map, "frames of another domain: its tables may be read, never written, and only under "
     "its name",
     "update_va_mapping_otherdomain:effect update_va_mapping_otherdomain:ESRCH "
     "mmu_update.foreign:refused security.foreign_table:refused")
{
    uint64_t va = pv_vmap_alloc(1), value;
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    EXPECT_EQ(pv_map(va, pv_va_to_mfn(&c), PV_PROT_RO), 0);
    EXPECT_EQ(map_foreign(va, c.mfn[CHILD_L1], PV_PROT_RO, c.id), 0);
    EXPECT_FAULT(pv_probe_read(va, &value), PV_NO_FAULT);
    EXPECT_EQ(value & PV_PTE_FRAME, c.mfn[0].nr << PV_PAGE_SHIFT);
    EXPECT_TRUE(map_foreign(va, c.mfn[CHILD_L1], PV_PROT_RW, c.id) < 0);
    EXPECT_TRUE(map_foreign(va, c.mfn[CHILD_DATA], PV_PROT_RW, DOMID_SELF) < 0);
    EXPECT_TRUE(map_foreign(va, pv_va_to_mfn(&c), PV_PROT_RW, c.id) < 0);
    EXPECT_EQ(map_foreign(va, c.mfn[CHILD_DATA], PV_PROT_RW, 0x7000), -XEN_ESRCH);
    EXPECT_EQ(map_foreign(va, c.mfn[CHILD_DATA], PV_PROT_RW, c.id), 0);
    EXPECT_FAULT(pv_probe_write(va, 1), PV_NO_FAULT);
    EXPECT_EQ(pv_unmap(va, 1), 0);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(share_m2p, "MACHPHYS_UPDATE writes the number of a frame of another domain, by its name",
     "mmu_update.machphys:foreign")
{
    struct mmu_update u = { .val = 0x4321 };
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    u.ptr = c.mfn[CHILD_DATA].nr << PV_PAGE_SHIFT | MMU_MACHPHYS_UPDATE;
    EXPECT_EQ(machine_to_phys_mapping[c.mfn[CHILD_DATA].nr], CHILD_DATA);
    EXPECT_EQ(HYPERVISOR_mmu_update(&u, 1, NULL, DOMID_SELF), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_mmu_update(&u, 1, NULL, c.id), 0);
    EXPECT_EQ(machine_to_phys_mapping[c.mfn[CHILD_DATA].nr], 0x4321);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(share_tables, "the toolstack may change a domain's tables, whose entries map that domain's "
     "frames",
     "mmu_update.pt_owner:effect")
{
    struct mmu_update u;
    uint64_t entry;
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    u.ptr = (c.mfn[CHILD_L1].nr << PV_PAGE_SHIFT) + (CHILD_PAGES + 1) * 8;
    u.val = pv_pte(c.mfn[CHILD_DATA], PV_PROT_RO);
    EXPECT_EQ(HYPERVISOR_mmu_update(&u, 1, NULL, c.id | (c.id + 1u) << 16), 0);
    EXPECT_EQ(HYPERVISOR_mmu_update(&u, 1, NULL, c.id), -XEN_EINVAL);
    u.val = pv_pte(pv_va_to_mfn(&c), PV_PROT_RO);
    EXPECT_TRUE(HYPERVISOR_mmu_update(&u, 1, NULL, c.id | (c.id + 1u) << 16) < 0);
    EXPECT_EQ(pv_map(c.va, pv_va_to_mfn(&c), PV_PROT_RO), 0);
    EXPECT_EQ(map_foreign(c.va, c.mfn[CHILD_L1], PV_PROT_RO, c.id), 0);
    entry = ((uint64_t *)c.va)[CHILD_PAGES + 1];
    EXPECT_EQ(entry & PV_PTE_FRAME, c.mfn[CHILD_DATA].nr << PV_PAGE_SHIFT);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(share_grant_table, "the toolstack finds a domain's grant table, and fills the reserved "
     "entries",
     "grant_table_op.setup_table:foreign grant_table_op.query_size:foreign "
     "memory_op.acquire_resource:effect")
{
    struct xen_mem_acquire_resource res = { .type = XENMEM_resource_grant_table, .nr_frames = 1 };
    struct gnttab_query_size size;
    struct gnttab_setup_table setup;
    struct grant_entry_v1 *table;
    xen_pfn_t frame = 0, other = 0;
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    res.domid = size.dom = setup.dom = c.id;
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    EXPECT_EQ(size.status, GNTST_okay);
    EXPECT_EQ(size.nr_frames, 1);
    EXPECT_EQ(size.max_nr_frames, 4);
    setup.nr_frames = 1;
    set_xen_guest_handle(setup.frame_list, &frame);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    EXPECT_EQ(setup.status, GNTST_okay);
    set_xen_guest_handle(res.frame_list, &other);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_acquire_resource, &res), 0);
    EXPECT_EQ(other, frame);
    EXPECT_EQ(pv_map(c.va, pv_va_to_mfn(&c), PV_PROT_RO), 0);
    EXPECT_EQ(map_foreign(c.va, pv_mfn(frame), PV_PROT_RW, c.id), 0);
    table = (struct grant_entry_v1 *)c.va;
    EXPECT_EQ(table[GNTTAB_RESERVED_XENSTORE].flags, 0);
    table[GNTTAB_RESERVED_XENSTORE].frame = (uint32_t)c.mfn[CHILD_SHARED].nr;
    table[GNTTAB_RESERVED_XENSTORE].flags = GTF_permit_access;
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(share_resource_errors, "XSA-334: what acquire_resource refuses leaves nothing behind: the "
     "next call works, and the domain can end",
     "memory_op.acquire_resource:EINVAL memory_op.acquire_resource:ESRCH "
     "memory_op.acquire_resource:EOPNOTSUPP memory_op.acquire_resource:EFAULT")
{
    uint64_t free = free_pages_at_rest();
    struct xen_mem_acquire_resource good, op;
    xen_pfn_t frame = 0;
    long id = create_domain();

    if (!EXPECT_TRUE(id > 0))
        return;
    good = (struct xen_mem_acquire_resource){ .domid = (domid_t)id, .nr_frames = 1,
                                              .type = XENMEM_resource_grant_table };
    set_xen_guest_handle(good.frame_list, &frame);
    for (unsigned int i = 0; i < 1000; i++) {
        op = good;
        op.domid = 0x7000;
        EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_acquire_resource, &op), -XEN_ESRCH);
        op = good;
        op.pad = 1;
        EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_acquire_resource, &op), -XEN_EINVAL);
        op = good;
        op.type = 77;
        EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_acquire_resource, &op), -XEN_EOPNOTSUPP);
        op = good;
        op.id = 77;
        EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_acquire_resource, &op), -XEN_EINVAL);
        op = good;
        op.frame = ~0UL - 1;
        EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_acquire_resource, &op), -XEN_EINVAL);
        op = good;
        set_xen_guest_handle(op.frame_list, (xen_pfn_t *)CONF_EMPTY_VA);
        EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_acquire_resource, &op), -XEN_EFAULT);
    }
    op = good;
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_acquire_resource, &op), 0);
    EXPECT_TRUE(frame != 0);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_acquire_resource, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, (domid_t)id), 0);
    EXPECT_TRUE(WAIT_FOR(machine_free_pages() == free));
}

CASE(grant_table_own, "a domain's table grows to what is asked, up to its limit; its version is 1",
     "grant_table_op.setup_table:effect grant_table_op.query_size:effect "
     "grant_table_op.set_version:effect grant_table_op.get_version:effect "
     "grant_table_op.setup_table:general_error")
{
    static xen_pfn_t frames[8];
    struct gnttab_query_size size = { .dom = DOMID_SELF };
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 3 };
    struct gnttab_set_version set = { .version = 1 };
    struct gnttab_get_version get = { .dom = DOMID_SELF };
    uint64_t va = pv_vmap_alloc(1), value = 1;

    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_set_version, &set, 1), 0);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_get_version, &get, 1), 0);
    EXPECT_EQ(get.version, 1);
    set_xen_guest_handle(setup.frame_list, frames);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    EXPECT_EQ(setup.status, GNTST_okay);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    EXPECT_TRUE(size.nr_frames >= 3 && size.max_nr_frames >= size.nr_frames);
    for (unsigned int i = 0; i < 3; i++) {
        EXPECT_EQ(pv_map(va, pv_mfn(frames[i]), PV_PROT_RW), 0);
        EXPECT_FAULT(pv_probe_read(va + 4088, &value), PV_NO_FAULT);
        EXPECT_EQ(value, 0);
    }
    EXPECT_EQ(pv_unmap(va, 1), 0);
    setup.nr_frames = size.max_nr_frames + 1;
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    EXPECT_EQ(setup.status, GNTST_general_error);
}

CASE(grant_table_bad, "bad domains, counts, commands and pointers",
     "grant_table_op:ENOSYS grant_table_op:EFAULT grant_table_op.setup_table:EINVAL "
     "grant_table_op.setup_table:bad_domain grant_table_op.query_size:bad_domain "
     "grant_table_op.set_version:EINVAL")
{
    struct gnttab_query_size size = { .dom = 0x7000 };
    struct gnttab_setup_table setup = { .dom = 0x7000, .nr_frames = 1 };
    struct gnttab_set_version set = { .version = 3 };

    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    EXPECT_EQ(setup.status, GNTST_bad_domain);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    EXPECT_EQ(size.status, GNTST_bad_domain);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 2), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_query_size, &size, 0), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, (void *)CONF_EMPTY_VA, 1),
              -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_grant_table_op(99, &size, 1), -XEN_ENOSYS);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_set_version, &set, 1), -XEN_EINVAL);
}

CASE(share_frame_types, "getpageframeinfo3 tells what a domain's frames are",
     "domctl.getpageframeinfo3:effect domctl.getpageframeinfo3:E2BIG")
{
    static const uint32_t expected[] = {
        XEN_DOMCTL_PFINFO_NOTAB, XEN_DOMCTL_PFINFO_L1TAB, XEN_DOMCTL_PFINFO_L2TAB,
        XEN_DOMCTL_PFINFO_L3TAB, XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB,
        XEN_DOMCTL_PFINFO_XTAB,
    };
    struct xen_domctl get = { .cmd = XEN_DOMCTL_getpageframeinfo3 };
    xen_pfn_t frames[PV_ARRAY_SIZE(expected)];
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    frames[0] = c.mfn[CHILD_CODE].nr;
    for (unsigned int i = 0; i < 4; i++)
        frames[1 + i] = c.mfn[CHILD_L1 + i].nr;
    frames[5] = pv_va_to_mfn(&c).nr;
    get.domain = c.id;
    get.u.getpageframeinfo3.num = PV_ARRAY_SIZE(frames);
    set_xen_guest_handle(get.u.getpageframeinfo3.array, frames);
    EXPECT_EQ(domctl(&get), 0);
    for (unsigned int i = 0; i < PV_ARRAY_SIZE(frames); i++)
        EXPECT_EQ(frames[i], expected[i]);
    get.u.getpageframeinfo3.num = 1025;
    EXPECT_EQ(domctl(&get), -XEN_E2BIG);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(share_reset_vcpu, "setvcpucontext without a context takes the vCPU's away",
     "domctl.setvcpucontext:reset")
{
    static struct vcpu_guest_context ctx;
    struct xen_domctl op = { .cmd = XEN_DOMCTL_setvcpucontext };
    struct xen_domctl_getdomaininfo info;
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    op.domain = c.id;
    EXPECT_EQ(domain_info(c.id, &info), 0);
    EXPECT_EQ(info.nr_online_vcpus, 1);
    EXPECT_EQ(domctl(&op), 0);
    EXPECT_EQ(domain_info(c.id, &info), 0);
    EXPECT_EQ(info.nr_online_vcpus, 0);
    op.cmd = XEN_DOMCTL_getvcpucontext;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &ctx);
    EXPECT_EQ(domctl(&op), -XEN_ENODATA);
    EXPECT_EQ(child_destroy(&c), 0);
}
