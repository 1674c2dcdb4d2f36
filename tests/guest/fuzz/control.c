/* SPDX-License-Identifier: MIT */
/* domctl and sysctl, on domains that have no memory and never run. */
#include "fuzz.h"

static struct xen_domctl op_for(struct run *r, unsigned int cmd, domid_t domain)
{
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    op.cmd = cmd;
    op.domain = domain;
    op.interface_version = percent(r, 95) ? XEN_DOMCTL_INTERFACE_VERSION
                                             : (uint32_t)wild(r) | 0x1000;
    return op;
}

static long plain(unsigned int cmd, domid_t id)
{
    struct xen_domctl op = { .cmd = cmd, .domain = id,
                             .interface_version = XEN_DOMCTL_INTERFACE_VERSION };
    long rc;

    do {
        rc = HYPERVISOR_domctl(&op);
    } while (rc == -XEN_EAGAIN);
    return rc;
}

/* A domain for one call; 0xffff: we may not make any. */
static domid_t make_domain(void)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_createdomain,
                             .interface_version = XEN_DOMCTL_INTERFACE_VERSION };

    op.u.createdomain.max_vcpus = 1;
    op.u.createdomain.max_evtchn_port = 1023;
    op.u.createdomain.max_grant_frames = op.u.createdomain.max_maptrack_frames = 4;
    op.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
    op.u.createdomain.arch.emulation_flags = 0;
    return HYPERVISOR_domctl(&op) ? 0xffff : op.domain;
}

/* A call on a domain that there is, or not; afterwards there is none. */
static long on_domain(struct run *r, struct xen_domctl *op, bool exists)
{
    domid_t id = exists ? make_domain() : 0x7000;
    long rc;

    op->domain = id == 0xffff ? 0x7000 : id;
    rc = HYPERVISOR_domctl(put_arg(r, op, sizeof(*op)));
    if (exists && id != 0xffff)
        plain(XEN_DOMCTL_destroydomain, id);
    return rc;
}

static long call_simple(struct run *r, unsigned int cmd)
{
    struct xen_domctl op = op_for(r, cmd, 0);

    return on_domain(r, &op, percent(r, 70));
}

static long call_info(struct run *r, unsigned int cmd)
{
    struct xen_domctl op = op_for(r, cmd, percent(r, 70) ? own_id : 0x7001);

    return HYPERVISOR_domctl(put_arg(r, &op, sizeof(op)));
}

static long call_max_mem(struct run *r, unsigned int cmd)
{
    struct xen_domctl op = op_for(r, cmd, 0);

    op.u.max_mem.max_memkb = wild(r);
    return on_domain(r, &op, percent(r, 70));
}

static long call_max_vcpus(struct run *r, unsigned int cmd)
{
    struct xen_domctl op = op_for(r, cmd, 0);

    op.u.max_vcpus.max = (uint32_t)small_or_wild(r, 3);
    return on_domain(r, &op, percent(r, 70));
}

static long call_create(struct run *r, unsigned int cmd)
{
    struct xen_domctl op = op_for(r, cmd, 0);
    void *where;
    long rc;

    op.u.createdomain.max_vcpus = 1 + (uint32_t)below(r, 2);
    op.u.createdomain.max_evtchn_port = 1023;
    op.u.createdomain.max_grant_frames = op.u.createdomain.max_maptrack_frames = 4;
    op.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
    if (percent(r, 10))
        op.u.createdomain.flags = (uint32_t)wild(r) | 1u << 20;
    if (percent(r, 10))
        op.u.createdomain.max_vcpus = percent(r, 50) ? 0 : 1u << 20;
    if (percent(r, 10))
        op.domain = own_id;
    where = put_arg(r, &op, sizeof(op));
    if (where == r->fixed)
        return -XEN_EAGAIN;     /* nobody could say which domain it was */
    rc = HYPERVISOR_domctl(where);
    if (rc == 0 && get_arg(r, where, &op, sizeof(op)))
        plain(XEN_DOMCTL_destroydomain, op.domain);
    return rc;
}

static long call_unknown(struct run *r, unsigned int cmd)
{
    struct xen_domctl op = op_for(r, cmd + (unsigned int)below(r, 1000), own_id);

    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    return HYPERVISOR_domctl(&op);
}

/* ---- sysctl ---- */

static struct xen_sysctl sysctl_for(struct run *r, unsigned int cmd)
{
    struct xen_sysctl op;

    memset(&op, 0, sizeof(op));
    op.cmd = cmd;
    op.interface_version = percent(r, 95) ? XEN_SYSCTL_INTERFACE_VERSION
                                             : (uint32_t)wild(r) | 0x1000;
    return op;
}

static long call_physinfo(struct run *r, unsigned int cmd)
{
    struct xen_sysctl op = sysctl_for(r, cmd);

    return HYPERVISOR_sysctl(put_arg(r, &op, sizeof(op)));
}

static long call_list(struct run *r, unsigned int cmd)
{
    static xen_domctl_getdomaininfo_t list[4];
    struct xen_sysctl op = sysctl_for(r, cmd);

    op.u.getdomaininfolist.first_domain = (domid_t)small_or_wild(r, 2);
    /* How long one that was destroyed is still there is a matter of time. */
    if (fuzz_compare)
        op.u.getdomaininfolist.first_domain = own_id;
    op.u.getdomaininfolist.max_domains = (uint32_t)below(r, 5);
    set_xen_guest_handle(op.u.getdomaininfolist.buffer,
                         percent(r, 85) ? list : (void *)bad_address(r));
    return HYPERVISOR_sysctl(put_arg(r, &op, sizeof(op)));
}

static const struct op ops[] = {
    OP_ALONE_NEVER("domctl.createdomain", call_create, XEN_DOMCTL_createdomain, 1,
                   GUEST, "the first domain's privilege"),
    OP_ALONE_NEVER("domctl.destroydomain", call_simple, XEN_DOMCTL_destroydomain, 1,
                   GUEST, "the first domain's privilege"),
    OP_ALONE_NEVER("domctl.pausedomain", call_simple, XEN_DOMCTL_pausedomain, 1,
                   GUEST, "the first domain's privilege"),
    OP_ALONE_NEVER("domctl.getdomaininfo", call_info, XEN_DOMCTL_getdomaininfo, 1,
                   GUEST, "the first domain's privilege"),
    OP_ALONE_NEVER("domctl.max_mem", call_max_mem, XEN_DOMCTL_max_mem, 1,
                   GUEST, "the first domain's privilege"),
    OP_ALONE_NEVER("domctl.max_vcpus", call_max_vcpus, XEN_DOMCTL_max_vcpus, 1,
                   GUEST, "the first domain's privilege"),
    OP_NEVER("domctl.unknown", call_unknown, 2000, 1, ANY, "there is no such command"),
    OP_ALONE_NEVER("sysctl.physinfo", call_physinfo, XEN_SYSCTL_physinfo, 1,
                   GUEST, "the first domain's privilege"),
    OP_ALONE_NEVER("sysctl.getdomaininfolist", call_list, XEN_SYSCTL_getdomaininfolist, 1,
                   GUEST, "the first domain's privilege"),
};
const struct op_table control_table = { ops, PV_ARRAY_SIZE(ops) };
