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
    /* Xen keeps a port whose number it could not tell; Pavane does not. */
    if (rc == -XEN_EFAULT && fuzz_compare)
        reset_ports();
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

/* ---- FIFO events: the whole domain's, and only a reset ends them ---- */

/* A frame to be the hypervisor's to write, or one that can't be. */
static uint64_t fifo_frame(struct run *r)
{
    if (percent(r, 80))
        return frames[GIVE_FRAMES + below(r, DATA_FRAMES - GIVE_FRAMES)].mfn;
    return percent(r, 50) ? spare_l1[below(r, 2)] : wild(r) | 1UL << 45;
}

static void go_fifo(struct run *r)
{
    evtchn_init_control_t arg = { .control_gfn = frames[GIVE_FRAMES].mfn };

    if (first_domain && percent(r, 80))
        HYPERVISOR_event_channel_op(EVTCHNOP_init_control, &arg);
}

/*
 * What was written there, in which order, is the hypervisor's own choice; and Xen leaves the bits
 * of two-level events that were pending before, for whoever gets their ports next.
 */
static void leave_fifo(void)
{
    evtchn_reset_t arg = { .dom = DOMID_SELF };

    if (!first_domain)
        return;
    HYPERVISOR_event_channel_op(EVTCHNOP_reset, &arg);
    reset_ports();
    for (size_t i = 0; i < PV_ARRAY_SIZE(pv_shared_info->evtchn_pending); i++)
        pv_shared_info->evtchn_pending[i] = 0;
    for (unsigned int i = GIVE_FRAMES; i < DATA_FRAMES; i++)
        memset(frames[i].home, 0, PV_PAGE_SIZE);
}

/* A guest can't go back, so for it only what is refused. */
static long call_init_control(struct run *r, unsigned int cmd)
{
    evtchn_init_control_t arg = { .control_gfn = fifo_frame(r), .vcpu = some_vcpu(r),
                                  .offset = 8 * (uint32_t)small_or_wild(r, 510) };
    long rc;

    if (!first_domain)
        arg.vcpu |= 0x1000;
    go_fifo(r);
    if (percent(r, 10))
        arg.offset = (uint32_t)wild(r);
    rc = op(r, cmd, &arg, sizeof(arg), 0);
    leave_fifo();
    return rc;
}

static long call_expand(struct run *r, unsigned int cmd)
{
    evtchn_expand_array_t arg = { .array_gfn = fifo_frame(r) };
    long rc;

    go_fifo(r);
    rc = op(r, cmd, &arg, sizeof(arg), 0);
    leave_fifo();
    return rc;
}

static long call_priority(struct run *r, unsigned int cmd)
{
    evtchn_set_priority_t arg = { .port = some_port(r),
                                  .priority = (uint32_t)small_or_wild(r, 20) };
    evtchn_alloc_unbound_t alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    long rc;

    go_fifo(r);
    if (percent(r, 70) && !HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc))
        arg.port = alloc.port;
    rc = op(r, cmd, &arg, sizeof(arg), 0);
    leave_fifo();
    return rc;
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
    OP_ALONE_NEVER("event_channel_op.init_control", call_init_control, EVTCHNOP_init_control, 1,
                   GUEST, "it could not go back to two-level events"),
    OP_ALONE_NEVER("event_channel_op.expand_array", call_expand, EVTCHNOP_expand_array, 1,
                   GUEST, "it has no FIFO events"),
    OP_ALONE_NEVER("event_channel_op.set_priority", call_priority, EVTCHNOP_set_priority, 1,
                   GUEST, "it has no FIFO events"),
    OP_NEVER("event_channel_op.unknown", call_unknown, 64, 1, ANY, "there is no such command"),
};
const struct op_table event_table = { ops, PV_ARRAY_SIZE(ops) };
