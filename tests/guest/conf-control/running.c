/* SPDX-License-Identifier: MIT */
/* Domains that run: talking to them, stopping them in whatever they do, and what is left then. */
#include "child.h"

#define ROUNDS 5

static uint64_t flags_of(domid_t id)
{
    struct xen_domctl_getdomaininfo info;

    return EXPECT_EQ(domain_info(id, &info), 0) ? info.flags : 0;
}

/* All that was taken is free again. Xen frees some of it after the domain is gone. */
static void expect_free(uint64_t before)
{
    if (!conf_on_pavane())
        EXPECT_TRUE(WAIT_FOR(free_pages_are_back(before)));
    else
        EXPECT_EQ(machine_free_pages(), before);
}

CASE(run_echo, "a domain built by hand runs, and talks over a shared page and an event channel",
     "domctl.setvcpucontext:effect domctl.unpausedomain:effect "
     "event_channel_op.alloc_unbound:foreign event_channel_op.bind_interdomain:foreign "
     "event_channel_op.send:foreign mmu_update.foreign:effect mmuext_op.pin_l4:foreign")
{
    struct child c;

    if (!child_build(&c, child_echo))
        return;
    EXPECT_EQ(c.shared->count, 0);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    for (uint64_t i = 1; i <= 20; i++)
        EXPECT_TRUE(child_echoes(&c, i * 0x123456789abcdfUL ^ pv_rdtsc()));
    EXPECT_TRUE(WAIT_FOR(flags_of(c.id) & XEN_DOMINF_blocked));
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(run_two, "two domains answer, each its own; when one is destroyed the other goes on",
     "domctl.destroydomain:other")
{
    struct child a, b;

    if (!child_build(&a, child_echo))
        return;
    /* The second uses the place at which the first was mapped: let go of that one's page. */
    pv_unmap(a.va, CHILD_PAGES);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, a.id), 0);
    if (child_build(&b, child_echo)) {
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, b.id), 0);
        EXPECT_TRUE(child_echoes(&b, 0x1111));
        a.va = 0;
        EXPECT_EQ(child_destroy(&a), 0);
        EXPECT_TRUE(child_echoes(&b, 0x2222));
        EXPECT_EQ(child_destroy(&b), 0);
    }
}

CASE(run_free, "XSA-149, 151: a destroyed domain gives back every frame",
     "domctl.destroydomain:memory")
{
    uint64_t before = free_pages_at_rest();
    struct child c;

    for (unsigned int i = 0; i < ROUNDS; i++) {
        if (!child_build(&c, child_echo))
            return;
        EXPECT_TRUE(machine_free_pages() < before);
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
        EXPECT_TRUE(child_echoes(&c, i));
        EXPECT_EQ(child_destroy(&c), 0);
        expect_free(before);
    }
}

CASE(run_many, "domains as long as there is memory, destroyed in another order than they were made",
     "domctl.createdomain:ENOMEM domctl.destroydomain:memory")
{
    static domid_t ids[2000];
    uint64_t before = free_pages_at_rest();
    struct xen_domctl op = create_op();
    unsigned int n = 0;
    long rc = 0;

    op.u.createdomain.max_vcpus = 4;
    for (; n < PV_ARRAY_SIZE(ids) && !rc; n += !rc) {
        op.domain = 0;
        rc = domctl(&op);
        ids[n] = op.domain;
        if (!rc && n % 2) {
            struct xen_domctl vcpus = { .cmd = XEN_DOMCTL_max_vcpus, .u.max_vcpus.max = 4 };

            vcpus.domain = op.domain;
            rc = domctl(&vcpus);
            n += rc != 0;
        }
    }
    EXPECT_EQ(rc, -XEN_ENOMEM);
    EXPECT_TRUE(n > 10);
    for (unsigned int i = 0; i < n; i += 2)
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, ids[i]), 0);
    for (unsigned int i = 1; i < n; i += 2)
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, ids[i]), 0);
    /* Xen's pools have grown, and keep some pages; the others come back later. */
    if (conf_on_pavane())
        expect_free(before);
    else
        EXPECT_TRUE(WAIT_FOR(machine_free_pages() > before - before / 8));
}

CASE(run_scrubbed, "a frame that comes back is cleared before it is given to another",
     "domctl.destroydomain:scrub")
{
    struct child c;

    for (unsigned int i = 0; i < 4; i++) {
        uint64_t *data;

        if (!child_build(&c, child_spin))
            return;
        EXPECT_EQ(pv_map(c.va, pv_va_to_mfn(&c), PV_PROT_RO), 0);
        data = (uint64_t *)c.va;
        EXPECT_EQ(HYPERVISOR_update_va_mapping_otherdomain(c.va,
                      pv_pte(c.mfn[CHILD_DATA], PV_PROT_RW), UVMF_INVLPG | UVMF_ALL, c.id), 0);
        for (unsigned int k = 0; k < 512; k++) {
            if (!EXPECT_EQ(data[k], 0))
                break;
            data[k] = 0x5ec4e7;
        }
        EXPECT_EQ(child_destroy(&c), 0);
    }
}

CASE(run_spin, "a domain that never gives way is paused, inspected, unpaused and destroyed",
     "domctl.pausedomain:effect domctl.getvcpucontext:effect domctl.destroydomain:running")
{
    static struct vcpu_guest_context ctx;
    struct xen_domctl get = { .cmd = XEN_DOMCTL_getvcpucontext };
    uint64_t before = free_pages_at_rest(), count;
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_TRUE(WAIT_FOR(c.shared->count > 1000));
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_pausedomain, c.id), 0);
    EXPECT_EQ(flags_of(c.id) & (XEN_DOMINF_running | XEN_DOMINF_paused), XEN_DOMINF_paused);
    count = c.shared->count;
    pv_sleep_ns(30 * PV_NS_PER_MS);
    EXPECT_EQ(c.shared->count, count);
    get.domain = c.id;
    set_xen_guest_handle(get.u.vcpucontext.ctxt, &ctx);
    EXPECT_EQ(domctl(&get), 0);
    EXPECT_EQ(ctx.user_regs.rip & ~7UL, (CHILD_BASE + (child_spin - child_code)) & ~7UL);
    EXPECT_EQ(ctx.user_regs.rbx, CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE);
    EXPECT_EQ(ctx.user_regs.r12, CHILD_INFO);
    EXPECT_EQ(ctx.ctrlreg[3], xen_pfn_to_cr3(c.mfn[CHILD_L4].nr));
    EXPECT_EQ(ctx.flags & (VGCF_in_kernel | VGCF_online), VGCF_in_kernel | VGCF_online);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_TRUE(WAIT_FOR(c.shared->count > count));
    EXPECT_EQ(child_destroy(&c), 0);
    expect_free(before);
}

static unsigned long exceptions;

static void on_exception(evtchn_port_t port, void *data)
{
    (void)port, (void)data;
    exceptions++;
}

CASE(run_breakpoint, "a breakpoint of one domain is none of another's",
     "domctl.unpausedomain:effect set_debugreg:effect")
{
    uint64_t before = free_pages_at_rest(), count;
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    /* The word that the child counts in, at the child's own address; eight bytes, written. */
    EXPECT_EQ(HYPERVISOR_set_debugreg(0, CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE + SHARED_COUNT),
              0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, 0x400 | 1 | 0x9 << 16), 0);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_TRUE(WAIT_FOR(c.shared->count > 1000));
    count = c.shared->count;
    EXPECT_TRUE(WAIT_FOR(c.shared->count > count + 1000));
    EXPECT_EQ(flags_of(c.id) & XEN_DOMINF_shutdown, 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(7, 0x400), 0);
    EXPECT_EQ(HYPERVISOR_set_debugreg(0, 0), 0);
    EXPECT_EQ(child_destroy(&c), 0);
    expect_free(before);
}

CASE(run_crash, "a domain that crashes stays to be looked at, and the first domain is told",
     "domctl.getdomaininfo:shutdown virq.dom_exc:effect")
{
    uint64_t before = free_pages_at_rest(), flags;
    struct child c;
    int port = pv_bind_virq(VIRQ_DOM_EXC, 0, on_exception, NULL);

    EXPECT_TRUE(port > 0);
    if (!child_build(&c, child_crash))
        return;
    exceptions = 0;
    pv_events_enable();
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_TRUE(WAIT_FOR(flags_of(c.id) & XEN_DOMINF_shutdown));
    EXPECT_TRUE(WAIT_FOR(exceptions > 0));
    /* Xen says so a moment before its vCPU has left the processor. */
    (void)WAIT_FOR(!(flags_of(c.id) & XEN_DOMINF_running));
    flags = flags_of(c.id);
    EXPECT_EQ(flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, SHUTDOWN_crash);
    EXPECT_EQ(flags & (XEN_DOMINF_running | XEN_DOMINF_dying), 0);
    exceptions = 0;
    EXPECT_EQ(child_destroy(&c), 0);
    EXPECT_TRUE(WAIT_FOR(exceptions > 0));
    pv_events_disable();
    EXPECT_EQ(pv_close((evtchn_port_t)port), 0);
    expect_free(before);
}

CASE(run_shutdown, "a domain that shuts down says why",
     "domctl.getdomaininfo:shutdown")
{
    static const uint32_t reasons[] = { SHUTDOWN_poweroff, SHUTDOWN_reboot, SHUTDOWN_suspend, 77 };
    struct child c;

    for (unsigned int i = 0; i < PV_ARRAY_SIZE(reasons); i++) {
        if (!child_build(&c, child_shutdown))
            return;
        c.shared->reason = reasons[i];
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
        EXPECT_TRUE(WAIT_FOR(flags_of(c.id) & XEN_DOMINF_shutdown));
        EXPECT_EQ(flags_of(c.id) >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, reasons[i]);
        EXPECT_EQ(child_destroy(&c), 0);
    }
}

CASE(run_remote_shutdown, "remote_shutdown ends another domain with the reason given",
     "sched_op.remote_shutdown:effect")
{
    struct sched_remote_shutdown end = { .reason = SHUTDOWN_reboot };
    struct child c;
    uint32_t flags;

    if (!child_build(&c, child_spin))
        return;
    end.domain_id = c.id;
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_EQ(HYPERVISOR_sched_op(SCHEDOP_remote_shutdown, &end), 0);
    EXPECT_TRUE(WAIT_FOR(flags_of(c.id) & XEN_DOMINF_shutdown));
    flags = flags_of(c.id);
    EXPECT_EQ(flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, SHUTDOWN_reboot);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(run_long_calls, "a domain in the middle of long hypercalls is destroyed, and leaves nothing",
     "domctl.destroydomain:long_call")
{
    uint64_t before = free_pages_at_rest();
    struct child c;

    for (unsigned int i = 0; i < ROUNDS; i++) {
        if (!child_build(&c, child_pins))
            return;
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
        EXPECT_TRUE(WAIT_FOR(c.shared->count > i));
        EXPECT_EQ(c.shared->answer, 0);
        pv_sleep_ns(i * 1713 * 1000);
        EXPECT_EQ(child_destroy(&c), 0);
        expect_free(before);
    }
}

CASE(run_pause_many, "a domain in long hypercalls can be paused at any moment, and goes on",
     "domctl.pausedomain:long_call")
{
    uint64_t before = free_pages_at_rest(), count;
    struct child c;

    if (!child_build(&c, child_pins))
        return;
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    for (unsigned int i = 0; i < 50; i++) {
        pv_sleep_ns(i * 37 * 1000);
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_pausedomain, c.id), 0);
        EXPECT_EQ(flags_of(c.id) & XEN_DOMINF_running, 0);
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    }
    count = c.shared->count;
    EXPECT_TRUE(WAIT_FOR(c.shared->count > count + 2));
    EXPECT_EQ(c.shared->answer, 0);
    EXPECT_EQ(child_destroy(&c), 0);
    expect_free(before);
}

CASE(run_mapped, "a frame that is still mapped outlives its domain, and keeps its number in the "
     "list",
     "domctl.destroydomain:mapped")
{
    uint64_t before = free_pages_at_rest(), value = 0;
    struct xen_domctl_getdomaininfo info;
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_TRUE(WAIT_FOR(c.shared->count > 1000));
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, c.id), 0);
    value = c.shared->count;
    EXPECT_TRUE(value > 1000);
    pv_sleep_ns(20 * PV_NS_PER_MS);
    EXPECT_EQ(c.shared->count, value);
    EXPECT_EQ(domain_info(c.id, &info), 0);
    EXPECT_EQ(info.domain, c.id);
    EXPECT_TRUE(info.flags & XEN_DOMINF_dying);
    EXPECT_EQ(info.tot_pages, 1);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, c.id), 0);
    child_let_go(&c);
    EXPECT_TRUE(WAIT_FOR(domain_info(c.id, &info) == -XEN_ESRCH || info.domain != c.id));
    expect_free(before);
}

CASE(run_console, "a domain without privilege can't write to the console, nor use the control "
     "interfaces",
     "console_io.write:EPERM domctl:EPERM sysctl:EPERM")
{
    const uint64_t arg = CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE + 1024;
    const uint64_t calls[][5] = {
        { __HYPERVISOR_console_io, CONSOLEIO_write, 4, arg },
        { __HYPERVISOR_domctl, arg, XEN_DOMCTL_pausedomain },
        { __HYPERVISOR_sysctl, arg, XEN_SYSCTL_physinfo },
    };

    for (unsigned int i = 0; i < PV_ARRAY_SIZE(calls); i++) {
        volatile uint32_t *header;
        struct child c;

        if (!child_build(&c, child_call))
            return;
        for (unsigned int k = 0; k < 5; k++)
            c.shared->call[k] = calls[i][k];
        header = (volatile uint32_t *)((volatile char *)c.shared + 1024);
        header[0] = (uint32_t)calls[i][2];
        header[1] = XEN_DOMCTL_INTERFACE_VERSION;   /* sysctl's has the same number */
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
        EXPECT_TRUE(WAIT_FOR(c.shared->count > 0));
        EXPECT_EQ(c.shared->answer, -XEN_EPERM);
        EXPECT_EQ(child_destroy(&c), 0);
    }
}

CASE(run_foreign, "a domain without privilege can't change other domains' frames, nor map them: "
     "-EPERM",
     "mmu_update:EPERM mmuext_op:EPERM update_va_mapping_otherdomain:EPERM")
{
    const uint64_t arg = CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE + 1024;
    const uint64_t calls[][5] = {
        { __HYPERVISOR_mmu_update, arg, 1, 0, 0 },
        { __HYPERVISOR_mmuext_op, arg, 1, 0, 0 },
        { __HYPERVISOR_update_va_mapping_otherdomain, CHILD_BASE, 0, 0, 0 },
    };

    for (unsigned int i = 0; i < PV_ARRAY_SIZE(calls); i++) {
        volatile uint64_t *request;
        struct child c;

        if (!child_build(&c, child_call))
            return;
        for (unsigned int k = 0; k < 5; k++)
            c.shared->call[k] = calls[i][k];
        /* MMU_NORMAL_PT_UPDATE of an entry of frame 0, or MMUEXT_PIN_L1_TABLE for frame 0. */
        request = (volatile uint64_t *)((volatile char *)c.shared + 1024);
        for (unsigned int k = 0; k < sizeof(struct mmuext_op) / 8; k++)
            request[k] = 0;
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
        EXPECT_TRUE(WAIT_FOR(c.shared->count > 0));
        EXPECT_EQ(c.shared->answer, -XEN_EPERM);
        EXPECT_EQ(child_destroy(&c), 0);
    }
}

#define CR4_DE   (1UL << 3)
#define DR7_INIT 0x400UL
#define DR7_IO_0 (2UL | 2UL << 16) /* breakpoint 0, on one I/O port */

CASE(run_context_debug, "a context's debug registers are judged by the CR4.DE that it brings: what "
     "getvcpucontext gave can be given back",
     "domctl.setvcpucontext:effect domctl.getvcpucontext:effect")
{
    static struct vcpu_guest_context ctx;
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getvcpucontext };
    struct child c;

    if (!child_build(&c, child_spin))
        return;
    op.domain = c.id;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &ctx);
    EXPECT_EQ(domctl(&op), 0);
    ctx.ctrlreg[4] |= CR4_DE;
    ctx.debugreg[0] = 0x61;
    ctx.debugreg[7] = DR7_INIT | DR7_IO_0;
    op.cmd = XEN_DOMCTL_setvcpucontext;
    EXPECT_EQ(domctl(&op), 0);
    memset(&ctx, 0, sizeof(ctx));
    op.cmd = XEN_DOMCTL_getvcpucontext;
    EXPECT_EQ(domctl(&op), 0);
    EXPECT_EQ(ctx.ctrlreg[4] & CR4_DE, CR4_DE);
    EXPECT_EQ(ctx.debugreg[0], 0x61);
    EXPECT_EQ(ctx.debugreg[7], DR7_INIT | DR7_IO_0);
    EXPECT_EQ(child_destroy(&c), 0);
}
