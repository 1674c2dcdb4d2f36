/* SPDX-License-Identifier: MIT */
/* How an event reaches the guest: pending, mask, selector, upcall. */
#include "../lib/case.h"
#include "../lib/frame.h"

static void make_hypercall(void *arg)
{
    HYPERVISOR_xen_version(XENVER_version, arg);
}

static void notify(void *port)
{
    pv_notify((evtchn_port_t)(uint64_t)port);
}

static struct vcpu_info *info(void)
{
    return pv_this_vcpu()->info;
}

CASE(upcall_delivery, "an event that is not masked calls back before the sender's next instruction",
     "upcall.delivery:effect callback.event:effect")
{
    int port = pv_bind_ipi(0, NULL, NULL);

    pv_events_enable();
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_EQ(pv_event_count(port), 1);
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_EQ(pv_event_count(port), 2);
    pv_events_disable();
    EXPECT_EQ(pv_close(port), 0);
}

CASE(upcall_masked_vcpu, "with the vCPU's mask on, the event waits: pending, selector and flag are "
     "set",
     "upcall.mask:effect")
{
    int port = pv_bind_ipi(0, NULL, NULL);

    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_EQ(pv_event_count(port), 0);
    EXPECT_TRUE(pv_port_pending(port));
    EXPECT_EQ(info()->evtchn_upcall_pending, 1);
    EXPECT_EQ(info()->evtchn_pending_sel >> (port / 64) & 1, 1);
    pv_events_enable();
    EXPECT_EQ(pv_event_count(port), 1);
    pv_events_disable();
    EXPECT_EQ(pv_close(port), 0);
}

CASE(upcall_masked_port, "with the port's mask on, only its pending bit is set; unmask delivers it",
     "upcall.port_mask:effect event_channel_op.unmask:effect")
{
    int port = pv_bind_ipi(0, NULL, NULL);

    pv_events_enable();
    pv_mask(port);
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_TRUE(pv_port_pending(port));
    EXPECT_EQ(pv_event_count(port), 0);
    EXPECT_EQ(info()->evtchn_pending_sel >> (port / 64) & 1, 0);
    pv_unmask(port);
    EXPECT_EQ(pv_event_count(port), 1);
    EXPECT_TRUE(!pv_port_masked(port));
    pv_events_disable();
    EXPECT_EQ(pv_close(port), 0);
}

CASE(upcall_unmask_bad, "unmask of port 0 does nothing; of a port past the end is -EINVAL",
     "event_channel_op.unmask:EINVAL")
{
    struct evtchn_unmask unmask = { .port = EVTCHN_FIFO_NR_CHANNELS };

    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &unmask), -XEN_EINVAL);
    unmask.port = ~0u;
    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &unmask), -XEN_EINVAL);
    unmask.port = 0;
    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &unmask), 0);
}

CASE(upcall_merges, "an event that is pending already is the same event", "upcall.delivery:once")
{
    int port = pv_bind_ipi(0, NULL, NULL);

    for (int i = 0; i < 3; i++)
        EXPECT_EQ(pv_notify(port), 0);
    pv_events_enable();
    EXPECT_EQ(pv_event_count(port), 1);
    pv_events_disable();
    EXPECT_EQ(pv_close(port), 0);
}

CASE(upcall_frame, "the callback's frame has no error code; events are masked in it, and the saved "
     "IF is set",
     "callback.event:frame")
{
    int port = pv_bind_ipi(0, NULL, NULL);

    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_event, conf_entry, 0), 0);
    info()->evtchn_upcall_mask = 0;
    EXPECT_TRUE(conf_catch(notify, (void *)(uint64_t)port));
    pv_events_disable();
    EXPECT_EQ(conf_frame.mask, 1);
    EXPECT_EQ(conf_frame.slot[3] & 0xffff, FLAT_KERNEL_CS & ~3);
    EXPECT_EQ(conf_frame.slot[3] >> 32 & 0xff, 0);
    EXPECT_EQ(conf_frame.slot[4] & PV_RFLAGS_IF, PV_RFLAGS_IF);
    EXPECT_EQ(conf_frame.slot[6], FLAT_KERNEL_SS);
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_event, NULL, 0), 0);
    EXPECT_EQ(pv_close(port), 0);
}

CASE(upcall_by_flag, "the guest may set the flag itself: any hypercall then calls back",
     "upcall.delivery:effect")
{
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_event, conf_entry, 0), 0);
    info()->evtchn_upcall_mask = 0;
    info()->evtchn_upcall_pending = 1;
    EXPECT_TRUE(conf_catch(make_hypercall, NULL));
    info()->evtchn_upcall_pending = 0;
    pv_events_disable();
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_event, NULL, 0), 0);
}

CASE(upcall_iret, "iret with IF set delivers what is pending", "iret.kernel:events")
{
    int port = pv_bind_ipi(0, NULL, NULL);
    struct iret_context frame = {
        .rip = (uint64_t)conf_after_iret, .cs = FLAT_KERNEL_CS & ~3, .rflags = PV_RFLAGS_IF,
        .rsp = (uint64_t)__builtin_frame_address(0) - 4096, .ss = FLAT_KERNEL_SS,
    };

    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_EQ(pv_event_count(port), 0);
    conf_iret(&frame);
    EXPECT_EQ(pv_event_count(port), 1);
    pv_events_disable();
    EXPECT_EQ(pv_close(port), 0);
}

PV_USER_TEXT static uint64_t user_wait(uint64_t rounds)
{
    for (volatile uint64_t i = 0; i < rounds; i++)
        ;
    return 0;
}

CASE(upcall_user, "an event interrupts user mode", "upcall.user:effect")
{
    struct pv_user_exit exit;
    int port = pv_bind_virq(VIRQ_TIMER, 0, NULL, NULL);
    uint64_t due = pv_system_time() + 2 * PV_NS_PER_MS;

    EXPECT_EQ(pv_set_timer(due), 0);
    do {
        EXPECT_EQ(pv_user_call(PV_USER_PTR(user_wait), 20000000, &exit), 0);
        EXPECT_TRUE(exit.returned);
    } while (!pv_event_count(port) && pv_system_time() < due + 20 * PV_NS_PER_SEC);
    EXPECT_EQ(pv_event_count(port), 1);
    EXPECT_EQ(pv_close(port), 0);
}
