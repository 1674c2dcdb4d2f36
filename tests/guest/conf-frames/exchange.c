/* SPDX-License-Identifier: MIT */
/* XENMEM_exchange: single frames for contiguous ones, and back. */
#include "../lib/case.h"

#define ORDER 4u
#define PAGES (1u << ORDER)

/* Pages of ours, and the two sides of an exchange of them. */
static char *pages;
static xen_pfn_t old[2 * PAGES], new[2 * PAGES];
static struct xen_memory_exchange x;

static void fill_side(struct xen_memory_reservation *side, xen_pfn_t *list, unsigned int order,
                      unsigned int nr)
{
    *side = (struct xen_memory_reservation){ .nr_extents = nr, .extent_order = order,
                                             .domid = DOMID_SELF };
    set_xen_guest_handle(side->extent_start, list);
}

/* @nr pages for extents of PAGES, below 2^bits. The pages are not mapped any more. */
static void prepare(unsigned int nr, unsigned int bits)
{
    pages = pv_alloc_pages(nr);
    memset(&x, 0, sizeof(x));
    for (unsigned int i = 0; i < nr; i++) {
        old[i] = pv_va_to_mfn(pages + i * PV_PAGE_SIZE).nr;
        if (i % PAGES == 0)
            new[i / PAGES] = pv_va_to_pfn(pages + i * PV_PAGE_SIZE).nr;
    }
    fill_side(&x.in, old, 0, nr);
    fill_side(&x.out, new, ORDER, nr / PAGES);
    x.out.mem_flags = XENMEMF_address_bits(bits);
    EXPECT_EQ(pv_unmap((uint64_t)pages, nr), 0);
}

static long exchange(void)
{
    return HYPERVISOR_memory_op(XENMEM_exchange, &x);
}

/* Page i is this frame now. */
static void take_page(unsigned int i, uint64_t frame)
{
    char *page = pages + i * PV_PAGE_SIZE;

    pv_set_pfn(pv_va_to_pfn(page), pv_mfn(frame));
    EXPECT_EQ(pv_map((uint64_t)page, pv_mfn(frame), PV_PROT_RW), 0);
}

static void keep_old(unsigned int nr)
{
    for (unsigned int i = 0; i < nr; i++)
        take_page(i, old[i]);
    pv_free_pages(pages, nr);
}

static void keep_new(unsigned int nr)
{
    for (unsigned int i = 0; i < nr; i++)
        take_page(i, new[i / PAGES] + i % PAGES);
    pv_free_pages(pages, nr);
}

static long reservation(void)
{
    struct xen_memory_domain d = { .domid = DOMID_SELF };

    return HYPERVISOR_memory_op(XENMEM_current_reservation, &d);
}

CASE(exchange_contiguous, "single frames become extents that are contiguous, below the limit and "
     "known by their pfns; the domain has as many as before",
     "memory_op.exchange:effect memory_op.exchange:contiguous memory_op.exchange:below")
{
    uint64_t before;

    prepare(2 * PAGES, 32);
    before = (uint64_t)reservation();
    EXPECT_EQ(exchange(), 0);
    EXPECT_EQ(x.nr_exchanged, 2 * PAGES);
    EXPECT_EQ(reservation(), before);
    for (unsigned int i = 0; i < 2; i++) {
        EXPECT_EQ(new[i] % PAGES, 0);
        EXPECT_TRUE(new[i] + PAGES <= 1u << 20);
        for (unsigned int k = 0; k < PAGES; k++)
            EXPECT_EQ(machine_to_phys_mapping[new[i] + k],
                      pv_va_to_pfn(pages + (i * PAGES + k) * PV_PAGE_SIZE).nr);
    }
    /* What was given up is not ours to map. */
    EXPECT_TRUE(old[0] == new[0] || old[0] / PAGES == new[0] / PAGES ||
                old[0] / PAGES == new[1] / PAGES ||
                pv_map((uint64_t)pages, pv_mfn(old[0]), PV_PROT_RO) < 0);
    keep_new(2 * PAGES);
}

CASE(exchange_back, "an extent becomes single frames",
     "memory_op.exchange:split")
{
    prepare(PAGES, 0);
    EXPECT_EQ(exchange(), 0);
    for (unsigned int i = 0; i < PAGES; i++)
        old[i] = pv_va_to_pfn(pages + i * PV_PAGE_SIZE).nr;
    fill_side(&x.in, new, ORDER, 1);
    fill_side(&x.out, old, 0, PAGES);
    x.nr_exchanged = 0;
    EXPECT_EQ(exchange(), 0);
    EXPECT_EQ(x.nr_exchanged, 1);
    for (unsigned int i = 0; i < PAGES; i++)
        EXPECT_EQ(machine_to_phys_mapping[old[i]], pv_va_to_pfn(pages + i * PV_PAGE_SIZE).nr);
    keep_old(PAGES);
}

CASE(exchange_in_use, "frames that are mapped, or are not the domain's, or occur twice, are not "
     "given up, and nothing else is either",
     "memory_op.exchange:EINVAL security.exchange_in_use:refused")
{
    uint64_t last;
    long before = reservation();

    prepare(PAGES, 0);
    last = old[PAGES - 1];
    take_page(PAGES - 1, last);
    EXPECT_EQ(exchange(), -XEN_EINVAL);
    EXPECT_EQ(pv_unmap((uint64_t)pages + (PAGES - 1) * PV_PAGE_SIZE, 1), 0);
    EXPECT_EQ(x.nr_exchanged, 0);
    old[PAGES - 1] = old[0];
    EXPECT_EQ(exchange(), -XEN_EINVAL);
    old[PAGES - 1] = pv_start_info->shared_info >> PV_PAGE_SHIFT;
    EXPECT_EQ(exchange(), -XEN_EINVAL);
    old[PAGES - 1] = 0x7fffffff;
    EXPECT_EQ(exchange(), -XEN_EINVAL);
    old[PAGES - 1] = last;
    EXPECT_EQ(reservation(), before);
    EXPECT_EQ(exchange(), 0);
    keep_new(PAGES);
}

CASE(exchange_bad, "sizes that do not fit, domains that are not, pointers into nowhere, and what "
     "there is no memory for",
     "memory_op.exchange:EINVAL memory_op.exchange:ESRCH memory_op.exchange:EFAULT "
     "memory_op.exchange:ENOMEM memory_op.exchange:EPERM security.exchange_pointer:refused")
{
    prepare(PAGES, 0);
    x.out.nr_extents = 2;
    EXPECT_EQ(exchange(), -XEN_EINVAL);
    x.out.nr_extents = 1;
    x.nr_exchanged = PAGES + 1;
    EXPECT_EQ(exchange(), -XEN_EINVAL);
    x.nr_exchanged = 0;
    x.in.nr_extents = ~0ul;
    EXPECT_EQ(exchange(), -XEN_EINVAL);
    x.in.nr_extents = PAGES;
    x.in.domid = x.out.domid = 0x7000;
    EXPECT_EQ(exchange(), -XEN_ESRCH);
    x.in.domid = DOMID_SELF;
    EXPECT_EQ(exchange(), -XEN_EINVAL);
    x.out.domid = DOMID_SELF;
    x.out.mem_flags = XENMEMF_address_bits(13);
    EXPECT_EQ(exchange(), -XEN_ENOMEM);
    x.out.mem_flags = 0;
    set_xen_guest_handle(x.out.extent_start, (xen_pfn_t *)CONF_HYPERVISOR_VA);
    EXPECT_EQ(exchange(), -XEN_EFAULT);
    set_xen_guest_handle(x.out.extent_start, new);
    set_xen_guest_handle(x.in.extent_start, (xen_pfn_t *)CONF_HYPERVISOR_VA);
    EXPECT_EQ(exchange(), -XEN_EFAULT);
    set_xen_guest_handle(x.in.extent_start, old);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_exchange, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_exchange, (void *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
    fill_side(&x.out, new, 30, 1);
    fill_side(&x.in, old, 30, 1);
    EXPECT_EQ(exchange(), -XEN_EPERM);
    keep_old(PAGES);
}

CASE(exchange_untold, "where nr_exchanged can't be written, that is the error, whatever else is "
     "wrong",
     "memory_op.exchange:EFAULT")
{
    struct xen_memory_exchange *page = pv_alloc_page();
    uint64_t va = (uint64_t)page;

    fill_side(&page->in, old, 0, 1);
    fill_side(&page->out, new, 0, 1);
    page->in.domid = page->out.domid = 0x7000;
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_exchange, page), -XEN_ESRCH);
    page->out.nr_extents = 2;
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_exchange, page), -XEN_EINVAL);
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_va_to_mfn(page), PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_exchange, page), -XEN_EFAULT);
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_va_to_mfn(page), PV_PROT_RW), UVMF_INVLPG), 0);
    fill_side(&page->out, new, 30, 1);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_exchange, page), -XEN_EPERM);
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_va_to_mfn(page), PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_exchange, page), -XEN_EFAULT);
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_va_to_mfn(page), PV_PROT_RW), UVMF_INVLPG), 0);
    pv_free_page(page);
}

CASE(exchange_order, "an order that nobody gets is -EPERM, whatever else is wrong; sides that do "
     "not fit are -EINVAL before the lists are read",
     "memory_op.exchange:EPERM memory_op.exchange:EINVAL")
{
    prepare(PAGES, 0);
    fill_side(&x.out, new, 19, 3);
    EXPECT_EQ(exchange(), -XEN_EPERM);
    x.nr_exchanged = PAGES + 1;
    x.out.domid = 0x7000;
    EXPECT_EQ(exchange(), -XEN_EPERM);
    x.nr_exchanged = 0;
    fill_side(&x.out, new, 18, 3);
    EXPECT_EQ(exchange(), -XEN_EINVAL);
    set_xen_guest_handle(x.out.extent_start, (xen_pfn_t *)CONF_EMPTY_VA);
    set_xen_guest_handle(x.in.extent_start, (xen_pfn_t *)CONF_EMPTY_VA);
    EXPECT_EQ(exchange(), -XEN_EINVAL);
    keep_old(PAGES);
}
