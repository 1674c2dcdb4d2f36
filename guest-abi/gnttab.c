/* SPDX-License-Identifier: MIT */
/*
 * Grants (pvguest/gnttab.h).
 *
 * References that nobody uses form a list through next_free.  An entry's flags are the one word
 * that both sides write: the hypervisor sets GTF_reading and GTF_writing while the frame is mapped,
 * so flags become 0 only by a compare-and-exchange that sees neither.
 */
#include "internal.h"

#define TABLE_FRAMES      4u
#define ENTRIES_PER_FRAME (PV_PAGE_SIZE / sizeof(struct grant_entry_v1))
#define NR_ENTRIES        (TABLE_FRAMES * ENTRIES_PER_FRAME)
#define SPARE_ADDRESSES   32u

static struct grant_entry_v1 *table;
static unsigned int nr_entries;     /* of the frames that we got */

/* Guards all below; held with events disabled. */
static struct pv_spinlock lock = PV_SPINLOCK_INIT;
static uint16_t next_free[NR_ENTRIES];
static uint16_t first_free;         /* 0: none, for that reference is reserved */
static unsigned int in_use;
/* Addresses of pages that were unmapped. Those beyond are lost, of which there are plenty. */
static uint64_t spare[SPARE_ADDRESSES];
static unsigned int nr_spare;

/* ---- Set-up ---- */

/* As many as we have room for in next_free, or as the toolstack allows. */
static unsigned int frames_to_ask_for(void)
{
    struct gnttab_query_size op = { .dom = DOMID_SELF };

    if (HYPERVISOR_grant_table_op(GNTTABOP_query_size, &op, 1) || op.status != GNTST_okay)
        return 1;
    return op.max_nr_frames < TABLE_FRAMES ? op.max_nr_frames : TABLE_FRAMES;
}

/* The table's frames are the hypervisor's: they have no pfn, and get an address of their own. */
static int map_table(unsigned int frames)
{
    xen_pfn_t list[TABLE_FRAMES];
    struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = frames };
    uint64_t va;
    long rc;

    if (!frames)
        return -XEN_ENODEV;
    va = pv_vmap_alloc(frames);
    set_xen_guest_handle(op.frame_list, list);
    rc = HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &op, 1);
    if (rc || op.status != GNTST_okay)
        return rc ? (int)rc : -XEN_EINVAL;
    for (unsigned int i = 0; i < frames && !rc; i++)
        rc = pv_map(va + i * PV_PAGE_SIZE, pv_mfn(list[i]), PV_PROT_RW);
    if (rc)
        return (int)rc;
    table = (struct grant_entry_v1 *)va;
    nr_entries = frames * (unsigned int)ENTRIES_PER_FRAME;
    return 0;
}

int pv_gnttab_init(void)
{
    int rc = table ? 0 : map_table(frames_to_ask_for());

    if (rc || first_free || in_use)
        return rc;
    for (unsigned int i = GNTTAB_NR_RESERVED_ENTRIES; i < nr_entries - 1; i++)
        next_free[i] = (uint16_t)(i + 1);
    first_free = GNTTAB_NR_RESERVED_ENTRIES;
    return 0;
}

/* ---- Giving ---- */

/* Events are off under it, since handlers give and take grants, too. */
static bool take_lock(void)
{
    bool enabled = pv_events_save();

    pv_spin_lock(&lock);
    return enabled;
}

static void drop_lock(bool enabled)
{
    pv_spin_unlock(&lock);
    pv_events_restore(enabled);
}

/* The entry is nobody else's once it is off the list, so only the list needs the lock. */
int pv_grant(domid_t domid, pv_mfn_t mfn, bool readonly)
{
    bool enabled = take_lock();
    unsigned int ref = first_free;

    if (ref) {
        first_free = next_free[ref];
        in_use++;
    }
    drop_lock(enabled);
    if (!ref)
        return -XEN_ENOSPC;
    table[ref].domid = domid;
    table[ref].frame = (uint32_t)mfn.nr;
    /* With the flags the entry counts. */
    __atomic_store_n(&table[ref].flags, GTF_permit_access | (readonly ? GTF_readonly : 0),
                     __ATOMIC_RELEASE);
    return (int)ref;
}

/* The flags go to 0 only if the other side has no mark in them; then nobody can map it any more. */
int pv_grant_end(grant_ref_t ref)
{
    uint16_t flags = __atomic_load_n(&table[ref].flags, __ATOMIC_ACQUIRE);
    bool enabled;

    do {
        if (flags & (GTF_reading | GTF_writing))
            return -XEN_EBUSY;
    } while (!__atomic_compare_exchange_n(&table[ref].flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_ACQUIRE));
    enabled = take_lock();
    next_free[ref] = first_free;
    first_free = (uint16_t)ref;
    in_use--;
    drop_lock(enabled);
    return 0;
}

unsigned int pv_nr_grants(void)
{
    return __atomic_load_n(&in_use, __ATOMIC_RELAXED);
}

/* ---- Taking ---- */

/* A call that fails as a whole touches no status: hence what they are before. */
void pv_grant_map(struct gnttab_map_grant_ref *ops, unsigned int nr)
{
    for (unsigned int i = 0; i < nr; i++)
        ops[i].status = GNTST_general_error;
    HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, ops, nr);
}

void pv_grant_unmap(struct gnttab_unmap_grant_ref *ops, unsigned int nr)
{
    for (unsigned int i = 0; i < nr; i++)
        ops[i].status = GNTST_general_error;
    HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, ops, nr);
}

void pv_grant_copy(struct gnttab_copy *ops, unsigned int nr)
{
    for (unsigned int i = 0; i < nr; i++)
        ops[i].status = GNTST_general_error;
    HYPERVISOR_grant_table_op(GNTTABOP_copy, ops, nr);
}

/* One that was used before has its tables already. */
static uint64_t take_address(void)
{
    bool enabled = take_lock();
    uint64_t va = nr_spare ? spare[--nr_spare] : 0;

    drop_lock(enabled);
    return va ? va : pv_vmap_alloc(1);
}

static void give_address(uint64_t va)
{
    bool enabled = take_lock();

    if (nr_spare < SPARE_ADDRESSES)
        spare[nr_spare++] = va;
    drop_lock(enabled);
}

/* The tables above the address must be there: the hypervisor writes the entry only. */
int pv_grant_map_page(struct pv_grant_page *page, domid_t domid, grant_ref_t ref)
{
    uint64_t va = take_address();
    struct gnttab_map_grant_ref op = {
        .host_addr = va, .flags = GNTMAP_host_map, .ref = ref, .dom = domid,
    };
    int rc = pv_prepare_tables(va);

    if (!rc) {
        pv_grant_map(&op, 1);
        rc = op.status == GNTST_okay ? 0 : -XEN_EINVAL;
    }
    if (rc) {
        give_address(va);
        return rc;
    }
    page->va = (void *)va;
    page->handle = op.handle;
    return 0;
}

int pv_grant_unmap_page(struct pv_grant_page *page)
{
    struct gnttab_unmap_grant_ref op = {
        .host_addr = (uint64_t)page->va, .handle = page->handle,
    };

    pv_grant_unmap(&op, 1);
    if (op.status != GNTST_okay)
        return -XEN_EINVAL;
    give_address(op.host_addr);
    page->va = NULL;
    return 0;
}
