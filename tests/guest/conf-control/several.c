/* SPDX-License-Identifier: MIT */
/*
 * Several processors in control: one destroys a domain while another does to it all that it can,
 * and two make and destroy domains at the same time. What the other one gets as results may be
 * anything; that nothing is left behind is what counts.
 */
#include "child.h"

#define ROUNDS 12

static struct child victim;
static uint64_t window;             /* where the other vCPU maps the victim's frames */
static volatile bool stop;
static volatile uint64_t turns, failures;

static bool not_here(void)
{
    if (!conf_on_pavane())
        conf_skip("races inside the hypervisor, not the ABI: Xen's frames come back when it likes");
    else if (pv_nr_vcpus() < 2)
        conf_skip("only with two vCPUs");
    else
        return false;
    return true;
}

static void map_and_unmap(unsigned int pfn, uint64_t flags)
{
    HYPERVISOR_update_va_mapping_otherdomain(window, pv_pte(victim.mfn[pfn], flags),
                                             UVMF_INVLPG | UVMF_ALL, victim.id);
    HYPERVISOR_update_va_mapping(window, 0, UVMF_INVLPG | UVMF_ALL);
}

static void pin_and_unpin(void)
{
    struct mmuext_op ops[2] = {
        { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = victim.mfn[TREE_L4].nr },
        { .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = victim.mfn[TREE_L4].nr },
    };

    HYPERVISOR_mmuext_op(ops, 2, NULL, victim.id);
}

/* A frame more, a port more, a grant frame more: whatever it gets must be taken back. */
static void give(void)
{
    struct evtchn_alloc_unbound alloc = { .dom = victim.id, .remote_dom = DOMID_SELF };
    struct gnttab_setup_table setup = { .dom = victim.id, .nr_frames = 1 + turns % 4 };
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = victim.id };
    xen_pfn_t frame = 500, frames[4];

    set_xen_guest_handle(r.extent_start, &frame);
    set_xen_guest_handle(setup.frame_list, frames);
    HYPERVISOR_memory_op(XENMEM_populate_physmap, &r);
    HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
    HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1);
}

static int disturb(void *unused)
{
    struct evtchn_send send = { .port = victim.port };

    (void)unused;
    while (!stop) {
        map_and_unmap(CHILD_DATA, PV_PROT_RW);
        map_and_unmap(CHILD_L1, PV_PROT_RO);
        pin_and_unpin();
        give();
        HYPERVISOR_event_channel_op(EVTCHNOP_send, &send);
        turns++;
    }
    return 0;
}

static bool start_other(int (*fn)(void *arg))
{
    stop = false;
    turns = failures = 0;
    return EXPECT_EQ(pv_start_vcpu(1, fn, NULL), 0) && EXPECT_TRUE(WAIT_FOR(turns > 0));
}

static void stop_other(void)
{
    stop = true;
    EXPECT_TRUE(WAIT_FOR(!pv_vcpu_is_up(1)));
}

static bool victim_is_gone(void)
{
    struct xen_domctl_getdomaininfo info;

    return domain_info(victim.id, &info) || info.domain != victim.id;
}

CASE(several_destroy, "a domain is destroyed while another vCPU maps, pins and feeds it",
     "domctl.destroydomain:race")
{
    uint64_t before;

    if (not_here())
        return;
    before = free_pages_at_rest();
    window = pv_vmap_alloc(1);
    EXPECT_EQ(pv_map(window, pv_va_to_mfn(&victim), PV_PROT_RO), 0);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        if (!child_build(&victim, i % 2 ? child_pins : child_spin))
            return;
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, victim.id), 0);
        if (!start_other(disturb))
            return;
        pv_sleep_ns(i * 391 * 1000);
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, victim.id), 0);
        stop_other();
        child_let_go(&victim);
        EXPECT_TRUE(WAIT_FOR(victim_is_gone()));
        EXPECT_EQ(machine_free_pages(), before);
    }
}

static int make_and_destroy(void *unused)
{
    (void)unused;
    while (!stop) {
        long id = create_domain();

        failures += id <= 0 || domctl_simple(XEN_DOMCTL_pausedomain, (domid_t)id) ||
                    domctl_simple(XEN_DOMCTL_destroydomain, (domid_t)id);
        turns++;
        pv_sleep_ns(PV_NS_PER_MS / 5);  /* no one's turn is promised to who asks all the time */
    }
    return 0;
}

CASE(several_tools, "two vCPUs make and destroy domains at the same time",
     "domctl.createdomain:race")
{
    uint64_t before;

    if (not_here())
        return;
    before = free_pages_at_rest();
    if (!start_other(make_and_destroy))
        return;
    for (unsigned int i = 0; i < ROUNDS || turns <= ROUNDS; i++) {
        struct child c;

        if (!child_build(&c, child_echo))
            return;
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
        EXPECT_TRUE(child_echoes(&c, i));
        EXPECT_EQ(child_destroy(&c), 0);
    }
    stop_other();
    EXPECT_EQ(failures, 0);
    EXPECT_TRUE(turns > ROUNDS);
    EXPECT_EQ(machine_free_pages(), before);
}
