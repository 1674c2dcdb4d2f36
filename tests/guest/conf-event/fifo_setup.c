/* SPDX-License-Identifier: MIT */
/* FIFO events: changing over, growing, going back, and what is refused. */
#include "fifo.h"

static long op(int cmd, void *arg)
{
    return HYPERVISOR_event_channel_op(cmd, arg);
}

static long reset(void)
{
    struct evtchn_reset reset = { .dom = DOMID_SELF };

    return op(EVTCHNOP_reset, &reset);
}

static long status_of(evtchn_port_t port, uint32_t *status)
{
    struct evtchn_status st = { .dom = DOMID_SELF, .port = port };
    long rc = op(EVTCHNOP_status, &st);

    *status = st.status;
    return rc;
}

CASE(fifo_before, "XSA-107: FIFO commands before there is a control block are refused: "
     "-EOPNOTSUPP, -ENOSYS for a priority",
     "event_channel_op.expand_array:EOPNOTSUPP event_channel_op.set_priority:ENOSYS "
     "security.fifo_before_init:refused")
{
    void *page = pv_alloc_page();
    int port = pv_bind_ipi(0, NULL, NULL);

    EXPECT_EQ(fifo_expand(page), -XEN_EOPNOTSUPP);
    EXPECT_EQ(fifo_priority(port, 3), -XEN_ENOSYS);
    EXPECT_EQ(fifo_priority(~0u, 3), -XEN_EINVAL);
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_TRUE(pv_port_pending(port));
    EXPECT_EQ(pv_close(port), 0);
    pv_free_page(page);
}

CASE(fifo_init_bad, "init_control: an absent vCPU is -ENOENT; a block that crosses its page or is "
     "not aligned, and a frame that is not the caller's to write are -EINVAL; nothing changes",
     "event_channel_op.init_control:ENOENT event_channel_op.init_control:EINVAL "
     "event_channel_op.init_control:EFAULT")
{
    static const uint64_t bad_gfns[] = { 0, ~0UL, 1UL << 40, 0x100000 };
    static const uint64_t bad[] = { CONF_EMPTY_VA, CONF_BAD_VA, CONF_HYPERVISOR_VA };
    struct evtchn_init_control init = { 0 };
    void *page = pv_alloc_page(), *table = pv_alloc_table();

    EXPECT_EQ(fifo_init(page, 0, 4095), -XEN_ENOENT);
    EXPECT_EQ(fifo_init(page, 0, ~0u), -XEN_ENOENT);
    EXPECT_EQ(fifo_init(page, PV_PAGE_SIZE - 64, 0), -XEN_EINVAL);
    EXPECT_EQ(fifo_init(page, ~7u, 0), -XEN_EINVAL);
    EXPECT_EQ(fifo_init(page, 4, 0), -XEN_EINVAL);
    for (size_t i = 0; i < PV_ARRAY_SIZE(bad_gfns); i++) {
        init.control_gfn = bad_gfns[i];
        EXPECT_EQ(op(EVTCHNOP_init_control, &init), -XEN_EINVAL);
    }
    init.control_gfn = pv_current_root().nr;
    EXPECT_EQ(op(EVTCHNOP_init_control, &init), -XEN_EINVAL);
    for (size_t i = 0; i < PV_ARRAY_SIZE(bad); i++)
        EXPECT_EQ(op(EVTCHNOP_init_control, (void *)bad[i]), -XEN_EFAULT);
    EXPECT_EQ(fifo_expand(page), -XEN_EOPNOTSUPP);
    EXPECT_EQ(pv_free_table(table), 0);
    pv_free_page(page);
}

static long pin_l1(void *page)
{
    struct mmuext_op pin = { .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = pv_va_to_mfn(page).nr };

    return HYPERVISOR_mmuext_op(&pin, 1, NULL, DOMID_SELF);
}

static long unpin(void *page)
{
    struct mmuext_op pin = { .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = pv_va_to_mfn(page).nr };

    return HYPERVISOR_mmuext_op(&pin, 1, NULL, DOMID_SELF);
}

static long map_again(void *page, uint64_t prot)
{
    return pv_update_va((uint64_t)page, pv_pte(pv_va_to_mfn(page), prot), UVMF_INVLPG);
}

CASE(fifo_pages_held, "a control block and a page of words can't become page tables while they are "
     "in use, also when the guest maps them nowhere for writing; a reset gives them back",
     "event_channel_op.init_control:effect event_channel_op.expand_array:effect "
     "event_channel_op.reset:fifo security.fifo_page_table:refused")
{
    void *block = pv_alloc_page(), *words = pv_alloc_page();
    uint32_t status;

    EXPECT_EQ(fifo_init(block, PV_PAGE_SIZE - 72, 0), 0);
    EXPECT_EQ(fifo_init(block, 0, 0), -XEN_EINVAL);
    EXPECT_EQ(fifo_expand(words), 0);
    EXPECT_EQ(map_again(block, PV_PROT_RO), 0);
    EXPECT_EQ(map_again(words, PV_PROT_RO), 0);
    EXPECT_EQ(pin_l1(block), -XEN_EINVAL);
    EXPECT_EQ(pin_l1(words), -XEN_EINVAL);
    EXPECT_EQ(reset(), 0);
    memset(&status, 0, sizeof(status));
    EXPECT_EQ(pin_l1(block), 0);
    EXPECT_EQ(pin_l1(words), 0);
    EXPECT_EQ(unpin(block), 0);
    EXPECT_EQ(unpin(words), 0);
    EXPECT_EQ(fifo_expand(words), -XEN_EOPNOTSUPP);
    EXPECT_EQ(map_again(block, PV_PROT_RW), 0);
    EXPECT_EQ(map_again(words, PV_PROT_RW), 0);
    pv_free_page(block);
    pv_free_page(words);
}

CASE(fifo_expand_bad, "expand_array: a frame that is not the caller's to write is -EINVAL; after "
     "128 pages -ENOSPC",
     "event_channel_op.expand_array:EINVAL event_channel_op.expand_array:ENOSPC "
     "event_channel_op.expand_array:EFAULT")
{
    static const uint64_t bad_gfns[] = { 0, ~0UL, 1UL << 40, 0x100000 };
    static const uint64_t bad[] = { CONF_EMPTY_VA, CONF_BAD_VA, CONF_HYPERVISOR_VA };
    struct evtchn_expand_array expand;
    unsigned int added = 1;

    if (!fifo_enter())
        return;
    for (size_t i = 0; i < PV_ARRAY_SIZE(bad_gfns); i++) {
        expand.array_gfn = bad_gfns[i];
        EXPECT_EQ(op(EVTCHNOP_expand_array, &expand), -XEN_EINVAL);
    }
    expand.array_gfn = pv_current_root().nr;
    EXPECT_EQ(op(EVTCHNOP_expand_array, &expand), -XEN_EINVAL);
    for (size_t i = 0; i < PV_ARRAY_SIZE(bad); i++)
        EXPECT_EQ(op(EVTCHNOP_expand_array, (void *)bad[i]), -XEN_EFAULT);
    while (added < 200 && fifo_expand(fifo_words) == 0)
        added++;
    EXPECT_EQ(added, EVTCHN_FIFO_NR_CHANNELS / FIFO_WORDS);
    EXPECT_EQ(fifo_expand(fifo_words), -XEN_ENOSPC);
    fifo_leave();
}

CASE(fifo_priority_bad, "set_priority: a priority past 15 and a port past the end are -EINVAL, a "
     "closed port -EACCES",
     "event_channel_op.set_priority:EINVAL event_channel_op.set_priority:EACCES "
     "event_channel_op.set_priority:EFAULT")
{
    static const uint64_t bad[] = { CONF_EMPTY_VA, CONF_BAD_VA, CONF_HYPERVISOR_VA };
    int port;

    if (!fifo_enter())
        return;
    port = pv_bind_ipi(0, NULL, NULL);
    EXPECT_EQ(fifo_priority(port, 0), 0);
    EXPECT_EQ(fifo_priority(port, 15), 0);
    EXPECT_EQ(fifo_priority(port, 16), -XEN_EINVAL);
    EXPECT_EQ(fifo_priority(port, ~0u), -XEN_EINVAL);
    EXPECT_EQ(fifo_priority(EVTCHN_FIFO_NR_CHANNELS, 3), -XEN_EINVAL);
    EXPECT_EQ(fifo_priority(~0u, 3), -XEN_EINVAL);
    EXPECT_EQ(fifo_priority(0, 3), -XEN_EACCES);
    EXPECT_EQ(pv_close(port), 0);
    EXPECT_EQ(fifo_priority(port, 3), -XEN_EACCES);
    for (size_t i = 0; i < PV_ARRAY_SIZE(bad); i++)
        EXPECT_EQ(op(EVTCHNOP_set_priority, (void *)bad[i]), -XEN_EFAULT);
    fifo_leave();
}

CASE(fifo_many_ports, "XSA-338, 342: FIFO events have more ports than two-level ones, and after a "
     "reset these are gone again",
     "event_channel_op.alloc_unbound:fifo event_channel_op.reset:fifo "
     "security.fifo_port_limit:refused")
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_unmask unmask = { .port = 5000 };
    unsigned int nr = 0;
    uint32_t status = 77;

    if (!fifo_enter())
        return;
    for (unsigned int i = 1; i < 8; i++)
        EXPECT_EQ(fifo_expand(fifo_words), 0);
    while (nr < 6000 && op(EVTCHNOP_alloc_unbound, &alloc) == 0)
        nr++;
    EXPECT_EQ(nr, 6000);
    EXPECT_TRUE(alloc.port > EVTCHN_2L_NR_CHANNELS);
    EXPECT_EQ(status_of(alloc.port, &status), 0);
    EXPECT_EQ(status, EVTCHNSTAT_unbound);
    EXPECT_EQ(fifo_priority(alloc.port, 2), 0);
    EXPECT_EQ(op(EVTCHNOP_unmask, &unmask), 0);
    fifo_leave();
    EXPECT_EQ(pv_notify(alloc.port), -XEN_EINVAL);
    EXPECT_ON(op(EVTCHNOP_unmask, &unmask), 0, -XEN_EINVAL, "Xen remembers that it had such ports");
    EXPECT_EQ(pv_shared_info->evtchn_mask[unmask.port % EVTCHN_2L_NR_CHANNELS / 64], 0);
    nr = 0;
    while (nr < 6000 && op(EVTCHNOP_alloc_unbound, &alloc) == 0)
        nr++;
    EXPECT_EQ(nr, EVTCHN_2L_NR_CHANNELS - 1);
    EXPECT_EQ(reset(), 0);
}

CASE(fifo_reset_back, "XSA-343: after a reset two-level events work as before, and FIFO ones can "
     "be had again, many times",
     "event_channel_op.reset:fifo")
{
    for (unsigned int i = 0; i < 20; i++) {
        int port;

        if (!fifo_enter())
            return;
        port = pv_bind_ipi(0, NULL, NULL);
        EXPECT_EQ(pv_notify(port), 0);
        EXPECT_TRUE(fifo_words[port] & FIFO_PENDING);
        fifo_leave();
        port = pv_bind_ipi(0, NULL, NULL);
        EXPECT_TRUE(!pv_port_pending(port));
        EXPECT_EQ(pv_notify(port), 0);
        EXPECT_TRUE(pv_port_pending(port));
        EXPECT_EQ(pv_close(port), 0);
    }
}
