/* SPDX-License-Identifier: MIT */
/* event_channel_op. All channels are to ourselves. */
#include "fuzz.h"

static uint32_t some_vcpu(struct run *r)
{
    return (uint32_t)(percent(r, 90) ? below(r, 2) : wild(r) | 0x1000);
}

static long op_at(struct run *r, unsigned int cmd, void *where, size_t port_at)
{
    long rc = HYPERVISOR_event_channel_op((int)cmd, where);

    if (rc == 0 && port_at && where == r->page)
        note_port(r, *(evtchn_port_t *)((char *)where + port_at));
    return rc;
}

static long op(struct run *r, unsigned int cmd, const void *arg, size_t size, size_t port_at)
{
    void *where = put_arg(r, arg, size);

    memcpy(r->args, arg, size < sizeof(r->args) ? size : sizeof(r->args));
    return op_at(r, cmd, where, port_at);
}

#define WITH_PORT(arg) &(arg), sizeof(arg), offsetof(__typeof__(arg), port)

static long call_alloc(struct run *r, unsigned int cmd)
{
    evtchn_alloc_unbound_t arg = { .dom = some_domain(r), .remote_dom = some_domain(r) };

    return op(r, cmd, WITH_PORT(arg));
}

static long call_interdomain(struct run *r, unsigned int cmd)
{
    evtchn_bind_interdomain_t arg = { .remote_dom = some_domain(r), .remote_port = some_port(r) };

    return op(r, cmd, &arg, sizeof(arg), offsetof(evtchn_bind_interdomain_t, local_port));
}

/* Not the ones that tell of domains, consoles and timers: those have other users, or wake us. */
static long call_virq(struct run *r, unsigned int cmd)
{
    static const uint32_t virqs[] = { VIRQ_DEBUG, VIRQ_XENOPROF, VIRQ_ARCH_1, VIRQ_DEBUG };
    evtchn_bind_virq_t arg = { .vcpu = some_vcpu(r), .virq = PICK(r, virqs) };

    if (percent(r, 15))
        arg.virq = (uint32_t)wild(r) | 24;
    return op(r, cmd, WITH_PORT(arg));
}

static long call_pirq(struct run *r, unsigned int cmd)
{
    evtchn_bind_pirq_t arg = { .pirq = (uint32_t)wild(r) | 0x10000,
                               .flags = (uint32_t)below(r, 2) };

    return op(r, cmd, WITH_PORT(arg));
}

static long call_ipi(struct run *r, unsigned int cmd)
{
    evtchn_bind_ipi_t arg = { .vcpu = some_vcpu(r) };

    return op(r, cmd, WITH_PORT(arg));
}

/* close, send, unmask: a port is all. */
static long call_port(struct run *r, unsigned int cmd)
{
    evtchn_close_t arg = { .port = some_port(r) };

    return op(r, cmd, &arg, sizeof(arg), 0);
}

static long call_status(struct run *r, unsigned int cmd)
{
    evtchn_status_t arg = { .dom = some_domain(r), .port = some_port(r) };

    return op(r, cmd, &arg, sizeof(arg), 0);
}

static long call_vcpu(struct run *r, unsigned int cmd)
{
    evtchn_bind_vcpu_t arg = { .port = some_port(r), .vcpu = some_vcpu(r) };

    return op(r, cmd, &arg, sizeof(arg), 0);
}

/* A guest's console and store have ports that must stay: for it, only what is refused. */
static long call_reset(struct run *r, unsigned int cmd)
{
    evtchn_reset_t arg = { .dom = some_domain(r) };

    if (!first_domain || percent(r, 50))
        arg.dom = 0x7fef;
    return op(r, cmd, &arg, sizeof(arg), 0);
}

static long call_unknown(struct run *r, unsigned int cmd)
{
    evtchn_close_t arg = { .port = some_port(r) };

    return op(r, (unsigned int)(cmd + small_or_wild(r, 1000)) | cmd, &arg, sizeof(arg), 0);
}

static const struct op ops[] = {
    OP("event_channel_op.alloc_unbound", call_alloc, EVTCHNOP_alloc_unbound, 5),
    OP("event_channel_op.bind_interdomain", call_interdomain, EVTCHNOP_bind_interdomain, 5),
    OP("event_channel_op.bind_virq", call_virq, EVTCHNOP_bind_virq, 3),
    OP_NEVER("event_channel_op.bind_pirq", call_pirq, EVTCHNOP_bind_pirq, 1,
             ANY, "no interrupt is mapped"),
    OP("event_channel_op.bind_ipi", call_ipi, EVTCHNOP_bind_ipi, 4),
    OP("event_channel_op.close", call_port, EVTCHNOP_close, 4),
    OP("event_channel_op.send", call_port, EVTCHNOP_send, 4),
    OP("event_channel_op.unmask", call_port, EVTCHNOP_unmask, 2),
    OP("event_channel_op.status", call_status, EVTCHNOP_status, 4),
    OP("event_channel_op.bind_vcpu", call_vcpu, EVTCHNOP_bind_vcpu, 3),
    OP_ALONE_NEVER("event_channel_op.reset", call_reset, EVTCHNOP_reset, 1,
                   GUEST, "it would lose its console"),
    OP_NEVER("event_channel_op.unknown", call_unknown, 64, 1, ANY, "there is no such command"),
};
const struct op_table event_table = { ops, PV_ARRAY_SIZE(ops) };
