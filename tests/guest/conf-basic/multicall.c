/* SPDX-License-Identifier: MIT */
/* multicall: a list of hypercalls in one. */
#include "../lib/case.h"
#include "../lib/frame.h"

#define UNTOUCHED 0x5a5a5a5aUL

static struct multicall_entry call(uint64_t op, uint64_t a0, uint64_t a1)
{
    return (struct multicall_entry){ .op = op, .result = UNTOUCHED, .args = { a0, a1 } };
}

CASE(multicall_results, "each entry has its own result, and the call succeeds even if entries fail",
     "multicall:effect")
{
    struct multicall_entry list[] = {
        call(__HYPERVISOR_xen_version, XENVER_version, 0),
        call(100, 0, 0),
        call(__HYPERVISOR_xen_version, XENVER_get_features, CONF_EMPTY_VA),
        call(__HYPERVISOR_xen_version, XENVER_pagesize, 0),
    };

    EXPECT_EQ(HYPERVISOR_multicall(list, 4), 0);
    EXPECT_EQ(list[0].result, 4 << 16 | 17);
    EXPECT_EQ(list[1].result, -XEN_ENOSYS);
    EXPECT_EQ(list[2].result, -XEN_EFAULT);
    EXPECT_EQ(list[3].result, 4096);
}

CASE(multicall_empty, "an empty list succeeds", "multicall:effect")
{
    struct multicall_entry entry = call(__HYPERVISOR_xen_version, XENVER_version, 0);

    EXPECT_EQ(HYPERVISOR_multicall(&entry, 0), 0);
    EXPECT_EQ(entry.result, UNTOUCHED);
}

CASE(multicall_long, "a list longer than one time slice is done to its end", "multicall:effect")
{
    enum { ENTRIES = 64 * 1024 / sizeof(struct multicall_entry) };
    struct multicall_entry *list = pv_alloc_pages(16);
    unsigned int done = 0;

    if (!EXPECT_TRUE(list))
        return;
    for (unsigned int i = 0; i < ENTRIES; i++)
        list[i] = call(__HYPERVISOR_xen_version, XENVER_pagesize, 0);
    EXPECT_EQ(HYPERVISOR_multicall(list, ENTRIES), 0);
    for (unsigned int i = 0; i < ENTRIES; i++)
        done += list[i].result == 4096;
    EXPECT_EQ(done, ENTRIES);
    for (unsigned int i = 0; i < 16; i++)
        pv_free_page((char *)list + i * PV_PAGE_SIZE);
}

CASE(multicall_nested, "a multicall in a multicall is -EINVAL", "multicall:EINVAL")
{
    struct multicall_entry inner = call(__HYPERVISOR_xen_version, XENVER_version, 0);
    struct multicall_entry outer = call(__HYPERVISOR_multicall, (uint64_t)&inner, 1);

    EXPECT_EQ(HYPERVISOR_multicall(&outer, 1), 0);
    EXPECT_EQ(outer.result, -XEN_EINVAL);
    EXPECT_EQ(inner.result, UNTOUCHED);
}

CASE(multicall_bad_list, "a list that can't be read is -EFAULT", "multicall:EFAULT")
{
    EXPECT_EQ(HYPERVISOR_multicall((struct multicall_entry *)CONF_EMPTY_VA, 1), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_multicall((struct multicall_entry *)CONF_BAD_VA, 1), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_multicall((struct multicall_entry *)CONF_HYPERVISOR_VA, 1), -XEN_EFAULT);
}

CASE(multicall_runs_off, "a list that becomes unreadable: what came before is done, then -EFAULT",
     "multicall:EFAULT")
{
    uint64_t va = pv_vmap_alloc(2);
    void *page = pv_alloc_page();
    struct multicall_entry *last = (struct multicall_entry *)(va + PV_PAGE_SIZE) - 1;

    if (!EXPECT_EQ(pv_map(va, pv_va_to_mfn(page), PV_PROT_RW), 0))
        return;
    *last = call(__HYPERVISOR_xen_version, XENVER_pagesize, 0);
    EXPECT_EQ(HYPERVISOR_multicall(last, 2), -XEN_EFAULT);
    EXPECT_EQ(last->result, 4096);
    EXPECT_EQ(pv_unmap(va, 1), 0);
    pv_free_page(page);
}

CASE(multicall_read_only, "a list that can't be written is -EFAULT, and its first call is made",
     "multicall:EFAULT")
{
    struct multicall_entry *list = pv_alloc_page();
    uint64_t va = (uint64_t)list;

    list[0] = call(__HYPERVISOR_fpu_taskswitch, 0, 0);
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_va_to_mfn(list), PV_PROT_RO), UVMF_INVLPG), 0);
    EXPECT_EQ(HYPERVISOR_multicall(list, 1), -XEN_EFAULT);
    EXPECT_EQ(list[0].result, UNTOUCHED);
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_va_to_mfn(list), PV_PROT_RW), UVMF_INVLPG), 0);
    pv_free_page(list);
}

/* Xen's ERESTART: the number by which a hypervisor notes that a call is to go on later. */
#define GO_ON_LATER (-85L)

CASE(multicall_any_result, "a debug register's value is an entry's result, and nothing else, "
     "whatever number it is",
     "multicall:effect get_debugreg:effect")
{
    struct multicall_entry list[] = {
        call(__HYPERVISOR_get_debugreg, 0, 0),
        call(__HYPERVISOR_xen_version, XENVER_pagesize, 0),
    };

    EXPECT_EQ(HYPERVISOR_set_debugreg(0, (uint64_t)GO_ON_LATER), 0);
    EXPECT_EQ(HYPERVISOR_get_debugreg(0), GO_ON_LATER);
    EXPECT_EQ(HYPERVISOR_multicall(list, 2), 0);
    EXPECT_EQ(list[0].result, GO_ON_LATER);
    EXPECT_EQ(list[1].result, 4096);
    EXPECT_EQ(HYPERVISOR_set_debugreg(0, 0), 0);
}

static struct multicall_entry with_iret[3];

CASE(multicall_iret, "XSA-213: after an iret in the list the rest is not done", "multicall:iret")
{
    static struct iret_context frame;

    frame = (struct iret_context){
        .rax = 0x77, .rip = (uint64_t)conf_after_iret, .cs = FLAT_KERNEL_CS & ~3, .rflags = 2,
        .rsp = 0x1000, .ss = FLAT_KERNEL_SS,
    };
    with_iret[0] = call(__HYPERVISOR_xen_version, XENVER_pagesize, 0);
    with_iret[1] = call(__HYPERVISOR_iret, 0, 0);
    with_iret[2] = call(__HYPERVISOR_xen_version, XENVER_pagesize, 0);
    conf_multicall_on(&frame, with_iret, 3);
    EXPECT_EQ(conf_after.rax, 0x77);
    EXPECT_EQ(conf_after.rsp, 0x1000);
    EXPECT_EQ(with_iret[0].result, 4096);
    EXPECT_EQ(with_iret[2].result, UNTOUCHED);
}
