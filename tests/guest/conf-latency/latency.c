/* SPDX-License-Identifier: MIT */
/*
 * How long the hypervisor keeps a CPU from events. The machine counts instructions as nanoseconds
 * (-icount), so what is measured here is the same in every run, and the limit of 1 ms is a million
 * instructions.
 *
 * A timer that is set again whenever it fires looks on while a long call is done: the most that it
 * comes too late is the longest stretch without events, but for the TICK between two looks. Calls
 * that can't give way are measured as a whole.
 *
 * On Xen the limit is only reported on: it bounds some of this work by time, and some not at all.
 */
#include "../conf-control/child.h"

CONF_GUEST("conf-latency");

#define TICK     100000UL       /* ns */
#define LIMIT    1000000UL
#define EXTENTS  4096u          /* 16 MiB, page by page */
#define PORTS    4000u
#define CALLS    8192u
#define GRANTS   100u           /* that a child maps, each of them in each round */
#define MAP_ROUNDS 80u
#define MAPS_OFFSET 512         /* of the list in its shared page */

static uint64_t due, latest;
static unsigned long looks;

static void note(uint64_t from)
{
    uint64_t now = pv_system_time();

    if (now > from && now - from > latest)
        latest = now - from;
}

static void on_timer(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    note(due);
    looks++;
    due = pv_system_time() + TICK;
    pv_set_timer(due);
}

static int timer_port;

static void look_on(void)
{
    timer_port = pv_bind_virq(VIRQ_TIMER, 0, on_timer, NULL);
    EXPECT_TRUE(timer_port > 0);
    latest = looks = 0;
    due = pv_system_time() + TICK;
    pv_set_timer(due);
    pv_events_enable();
}

/* Prints the longest stretch of `what`, and judges it on Pavane. */
static void judge(const char *what)
{
    pv_printf("LATENCY %s: %lu ns\n", what, latest);
    if (conf_on_pavane())
        EXPECT_ROW(latest <= LIMIT, 1, what);
    else
        EXPECT_ROW(latest > 0, 1, what);
}

static void look_away(const char *what, unsigned long wanted)
{
    pv_events_disable();
    pv_set_timer(0);
    EXPECT_EQ(pv_close((evtchn_port_t)timer_port), 0);
    EXPECT_ROW(looks >= wanted, 1, "the timer fired during the call");
    judge(what);
}

static xen_pfn_t frames[EXTENTS];

static struct xen_memory_reservation reservation(domid_t domid)
{
    struct xen_memory_reservation r = { .nr_extents = EXTENTS, .domid = domid };

    set_xen_guest_handle(r.extent_start, frames);
    return r;
}

/* A domain without a vCPU that can run, but with memory and ports; its number, or 0. */
static domid_t make_domain(void)
{
    struct xen_domctl op = create_op();
    struct xen_domctl max = { .cmd = XEN_DOMCTL_max_mem };

    op.u.createdomain.max_evtchn_port = 4095;
    if (!EXPECT_EQ(domctl(&op), 0))
        return 0;
    max.domain = op.domain;
    max.u.max_mem.max_memkb = EXTENTS * 4 + 4096;
    EXPECT_EQ(domctl(&max), 0);
    return op.domain;
}

static void fill_domain(domid_t id)
{
    struct evtchn_alloc_unbound alloc = { .dom = id, .remote_dom = DOMID_SELF };
    struct xen_memory_reservation r = reservation(id);
    unsigned int n = 0;

    for (unsigned int i = 0; i < EXTENTS; i++)
        frames[i] = i;
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_populate_physmap, &r), EXTENTS);
    while (n < PORTS && !HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc))
        n++;
    EXPECT_EQ(n, PORTS);
}

CASE(latency_populate, "events come while a domain gets its memory", "latency.memory_op:bound")
{
    struct xen_memory_reservation r;
    domid_t id = make_domain();

    if (!id)
        return;
    for (unsigned int i = 0; i < EXTENTS; i++)
        frames[i] = i;
    look_on();
    r = reservation(id);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_populate_physmap, &r), EXTENTS);
    r = reservation(id);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_decrease_reservation, &r), EXTENTS);
    look_away("populate and decrease 16 MiB", 10);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, id), 0);
}

CASE(latency_reset, "XSA-344: events come while thousands of ports are closed",
     "latency.event_reset:bound")
{
    struct evtchn_reset reset;
    domid_t id = make_domain();

    if (!id)
        return;
    fill_domain(id);
    reset.dom = id;
    look_on();
    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_reset, &reset), 0);
    look_away("reset of 4000 ports", 2);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, id), 0);
}

CASE(latency_destroy, "events come while a domain with memory and ports is destroyed",
     "latency.destroy:bound")
{
    domid_t id = make_domain();

    if (!id)
        return;
    fill_domain(id);
    look_on();
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, id), 0);
    look_away("destroy, 16 MiB and 4000 ports", 5);
}

/* Grants of ours to a child that maps each of them over and over, in a list in its shared page. */
static void offer_to(struct child *c, volatile struct grant_entry_v1 *table)
{
    struct gnttab_map_grant_ref *list = (void *)((uint64_t)c->shared + MAPS_OFFSET);

    for (unsigned int i = 0; i < GRANTS; i++) {
        table[GNTTAB_NR_RESERVED_ENTRIES + i].frame = (uint32_t)pv_va_to_mfn(frames).nr;
        table[GNTTAB_NR_RESERVED_ENTRIES + i].domid = c->id;
        table[GNTTAB_NR_RESERVED_ENTRIES + i].flags = GTF_permit_access | GTF_readonly;
        list[i] = (struct gnttab_map_grant_ref){
            .flags = GNTMAP_device_map | GNTMAP_readonly, .dom = 0,
            .ref = GNTTAB_NR_RESERVED_ENTRIES + i,
        };
    }
    c->shared->call[0] = __HYPERVISOR_grant_table_op;
    c->shared->call[1] = GNTTABOP_map_grant_ref;
    c->shared->call[2] = CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE + MAPS_OFFSET;
    c->shared->call[3] = GRANTS;
    c->shared->answer = 0;
}

CASE(latency_grants, "XSA-380: events come while a domain ends that has mapped thousands of "
     "grants, and none of them is still in use then",
     "latency.destroy:grants")
{
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };
    volatile struct grant_entry_v1 *table;
    uint64_t va = pv_vmap_alloc(1), used = 0;
    xen_pfn_t frame = 0;
    struct child c;

    set_xen_guest_handle(setup.frame_list, &frame);
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    EXPECT_EQ(pv_map(va, pv_mfn(frame), PV_PROT_RW), 0);
    table = (volatile struct grant_entry_v1 *)va;
    if (!child_build(&c, child_calls_on))
        return;
    offer_to(&c, table);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_TRUE(WAIT_FOR(c.shared->count >= MAP_ROUNDS));
    EXPECT_EQ(c.shared->answer, 0);
    EXPECT_TRUE(table[GNTTAB_NR_RESERVED_ENTRIES].flags & GTF_reading);
    child_let_go(&c);
    look_on();
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, c.id), 0);
    look_away("destroy, thousands of grants mapped", 5);
    for (unsigned int i = 0; i < GRANTS; i++) {
        used += (table[GNTTAB_NR_RESERVED_ENTRIES + i].flags & GTF_reading) != 0;
        table[GNTTAB_NR_RESERVED_ENTRIES + i].flags = 0;
    }
    EXPECT_EQ(used, 0);
    EXPECT_EQ(pv_unmap(va, 1), 0);
}

CASE(latency_multicall, "events come during a list of thousands of calls",
     "latency.multicall:bound")
{
    struct multicall_entry *list = pv_alloc_pages(CALLS * sizeof(*list) / PV_PAGE_SIZE);
    static struct evtchn_send send;
    int port = pv_bind_ipi(0, NULL, NULL);

    pv_mask(port);
    send.port = (evtchn_port_t)port;
    for (unsigned int i = 0; i < CALLS; i++) {
        list[i].op = __HYPERVISOR_event_channel_op;
        list[i].args[0] = EVTCHNOP_send;
        list[i].args[1] = (uint64_t)&send;
        list[i].result = 77;
    }
    look_on();
    EXPECT_EQ(HYPERVISOR_multicall(list, CALLS), 0);
    look_away("multicall of 8192 sends", 5);
    EXPECT_EQ(list[0].result | list[CALLS - 1].result, 0);
    EXPECT_EQ(pv_close(port), 0);
    pv_free_pages(list, CALLS * sizeof(*list) / PV_PAGE_SIZE);
}

/* In chunks, each of as many frames as its larger extents have; a chunk does not give way. */
CASE(latency_exchange, "events come while a domain's 16 MiB are exchanged, large extents for pages "
     "and back", "latency.exchange:bound")
{
    static xen_pfn_t large[EXTENTS / 512];
    domid_t id = make_domain();
    struct xen_memory_reservation r = { .nr_extents = EXTENTS / 512, .extent_order = 9,
                                        .domid = id };
    struct xen_memory_exchange x;

    if (!id)
        return;
    set_xen_guest_handle(r.extent_start, large);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_populate_physmap, &r), EXTENTS / 512);
    for (unsigned int i = 0; i < EXTENTS; i++)
        frames[i] = i;
    x = (struct xen_memory_exchange){ .in = r, .out = reservation(id) };
    look_on();
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_exchange, &x), 0);
    look_away("exchange of 8 extents of 2 MiB for 4096 pages", 2);
    for (unsigned int i = 0; i < EXTENTS / 512; i++)
        large[i] = i;
    x = (struct xen_memory_exchange){ .in = reservation(id), .out = r };
    look_on();
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_exchange, &x), 0);
    look_away("exchange of 4096 pages for 8 extents of 2 MiB", 2);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, id), 0);
}

/* ---- Page tables ---- */

#define UPDATES 512u
#define SHARE   31u             /* of them, in each call of a list: too few to make one give way */

static long pin(unsigned int cmd, void *table)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = pv_va_to_mfn(table).nr };

    return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* A page for a table of `n` entries, all `entry`, that nobody may write to any more. */
static uint64_t *make_table(uint64_t entry, unsigned int n)
{
    uint64_t *table = pv_alloc_table();

    EXPECT_EQ(pv_update_va((uint64_t)table, pv_pte(pv_va_to_mfn(table), PV_PROT_RW), UVMF_INVLPG),
              0);
    for (unsigned int i = 0; i < n; i++)
        table[i] = entry;
    EXPECT_EQ(pv_update_va((uint64_t)table, pv_pte(pv_va_to_mfn(table), PV_PROT_RO), UVMF_INVLPG),
              0);
    return table;
}

CASE(latency_tables, "events come while a list of updates makes and takes apart a whole table each",
     "latency.mmu_update:bound")
{
    struct mmu_update *list = pv_alloc_pages(UPDATES * sizeof(*list) / PV_PAGE_SIZE);
    void *page = pv_alloc_page();
    uint64_t full = pv_pte(pv_va_to_mfn(page), PV_PROT_RW);
    uint64_t *lower[2] = { make_table(full, 512), make_table(full, 512) };
    uint64_t *upper = make_table(0, 0);
    struct multicall_entry calls[UPDATES / SHARE];

    EXPECT_EQ(pin(MMUEXT_PIN_L2_TABLE, upper), 0);
    for (unsigned int i = 0; i < UPDATES; i++) {
        list[i].ptr = pv_va_to_mfn(upper).nr << PV_PAGE_SHIFT;
        list[i].val = (i + 1) % SHARE ? pv_pte(pv_va_to_mfn(lower[i % 2]), PV_PROT_RW) : 0;
    }
    look_on();
    EXPECT_EQ(HYPERVISOR_mmu_update(list, UPDATES, NULL, DOMID_SELF), 0);
    look_away("mmu_update of 512 whole tables", 10);
    for (unsigned int i = 0; i < UPDATES / SHARE; i++)
        calls[i] = (struct multicall_entry){
            .op = __HYPERVISOR_mmu_update,
            .args = { (uint64_t)&list[i * SHARE], SHARE, 0, DOMID_SELF },
        };
    look_on();
    EXPECT_EQ(HYPERVISOR_multicall(calls, UPDATES / SHARE), 0);
    look_away("multicall of such lists", 10);
    EXPECT_EQ(pin(MMUEXT_UNPIN_TABLE, upper), 0);
    for (unsigned int i = 0; i < 2; i++)
        EXPECT_EQ(pv_free_table(lower[i]), 0);
    EXPECT_EQ(pv_free_table(upper), 0);
    pv_free_pages(list, UPDATES * sizeof(*list) / PV_PAGE_SIZE);
    pv_free_page(page);
}

/* ---- FIFO events: calls that can't give way ---- */

static long timed(int cmd, void *arg)
{
    uint64_t from = pv_system_time();
    long rc = HYPERVISOR_event_channel_op(cmd, arg);

    note(from);
    return rc;
}

/* Opens ports until `wanted` are open, or until there are no more: how many that were. */
static unsigned int fill_ports(unsigned int wanted)
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    unsigned int n = 0;

    while (n < wanted && !timed(EVTCHNOP_alloc_unbound, &alloc))
        n++;
    return n;
}

CASE(latency_fifo, "no command of FIFO events takes long: with thousands of events waiting for a "
     "page, with nearly all ports open and one looked for",
     "latency.fifo:bound")
{
    const unsigned int pages = EVTCHN_FIFO_NR_CHANNELS * sizeof(event_word_t) / PV_PAGE_SIZE;
    char *block = pv_alloc_page(), *words = pv_alloc_pages(pages);
    struct evtchn_init_control init = { .control_gfn = pv_va_to_mfn(block).nr };
    struct evtchn_expand_array expand;
    struct evtchn_reset reset = { .dom = DOMID_SELF };
    struct evtchn_close close = { .port = 4500 };   /* not in a queue */
    /* Xen looks at every port from the first on: to open them all would take it minutes. */
    const unsigned int all = conf_on_pavane() ? EVTCHN_FIFO_NR_CHANNELS - 1 : 6000;

    latest = 0;
    EXPECT_EQ(fill_ports(PORTS), PORTS);
    memset(pv_shared_info->evtchn_pending, 0xff, sizeof(pv_shared_info->evtchn_pending));
    EXPECT_EQ(timed(EVTCHNOP_init_control, &init), 0);
    for (unsigned int i = 0; i < pages; i++) {
        expand.array_gfn = pv_va_to_mfn(words + i * PV_PAGE_SIZE).nr;
        EXPECT_EQ(timed(EVTCHNOP_expand_array, &expand), 0);
    }
    judge("init_control and expand_array with 4000 pending ports");
    latest = 0;
    EXPECT_EQ(fill_ports(all - PORTS), all - PORTS);
    EXPECT_EQ(timed(EVTCHNOP_close, &close), 0);
    EXPECT_EQ(fill_ports(1), 1);
    EXPECT_EQ(fill_ports(1), conf_on_pavane() ? 0 : 1);
    judge("a port looked for among all");
    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_reset, &reset), 0);
    memset(pv_shared_info->evtchn_pending, 0, sizeof(pv_shared_info->evtchn_pending));
    pv_this_vcpu()->info->evtchn_pending_sel = 0;
    pv_this_vcpu()->info->evtchn_upcall_pending = 0;
    pv_free_page(block);
    pv_free_pages(words, pages);
}
