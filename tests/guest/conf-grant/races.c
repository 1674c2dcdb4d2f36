/* SPDX-License-Identifier: MIT */
/* A domain's grants and its memory, changed at the same time on two CPUs. */
#include "grant.h"

#define PAGES  16u
#define ROUNDS 12u

static volatile bool going;
static volatile unsigned long rounds;
static domid_t changed;

static long change(int cmd, xen_pfn_t *list)
{
    struct xen_memory_reservation r = { .nr_extents = PAGES, .domid = changed };

    set_xen_guest_handle(r.extent_start, list);
    return HYPERVISOR_memory_op(cmd, &r);
}

/* Gives the domain pages and takes them away; pages that are granted at that moment go later. */
static int changes_memory(void *arg)
{
    static xen_pfn_t list[PAGES];

    (void)arg;
    while (going) {
        for (unsigned int i = 0; i < PAGES; i++)
            list[i] = i;
        if (change(XENMEM_populate_physmap, list) == PAGES &&
            change(XENMEM_decrease_reservation, list) == PAGES)
            rounds++;
    }
    return 0;
}

/* A domain of which only memory and grant table are used; the table grows step by step. */
static void grow_table(void)
{
    struct gnttab_setup_table setup = { .dom = changed };
    struct gnttab_query_size size = { .dom = changed };
    xen_pfn_t frames[4];

    for (unsigned int n = 1; n <= 4; n++) {
        setup.nr_frames = n;
        setup.status = 99;
        set_xen_guest_handle(setup.frame_list, frames);
        EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
        EXPECT_EQ(setup.status, GNTST_okay);
        for (unsigned int i = 0; i < 200; i++)
            (void)HYPERVISOR_grant_table_op(GNTTABOP_query_size, &size, 1);
        EXPECT_EQ(size.nr_frames, n);
    }
}

CASE(grant_race_memory, "XSA-73: a domain's table grows while its memory is populated and given "
     "back on another CPU: neither waits for the other for ever, and all is free in the end",
     "grant_table_op.setup_table:race")
{
    struct xen_domctl max = { .cmd = XEN_DOMCTL_max_mem };
    uint64_t free = free_pages_at_rest(), deadline;

    if (pv_nr_vcpus() < 2) {
        conf_skip("the domain has one vCPU");
        return;
    }
    for (unsigned int i = 0; i < ROUNDS; i++) {
        long id = create_domain();

        if (!EXPECT_TRUE(id > 0))
            return;
        changed = max.domain = (domid_t)id;
        max.u.max_mem.max_memkb = 4096;
        EXPECT_EQ(domctl(&max), 0);
        going = true;
        rounds = 0;
        EXPECT_EQ(pv_start_vcpu(1, changes_memory, NULL), 0);
        EXPECT_TRUE(WAIT_FOR(rounds > 0));
        grow_table();
        EXPECT_TRUE(WAIT_FOR(rounds > 3));
        going = false;
        deadline = pv_system_time() + 20 * PV_NS_PER_SEC;
        while (pv_vcpu_is_up(1) && pv_system_time() < deadline)
            HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
        EXPECT_TRUE(!pv_vcpu_is_up(1));
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, changed), 0);
    }
    EXPECT_TRUE(WAIT_FOR(machine_free_pages() == free));
}
