/* SPDX-License-Identifier: MIT */
/* The operations of grant.h. */
#include "grant.h"

CONF_GUEST("conf-grant");

char grant_page[4096] __attribute__((aligned(4096)));

volatile struct grant_entry_v1 *grant_table(void)
{
    static volatile struct grant_entry_v1 *table;
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };
    xen_pfn_t frame = 0;
    uint64_t va;

    if (table)
        return table;
    va = pv_vmap_alloc(1);
    set_xen_guest_handle(setup.frame_list, &frame);
    if (HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1) || setup.status ||
        pv_map(va, pv_mfn(frame), PV_PROT_RW))
        pv_panic("no grant table\n");
    table = (volatile struct grant_entry_v1 *)va;
    return table;
}

void grant_offer(unsigned int ref, domid_t to, pv_mfn_t frame, unsigned int flags)
{
    volatile struct grant_entry_v1 *e = &grant_table()[ref];

    e->frame = (uint32_t)frame.nr;
    e->domid = to;
    __atomic_store_n(&e->flags, (uint16_t)flags, __ATOMIC_RELEASE);
}

uint16_t grant_flags(unsigned int ref)
{
    return grant_table()[ref].flags;
}

bool grant_end(unsigned int ref)
{
    volatile struct grant_entry_v1 *e = &grant_table()[ref];
    uint16_t unused = e->flags & (uint16_t)~(GTF_reading | GTF_writing);

    return __atomic_compare_exchange_n(&e->flags, &unused, 0, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

pv_mfn_t grant_frame(void)
{
    memset(grant_page, 0, sizeof(grant_page));
    return pv_va_to_mfn(grant_page);
}

uint64_t grant_va(void)
{
    static uint64_t va;

    if (!va)
        va = pv_vmap_alloc(1);
    if (pv_map(va, pv_va_to_mfn(grant_page), PV_PROT_RO) || pv_unmap(va, 1))
        pv_panic("no address to map at\n");
    return va;
}

int map_at(uint64_t host_addr, uint32_t flags, domid_t granter, unsigned int ref,
           struct gnttab_map_grant_ref *op)
{
    *op = (struct gnttab_map_grant_ref){ .host_addr = host_addr, .flags = flags, .dom = granter,
                                         .ref = ref, .status = 99 };
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, op, 1), 0);
    return op->status;
}

int unmap_at(uint64_t host_addr, uint64_t dev_bus_addr, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref op = { .host_addr = host_addr, .dev_bus_addr = dev_bus_addr,
                                         .handle = handle, .status = 99 };

    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1), 0);
    return op.status;
}

int copy_op(struct gnttab_copy *op)
{
    op->status = 99;
    EXPECT_EQ(HYPERVISOR_grant_table_op(GNTTABOP_copy, op, 1), 0);
    return op->status;
}

#define CHILD_OP (CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE + CHILD_OP_OFFSET)

long child_calls(struct child *c, unsigned int cmd, const void *op, size_t size)
{
    memcpy((char *)c->shared + CHILD_OP_OFFSET, op, size);
    c->shared->call[0] = __HYPERVISOR_grant_table_op;
    c->shared->call[1] = cmd;
    c->shared->call[2] = CHILD_OP;
    c->shared->call[3] = 1;
    c->shared->answer = 99;
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c->id), 0);
    EXPECT_TRUE(WAIT_FOR(c->shared->count > 1));
    return (long)c->shared->answer;
}
