/* SPDX-License-Identifier: MIT */
/* sched_op, vcpu_op, and those of physdev_op that any guest may use. vCPU 1 is the spare one. */
#include "fuzz.h"

#define SPARE_VCPU 1

static long call_yield(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_sched_op((int)cmd, (void *)wild(r));
}

/* There is an event for ourselves before, so that we wake. */
static long call_block(struct run *r, unsigned int cmd)
{
    int port = pv_bind_ipi(r->vcpu, NULL, NULL);
    long rc;

    if (port < 0)
        return port;
    pv_notify((evtchn_port_t)port);
    /* A selector bit that a stray store has set keeps the flag from being raised. */
    rc = -XEN_EAGAIN;
    if (pv_this_vcpu()->info->evtchn_upcall_pending)
        rc = HYPERVISOR_sched_op((int)cmd, (void *)wild(r));
    pv_events_disable();
    pv_close((evtchn_port_t)port);
    return rc;
}

/* Only what is refused: it would be the end of us. */
static long call_shutdown(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_sched_op((int)cmd, (void *)bad_address(r));
}

static long call_remote(struct run *r, unsigned int cmd)
{
    struct sched_remote_shutdown arg = { .domain_id = 0x7000, .reason = (unsigned int)wild(r) };

    return HYPERVISOR_sched_op((int)cmd, put_arg(r, &arg, sizeof(arg)));
}

static long call_watchdog(struct run *r, unsigned int cmd)
{
    struct sched_watchdog arg = { .id = (uint32_t)below(r, 4), .timeout = 10000 };
    void *where;
    long rc;

    /* A new one that is over at once would be the end of us. */
    if (percent(r, 30) && arg.id)
        arg.timeout = 0;
    if (percent(r, 10))
        arg.id = (uint32_t)wild(r) | 4;
    where = put_arg(r, &arg, sizeof(arg));
    rc = (int)HYPERVISOR_sched_op((int)cmd, where);     /* Xen widens an error without its sign */
    arg.timeout = 0;
    for (arg.id = 1; arg.id <= 2; arg.id++)
        HYPERVISOR_sched_op(SCHEDOP_watchdog, &arg);
    return rc > 0 ? 0 : rc;
}

/* The time is past, or one of the ports pending: so it never waits. */
static long call_poll(struct run *r, unsigned int cmd)
{
    evtchn_port_t list[4];
    struct sched_poll arg = { .nr_ports = (unsigned int)below(r, 4), .timeout = 1 };

    for (unsigned int i = 0; i < 4; i++)
        list[i] = some_port(r);
    set_xen_guest_handle(arg.ports, percent(r, 90) ? list : (evtchn_port_t *)bad_address(r));
    if (percent(r, 10))
        arg.nr_ports = (unsigned int)wild(r) | 129;
    r->args[0] = arg.nr_ports;
    for (unsigned int i = 0; i < 3; i++)
        r->args[i + 1] = list[i];
    return HYPERVISOR_sched_op((int)cmd, put_arg(r, &arg, sizeof(arg)));
}

static long call_unknown_sched(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_sched_op((int)((unsigned int)wild(r) | cmd), r->page);
}

/* ---- vcpu_op ---- */

static unsigned int some_vcpu(struct run *r)
{
    return percent(r, 90) ? (unsigned int)below(r, 2) : (unsigned int)wild(r) | 0x1000;
}

/* There is always something wrong with the context: a vCPU that has one could be brought up. */
static long call_initialise(struct run *r, unsigned int cmd)
{
    static struct vcpu_guest_context context;
    unsigned int vcpu = percent(r, 90) ? SPARE_VCPU : some_vcpu(r);

    memset(&context, 0, sizeof(context));
    context.flags = VGCF_IN_KERNEL | VGCF_I387_VALID;
    context.ctrlreg[3] = pv_current_root().nr << PV_PAGE_SHIFT;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    switch (below(r, 5)) {
    case 0:
        context.ctrlreg[3] = frames[GIVE_FRAMES + below(r, DATA_FRAMES - GIVE_FRAMES)].mfn
                             << PV_PAGE_SHIFT;
        break;
    case 1:
        context.ctrlreg[3] = (wild(r) | 1UL << 45) << PV_PAGE_SHIFT;
        break;
    case 2:
        context.gdt_ents = (unsigned long)wild(r) | 512;
        break;
    case 3:
        context.gdt_frames[0] = frames[GIVE_FRAMES + below(r, DATA_FRAMES - GIVE_FRAMES)].mfn;
        context.gdt_ents = 512;
        break;
    default:
        context.user_regs.rip = 1UL << 60;
        context.ldt_ents = 9000;
    }
    return HYPERVISOR_vcpu_op(cmd, vcpu, put_arg(r, &context, 1024) ? (void *)&context
                                                                    : (void *)bad_address(r));
}

static long call_is_up(struct run *r, unsigned int cmd)
{
    long rc = HYPERVISOR_vcpu_op(cmd, some_vcpu(r), (void *)wild(r));

    return rc > 0 ? 0 : rc;
}

/* The spare vCPU has no context, so it does not come up; ourselves, we are up. */
static long call_up(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_vcpu_op(cmd, some_vcpu(r), (void *)wild(r));
}

/* Not ourselves: that would be the end. */
static long call_down(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_vcpu_op(cmd, percent(r, 80) ? SPARE_VCPU : (unsigned int)wild(r) | 0x1000,
                              (void *)wild(r));
}

static long call_runstate(struct run *r, unsigned int cmd)
{
    vcpu_runstate_info_t info;

    memset(&info, 0, sizeof(info));
    return HYPERVISOR_vcpu_op(cmd, some_vcpu(r), put_arg(r, &info, sizeof(info)));
}

static long call_area(struct run *r, unsigned int cmd)
{
    struct vcpu_register_runstate_memory_area arg = { .addr.p = 0 };
    static char area[2 * PV_PAGE_SIZE] __attribute__((aligned(4096)));
    uint64_t page = (uint64_t)area;             /* what is written there depends on time */
    unsigned int vcpu = some_vcpu(r);
    long rc;

    arg.addr.p = percent(r, 60) ? page + below(r, PV_PAGE_SIZE)
                                : percent(r, 50) ? bad_address(r) : 0;
    r->args[0] = vcpu;
    r->args[1] = arg.addr.p;
    rc = HYPERVISOR_vcpu_op(cmd, vcpu, put_arg(r, &arg, sizeof(arg)));
    arg.addr.p = 0;
    HYPERVISOR_vcpu_op(cmd, vcpu, &arg);
    return rc;
}

static long call_periodic(struct run *r, unsigned int cmd)
{
    struct vcpu_set_periodic_timer arg = { .period_ns = wild(r) };
    unsigned int vcpu = some_vcpu(r);
    long rc = HYPERVISOR_vcpu_op(cmd, vcpu, put_arg(r, &arg, sizeof(arg)));

    HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, vcpu, NULL);
    return rc;
}

static long call_single(struct run *r, unsigned int cmd)
{
    struct vcpu_set_singleshot_timer arg = { .timeout_abs_ns = wild(r) | 1UL << 50 };
    long rc = HYPERVISOR_vcpu_op(cmd, some_vcpu(r), put_arg(r, &arg, sizeof(arg)));

    HYPERVISOR_vcpu_op(VCPUOP_stop_singleshot_timer, r->vcpu, NULL);
    return rc;
}

/* Only the spare vCPU's may move, for it never comes back. */
static long call_info(struct run *r, unsigned int cmd)
{
    static void *place;
    struct vcpu_register_vcpu_info arg;
    unsigned int vcpu = percent(r, 85) ? SPARE_VCPU : (unsigned int)wild(r) | 0x1000;

    memset(&arg, 0, sizeof(arg));
    if (!place)
        place = pv_alloc_page();
    arg.mfn = percent(r, 60) ? pv_va_to_mfn(place).nr : wild(r) | 1UL << 45;
    arg.offset = percent(r, 60) ? 64 * (uint32_t)below(r, 63) : (uint32_t)wild(r) | 1;
    return HYPERVISOR_vcpu_op(cmd, vcpu, put_arg(r, &arg, sizeof(arg)));
}

static long call_unknown_vcpu(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_vcpu_op((unsigned int)wild(r) | cmd, some_vcpu(r), r->page);
}

/* ---- physdev_op ---- */

static long call_iopl(struct run *r, unsigned int cmd)
{
    struct physdev_set_iopl arg = { .iopl = (uint32_t)small_or_wild(r, 5) };
    long rc = HYPERVISOR_physdev_op((int)cmd, put_arg(r, &arg, sizeof(arg)));

    arg.iopl = 1;
    HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &arg);
    return rc;
}

static long call_bitmap(struct run *r, unsigned int cmd)
{
    struct physdev_set_iobitmap arg = { .nr_ports = (uint32_t)small_or_wild(r, 65538) };
    long rc;

    set_xen_guest_handle(arg.bitmap, percent(r, 80) ? (uint8_t *)frames[0].home
                                                    : (uint8_t *)bad_address(r));
    rc = HYPERVISOR_physdev_op((int)cmd, put_arg(r, &arg, sizeof(arg)));
    arg.nr_ports = 0;
    HYPERVISOR_physdev_op(PHYSDEVOP_set_iobitmap, &arg);
    return rc;
}

static long call_unknown_physdev(struct run *r, unsigned int cmd)
{
    return HYPERVISOR_physdev_op((int)((unsigned int)wild(r) | cmd), r->page);
}

static const struct op ops[] = {
    OP("sched_op.yield", call_yield, SCHEDOP_yield, 1),
    OP_ALONE("sched_op.block", call_block, SCHEDOP_block, 1),
    OP_NEVER("sched_op.shutdown", call_shutdown, SCHEDOP_shutdown, 1,
             ANY, "it would be the end of us"),
    OP_NEVER("sched_op.remote_shutdown", call_remote, SCHEDOP_remote_shutdown, 1,
             ANY, "there is no other domain"),
    OP_ALONE("sched_op.watchdog", call_watchdog, SCHEDOP_watchdog, 1),
    OP("sched_op.poll", call_poll, SCHEDOP_poll, 3),
    OP_NEVER("sched_op.unknown", call_unknown_sched, 64, 1, ANY, "there is no such command"),
    OP_ALONE_NEVER("vcpu_op.initialise", call_initialise, VCPUOP_initialise, 2,
                   ANY, "there is something wrong with each context"),
    OP_ALONE("vcpu_op.up", call_up, VCPUOP_up, 1),
    OP_ALONE("vcpu_op.down", call_down, VCPUOP_down, 1),
    OP("vcpu_op.is_up", call_is_up, VCPUOP_is_up, 1),
    OP("vcpu_op.get_runstate_info", call_runstate, VCPUOP_get_runstate_info, 1),
    OP("vcpu_op.register_runstate_area", call_area, VCPUOP_register_runstate_memory_area, 2),
    OP("vcpu_op.register_time_area", call_area, VCPUOP_register_vcpu_time_memory_area, 2),
    OP_ALONE("vcpu_op.set_periodic_timer", call_periodic, VCPUOP_set_periodic_timer, 1),
    OP("vcpu_op.stop_periodic_timer", call_up, VCPUOP_stop_periodic_timer, 1),
    OP("vcpu_op.set_singleshot_timer", call_single, VCPUOP_set_singleshot_timer, 1),
    OP("vcpu_op.stop_singleshot_timer", call_up, VCPUOP_stop_singleshot_timer, 1),
    OP_ALONE("vcpu_op.register_vcpu_info", call_info, VCPUOP_register_vcpu_info, 1),
    OP_NEVER("vcpu_op.unknown", call_unknown_vcpu, 64, 1, ANY, "there is no such command"),
    OP("physdev_op.set_iopl", call_iopl, PHYSDEVOP_set_iopl, 1),
    OP("physdev_op.set_iobitmap", call_bitmap, PHYSDEVOP_set_iobitmap, 1),
    OP_NEVER("physdev_op.unknown", call_unknown_physdev, 64, 1, ANY, "there is no such command"),
};
const struct op_table sched_table = { ops, PV_ARRAY_SIZE(ops) };
