/* SPDX-License-Identifier: MIT */
/* Making a domain by hand. */
#include "child.h"

#define QUIET_LOOKS 10      /* alike, a tenth of a second apart */

_Static_assert(offsetof(struct shared, answer) == SHARED_ANSWER, "child.S");
_Static_assert(offsetof(struct shared, count) == SHARED_COUNT, "child.S");
_Static_assert(offsetof(struct shared, port) == SHARED_PORT, "child.S");
_Static_assert(offsetof(struct shared, reason) == SHARED_REASON, "child.S");
_Static_assert(offsetof(struct shared, poll) == SHARED_POLL, "child.S");
_Static_assert(offsetof(struct shared, ops) == SHARED_OPS, "child.S");
_Static_assert(offsetof(struct shared, call) == SHARED_CALL, "child.S");

long domctl(struct xen_domctl *op)
{
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    return HYPERVISOR_domctl(op);
}

long domctl_simple(uint32_t cmd, domid_t id)
{
    struct xen_domctl op = { .cmd = cmd, .domain = id };

    return domctl(&op);
}

long domain_info(domid_t id, struct xen_domctl_getdomaininfo *info)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = id };
    long rc = domctl(&op);

    *info = op.u.getdomaininfo;
    return rc;
}

int32_t child_maptrack_frames = -1;

struct xen_domctl create_op(void)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_createdomain };

    op.u.createdomain.max_vcpus = 1;
    op.u.createdomain.max_evtchn_port = 1023;
    op.u.createdomain.max_grant_frames = 4;
    op.u.createdomain.max_maptrack_frames = child_maptrack_frames;
    op.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
    return op;
}

long create_domain(void)
{
    struct xen_domctl op = create_op();
    long rc = domctl(&op);

    return rc ? rc : op.domain;
}

uint64_t machine_free_pages(void)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo,
                             .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

    EXPECT_EQ(HYPERVISOR_sysctl(&op), 0);
    return op.u.physinfo.free_pages + op.u.physinfo.scrub_pages;
}

/* Xen frees a domain's records some time after the domain is gone, and nothing says when. */
static uint64_t free_pages_unchanged(void)
{
    uint64_t seen = machine_free_pages();

    for (unsigned int same = 0; same < QUIET_LOOKS; same++) {
        pv_sleep_ns(100 * PV_NS_PER_MS);
        if (machine_free_pages() != seen) {
            seen = machine_free_pages();
            same = 0;
        }
    }
    return seen;
}

uint64_t free_pages_at_rest(void)
{
    struct child c;

    if (child_build(&c, child_spin))
        child_destroy(&c);
    return conf_on_pavane() ? machine_free_pages() : free_pages_unchanged();
}

bool free_pages_are_back(uint64_t before)
{
    uint64_t now = machine_free_pages();

    return conf_on_pavane() ? now == before : now >= before;
}

/* ---- Its memory ---- */

static bool give_memory(struct child *c)
{
    struct xen_domctl max = { .cmd = XEN_DOMCTL_max_mem, .domain = c->id };
    struct xen_memory_reservation r = { .nr_extents = CHILD_PAGES, .domid = c->id };
    xen_pfn_t frames[CHILD_PAGES];

    max.u.max_mem.max_memkb = CHILD_PAGES * 4 + 4096;
    for (unsigned int i = 0; i < CHILD_PAGES; i++)
        frames[i] = i;
    set_xen_guest_handle(r.extent_start, frames);
    if (!EXPECT_EQ(domctl(&max), 0) ||
        !EXPECT_EQ(HYPERVISOR_memory_op(XENMEM_populate_physmap, &r), CHILD_PAGES))
        return false;
    for (unsigned int i = 0; i < CHILD_PAGES; i++)
        c->mfn[i] = pv_mfn(frames[i]);
    return true;
}

/* By mmu_update, as privcmd does it; the leaf's table is made by mapping a page of ours first. */
static bool map_pages(struct child *c)
{
    static uint64_t va;
    struct mmu_update updates[CHILD_PAGES];
    unsigned int done = 0;

    if (!va)
        va = pv_vmap_alloc(CHILD_PAGES + 1);
    for (unsigned int i = 0; i < CHILD_PAGES; i++) {
        if (pv_map(va + i * PV_PAGE_SIZE, pv_va_to_mfn(c), PV_PROT_RO))
            return false;
        updates[i].ptr = pv_pte_maddr(pv_current_root(), va + i * PV_PAGE_SIZE, 1);
        updates[i].val = pv_pte(c->mfn[i], PV_PROT_RW);
    }
    c->va = va;
    c->shared = (volatile struct shared *)(va + CHILD_SHARED * PV_PAGE_SIZE);
    return EXPECT_EQ(HYPERVISOR_mmu_update(updates, CHILD_PAGES, &done, c->id), 0) &&
           EXPECT_EQ(done, CHILD_PAGES) && !pv_mmuext_va(MMUEXT_TLB_FLUSH_ALL, 0);
}

static uint64_t *page(struct child *c, unsigned int pfn)
{
    return (uint64_t *)(c->va + pfn * PV_PAGE_SIZE);
}

static uint64_t entry(struct child *c, unsigned int pfn)
{
    return pv_pte(c->mfn[pfn], PV_PTE_P | PV_PTE_RW | PV_PTE_A | PV_PTE_USER);
}

static bool write_tables(struct child *c)
{
    struct xen_domctl_getdomaininfo info;
    uint64_t *l1 = page(c, CHILD_L1);

    if (!EXPECT_EQ(domain_info(c->id, &info), 0))
        return false;
    for (unsigned int i = 0; i < CHILD_PAGES; i++)
        l1[i] = pv_pte(c->mfn[i], i < CHILD_L1 ? PV_PTE_P | PV_PTE_RW | PV_PTE_A : PV_PROT_RX);
    l1[CHILD_PAGES] = pv_pte(pv_mfn(info.shared_info_frame), PV_PROT_RW);
    page(c, CHILD_L2)[CHILD_BASE >> 21 & 511] = entry(c, CHILD_L1);
    page(c, CHILD_L3)[CHILD_BASE >> 30 & 511] = entry(c, CHILD_L2);
    page(c, CHILD_L4)[CHILD_BASE >> 39 & 511] = entry(c, CHILD_L3);
    for (unsigned int i = 0; i < 512; i++) {
        page(c, TREE_L1)[i] = pv_pte(c->mfn[CHILD_DATA], PV_PROT_RO);
        page(c, TREE_L2)[i] = entry(c, TREE_L1);
        page(c, TREE_L3)[i] = entry(c, TREE_L2);
        page(c, TREE_L4)[i] = i < 256 || i >= 272 ? entry(c, TREE_L3) : 0;
    }
    return true;
}

/* A toolstack masks a new domain's events, by the page that it shares with the hypervisor. */
static bool mask_events(struct child *c)
{
    uint64_t va = c->va + CHILD_PAGES * PV_PAGE_SIZE;
    volatile struct shared_info *shared = (volatile struct shared_info *)va;
    struct xen_domctl_getdomaininfo info;

    if (pv_map(va, pv_va_to_mfn(c), PV_PROT_RO) || domain_info(c->id, &info) ||
        !EXPECT_EQ(HYPERVISOR_update_va_mapping_otherdomain(
                       va, pv_pte(pv_mfn(info.shared_info_frame), PV_PROT_RW),
                       UVMF_INVLPG | UVMF_ALL, c->id), 0))
        return false;
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        shared->vcpu_info[i].evtchn_upcall_mask = 1;
    return !pv_unmap(va, 1);
}

static bool fill(struct child *c)
{
    volatile struct shared *s = c->shared;

    memcpy(page(c, CHILD_CODE), child_code, PV_PAGE_SIZE);
    s->port = 0;
    set_xen_guest_handle(s->poll.ports, (evtchn_port_t *)(CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE
                                                          + SHARED_PORT));
    s->poll.nr_ports = 1;
    s->poll.timeout = 0;
    s->ops[0].cmd = MMUEXT_PIN_L4_TABLE;
    s->ops[1].cmd = MMUEXT_UNPIN_TABLE;
    s->ops[0].arg1.mfn = s->ops[1].arg1.mfn = c->mfn[TREE_L4].nr;
    return write_tables(c);
}

/* Only the shared page stays mapped: a table that someone may write to can't be pinned. */
static bool pin_tables(struct child *c)
{
    struct mmuext_op pin = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = c->mfn[CHILD_L4].nr };

    return EXPECT_EQ(HYPERVISOR_mmuext_op(&pin, 1, NULL, c->id), -XEN_EINVAL) &&
           !pv_unmap(c->va, CHILD_SHARED) &&
           !pv_unmap(c->va + (CHILD_SHARED + 1) * PV_PAGE_SIZE, CHILD_PAGES - CHILD_SHARED - 1) &&
           EXPECT_EQ(HYPERVISOR_mmuext_op(&pin, 1, NULL, c->id), 0);
}

/* ---- Its vCPU and its channel ---- */

static bool connect(struct child *c)
{
    struct evtchn_alloc_unbound alloc = { .dom = c->id, .remote_dom = DOMID_SELF };
    int port;

    if (!EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), 0))
        return false;
    c->shared->port = alloc.port;
    port = pv_bind_interdomain(c->id, alloc.port, NULL, NULL);
    if (!EXPECT_TRUE(port > 0))
        return false;
    c->port = (evtchn_port_t)port;
    return true;
}

static bool set_context(struct child *c, const char *program)
{
    static struct vcpu_guest_context ctx;
    struct xen_domctl op = { .cmd = XEN_DOMCTL_setvcpucontext, .domain = c->id };

    memset(&ctx, 0, sizeof(ctx));
    ctx.flags = VGCF_in_kernel | VGCF_online;
    ctx.user_regs.rip = CHILD_BASE + CHILD_CODE * PV_PAGE_SIZE + (uint64_t)(program - child_code);
    ctx.user_regs.rsp = CHILD_BASE + (CHILD_DATA + 1) * PV_PAGE_SIZE;
    ctx.user_regs.rbx = CHILD_BASE + CHILD_SHARED * PV_PAGE_SIZE;
    ctx.user_regs.r12 = CHILD_INFO;
    ctx.user_regs.rflags = 0x200;
    ctx.user_regs.cs = FLAT_KERNEL_CS;
    ctx.user_regs.ss = ctx.kernel_ss = FLAT_KERNEL_SS;
    ctx.kernel_sp = ctx.user_regs.rsp;
    ctx.ctrlreg[3] = xen_pfn_to_cr3(c->mfn[CHILD_L4].nr);
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &ctx);
    return EXPECT_EQ(domctl(&op), 0);
}

bool child_build(struct child *c, const char *program)
{
    struct xen_domctl vcpus = { .cmd = XEN_DOMCTL_max_vcpus, .u.max_vcpus.max = 1 };
    long id = create_domain();

    memset(c, 0, sizeof(*c));
    if (!EXPECT_TRUE(id > 0))
        return false;
    c->id = vcpus.domain = (domid_t)id;
    return EXPECT_EQ(domctl(&vcpus), 0) && give_memory(c) && map_pages(c) &&
           mask_events(c) && fill(c) && connect(c) && pin_tables(c) && set_context(c, program);
}

void child_let_go(struct child *c)
{
    if (c->va)
        EXPECT_EQ(pv_unmap(c->va, CHILD_PAGES), 0);
    if (c->port)
        EXPECT_EQ(pv_close(c->port), 0);
    c->va = c->port = 0;
    pv_mmuext_va(MMUEXT_TLB_FLUSH_ALL, 0);
}

static bool is_gone(domid_t id)
{
    struct xen_domctl_getdomaininfo info;

    return domain_info(id, &info) || info.domain != id;
}

long child_destroy(struct child *c)
{
    long rc;

    child_let_go(c);
    rc = domctl_simple(XEN_DOMCTL_destroydomain, c->id);
    return rc ? rc : WAIT_FOR(is_gone(c->id)) ? 0 : -XEN_EBUSY;
}

bool child_echoes(struct child *c, uint64_t token)
{
    unsigned long before = pv_event_count(c->port);

    c->shared->word = token;
    pv_events_enable();
    EXPECT_EQ(pv_notify(c->port), 0);
    (void)WAIT_FOR(c->shared->answer == ~token && pv_event_count(c->port) > before);
    pv_events_disable();
    return c->shared->answer == ~token && pv_event_count(c->port) > before;
}
