/* SPDX-License-Identifier: MIT */
/*
 * initialise of a vCPU whose page tables take long to check, so that the call gives way in the
 * middle. Its second root is bad: in the end the vCPU has no context, and nothing is held.
 */
#include "../lib/case.h"

#define L1_TABLES 256u
#define ENTRIES   512u

static uint64_t *l4, *l3, *l2, *l1, *data;

static long set_writable(const void *page, bool writable)
{
    uint64_t pte = pv_pte(pv_va_to_mfn(page), writable ? PV_PROT_RW : PV_PROT_RO);

    return pv_update_va((uint64_t)page, pte, UVMF_INVLPG);
}

/* The first error, if there is one. */
static long set_all_writable(bool writable)
{
    void *const upper[] = { l2, l3, l4 };
    long rc = 0;

    for (unsigned int i = 0; i < L1_TABLES && !rc; i++)
        rc = set_writable(l1 + i * ENTRIES, writable);
    for (unsigned int i = 0; i < PV_ARRAY_SIZE(upper) && !rc; i++)
        rc = set_writable(upper[i], writable);
    return rc;
}

static bool make_tables(void)
{
    l4 = pv_alloc_page();
    l3 = pv_alloc_page();
    l2 = pv_alloc_page();
    data = pv_alloc_page();
    l1 = pv_alloc_pages(L1_TABLES);
    if (!EXPECT_TRUE(l4 && l3 && l2 && data && l1))
        return false;
    for (unsigned int i = 0; i < L1_TABLES * ENTRIES; i++)
        l1[i] = pv_pte(pv_va_to_mfn(data), PV_PROT_RW);
    for (unsigned int i = 0; i < L1_TABLES; i++)
        l2[i] = pv_pte(pv_va_to_mfn(l1 + i * ENTRIES), PV_PROT_RW);
    l3[0] = pv_pte(pv_va_to_mfn(l2), PV_PROT_RW);
    l4[0] = pv_pte(pv_va_to_mfn(l3), PV_PROT_RW);
    return EXPECT_EQ(set_all_writable(false), 0);
}

static void free_tables(void)
{
    for (unsigned int i = 0; i < L1_TABLES; i++)
        pv_free_page(l1 + i * ENTRIES);
    pv_free_page(data);
    pv_free_page(l2);
    pv_free_page(l3);
    pv_free_page(l4);
}

CASE(vcpu_initialise_long, "XSA-296: initialise gives way to events while it checks page tables, "
     "and goes on to its end, also inside a multicall",
     "vcpu_op.initialise:restart multicall:restart")
{
    static struct vcpu_guest_context context;
    struct vcpu_set_periodic_timer period = { .period_ns = PV_NS_PER_MS };
    unsigned int last = pv_nr_vcpus() - 1;
    struct multicall_entry list[2] = {
        { .op = __HYPERVISOR_vcpu_op, .args = { VCPUOP_initialise, last, (uint64_t)&context } },
        { .op = __HYPERVISOR_xen_version, .args = { XENVER_pagesize } },
    };
    int port;

    if (last < 2) {
        conf_skip("the domain has no third vCPU");
        return;
    }
    if (!make_tables())
        return;
    port = pv_bind_virq(VIRQ_TIMER, 0, NULL, NULL);
    context.flags = VGCF_in_kernel;
    context.ctrlreg[3] = xen_pfn_to_cr3(pv_va_to_mfn(l4).nr);
    context.ctrlreg[1] = xen_pfn_to_cr3(pv_va_to_mfn(data).nr);
    EXPECT_EQ(HYPERVISOR_vcpu_op(VCPUOP_set_periodic_timer, 0, &period), 0);
    pv_events_enable();
    EXPECT_EQ(HYPERVISOR_multicall(list, 2), 0);
    EXPECT_EQ(list[0].result, -XEN_EINVAL);
    EXPECT_EQ(list[1].result, 4096);
    /* One may have waited when the call began, and one when it ended. */
    EXPECT_TRUE(pv_event_count(port) > 2);
    EXPECT_EQ(HYPERVISOR_vcpu_op(VCPUOP_initialise, last, &context), -XEN_EINVAL);
    pv_events_disable();
    EXPECT_EQ(HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    EXPECT_EQ(pv_close(port), 0);
    EXPECT_EQ(HYPERVISOR_vcpu_op(VCPUOP_up, last, NULL), -XEN_EINVAL);
    if (EXPECT_ON(set_all_writable(true), -XEN_EBUSY, 0,
                  "Xen keeps the first root of a context that it has refused") &&
        conf_on_pavane())
        free_tables();
}
