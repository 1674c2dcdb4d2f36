/* SPDX-License-Identifier: MIT */
/*
 * How long a hypercall keeps a vCPU from its events: about a millisecond at most, whatever it is
 * asked to do. A timer rings every now and then; what is measured is how late its event comes.
 * That is judged only where the clock counts instructions (the option icount=1), one a nanosecond.
 */
#include "../lib/case.h"

#define PERIOD 200000UL         /* ns */
#define LIMIT  1000000UL

#define TABLES 256u             /* level-1 tables of the large tree: all full */

static uint64_t deadline, latest;
static unsigned int rings;

static void ring(evtchn_port_t port, void *data)
{
    uint64_t now = pv_system_time();

    (void)port;
    (void)data;
    if (now > deadline && now - deadline > latest)
        latest = now - deadline;
    rings++;
    deadline = now + PERIOD;
    pv_set_timer(deadline);
}

static bool can_measure(void)
{
    char value[4];

    if (pv_option("icount", value, sizeof(value)))
        return true;
    conf_skip("the clock is not one of instructions");
    return false;
}

static int begin(void)
{
    int port = pv_bind_virq(VIRQ_TIMER, 0, ring, NULL);

    EXPECT_TRUE(port > 0);
    rings = 0;
    latest = 0;
    deadline = pv_system_time() + PERIOD;
    pv_set_timer(deadline);
    pv_events_enable();
    return port;
}

/* @least: so often it must have rung, or the work was too little to say anything. */
static void end(int port, unsigned int least)
{
    pv_set_timer(0);
    pv_events_disable();
    pv_close((evtchn_port_t)port);
    pv_printf("latency: %u events, the latest by %lu ns\n", rings, latest);
    EXPECT_TRUE(rings >= least);
    EXPECT_TRUE(latest < LIMIT);
}

/* ---- A tree of TABLES full level-1 tables, read-only throughout ---- */

static uint64_t *l4, *l3, *l2, *l1[TABLES];

static void write_protect(void *table)
{
    EXPECT_EQ(pv_update_va((uint64_t)table, pv_pte(pv_va_to_mfn(table), PV_PROT_RO), UVMF_INVLPG),
              0);
}

static uint64_t entry(const void *table)
{
    return pv_pte(pv_va_to_mfn(table), PV_PTE_P | PV_PTE_RW | PV_PTE_USER | PV_PTE_A);
}

static void build(void)
{
    void *data = pv_alloc_table();

    l4 = pv_alloc_page();
    l3 = pv_alloc_page();
    l2 = pv_alloc_page();
    for (unsigned int t = 0; t < TABLES; t++) {
        l1[t] = pv_alloc_page();
        for (unsigned int i = 0; i < 512; i++)
            l1[t][i] = pv_pte(pv_va_to_mfn(data), PV_PROT_RO);
        l2[t] = entry(l1[t]);
        write_protect(l1[t]);
    }
    l3[0] = entry(l2);
    l4[0] = entry(l3);
    write_protect(l2);
    write_protect(l3);
    write_protect(l4);
}

static void take_apart(void)
{
    EXPECT_EQ(pv_free_table(l4), 0);
    EXPECT_EQ(pv_free_table(l3), 0);
    EXPECT_EQ(pv_free_table(l2), 0);
    for (unsigned int t = 0; t < TABLES; t++)
        EXPECT_EQ(pv_free_table(l1[t]), 0);
}

CASE(latency_pin, "XSA-45: pin and unpin of a large tree let events through",
     "work.pin:bounded")
{
    int port;

    if (!can_measure())
        return;
    build();
    port = begin();
    EXPECT_EQ(pv_pin(pv_va_to_mfn(l4), 4), 0);
    end(port, 5);
    port = begin();
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(l4)), 0);
    end(port, 3);
    take_apart();
}

CASE(latency_root, "XSA-45: and so does a change of the user root from and to one",
     "work.root:bounded")
{
    int port;

    if (!can_measure())
        return;
    build();
    port = begin();
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_va_to_mfn(l4)), 0);
    EXPECT_EQ(pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_mfn(0)), 0);
    end(port, 8);
    take_apart();
}

CASE(latency_entry, "XSA-290: and one entry that brings such a tree, or takes it away",
     "work.entry:bounded")
{
    uint64_t *root;
    int port;

    if (!can_measure())
        return;
    build();
    root = pv_alloc_table();
    EXPECT_EQ(pv_pin(pv_va_to_mfn(root), 4), 0);
    port = begin();
    EXPECT_EQ(pv_write_pte(pv_va_to_mfn(root).nr << PV_PAGE_SHIFT, entry(l3)), 0);
    EXPECT_EQ(pv_write_pte(pv_va_to_mfn(root).nr << PV_PAGE_SHIFT, 0), 0);
    end(port, 8);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(root)), 0);
    EXPECT_EQ(pv_free_table(root), 0);
    take_apart();
}

#define UPDATES 8192u

CASE(latency_updates, "XSA-264: and a list of thousands of updates",
     "work.updates:bounded")
{
    static struct mmu_update list[UPDATES];
    void *table = pv_alloc_table(), *data = pv_alloc_table();
    unsigned int done = 0;
    int port;

    if (!can_measure())
        return;
    for (unsigned int i = 0; i < UPDATES; i++) {
        list[i].ptr = (pv_va_to_mfn(table).nr << PV_PAGE_SHIFT) + i % 512 * 8;
        list[i].val = pv_pte(pv_va_to_mfn(data), i / 512 % 2 ? PV_PROT_RO : PV_PROT_RX);
    }
    EXPECT_EQ(pv_pin(pv_va_to_mfn(table), 1), 0);
    port = begin();
    EXPECT_EQ(HYPERVISOR_mmu_update(list, UPDATES, &done, DOMID_SELF), 0);
    end(port, 3);
    EXPECT_EQ(done, UPDATES);
    EXPECT_EQ(pv_unpin(pv_va_to_mfn(table)), 0);
    EXPECT_EQ(pv_free_table(table), 0);
    EXPECT_EQ(pv_free_table(data), 0);
}

/* Page tables lie between free pages, so that there may be no runs of 2 MiB. */
#define EXTENTS 12u
#define ORDER   8u

CASE(latency_memory, "XSA-158: and large extents, taken and given back",
     "work.memory:bounded")
{
    static xen_pfn_t frames[EXTENTS];
    struct xen_memory_reservation r = {
        .nr_extents = EXTENTS, .extent_order = ORDER, .domid = DOMID_SELF,
    };
    static xen_pfn_t single[EXTENTS << ORDER];
    unsigned int n = 0;
    int port;

    if (!can_measure())
        return;
    /* What is taken is given back first: free pages of our own. */
    set_xen_guest_handle(r.extent_start, single);
    for (; n < EXTENTS << ORDER; n++) {
        void *page = pv_alloc_page();

        single[n] = pv_va_to_mfn(page).nr;
        EXPECT_EQ(pv_update_va((uint64_t)page, 0, UVMF_INVLPG), 0);
    }
    r.nr_extents = n;
    r.extent_order = 0;
    port = begin();
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_decrease_reservation, &r), n);
    set_xen_guest_handle(r.extent_start, frames);
    r.nr_extents = EXTENTS;
    r.extent_order = ORDER;
    n = (unsigned int)HYPERVISOR_memory_op(XENMEM_increase_reservation, &r);
    end(port, 3);
    EXPECT_TRUE(n >= EXTENTS / 2);
    r.nr_extents = n;
    port = begin();
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_decrease_reservation, &r), n);
    end(port, 0);
}
