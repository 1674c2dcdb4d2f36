/* SPDX-License-Identifier: MIT */
/* event_channel_op within one domain: ports and what can be done with them. */
#include "../lib/case.h"

CONF_GUEST("conf-event");

static long op(int cmd, void *arg)
{
    return HYPERVISOR_event_channel_op(cmd, arg);
}

static long status(evtchn_port_t port, struct evtchn_status *st)
{
    *st = (struct evtchn_status){ .dom = DOMID_SELF, .port = port, .vcpu = 77 };
    return op(EVTCHNOP_status, st);
}

static long bind_virq(uint32_t virq, uint32_t vcpu, evtchn_port_t *port)
{
    struct evtchn_bind_virq bind = { .virq = virq, .vcpu = vcpu };
    long rc = op(EVTCHNOP_bind_virq, &bind);

    *port = bind.port;
    return rc;
}

static long close_port(evtchn_port_t port)
{
    struct evtchn_close close = { .port = port };

    return op(EVTCHNOP_close, &close);
}

CASE(virq_bind, "a virtual interrupt has one port, which status shows",
     "event_channel_op.bind_virq:effect event_channel_op.bind_virq:EEXIST "
     "event_channel_op.status:effect event_channel_op.close:effect")
{
    struct evtchn_status st;
    evtchn_port_t port, second;

    EXPECT_EQ(bind_virq(VIRQ_TIMER, 0, &port), 0);
    EXPECT_TRUE(port > 0);
    EXPECT_EQ(status(port, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_virq);
    EXPECT_EQ(st.u.virq, VIRQ_TIMER);
    EXPECT_EQ(st.vcpu, 0);
    EXPECT_EQ(bind_virq(VIRQ_TIMER, 0, &second), -XEN_EEXIST);
    EXPECT_EQ(close_port(port), 0);
    EXPECT_EQ(bind_virq(VIRQ_TIMER, 0, &port), 0);
    EXPECT_EQ(close_port(port), 0);
}

CASE(virq_bad, "an unknown interrupt is -EINVAL, an absent vCPU -ENOENT, a global one not on vCPU "
     "0 -EINVAL",
     "event_channel_op.bind_virq:EINVAL event_channel_op.bind_virq:ENOENT")
{
    evtchn_port_t port;

    EXPECT_EQ(bind_virq(NR_VIRQS, 0, &port), -XEN_EINVAL);
    EXPECT_EQ(bind_virq(~0u, 0, &port), -XEN_EINVAL);
    EXPECT_EQ(bind_virq(VIRQ_TIMER, 4095, &port), -XEN_ENOENT);
    EXPECT_EQ(bind_virq(VIRQ_CONSOLE, 1, &port), -XEN_EINVAL);
}

CASE(virq_architecture, "the architecture's virtual interrupts are global: they are vCPU 0's",
     "event_channel_op.bind_virq:EINVAL event_channel_op.bind_virq:effect")
{
    evtchn_port_t port;

    for (uint32_t virq = VIRQ_ARCH_1; virq <= VIRQ_ARCH_7; virq++) {
        EXPECT_EQ(bind_virq(virq, 1, &port), -XEN_EINVAL);
        EXPECT_EQ(bind_virq(virq, 4095, &port), -XEN_EINVAL);
        EXPECT_EQ(bind_virq(virq, 0, &port), 0);
        EXPECT_EQ(close_port(port), 0);
    }
}

CASE(ipi_bind, "an IPI port belongs to a vCPU that exists",
     "event_channel_op.bind_ipi:effect event_channel_op.bind_ipi:ENOENT")
{
    struct evtchn_bind_ipi bind = { .vcpu = 0 };
    struct evtchn_status st;

    EXPECT_EQ(op(EVTCHNOP_bind_ipi, &bind), 0);
    EXPECT_EQ(status(bind.port, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_ipi);
    EXPECT_EQ(st.vcpu, 0);
    EXPECT_EQ(close_port(bind.port), 0);
    bind.vcpu = 4095;
    EXPECT_EQ(op(EVTCHNOP_bind_ipi, &bind), -XEN_ENOENT);
}

CASE(unbound_then_interdomain, "an unbound port offered to the caller itself can be bound: both "
     "ends show the other, and the binder's starts pending",
     "event_channel_op.alloc_unbound:effect event_channel_op.bind_interdomain:effect "
     "event_channel_op.status:effect")
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };
    struct evtchn_status st;

    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), 0);
    EXPECT_EQ(status(alloc.port, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_unbound);
    EXPECT_EQ(st.u.unbound.dom, 0);
    bind.remote_port = alloc.port;
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &bind), 0);
    EXPECT_TRUE(bind.local_port != alloc.port);
    EXPECT_TRUE(pv_port_pending(bind.local_port));
    EXPECT_EQ(status(alloc.port, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_interdomain);
    EXPECT_EQ(st.u.interdomain.dom, 0);
    EXPECT_EQ(st.u.interdomain.port, bind.local_port);
    EXPECT_EQ(status(bind.local_port, &st), 0);
    EXPECT_EQ(st.u.interdomain.port, alloc.port);
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
    EXPECT_EQ(close_port(bind.local_port), 0);
    EXPECT_EQ(status(alloc.port, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_unbound);
    EXPECT_EQ(close_port(alloc.port), 0);
}

CASE(interdomain_bad, "binding to a port that is not offered is -EINVAL, to a domain that is not "
     "there -ESRCH",
     "event_channel_op.bind_interdomain:EINVAL event_channel_op.bind_interdomain:ESRCH "
     "event_channel_op.alloc_unbound:ESRCH")
{
    struct evtchn_alloc_unbound alloc = { .dom = 77, .remote_dom = DOMID_SELF };
    struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF, .remote_port = 4000 };

    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
    bind.remote_port = 0;
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
    bind.remote_port = ~0u;
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
    bind.remote_dom = 77;
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &bind), -XEN_ESRCH);
    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), -XEN_ESRCH);
}

CASE(interdomain_other, "a port offered to another domain can't be bound by its owner",
     "event_channel_op.bind_interdomain:EINVAL")
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = 77 };
    struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };

    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), 0);
    bind.remote_port = alloc.port;
    EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
    EXPECT_EQ(close_port(alloc.port), 0);
}

CASE(close_bad, "port 0, a free port and a number past the end can't be closed",
     "event_channel_op.close:EINVAL")
{
    EXPECT_EQ(close_port(0), -XEN_EINVAL);
    EXPECT_EQ(close_port(4000), -XEN_EINVAL);
    EXPECT_EQ(close_port(EVTCHN_2L_NR_CHANNELS), -XEN_EINVAL);
    EXPECT_EQ(close_port(~0u), -XEN_EINVAL);
}

CASE(send_rules, "send: an IPI or interdomain port works, an unbound one takes it without effect, "
     "others are -EINVAL",
     "event_channel_op.send:effect event_channel_op.send:EINVAL")
{
    struct evtchn_bind_ipi ipi = { .vcpu = 0 };
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    evtchn_port_t virq;

    EXPECT_EQ(op(EVTCHNOP_bind_ipi, &ipi), 0);
    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), 0);
    EXPECT_EQ(bind_virq(VIRQ_DEBUG, 0, &virq), 0);
    EXPECT_EQ(pv_notify(ipi.port), 0);
    EXPECT_TRUE(pv_port_pending(ipi.port));
    EXPECT_EQ(pv_notify(alloc.port), 0);
    EXPECT_TRUE(!pv_port_pending(alloc.port));
    EXPECT_EQ(pv_notify(virq), -XEN_EINVAL);
    EXPECT_EQ(pv_notify(0), -XEN_EINVAL);
    EXPECT_EQ(pv_notify(4000), -XEN_EINVAL);
    EXPECT_EQ(pv_notify(~0u), -XEN_EINVAL);
    EXPECT_EQ(pv_close(ipi.port) | pv_close(alloc.port) | pv_close(virq), 0);
}

CASE(send_interdomain, "send on one end sets the other pending", "event_channel_op.send:effect")
{
    int a = pv_alloc_unbound(DOMID_SELF, NULL, NULL);
    int b = pv_bind_interdomain(DOMID_SELF, a, NULL, NULL);

    pv_clear_pending(a);
    pv_clear_pending(b);
    EXPECT_EQ(pv_notify(a), 0);
    EXPECT_TRUE(pv_port_pending(b));
    EXPECT_TRUE(!pv_port_pending(a));
    EXPECT_EQ(pv_close(b), 0);
    EXPECT_EQ(pv_close(a), 0);
}

CASE(status_bad, "status of a port past the end is -EINVAL, of a domain that is not there -ESRCH; "
     "a free port is closed",
     "event_channel_op.status:EINVAL event_channel_op.status:ESRCH event_channel_op.status:effect")
{
    struct evtchn_status st;

    EXPECT_EQ(status(EVTCHN_FIFO_NR_CHANNELS, &st), -XEN_EINVAL);
    EXPECT_EQ(status(~0u, &st), -XEN_EINVAL);
    EXPECT_EQ(status(0, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_closed);
    st = (struct evtchn_status){ .dom = 77, .port = 1 };
    EXPECT_EQ(op(EVTCHNOP_status, &st), -XEN_ESRCH);
}

CASE(bind_vcpu_rules, "bind_vcpu moves an interdomain port; not an IPI or a per-vCPU interrupt; "
     "not to an absent vCPU",
     "event_channel_op.bind_vcpu:effect event_channel_op.bind_vcpu:EINVAL "
     "event_channel_op.bind_vcpu:ENOENT")
{
    struct evtchn_bind_vcpu move = { .vcpu = 0 };
    int ipi = pv_bind_ipi(0, NULL, NULL), virq = pv_bind_virq(VIRQ_TIMER, 0, NULL, NULL);
    int a = pv_alloc_unbound(DOMID_SELF, NULL, NULL);

    move.port = a;
    EXPECT_EQ(op(EVTCHNOP_bind_vcpu, &move), 0);
    move.vcpu = 4095;
    EXPECT_EQ(op(EVTCHNOP_bind_vcpu, &move), -XEN_ENOENT);
    move.vcpu = 0;
    move.port = ipi;
    EXPECT_EQ(op(EVTCHNOP_bind_vcpu, &move), -XEN_EINVAL);
    move.port = virq;
    EXPECT_EQ(op(EVTCHNOP_bind_vcpu, &move), -XEN_EINVAL);
    move.port = 4000;
    EXPECT_EQ(op(EVTCHNOP_bind_vcpu, &move), -XEN_EINVAL);
    EXPECT_EQ(pv_close(ipi) | pv_close(virq) | pv_close(a), 0);
}

CASE(event_reset, "reset closes all ports of the domain",
     "event_channel_op.reset:effect event_channel_op.reset:ESRCH")
{
    struct evtchn_reset reset = { .dom = 77 };
    struct evtchn_status st;
    int port = pv_bind_ipi(0, NULL, NULL);

    EXPECT_EQ(op(EVTCHNOP_reset, &reset), -XEN_ESRCH);
    reset.dom = DOMID_SELF;
    EXPECT_EQ(op(EVTCHNOP_reset, &reset), 0);
    EXPECT_EQ(status(port, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_closed);
}

CASE(event_unknown, "another command is -ENOSYS", "event_channel_op:ENOSYS")
{
    EXPECT_EQ(op(15, NULL), -XEN_ENOSYS);
    EXPECT_EQ(op(-1, NULL), -XEN_ENOSYS);
}

CASE(event_pointers, "every command of the two-level kind with a bad pointer is -EFAULT",
     "event_channel_op:EFAULT event_channel_op.reset:EFAULT")
{
    static const uint64_t bad[] = { CONF_EMPTY_VA, CONF_BAD_VA, CONF_HYPERVISOR_VA };

    for (int cmd = EVTCHNOP_bind_interdomain; cmd <= EVTCHNOP_reset; cmd++) {
        char what[24];

        if (cmd == EVTCHNOP_bind_pirq)
            continue;
        snprintf(what, sizeof(what), "command %d", cmd);
        for (size_t i = 0; i < PV_ARRAY_SIZE(bad); i++)
            EXPECT_ROW(op(cmd, (void *)bad[i]), -XEN_EFAULT, what);
    }
}

CASE(event_read_only, "a result that can't be written is -EFAULT, and no port stays behind",
     "event_channel_op.alloc_unbound:EFAULT event_channel_op.bind_ipi:EFAULT "
     "security.pointer_read_only:refused")
{
    struct evtchn_alloc_unbound *page = pv_alloc_page();
    int first = pv_bind_ipi(0, NULL, NULL), second;

    EXPECT_EQ(pv_close(first), 0);
    page->dom = page->remote_dom = DOMID_SELF;
    EXPECT_EQ(pv_update_va((uint64_t)page, pv_pte(pv_va_to_mfn(page), PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_EQ(op(EVTCHNOP_alloc_unbound, page), -XEN_EFAULT);
    second = pv_bind_ipi(0, NULL, NULL);
    EXPECT_ON(second == first, 0, 1, "Xen leaves the port allocated when it can't tell its number");
    EXPECT_EQ(pv_close(second), 0);
    EXPECT_EQ(pv_free_table(page), 0);
}

CASE(event_no_space, "when all ports of the domain are taken, a new one is -ENOSPC",
     "event_channel_op.alloc_unbound:ENOSPC event_channel_op.bind_ipi:ENOSPC")
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_bind_ipi ipi = { .vcpu = 0 };
    struct evtchn_reset reset = { .dom = DOMID_SELF };
    unsigned int nr = 0;
    long rc;

    while (!(rc = op(EVTCHNOP_alloc_unbound, &alloc)) && nr < EVTCHN_2L_NR_CHANNELS)
        nr++;
    EXPECT_EQ(rc, -XEN_ENOSPC);
    EXPECT_EQ(nr, EVTCHN_2L_NR_CHANNELS - 1);
    EXPECT_EQ(op(EVTCHNOP_bind_ipi, &ipi), -XEN_ENOSPC);
    EXPECT_EQ(op(EVTCHNOP_reset, &reset), 0);
    EXPECT_EQ(op(EVTCHNOP_bind_ipi, &ipi), 0);
    EXPECT_EQ(close_port(ipi.port), 0);
}
