/* SPDX-License-Identifier: MIT */
/* NMIs: nmi_op, and those that another vCPU sends. */
#include <xen/nmi.h>

#include "../lib/case.h"
#include "../lib/frame.h"

static long send_nmi(unsigned int vcpu)
{
    return HYPERVISOR_vcpu_op(VCPUOP_send_nmi, vcpu, NULL);
}

static void send_to_self(void *arg)
{
    (void)arg;
    send_nmi(0);
}

static void iret_to(void *frame)
{
    conf_iret(frame);
}

/* Ends the NMI that conf_entry has caught: until an iret no other one comes. */
static void end_nmi(void)
{
    struct iret_context frame = {
        .rip = (uint64_t)conf_after_iret, .cs = FLAT_KERNEL_CS & ~3, .rflags = 2,
        .rsp = (uint64_t)__builtin_frame_address(0) - 4096, .ss = FLAT_KERNEL_SS,
    };

    conf_catch(iret_to, &frame);
}

CASE(nmi_op_register, "nmi_op registers and takes away the handler that callback_op does too",
     "nmi_op.register_callback:effect nmi_op.unregister_callback:effect")
{
    struct xennmi_callback callback = { .handler_address = (uint64_t)conf_entry };

    EXPECT_EQ(HYPERVISOR_nmi_op(XENNMI_register_callback, &callback), 0);
    EXPECT_TRUE(conf_catch(send_to_self, NULL));
    EXPECT_EQ(conf_frame.slot[3] & 0xffff, FLAT_KERNEL_CS & ~3);
    EXPECT_TRUE(!conf_catch(send_to_self, NULL));
    end_nmi();
    end_nmi();
    EXPECT_EQ(HYPERVISOR_nmi_op(XENNMI_unregister_callback, NULL), 0);
    EXPECT_EQ(HYPERVISOR_nmi_op(XENNMI_unregister_callback, NULL), 0);
    EXPECT_EQ(pv_set_trap_raw(PV_NMI, NULL, 0), 0);
}

CASE(nmi_op_bad, "an address that is not canonical is -EINVAL, a bad pointer -EFAULT, another "
     "command -ENOSYS",
     "nmi_op:ENOSYS nmi_op.register_callback:EINVAL nmi_op.register_callback:EFAULT")
{
    static const uint64_t bad[] = { CONF_EMPTY_VA, CONF_BAD_VA, CONF_HYPERVISOR_VA };
    struct xennmi_callback callback = { .handler_address = CONF_BAD_VA };

    EXPECT_EQ(HYPERVISOR_nmi_op(XENNMI_register_callback, &callback), -XEN_EINVAL);
    for (size_t i = 0; i < PV_ARRAY_SIZE(bad); i++)
        EXPECT_EQ(HYPERVISOR_nmi_op(XENNMI_register_callback, (void *)bad[i]), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_nmi_op(2, &callback), -XEN_ENOSYS);
    EXPECT_EQ(HYPERVISOR_nmi_op(~0u, &callback), -XEN_ENOSYS);
}

/* ---- From another vCPU ---- */

static volatile bool about_to_spin;

static int nmi_later(void *arg)
{
    uint64_t deadline = pv_system_time() + 20 * PV_NS_PER_SEC, from;

    while (!about_to_spin && pv_system_time() < deadline)
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    from = pv_system_time();
    while (pv_system_time() < from + (uint64_t)arg)
        __builtin_ia32_pause();
    send_nmi(0);
    return 0;
}

static void spin_in_user(void *arg)
{
    (void)arg;
    about_to_spin = true;
    conf_enter_user((uint64_t)PV_USER_PTR(conf_user_spin), PV_RFLAGS_IF);
}

static void wait_down(unsigned int id)
{
    uint64_t deadline = pv_system_time() + 20 * PV_NS_PER_SEC;

    while (pv_vcpu_is_up(id) && pv_system_time() < deadline)
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
}

/* One that comes before user mode is reached is not what is looked for: then the next is later. */
CASE(nmi_in_user, "an NMI that another vCPU sends interrupts user mode", "exception.NMI:user")
{
    bool in_user = false;
    uint64_t rip = 0;

    if (pv_nr_vcpus() < 2) {
        conf_skip("the domain has one vCPU");
        return;
    }
    EXPECT_EQ(pv_user_init(), 0);
    EXPECT_EQ(pv_set_trap_raw(PV_NMI, conf_entry, 0), 0);
    for (uint64_t delay = PV_NS_PER_MS; !in_user && delay < 20 * PV_NS_PER_SEC; delay *= 4) {
        about_to_spin = false;
        EXPECT_EQ(pv_start_vcpu(1, nmi_later, (void *)delay), 0);
        EXPECT_TRUE(conf_catch(spin_in_user, NULL));
        in_user = (conf_frame.slot[3] & 0xffff) == FLAT_USER_CS;
        rip = conf_frame.slot[2];
        wait_down(1);
        end_nmi();
    }
    EXPECT_TRUE(in_user);
    EXPECT_EQ(rip, (uint64_t)PV_USER_PTR(conf_user_spin));
    EXPECT_EQ(pv_set_trap_raw(PV_NMI, NULL, 0), 0);
}

static volatile unsigned int nmis;
static volatile uint64_t woken_at;

static void on_nmi(struct pv_regs *regs)
{
    (void)regs;
    nmis++;
}

static int sleeps(void *arg)
{
    evtchn_port_t port = (evtchn_port_t)(uint64_t)arg;
    uint64_t deadline = pv_system_time() + 60 * PV_NS_PER_SEC;

    while (!nmis && pv_system_time() < deadline)
        (void)pv_poll(&port, 1, deadline);
    woken_at = pv_system_time();
    return 0;
}

static bool is_asleep(unsigned int id)
{
    struct vcpu_runstate_info info = { .state = RUNSTATE_running };

    EXPECT_EQ(HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, id, &info), 0);
    return info.state == RUNSTATE_blocked;
}

CASE(nmi_wakes, "an NMI ends the sleep of the vCPU that it is for",
     "vcpu_op.send_nmi:other_vcpu")
{
    int port = pv_bind_ipi(1, NULL, NULL);
    uint64_t from;

    if (pv_nr_vcpus() < 2) {
        conf_skip("the domain has one vCPU");
        return;
    }
    nmis = 0;
    EXPECT_EQ(pv_set_trap(PV_NMI, on_nmi), 0);
    EXPECT_EQ(pv_start_vcpu(1, sleeps, (void *)(uint64_t)port), 0);
    while (!is_asleep(1))
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    from = pv_system_time();
    EXPECT_EQ(send_nmi(1), 0);
    while (pv_vcpu_is_up(1))
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    EXPECT_EQ(nmis, 1);
    EXPECT_TRUE(woken_at < from + 20 * PV_NS_PER_SEC);
    EXPECT_EQ(pv_set_trap(PV_NMI, NULL), 0);
    EXPECT_EQ(pv_close(port), 0);
}
