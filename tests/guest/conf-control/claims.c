/* SPDX-License-Identifier: MIT */
/* XENMEM_claim_pages: free memory that the toolstack sets aside for a domain. */
#include "child.h"

#define LIMIT (1u << 20)           /* pages that the domains may have */
#define LIST  64u

static xen_pfn_t list[LIST];

static long claim(domid_t id, uint64_t pages)
{
    struct xen_memory_reservation r = { .nr_extents = pages, .domid = id };

    return HYPERVISOR_memory_op(XENMEM_claim_pages, &r);
}

/* Populates `nr` pages, or with `mfns` from the last time gives them back; how many. */
static long change(int cmd, domid_t id, unsigned int nr)
{
    struct xen_memory_reservation r = { .nr_extents = nr, .domid = id };

    for (unsigned int i = 0; i < LIST && cmd == XENMEM_populate_physmap; i++)
        list[i] = i;
    set_xen_guest_handle(r.extent_start, list);
    return HYPERVISOR_memory_op(cmd, &r);
}

static uint64_t promised(void)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo,
                             .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

    EXPECT_EQ(HYPERVISOR_sysctl(&op), 0);
    return op.u.physinfo.outstanding_pages;
}

/* What is still claimed, as the domain's record and the machine's say it. */
static uint64_t claimed(domid_t id)
{
    struct xen_domctl_getdomaininfo info;

    EXPECT_EQ(domain_info(id, &info), 0);
    EXPECT_EQ(promised(), info.outstanding_pages);
    return info.outstanding_pages;
}

static domid_t make(void)
{
    struct xen_domctl max = { .cmd = XEN_DOMCTL_max_mem };
    long id = create_domain();

    EXPECT_TRUE(id > 0);
    max.domain = (domid_t)id;
    max.u.max_mem.max_memkb = LIMIT * 4;
    EXPECT_EQ(domctl(&max), 0);
    return (domid_t)id;
}

CASE(claim_used_up, "a claim of n pages sets aside what the domain has not yet; what it gets comes "
     "off it, and while there is some left, what it gives back is put to it; 0 ends it",
     "memory_op.claim_pages:effect memory_op.claim_pages:used_up "
     "memory_op.claim_pages:given_back")
{
    domid_t id = make();

    EXPECT_EQ(claim(id, 0), 0);
    EXPECT_EQ(claim(id, 60), 0);
    EXPECT_EQ(claimed(id), 60);
    EXPECT_EQ(change(XENMEM_populate_physmap, id, 20), 20);
    EXPECT_EQ(claimed(id), 40);
    EXPECT_EQ(change(XENMEM_decrease_reservation, id, 10), 10);
    EXPECT_EQ(claimed(id), 50);
    EXPECT_EQ(change(XENMEM_populate_physmap, id, 60), 60);
    EXPECT_EQ(claimed(id), 0);
    EXPECT_EQ(change(XENMEM_decrease_reservation, id, 10), 10);
    EXPECT_EQ(claimed(id), 0);
    EXPECT_EQ(claim(id, 61), 0);
    EXPECT_EQ(claimed(id), 1);
    EXPECT_EQ(claim(id, 0), 0);
    EXPECT_EQ(claimed(id), 0);
    EXPECT_EQ(claim(id, LIMIT), -XEN_ENOMEM);
    EXPECT_EQ(claim(id, 100), 0);
    EXPECT_EQ(claimed(id), 40);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, id), 0);
    EXPECT_EQ(promised(), 0);
}

CASE(claim_kept, "what is claimed for one domain no other gets, nor the hypervisor; the claim can "
     "be filled to its end",
     "memory_op.claim_pages:effect memory_op.claim_pages:ENOMEM")
{
    domid_t id = make(), other = make();
    uint64_t free = free_pages_at_rest();

    EXPECT_EQ(claim(id, free), 0);
    EXPECT_EQ(claim(other, 1), -XEN_ENOMEM);
    EXPECT_EQ(change(XENMEM_populate_physmap, other, 1), 0);
    EXPECT_EQ(change(XENMEM_increase_reservation, DOMID_SELF, 1), 0);
    EXPECT_EQ(create_domain(), -XEN_ENOMEM);
    for (uint64_t got = 0; got < free; got += LIST) {
        unsigned int nr = free - got < LIST ? (unsigned int)(free - got) : LIST;

        if (!EXPECT_EQ(change(XENMEM_populate_physmap, id, nr), nr))
            break;
    }
    EXPECT_EQ(claimed(id), 0);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, id), 0);
    EXPECT_TRUE(WAIT_FOR(machine_free_pages() >= free));
    EXPECT_EQ(change(XENMEM_populate_physmap, other, 1), 1);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, other), 0);
}

CASE(claim_bad, "one claim at a time, of more than it has and no more than it may have; a list, an "
     "order, flags, a place to go on, or no such domain are -EINVAL",
     "memory_op.claim_pages:EINVAL memory_op.claim_pages:EFAULT")
{
    domid_t id = make();
    struct xen_memory_reservation bad[5];

    EXPECT_EQ(claim(id, LIMIT + 1), -XEN_EINVAL);
    EXPECT_EQ(claim(id, ~0UL), -XEN_EINVAL);
    EXPECT_EQ(claim(DOMID_SELF, 10), -XEN_EINVAL);
    EXPECT_EQ(claim(DOMID_XEN, 10), -XEN_EINVAL);
    EXPECT_EQ(claim(0x7000, 10), -XEN_EINVAL);
    EXPECT_EQ(claim(id, 10), 0);
    EXPECT_EQ(claim(id, 10), -XEN_EINVAL);
    EXPECT_EQ(claim(id, 20), -XEN_EINVAL);
    for (size_t i = 0; i < PV_ARRAY_SIZE(bad); i++)
        bad[i] = (struct xen_memory_reservation){ .domid = id };
    set_xen_guest_handle(bad[0].extent_start, list);
    bad[1].extent_order = 1;
    bad[2].mem_flags = XENMEMF_address_bits(32);
    bad[3].mem_flags = XENMEMF_vnode;
    bad[4].domid = 0x7000;
    for (size_t i = 0; i < PV_ARRAY_SIZE(bad); i++)
        EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_claim_pages, &bad[i]), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_claim_pages | 1 << 6, &bad[4]), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_claim_pages, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(claimed(id), 10);
    EXPECT_EQ(change(XENMEM_populate_physmap, id, 12), 12);
    EXPECT_EQ(claim(id, 12), -XEN_EINVAL);
    EXPECT_EQ(claim(id, 11), -XEN_EINVAL);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_destroydomain, id), 0);
}

CASE(claim_unprivileged, "a domain without privilege claims nothing, for itself or another",
     "memory_op.claim_pages:EPERM")
{
    struct xen_memory_reservation *r;
    struct child c;

    for (unsigned int own = 0; own < 2; own++) {
        if (!child_build(&c, child_call))
            return;
        r = (void *)((uint64_t)c.shared + 512);
        *r = (struct xen_memory_reservation){ .domid = own ? c.id : 0, .nr_extents = 1000000 };
        c.shared->call[0] = __HYPERVISOR_memory_op;
        c.shared->call[1] = XENMEM_claim_pages;
        c.shared->call[2] = CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE + 512;
        EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
        EXPECT_TRUE(WAIT_FOR(c.shared->count > 1));
        EXPECT_EQ(c.shared->answer, -XEN_EPERM);
        EXPECT_EQ(child_destroy(&c), 0);
    }
    EXPECT_EQ(promised(), 0);
}
