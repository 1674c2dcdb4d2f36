/* SPDX-License-Identifier: MIT */
/* domctl and sysctl: the commands themselves, on domains that never run. */
#include "child.h"

CONF_GUEST("conf-control");

#define NO_DOMAIN 0x7000

CASE(domctl_refused, "another interface version is -EACCES, an unknown command -ENOSYS, a bad "
     "pointer -EFAULT",
     "domctl:EACCES domctl:ENOSYS domctl:EFAULT domctl:ESRCH")
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .interface_version = 1 };

    EXPECT_EQ(HYPERVISOR_domctl(&op), -XEN_EACCES);
    EXPECT_EQ(HYPERVISOR_domctl((void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_domctl((void *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
    EXPECT_EQ(domctl_simple(0, 0), -XEN_ENOSYS);
    EXPECT_EQ(domctl_simple(9999, 0), -XEN_ENOSYS);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_pausedomain, NO_DOMAIN), -XEN_ESRCH);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, NO_DOMAIN), -XEN_ESRCH);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_getdomaininfo, NO_DOMAIN), -XEN_ESRCH);
}

CASE(domctl_own, "XSA-127: nobody pauses or destroys himself",
     "domctl.pausedomain:EINVAL domctl.destroydomain:EINVAL")
{
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_pausedomain, 0), -XEN_EINVAL);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, 0), -XEN_EINVAL);
}

CASE(domctl_own_info, "getdomaininfo of the caller: it runs, and knows its size",
     "domctl.getdomaininfo:effect")
{
    struct xen_domctl_getdomaininfo info;

    EXPECT_EQ(domain_info(0, &info), 0);
    EXPECT_EQ(info.domain, 0);
    EXPECT_TRUE(info.flags & XEN_DOMINF_running);
    EXPECT_EQ(info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown | XEN_DOMINF_paused |
                            XEN_DOMINF_blocked | XEN_DOMINF_hvm_guest), 0);
    EXPECT_TRUE(info.nr_online_vcpus >= 1);
    EXPECT_TRUE(info.tot_pages >= pv_nr_pages());
    EXPECT_EQ(info.shared_info_frame, pv_start_info->shared_info >> PV_PAGE_SHIFT);
    EXPECT_TRUE(info.cpu_time > 0);
}

CASE(domctl_create, "a new domain is paused, without memory and vCPUs, and has the next free "
     "number",
     "domctl.createdomain:effect domctl.getdomaininfo:effect domctl.destroydomain:effect")
{
    struct xen_domctl op = create_op();
    struct xen_domctl_getdomaininfo info;
    domid_t first;

    op.u.createdomain.handle[3] = 0x5a;
    EXPECT_EQ(domctl(&op), 0);
    first = op.domain;
    EXPECT_TRUE(first > 0 && first < DOMID_FIRST_RESERVED);
    EXPECT_EQ(domain_info(first, &info), 0);
    EXPECT_EQ(info.domain, first);
    EXPECT_EQ(info.flags & 255, XEN_DOMINF_paused);
    EXPECT_EQ(info.tot_pages, 0);
    EXPECT_EQ(info.max_vcpu_id, XEN_INVALID_MAX_VCPU_ID);
    EXPECT_EQ(info.nr_online_vcpus, 0);
    EXPECT_EQ(info.handle[3], 0x5a);
    EXPECT_EQ(info.handle[4], 0);

    op = create_op();
    op.domain = first;
    EXPECT_EQ(domctl(&op), -XEN_EEXIST);
    op.domain = 0;
    EXPECT_EQ(domctl(&op), 0);
    EXPECT_EQ(op.domain, first + 1);
    /* From a number between, the next higher domain. */
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, first), 0);
    EXPECT_TRUE(WAIT_FOR(!domain_info(first, &info) && info.domain == op.domain));
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, op.domain), 0);
    EXPECT_TRUE(WAIT_FOR(domain_info(first, &info) == -XEN_ESRCH));
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, op.domain), -XEN_ESRCH);
}

CASE(domctl_create_number, "a number may be asked for",
     "domctl.createdomain:EEXIST")
{
    struct xen_domctl op = create_op();

    op.domain = 4711;
    EXPECT_EQ(domctl(&op), 0);
    EXPECT_EQ(op.domain, 4711);
    EXPECT_EQ(domctl(&op), -XEN_EEXIST);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, 4711), 0);
    EXPECT_TRUE(WAIT_FOR(domctl_simple(XEN_DOMCTL_pausedomain, 4711) == -XEN_ESRCH));
}

CASE(domctl_create_bad, "flags, limits and pools that can't be are refused",
     "domctl.createdomain:EINVAL domctl.createdomain:EOPNOTSUPP domctl.createdomain:ESRCH")
{
    struct xen_domctl op = create_op();

    op.u.createdomain.flags = 1u << 20;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    op = create_op();
    op.u.createdomain.flags = XEN_DOMCTL_CDF_hap;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    op = create_op();
    op.u.createdomain.max_vcpus = 0;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    op = create_op();
    op.u.createdomain.max_vcpus = 100000;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    op = create_op();
    op.u.createdomain.arch.misc_flags = ~0u;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    op = create_op();
    op.u.createdomain.arch.emulation_flags = XEN_X86_EMU_LAPIC;
    EXPECT_EQ(domctl(&op), -XEN_EOPNOTSUPP);
    op = create_op();
    op.u.createdomain.max_grant_frames = 100000;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    op = create_op();
    op.u.createdomain.cpupool_id = 99;
    EXPECT_EQ(domctl(&op), -XEN_ESRCH);
}

CASE(domctl_pauses, "pauses of the toolstack are counted, and end at none and at 255",
     "domctl.pausedomain:effect domctl.unpausedomain:effect domctl.unpausedomain:EINVAL "
     "domctl.pausedomain:EOVERFLOW")
{
    long id = create_domain();
    struct xen_domctl_getdomaininfo info;
    unsigned int i;

    EXPECT_EQ(domctl_simple(XEN_DOMCTL_pausedomain, id), 0);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, id), 0);
    EXPECT_EQ(domain_info(id, &info), 0);
    EXPECT_TRUE(info.flags & XEN_DOMINF_paused);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, id), 0);
    EXPECT_EQ(domain_info(id, &info), 0);
    EXPECT_EQ(info.flags & XEN_DOMINF_paused, 0);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, id), -XEN_EINVAL);
    for (i = 0; i < 300 && !domctl_simple(XEN_DOMCTL_pausedomain, id); i++)
        ;
    EXPECT_EQ(i, 255);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_pausedomain, id), -XEN_EOVERFLOW);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, id), 0);
}

CASE(domctl_vcpus, "max_vcpus makes the number that the domain was created for, no other",
     "domctl.max_vcpus:effect domctl.max_vcpus:EINVAL domctl.getvcpuinfo:effect "
     "domctl.getvcpuinfo:EINVAL")
{
    struct xen_domctl create = create_op(), op = { .cmd = XEN_DOMCTL_max_vcpus };
    struct xen_domctl vcpu = { .cmd = XEN_DOMCTL_getvcpuinfo };
    struct xen_domctl_getdomaininfo info;

    create.u.createdomain.max_vcpus = 3;
    EXPECT_EQ(domctl(&create), 0);
    op.domain = vcpu.domain = create.domain;
    op.u.max_vcpus.max = 4;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    op.u.max_vcpus.max = 0;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    EXPECT_EQ(domctl(&vcpu), -XEN_ESRCH);
    op.u.max_vcpus.max = 3;
    EXPECT_EQ(domctl(&op), 0);
    EXPECT_EQ(domain_info(create.domain, &info), 0);
    EXPECT_EQ(info.max_vcpu_id, 2);
    EXPECT_EQ(info.nr_online_vcpus, 0);
    vcpu.u.getvcpuinfo.vcpu = 2;
    EXPECT_EQ(domctl(&vcpu), 0);
    EXPECT_EQ(vcpu.u.getvcpuinfo.online, 0);
    EXPECT_EQ(vcpu.u.getvcpuinfo.running, 0);
    vcpu.u.getvcpuinfo.vcpu = 3;
    EXPECT_EQ(domctl(&vcpu), -XEN_EINVAL);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, create.domain), 0);
}

CASE(domctl_context_bad, "a vCPU that is not there is -EINVAL, one without a context -ENODATA",
     "domctl.setvcpucontext:EINVAL domctl.getvcpucontext:EINVAL domctl.getvcpucontext:ENODATA "
     "domctl.setvcpucontext:EFAULT")
{
    static struct vcpu_guest_context ctx;
    struct xen_domctl vcpus = { .cmd = XEN_DOMCTL_max_vcpus, .u.max_vcpus.max = 1 };
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getvcpucontext };
    long id = create_domain();

    op.domain = vcpus.domain = id;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &ctx);
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    EXPECT_EQ(domctl(&vcpus), 0);
    EXPECT_EQ(domctl(&op), -XEN_ENODATA);
    op.cmd = XEN_DOMCTL_setvcpucontext;
    op.u.vcpucontext.vcpu = 1;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    op.u.vcpucontext.vcpu = 0;
    ctx.flags = VGCF_in_kernel;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    set_xen_guest_handle(op.u.vcpucontext.ctxt, (void *)CONF_EMPTY_VA);
    EXPECT_EQ(domctl(&op), -XEN_EFAULT);
    op.domain = 0;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, id), 0);
}

CASE(domctl_memory, "max_mem limits what populate_physmap gives; frames come back by "
     "decrease_reservation",
     "domctl.max_mem:effect memory_op.populate_physmap:foreign "
     "memory_op.decrease_reservation:foreign memory_op.current_reservation:foreign "
     "memory_op.maximum_reservation:foreign")
{
    long id = create_domain();
    struct xen_domctl max = { .cmd = XEN_DOMCTL_max_mem, .domain = id, .u.max_mem.max_memkb = 40 };
    struct xen_memory_reservation r = { .nr_extents = 16, .domid = id };
    struct xen_memory_domain dom = { .domid = id };
    xen_pfn_t frames[16];

    for (unsigned int i = 0; i < 16; i++)
        frames[i] = 100 + i;
    set_xen_guest_handle(r.extent_start, frames);
    EXPECT_EQ(domctl(&max), 0);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_maximum_reservation, &dom), 10);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_populate_physmap, &r), 10);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_current_reservation, &dom), 10);
    EXPECT_EQ(machine_to_phys_mapping[frames[3]], 103);
    EXPECT_EQ(frames[10], 110);
    r.nr_extents = 4;
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_decrease_reservation, &r), 4);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_current_reservation, &dom), 6);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_decrease_reservation, &r), 0);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, id), 0);
}

CASE(domctl_odds, "address size, and the hypercall page",
     "domctl.set_address_size:effect domctl.set_address_size:EINVAL "
     "domctl.get_address_size:effect domctl.hypercall_init:effect domctl.hypercall_init:EPERM "
     "domctl.hypercall_init:EINVAL")
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_set_address_size, .u.address_size.size = 64 };
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    op.domain = c.id;
    EXPECT_EQ(domctl(&op), 0);
    op.u.address_size.size = 16;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    op.cmd = XEN_DOMCTL_get_address_size;
    EXPECT_EQ(domctl(&op), 0);
    EXPECT_EQ(op.u.address_size.size, 64);
    op.cmd = XEN_DOMCTL_hypercall_init;
    op.u.hypercall_init.gmfn = c.mfn[CHILD_SHARED].nr;
    EXPECT_EQ(domctl(&op), 0);
    EXPECT_EQ(((volatile uint8_t *)c.shared)[3 * 32 + 4], 3);
    op.u.hypercall_init.gmfn = c.mfn[CHILD_L1].nr;
    EXPECT_EQ(domctl(&op), -XEN_EPERM);
    op.u.hypercall_init.gmfn = pv_va_to_mfn(&c).nr;
    EXPECT_EQ(domctl(&op), -XEN_EINVAL);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(sysctl_refused, "sysctl checks its version, command and pointer",
     "sysctl:EACCES sysctl:ENOSYS sysctl:EFAULT")
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo, .interface_version = 1 };

    EXPECT_EQ(HYPERVISOR_sysctl(&op), -XEN_EACCES);
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    op.cmd = 9999;
    EXPECT_EQ(HYPERVISOR_sysctl(&op), -XEN_ENOSYS);
    EXPECT_EQ(HYPERVISOR_sysctl((void *)CONF_EMPTY_VA), -XEN_EFAULT);
}

CASE(sysctl_physinfo, "physinfo counts processors and frames",
     "sysctl.physinfo:effect")
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo,
                             .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
    const struct xen_sysctl_physinfo *info = &op.u.physinfo;

    EXPECT_EQ(HYPERVISOR_sysctl(&op), 0);
    EXPECT_TRUE(info->nr_cpus >= 1 && info->max_cpu_id >= info->nr_cpus - 1);
    EXPECT_TRUE(info->total_pages > pv_nr_pages());
    EXPECT_TRUE(info->free_pages < info->total_pages);
    EXPECT_TRUE(info->max_mfn >= info->total_pages - 1);
    EXPECT_TRUE(info->cpu_khz > 0);
    EXPECT_TRUE(info->capabilities & XEN_SYSCTL_PHYSCAP_pv);
    EXPECT_TRUE(info->capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v1);
}

CASE(sysctl_debug_keys, "debug_keys takes keys one by one; those that mean nothing do nothing",
     "sysctl.debug_keys:effect sysctl.debug_keys:EFAULT")
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_debug_keys,
                             .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

    EXPECT_EQ(HYPERVISOR_sysctl(&op), 0);
    set_xen_guest_handle(op.u.debug_keys.keys, "f\001");
    op.u.debug_keys.nr_keys = 2;
    EXPECT_EQ(HYPERVISOR_sysctl(&op), 0);
    set_xen_guest_handle(op.u.debug_keys.keys, (const char *)CONF_EMPTY_VA);
    EXPECT_EQ(HYPERVISOR_sysctl(&op), -XEN_EFAULT);
}

CASE(sysctl_list, "getdomaininfolist lists domains in order, from a number, as many as asked",
     "sysctl.getdomaininfolist:effect")
{
    static xen_domctl_getdomaininfo_t list[8];
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_getdomaininfolist,
                             .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
    struct xen_sysctl_getdomaininfolist *l = &op.u.getdomaininfolist;
    long a = create_domain(), b = create_domain();

    set_xen_guest_handle(l->buffer, list);
    l->max_domains = 8;
    EXPECT_EQ(HYPERVISOR_sysctl(&op), 0);
    EXPECT_TRUE(l->num_domains >= 3);
    EXPECT_EQ(list[0].domain, 0);
    EXPECT_EQ(list[l->num_domains - 2].domain, a);
    EXPECT_EQ(list[l->num_domains - 1].domain, b);
    l->first_domain = a;
    l->max_domains = 1;
    EXPECT_EQ(HYPERVISOR_sysctl(&op), 0);
    EXPECT_EQ(l->num_domains, 1);
    EXPECT_EQ(list[0].domain, a);
    l->first_domain = b + 1;
    l->max_domains = 8;
    EXPECT_EQ(HYPERVISOR_sysctl(&op), 0);
    EXPECT_EQ(l->num_domains, 0);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, a), 0);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, b), 0);
}
