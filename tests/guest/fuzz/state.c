/* SPDX-License-Identifier: MIT */
/* What of the guest the calls work on, and how it is put back before each episode. */
#include "fuzz.h"

#define SPARE_BASE  0xffffd00000000000UL
#define L1_SPAN     (512 * PV_PAGE_SIZE)

struct frame frames[NR_FRAMES];
uint64_t spare_l1[2];
evtchn_port_t ports[NR_PORTS];
uint16_t own_id;
bool first_domain;

static uint64_t start_info_mfn;
static evtchn_port_t first_port;        /* those from here on are the calls' */

uint64_t spare_va(unsigned int table, unsigned int slot)
{
    return SPARE_BASE + table * L1_SPAN + slot * PV_PAGE_SIZE;
}

/* A port for a moment tells the number that DOMID_SELF stands for. */
static bool find_own_id(void)
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_status status = { .dom = DOMID_SELF };

    if (HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc))
        return false;
    status.port = first_port = alloc.port;
    if (HYPERVISOR_event_channel_op(EVTCHNOP_status, &status))
        return false;
    own_id = status.u.unbound.dom;
    return pv_close(alloc.port) == 0;
}

bool state_init(void)
{
    first_domain = pv_is_first_domain();
    start_info_mfn = pv_va_to_mfn(pv_start_info).nr;
    for (unsigned int i = 0; i < NR_FRAMES; i++) {
        frames[i].home = pv_alloc_page();
        if (!frames[i].home)
            return false;
        frames[i].mfn = pv_va_to_mfn(frames[i].home).nr;
    }
    for (unsigned int t = 0; t < 2; t++) {
        const uint64_t *entry;

        if (pv_map(spare_va(t, 0), pv_mfn(frames[0].mfn), PV_PROT_RO))
            return false;
        entry = pv_find_pte(pv_current_root(), spare_va(t, 0), 2);
        spare_l1[t] = pv_pte_mfn(*entry).nr;
    }
    return find_own_id() && grants_init() && pv_user_init() == 0;
}

int set_home(unsigned int frame, uint64_t flags)
{
    struct frame *f = &frames[frame];

    if (f->gone)
        return -XEN_EINVAL;
    pv_mmuext_va(MMUEXT_TLB_FLUSH_LOCAL, 0);    /* main.c says why */
    return pv_update_va((uint64_t)f->home, flags ? pv_pte(pv_mfn(f->mfn), flags) : 0,
                        UVMF_INVLPG | UVMF_ALL);
}

/* In the place of one that was given back, or that some call left in a use. */
static void new_frame(unsigned int i)
{
    frames[i].home = pv_alloc_page();
    if (!frames[i].home)
        pv_panic("fuzz: no pages left\n");
    frames[i].mfn = pv_va_to_mfn(frames[i].home).nr;
    frames[i].gone = false;
}

/* What was given back gets another frame in its place, unless something still holds the old. */
static void refill(unsigned int i)
{
    xen_pfn_t pfn = pv_va_to_pfn(frames[i].home).nr, mfn = pfn;
    struct xen_memory_reservation op = { .nr_extents = 1, .domid = DOMID_SELF };

    set_xen_guest_handle(op.extent_start, &mfn);
    if (HYPERVISOR_memory_op(XENMEM_populate_physmap, &op) != 1) {
        new_frame(i);
        return;
    }
    frames[i].mfn = mfn;
    frames[i].gone = false;
    pv_set_pfn(pv_pfn(pfn), pv_mfn(mfn));
}

static unsigned int reset_frames(void)
{
    unsigned int kept = 0;

    for (unsigned int t = 0; t < 2; t++)
        for (unsigned int slot = 0; slot < SPARE_SLOTS; slot++)
            if (*pv_find_pte(pv_current_root(), spare_va(t, slot), 1))
                pv_update_va(spare_va(t, slot), 0, UVMF_NONE);
    for (unsigned int i = TABLES_FROM; i < NR_FRAMES; i++)
        pv_update_va((uint64_t)frames[i].home, 0, UVMF_NONE);   /* any frame may be there by now */
    pv_mmuext_va(MMUEXT_TLB_FLUSH_ALL, 0);
    for (unsigned int i = 0; i < NR_FRAMES; i++) {
        if (frames[i].gone)
            refill(i);
        kept += set_home(i, PV_PROT_RW) != 0;
    }
    /* What is kept may hold any of the others. */
    for (unsigned int i = 0; i < NR_FRAMES; i++) {
        if (kept)
            new_frame(i);
        memset(frames[i].home, 0, PV_PAGE_SIZE);
        HYPERVISOR_mmu_update(&(struct mmu_update){
            .ptr = frames[i].mfn << PV_PAGE_SHIFT | MMU_MACHPHYS_UPDATE,
            .val = pv_va_to_pfn(frames[i].home).nr }, 1, NULL, DOMID_SELF);
    }
    return kept;
}

/* Also those that a call got and could not tell us. */
void reset_ports(void)
{
    for (evtchn_port_t port = first_port, closed = 0; closed < 64; port++)
        closed = pv_close(port) ? closed + 1 : 0;
    memset(ports, 0, sizeof(ports));
}

unsigned int state_reset(void)
{
    unsigned int kept;
    struct mmuext_op ldt = { .cmd = MMUEXT_SET_LDT };

    HYPERVISOR_mmuext_op(&ldt, 1, NULL, DOMID_SELF);
    HYPERVISOR_set_gdt(NULL, 0);
    pv_mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, pv_user_root());
    for (unsigned int i = TABLES_FROM; i < TABLES_END; i++)
        pv_unpin(pv_mfn(frames[i].mfn));
    grants_reset();
    kept = reset_frames();
    reset_ports();
    return kept;
}

/* ---- Choosing ---- */

unsigned int some_table(struct run *r, unsigned int level)
{
    if (percent(r, 85))
        return TABLES_FROM + 4 * (level - 1) + (unsigned int)below(r, 4);
    return TABLES_FROM + (unsigned int)below(r, TABLES_END - TABLES_FROM);
}

uint64_t some_mfn(struct run *r)
{
    uint64_t mfn = frames[below(r, NR_FRAMES)].mfn;

    if (percent(r, 80))
        return mfn;
    switch (below(r, 8)) {
    case 0:
        return pv_current_root().nr;
    case 1:
        return spare_l1[below(r, 2)];
    case 2:
        return pv_start_info->shared_info >> PV_PAGE_SHIFT;
    case 3:
        return mfn | 1UL << (40 + below(r, 24));
    case 4:
        return 0x7f000000000;
    case 5:
        return ~0UL;
    case 6:
        return (1UL << 28) + below(r, 1UL << 20);       /* above all memory */
    default:
        return start_info_mfn;
    }
}

uint64_t some_va(struct run *r)
{
    if (percent(r, 75))
        return spare_va((unsigned int)below(r, 2), (unsigned int)below(r, SPARE_SLOTS)) +
               (percent(r, 20) ? below(r, PV_PAGE_SIZE) : 0);
    if (percent(r, 60))
        return (uint64_t)frames[TABLES_FROM + below(r, TABLES_END - TABLES_FROM)].home;
    return bad_address(r);
}

uint64_t some_pte(struct run *r, uint64_t mfn)
{
    static const uint64_t flags[] = {
        PV_PROT_RW, PV_PROT_RW, PV_PROT_RO, PV_PROT_RO, PV_PROT_RX, PV_PTE_P,
        PV_PTE_P | PV_PTE_RW, PV_PTE_P | PV_PTE_RW | PV_PTE_USER, PV_PTE_P | PV_PTE_USER, 0, 0,
        PV_PTE_RW,
    };
    uint64_t pte = (mfn << PV_PAGE_SHIFT) | PICK(r, flags);

    if (percent(r, 8))
        pte |= 1UL << below(r, 12) & ~PV_PTE_G;         /* docs/fuzzing.md says why */
    if (percent(r, 8))
        pte |= 1UL << (53 + below(r, 11));
    /* Nobody shall write to what we live on. */
    if (mfn == pv_start_info->shared_info >> PV_PAGE_SHIFT || mfn == start_info_mfn)
        pte &= ~PV_PTE_RW;
    return percent(r, 5) ? 0 : pte;
}

uint64_t some_slot(struct run *r)
{
    uint64_t mfn, slot = 8 * some_index(r);

    if (percent(r, 60))
        return spare_l1[below(r, 2)] << PV_PAGE_SHIFT | 8 * below(r, SPARE_SLOTS);
    if (percent(r, 85))
        mfn = frames[TABLES_FROM + below(r, TABLES_END - TABLES_FROM)].mfn;
    else if (percent(r, 50))
        mfn = frames[below(r, DATA_FRAMES)].mfn;
    else
        return wild(r) | (1UL << 62);                   /* no memory there */
    return mfn << PV_PAGE_SHIFT | slot;
}

evtchn_port_t some_port(struct run *r)
{
    if (percent(r, 85))
        return ports[below(r, NR_PORTS)];
    return (evtchn_port_t)(1000 + small_or_wild(r, 3000));
}

void note_port(struct run *r, evtchn_port_t port)
{
    ports[below(r, NR_PORTS)] = port;
}

uint64_t some_index(struct run *r)
{
    return fuzz_compare ? 1 + below(r, SPARE_SLOTS - 1) : below(r, SPARE_SLOTS);
}

static bool is_table(uint64_t mfn)
{
    for (unsigned int i = TABLES_FROM; i < TABLES_END; i++)
        if (frames[i].mfn == mfn)
            return true;
    return mfn == spare_l1[0] || mfn == spare_l1[1] || mfn == pv_current_root().nr;
}

uint64_t pte_for_frame(uint64_t pte)
{
    return fuzz_compare && (pte & PV_PTE_P) && is_table(pv_pte_mfn(pte).nr) ? pte | PV_PTE_RW : pte;
}

uint64_t pte_for_slot(uint64_t pte, uint64_t slot)
{
    uint64_t mfn = slot >> PV_PAGE_SHIFT;

    return mfn == spare_l1[0] || mfn == spare_l1[1] ? pte : pte_for_frame(pte);
}

/* Whether a frame that was given back can be had again depends on where that is in a list. */
void forget_entries(uint64_t mfn)
{
    static uint64_t va;

    if (!va)
        va = pv_vmap_alloc(1);
    for (unsigned int i = 0; i < TABLES_END; i++) {
        const volatile uint64_t *table = (const volatile uint64_t *)va;

        if (frames[i].gone || pv_map(va, pv_mfn(frames[i].mfn), PV_PROT_RO))
            continue;
        for (unsigned int e = 0; e < 512; e++)
            if ((table[e] & PV_PTE_P) && pv_pte_mfn(table[e]).nr == mfn)
                pv_write_pte(frames[i].mfn << PV_PAGE_SHIFT | e * 8, 0);
        pv_unmap(va, 1);
    }
}

/* Entries of an upper table are all writable: those that are not have an operation of their own. */
void build_table(struct run *r, unsigned int frame, unsigned int level)
{
    unsigned int n = (unsigned int)below(r, 6);
    int rc;

    rc = frames[frame].gone ? -XEN_EAGAIN : set_home(frame, PV_PROT_RW);
    if (fuzz_log)
        pv_printf(" {frame %u: %d}", frame, rc);
    if (rc)
        return;                 /* it is a table already */
    memset(frames[frame].home, 0, PV_PAGE_SIZE);
    for (unsigned int i = 0; i < n; i++) {
        uint64_t index = percent(r, 90) ? some_index(r) : 1 + below(r, 511);

        if (level == 1)
            frames[frame].home[index] = pte_for_frame(some_pte(r, some_mfn(r)));
        else
            frames[frame].home[index] = frames[some_table(r, level - 1)].mfn << PV_PAGE_SHIFT |
                                        PV_PTE_P | PV_PTE_RW | (percent(r, 5) ? 1UL << 53 : 0) |
                                        (percent(r, 5) ? PV_PTE_PSE : 0);
    }
    set_home(frame, PV_PROT_RO);
}

void show_frame(unsigned int frame)
{
    uint64_t entry;

    for (unsigned int i = 0; i < 512 && fuzz_log; i++)
        if (!pv_probe_read((uint64_t)&frames[frame].home[i], &entry) && entry)
            pv_printf(" {%u: %#lx}", i, entry);
}
