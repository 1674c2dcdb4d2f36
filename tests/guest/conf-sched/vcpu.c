/* SPDX-License-Identifier: MIT */
/* vcpu_op, with one vCPU and with more. */
#include "../lib/case.h"

static long op(int cmd, unsigned int vcpu, void *arg)
{
    return HYPERVISOR_vcpu_op(cmd, vcpu, arg);
}

CASE(vcpu_is_up, "is_up: 1 for the running vCPU, -ENOENT for one that the domain does not have",
     "vcpu_op.is_up:effect vcpu_op:ENOENT")
{
    unsigned int end = 0;

    EXPECT_EQ(op(VCPUOP_is_up, 0, NULL), 1);
    /* The very first one that is not there. */
    while (op(VCPUOP_is_up, end, NULL) >= 0)
        end++;
    EXPECT_EQ(op(VCPUOP_is_up, end, NULL), -XEN_ENOENT);
    EXPECT_EQ(op(VCPUOP_get_runstate_info, end, NULL), -XEN_ENOENT);
    EXPECT_EQ(op(VCPUOP_is_up, 4095, NULL), -XEN_ENOENT);
    EXPECT_EQ(op(VCPUOP_is_up, ~0u, NULL), -XEN_ENOENT);
    EXPECT_EQ(op(99, 4095, NULL), -XEN_ENOENT);
}

CASE(vcpu_absent, "a vCPU that the domain does not have is -ENOENT for each command, before "
     "anything else is looked at",
     "vcpu_op:ENOENT")
{
    static const unsigned int ids[] = { 128, 8191, 0x7fffffff, ~0u };

    for (int cmd = 0; cmd < 20; cmd++) {
        for (size_t i = 0; i < PV_ARRAY_SIZE(ids); i++) {
            EXPECT_EQ(op(cmd, ids[i], NULL), -XEN_ENOENT);
            EXPECT_EQ(op(cmd, ids[i], (void *)CONF_HYPERVISOR_VA), -XEN_ENOENT);
        }
    }
}

CASE(vcpu_unknown, "another command is -ENOSYS", "vcpu_op:ENOSYS")
{
    EXPECT_EQ(op(99, 0, NULL), -XEN_ENOSYS);
    EXPECT_EQ(op(-1, 0, NULL), -XEN_ENOSYS);
}

#define BLOCKED (4 * PV_NS_PER_MS)

CASE(vcpu_runstate, "get_runstate_info: the vCPU runs, and its times add up to the time since then",
     "vcpu_op.get_runstate_info:effect vcpu_op.get_runstate_info:EFAULT")
{
    struct vcpu_runstate_info a = { .state = 77 }, b;

    EXPECT_EQ(op(VCPUOP_get_runstate_info, 0, &a), 0);
    EXPECT_EQ(a.state, RUNSTATE_running);
    /* A busy host may take most of a sleep away before it begins: then there is another. */
    b = a;
    for (int i = 0; i < 200 && b.time[RUNSTATE_blocked] < a.time[RUNSTATE_blocked] + BLOCKED; i++) {
        pv_sleep_ns(5 * PV_NS_PER_MS);
        EXPECT_EQ(op(VCPUOP_get_runstate_info, 0, &b), 0);
    }
    EXPECT_TRUE(b.time[RUNSTATE_blocked] >= a.time[RUNSTATE_blocked] + BLOCKED);
    EXPECT_TRUE(b.time[RUNSTATE_running] >= a.time[RUNSTATE_running]);
    EXPECT_TRUE(b.state_entry_time > a.state_entry_time);
    EXPECT_EQ(op(VCPUOP_get_runstate_info, 0, (void *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
}

CASE(vcpu_runstate_area, "a registered area is written at once and kept up to date",
     "vcpu_op.register_runstate_memory_area:effect vcpu_op.register_runstate_memory_area:EFAULT")
{
    static struct vcpu_runstate_info area;
    struct vcpu_register_runstate_memory_area reg = { .addr.v = &area };
    const volatile uint64_t *time = &area.time[RUNSTATE_blocked];
    uint64_t blocked;

    memset(&area, 0xff, sizeof(area));
    EXPECT_EQ(op(VCPUOP_register_runstate_memory_area, 0, &reg), 0);
    EXPECT_EQ(area.state, RUNSTATE_running);
    blocked = area.time[RUNSTATE_blocked];
    for (int i = 0; i < 200 && *time < blocked + BLOCKED; i++)
        pv_sleep_ns(5 * PV_NS_PER_MS);
    EXPECT_TRUE(*time >= blocked + BLOCKED);
    reg.addr.v = (void *)CONF_HYPERVISOR_VA;
    EXPECT_EQ(op(VCPUOP_register_runstate_memory_area, 0, &reg), -XEN_EFAULT);
    EXPECT_EQ(op(VCPUOP_register_runstate_memory_area, 0, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    reg.addr.v = NULL;
    EXPECT_EQ(op(VCPUOP_register_runstate_memory_area, 0, &reg), 0);
}

CASE(vcpu_runstate_unmapped, "an area that nothing maps, or that is read-only, can be registered: "
     "that it can't be written is not said",
     "vcpu_op.register_runstate_memory_area:effect")
{
    static const char constant[sizeof(struct vcpu_runstate_info)] = { 0 };
    struct vcpu_register_runstate_memory_area reg = { .addr.v = (void *)CONF_EMPTY_VA };

    EXPECT_EQ(op(VCPUOP_register_runstate_memory_area, 0, &reg), 0);
    pv_sleep_ns(PV_NS_PER_MS);
    reg.addr.v = (void *)constant;
    EXPECT_EQ(op(VCPUOP_register_runstate_memory_area, 0, &reg), 0);
    reg.addr.v = (void *)CONF_BAD_VA;
    EXPECT_EQ(op(VCPUOP_register_runstate_memory_area, 0, &reg), -XEN_EFAULT);
    reg.addr.v = NULL;
    EXPECT_EQ(op(VCPUOP_register_runstate_memory_area, 0, &reg), 0);
}

CASE(vcpu_time_area, "a registered time area gets the vCPU's time record",
     "vcpu_op.register_vcpu_time_memory_area:effect")
{
    static struct vcpu_time_info area;
    struct vcpu_register_time_memory_area reg = { .addr.v = &area };

    memset(&area, 0, sizeof(area));
    EXPECT_EQ(op(VCPUOP_register_vcpu_time_memory_area, 0, &reg), 0);
    EXPECT_EQ(area.version & 1, 0);
    EXPECT_TRUE(area.tsc_to_system_mul != 0);
    reg.addr.v = (void *)CONF_HYPERVISOR_VA;
    EXPECT_EQ(op(VCPUOP_register_vcpu_time_memory_area, 0, &reg), -XEN_EFAULT);
    reg.addr.v = NULL;
    EXPECT_EQ(op(VCPUOP_register_vcpu_time_memory_area, 0, &reg), 0);
}

static unsigned int nmis;

static void on_nmi(struct pv_regs *regs)
{
    (void)regs;
    nmis++;
}

CASE(vcpu_nmi, "send_nmi to oneself arrives at vector 2, not maskable; with an argument it is "
     "-EINVAL",
     "vcpu_op.send_nmi:effect vcpu_op.send_nmi:EINVAL exception.NMI:kernel")
{
    EXPECT_EQ(pv_set_trap(PV_NMI, on_nmi), 0);
    nmis = 0;
    EXPECT_EQ(op(VCPUOP_send_nmi, 0, NULL), 0);
    EXPECT_EQ(nmis, 1);
    EXPECT_EQ(op(VCPUOP_send_nmi, 0, NULL), 0);
    EXPECT_EQ(nmis, 2);
    EXPECT_EQ(op(VCPUOP_send_nmi, 4095, NULL), -XEN_ENOENT);
    EXPECT_EQ(op(VCPUOP_send_nmi, 0, &nmis), -XEN_EINVAL);
    EXPECT_EQ(nmis, 2);
    EXPECT_EQ(pv_set_trap(PV_NMI, NULL), 0);
}

CASE(vcpu_singleshot_other, "a single-shot timer is the caller's own: for another vCPU -EINVAL",
     "vcpu_op.set_singleshot_timer:EINVAL vcpu_op.stop_singleshot_timer:EINVAL")
{
    struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = 1 };

    if (pv_nr_vcpus() < 2) {
        conf_skip("the domain has one vCPU");
        return;
    }
    EXPECT_EQ(op(VCPUOP_set_singleshot_timer, 1, &timer), -XEN_EINVAL);
    EXPECT_EQ(op(VCPUOP_stop_singleshot_timer, 1, NULL), -XEN_EINVAL);
}

CASE(vcpu_uninitialised, "a vCPU that is not initialised is down and can't be brought up",
     "vcpu_op.up:EINVAL vcpu_op.is_up:effect")
{
    unsigned int last = pv_nr_vcpus() - 1;

    if (last < 2) {
        conf_skip("the domain has no third vCPU");
        return;
    }
    EXPECT_EQ(op(VCPUOP_is_up, last, NULL), 0);
    EXPECT_EQ(op(VCPUOP_up, last, NULL), -XEN_EINVAL);
    EXPECT_EQ(op(VCPUOP_down, last, NULL), 0);
}

CASE(vcpu_initialise_bad, "initialise: a bad context or pointer is an error and leaves the vCPU as "
     "it was",
     "vcpu_op.initialise:EINVAL vcpu_op.initialise:EFAULT")
{
    static struct vcpu_guest_context context;
    unsigned int last = pv_nr_vcpus() - 1;

    if (last < 2) {
        conf_skip("the domain has no third vCPU");
        return;
    }
    EXPECT_EQ(op(VCPUOP_initialise, last, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(op(VCPUOP_initialise, last, (void *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
    memset(&context, 0, sizeof(context));
    context.flags = VGCF_in_kernel;
    context.user_regs.rip = CONF_BAD_VA;
    context.ctrlreg[3] = xen_pfn_to_cr3(pv_current_root().nr);
    EXPECT_EQ(op(VCPUOP_initialise, last, &context), -XEN_EINVAL);
    context.user_regs.rip = 0;
    context.ctrlreg[3] = xen_pfn_to_cr3(pv_va_to_mfn(&context).nr);
    EXPECT_EQ(op(VCPUOP_initialise, last, &context), -XEN_EINVAL);
    EXPECT_EQ(op(VCPUOP_up, last, NULL), -XEN_EINVAL);
    /* The context is read first, even for a vCPU that has one. */
    EXPECT_EQ(op(VCPUOP_initialise, 0, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(op(VCPUOP_initialise, 0, &context), -XEN_EEXIST);
}

/* ---- The second vCPU at work ---- */

static volatile unsigned int ran, woken;
static volatile int second_port;

static int second_main(void *arg)
{
    ran += (unsigned int)(uint64_t)arg;
    return 0;
}

static void wait_down(unsigned int id)
{
    uint64_t deadline = pv_system_time() + 20 * PV_NS_PER_SEC;

    while (pv_vcpu_is_up(id) && pv_system_time() < deadline)
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
}

CASE(vcpu_start_stop, "a vCPU starts, goes down, and starts again where it went down",
     "vcpu_op.initialise:effect vcpu_op.up:effect vcpu_op.down:effect vcpu_op.initialise:EEXIST")
{
    static struct vcpu_guest_context context;

    if (pv_nr_vcpus() < 2) {
        conf_skip("the domain has one vCPU");
        return;
    }
    ran = 0;
    EXPECT_EQ(pv_start_vcpu(1, second_main, (void *)1), 0);
    wait_down(1);
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(op(VCPUOP_is_up, 1, NULL), 0);
    EXPECT_EQ(pv_start_vcpu(1, second_main, (void *)10), 0);
    wait_down(1);
    EXPECT_EQ(ran, 11);
    EXPECT_EQ(op(VCPUOP_initialise, 1, &context), -XEN_EEXIST);
    /* Whether there is a context to be had comes first. */
    EXPECT_EQ(op(VCPUOP_initialise, 1, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(op(VCPUOP_initialise, 0, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
}

static int second_waits(void *arg)
{
    (void)arg;
    second_port = pv_bind_ipi(1, NULL, NULL);
    PV_WAIT_UNTIL(pv_event_count(second_port));
    pv_events_disable();
    woken = pv_vcpu_id();
    return 0;
}

CASE(vcpu_ipi, "an IPI wakes the vCPU that it belongs to",
     "event_channel_op.bind_ipi:effect event_channel_op.send:other_vcpu")
{
    uint64_t deadline = pv_system_time() + 20 * PV_NS_PER_SEC;

    if (pv_nr_vcpus() < 2) {
        conf_skip("the domain has one vCPU");
        return;
    }
    woken = 0;
    second_port = 0;
    EXPECT_EQ(pv_start_vcpu(1, second_waits, NULL), 0);
    while (!second_port && pv_system_time() < deadline)
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    EXPECT_EQ(pv_notify(second_port), 0);
    wait_down(1);
    EXPECT_EQ(woken, 1);
    EXPECT_EQ(pv_close(second_port), 0);
}

CASE(vcpu_info_moves, "XSA-327: register_vcpu_info moves the record with its contents, once, to "
     "an aligned place",
     "vcpu_op.register_vcpu_info:effect vcpu_op.register_vcpu_info:EINVAL "
     "vcpu_op.register_vcpu_info:ENXIO")
{
    unsigned int last = pv_nr_vcpus() - 1;
    char *page = pv_alloc_page();
    struct vcpu_info *moved = (struct vcpu_info *)(page + 128);
    struct vcpu_register_vcpu_info reg = { .mfn = pv_va_to_mfn(page).nr };

    if (last < 2) {
        conf_skip("the domain has no third vCPU");
        return;
    }
    reg.offset = PV_PAGE_SIZE - 32;
    EXPECT_EQ(op(VCPUOP_register_vcpu_info, last, &reg), -XEN_ENXIO);
    reg.offset = 3;
    EXPECT_EQ(op(VCPUOP_register_vcpu_info, last, &reg), -XEN_ENXIO);
    reg.offset = 128;
    EXPECT_EQ(op(VCPUOP_register_vcpu_info, last, &reg), 0);
    EXPECT_EQ(moved->evtchn_upcall_mask, 1);
    EXPECT_EQ(moved->evtchn_upcall_pending, 1);
    EXPECT_EQ(moved->evtchn_pending_sel, ~0UL);
    EXPECT_EQ(op(VCPUOP_register_vcpu_info, last, &reg), -XEN_EINVAL);
    /* From now on the page holds a record that the hypervisor writes: it stays allocated. */
}

static volatile uint64_t *watched;
static volatile unsigned int asked, answered;
static volatile uint64_t answer;

static int second_reads(void *arg)
{
    (void)arg;
    for (unsigned int i = 1; i <= 5; i++) {
        while (asked < i)
            __builtin_ia32_pause();
        answer = *watched;
        __atomic_store_n(&answered, i, __ATOMIC_RELEASE);
    }
    return 0;
}

static uint64_t ask(void)
{
    uint64_t deadline = pv_system_time() + 20 * PV_NS_PER_SEC;
    unsigned int i = asked + 1;

    asked = i;
    while (__atomic_load_n(&answered, __ATOMIC_ACQUIRE) < i && pv_system_time() < deadline)
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    return answer;
}

CASE(vcpu_flushes, "flushes of several vCPUs make a changed entry visible on the other one",
     "mmuext_op.tlb_flush_multi:other_vcpu mmuext_op.invlpg_multi:other_vcpu "
     "mmuext_op.tlb_flush_all:other_vcpu mmuext_op.invlpg_all:other_vcpu")
{
    static const unsigned int cmds[] = {
        MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL, MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI,
    };
    uint64_t va = pv_vmap_alloc(1), mask = 3, *pages[2] = { pv_alloc_page(), pv_alloc_page() };

    if (pv_nr_vcpus() < 2) {
        conf_skip("the domain has one vCPU");
        return;
    }
    *pages[0] = 10;
    *pages[1] = 11;
    EXPECT_EQ(pv_map(va, pv_va_to_mfn(pages[0]), PV_PROT_RW), 0);
    watched = (volatile uint64_t *)va;
    asked = answered = 0;
    EXPECT_EQ(pv_start_vcpu(1, second_reads, NULL), 0);
    EXPECT_EQ(ask(), 10);
    for (unsigned int i = 0; i < PV_ARRAY_SIZE(cmds); i++) {
        struct mmuext_op flush = { .cmd = cmds[i], .arg1.linear_addr = va };
        unsigned int page = (i + 1) % 2;

        if (i >= 2)
            set_xen_guest_handle(flush.arg2.vcpumask, &mask);
        EXPECT_EQ(pv_write_pte(pv_pte_maddr(pv_current_root(), va, 1),
                               pv_pte(pv_va_to_mfn(pages[page]), PV_PROT_RW)), 0);
        EXPECT_EQ(HYPERVISOR_mmuext_op(&flush, 1, NULL, DOMID_SELF), 0);
        EXPECT_EQ(ask(), 10 + page);
    }
    wait_down(1);
    EXPECT_EQ(pv_unmap(va, 1), 0);
    pv_free_page(pages[0]);
    pv_free_page(pages[1]);
}

static int second_takes(void *arg)
{
    int port = (int)(uint64_t)arg;
    uint64_t deadline = pv_system_time() + 20 * PV_NS_PER_SEC;

    pv_events_enable();
    answered = 1;
    while (!pv_event_count(port) && pv_system_time() < deadline)
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    pv_events_disable();
    woken = pv_event_count(port);
    return 0;
}

CASE(vcpu_bound_port, "bind_vcpu: the port's events go to the vCPU that it was moved to",
     "event_channel_op.bind_vcpu:other_vcpu event_channel_op.send:other_vcpu")
{
    struct evtchn_bind_vcpu move = { .vcpu = 1 };
    int a = pv_alloc_unbound(DOMID_SELF, NULL, NULL), b;

    if (pv_nr_vcpus() < 2) {
        conf_skip("the domain has one vCPU");
        return;
    }
    b = pv_bind_interdomain(DOMID_SELF, a, NULL, NULL);
    pv_clear_pending(b);
    move.port = b;
    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, &move), 0);
    pv_set_event_handler(b, 1, NULL, NULL);
    answered = woken = 0;
    EXPECT_EQ(pv_start_vcpu(1, second_takes, (void *)(uint64_t)b), 0);
    while (!answered)
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    EXPECT_EQ(pv_notify(a), 0);
    wait_down(1);
    EXPECT_EQ(woken, 1);
    EXPECT_EQ(pv_close(b), 0);
    EXPECT_EQ(pv_close(a), 0);
}
