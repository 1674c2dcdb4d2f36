/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own mappings: slots 256 to 271, one set of tables that every root shares.
 *
 * The tables of all slots in use exist from boot on and the L4 entries never change, so a guest's
 * root needs nothing but a copy of sixteen entries. The M2P's tables hang in two slots: at 256
 * the L4 entry makes them read-only and visible to guests, at 257 writable and ours. Holes
 * between RAM ranges read as "no frame": a page of all ones in the M2P, of zeroes in the frame
 * table.
 */
#include "boot/boot.h"
#include "domain/domain.h"
#include "image.h"
#include "lib/string.h"
#include "mm/internal.h"
#include "x86/platform.h"

#define M2P_PER_RUN  (M2P_RUN_FRAMES * PAGE_SIZE / sizeof(u64))
#define HV_TABLE     0x23ull            /* present, writable, accessed; what leaves say decides */
#define HV_LEAF      (PTE_A | PTE_D)    /* never let the CPU write to our tables */

static u64 *hv_l4;
static unsigned long fixmap_next = FIXMAP_VIRT;
static u64 empty_gdt_page;              /* entry of a page of zeroes, for windows without a GDT */

/*
 * The end of the M2P's last run, which the table does not need: page tables of ours and the frame
 * table are put there. Whoever may map the M2P by its runs can read them, and learns nothing that
 * must be hidden from him.
 */
static struct { mfn_t next; u64 left; } spare;

/*
 * What hv_map_device() maps with HV_DEV at boot: APIC and I/O APICs. No guest may map these frames.
 */
#define MAX_CLAIMED 32
static struct { u64 from, end; } claimed[MAX_CLAIMED];  /* device frames that are ours */
static unsigned int nr_claimed;

/* ---- Table walks ---- */

/* A frame for a table of ours or the frame table: cleared, or INVALID_MFN. */
static mfn_t table_frame(void)
{
    mfn_t m = spare.next;

    if (spare.left == 0)
        return alloc_hv_frames(0);
    spare.next = mfn_add(m, 1);
    spare.left--;
    memset(mfn_to_virt(m), 0, PAGE_SIZE);
    return m;
}

/*
 * Our entry for @va at @level, through the direct map; tables on the way are made if @create says
 * so. NULL: there is no table, or no memory for one.
 */
static u64 *entry_of(unsigned long va, unsigned int level, bool create)
{
    u64 *table = hv_l4;

    for (unsigned int at = 4; at > level; at--) {
        u64 *e = &table[pt_index(va, at)];

        if (!(*e & PTE_P)) {
            mfn_t m = create ? table_frame() : INVALID_MFN;

            if (mfn_eq(m, INVALID_MFN))
                return NULL;
            *e = mfn_to_maddr(m).v | HV_TABLE;
        }
        table = mfn_to_virt(pte_mfn(*e));
    }
    return &table[pt_index(va, level)];
}

/*
 * What a leaf of ours says beside its address. Accessed and dirty from the start: the processor has
 * nothing to write, so tables can be shared by all roots and CPUs.
 */
static u64 hv_flags(u64 flags)
{
    return (cpu_has.nx ? flags : flags & ~PTE_NX) | HV_LEAF;
}

int hv_map(unsigned long va, mfn_t m, unsigned long pages, u64 flags)
{
    u64 *e = NULL;

    for (; pages > 0; pages--, va += PAGE_SIZE, m = mfn_add(m, 1)) {
        e = e == NULL || pt_index(va, 1) == 0 ? entry_of(va, 1, true) : e + 1;
        if (e == NULL)
            return -ENOMEM;
        *e = mfn_to_maddr(m).v | hv_flags(flags);
    }
    return 0;
}

void hv_unmap(unsigned long va, unsigned long pages)
{
    for (; pages > 0; pages--, va += PAGE_SIZE) {
        u64 *e = entry_of(va, 1, false);

        if (e != NULL)
            *e = 0;
        invlpg(va);
    }
}

void *hv_map_device(maddr_t addr, size_t len, u64 flags)
{
    unsigned long offset = addr.v % PAGE_SIZE;
    unsigned long pages = DIV_ROUND_UP(offset + len, PAGE_SIZE);
    unsigned long va = fixmap_next;

    /* The unmapped page behind each piece catches whoever runs over its end. */
    if (len == 0 || pages > 1ul << 18 || hv_map(va, maddr_to_mfn(addr), pages, flags))
        return NULL;
    fixmap_next += (pages + 1) * PAGE_SIZE;
    if (flags == HV_DEV && nr_claimed < MAX_CLAIMED) {
        claimed[nr_claimed].from = maddr_to_mfn(addr).v;
        claimed[nr_claimed++].end = maddr_to_mfn(addr).v + pages;
    }
    return (void *)(va + offset);
}

/* Where AMD's processors have messages instead of devices: interrupts, configuration, their own. */
#define HYPERTRANSPORT_FROM 0xfd00000000ull
#define HYPERTRANSPORT_END  0x10000000000ull

bool mfn_is_device(mfn_t m)
{
    u64 addr = m.v << PAGE_SHIFT;

    if (m.v >= 1ull << (cpu_has.phys_bits - PAGE_SHIFT))
        return false;
    for (unsigned int i = 0; i < nr_claimed; i++)
        if (m.v >= claimed[i].from && m.v < claimed[i].end)
            return false;
    if (cpu_has.amd && addr >= HYPERTRANSPORT_FROM && addr < HYPERTRANSPORT_END)
        return false;
    if (addr < LOW_MEMORY_END)
        return true;
    for (unsigned int i = 0; i < bootinfo.nr_mem; i++) {
        const struct mem_range *r = &bootinfo.mem[i];

        /* A page that is RAM only in part is nobody's: the firmware's tables often begin in one. */
        if (r->type == MEM_RAM && addr >= r->base && addr + PAGE_SIZE <= r->base + r->len)
            return false;
    }
    return true;
}

bool mm_window_map(mfn_t m)
{
    if (!mfn_is_device(m) || hv_map(MSIX_WINDOW_VIRT, m, 1, HV_DEV))
        return false;
    /* Whatever this CPU thought was there, maybe while another used it. */
    invlpg(MSIX_WINDOW_VIRT);
    return true;
}

void mm_window_unmap(void)
{
    hv_unmap(MSIX_WINDOW_VIRT, 1);
}

/* ---- Boot ---- */

static void must_map(unsigned long va, mfn_t m, unsigned long pages, u64 flags)
{
    if (hv_map(va, m, pages, flags))
        panic("memory: none left for the hypervisor's page tables");
}

/* The image at its place, section by section; the alias in the direct map gets the same rights. */
static void map_image(void)
{
    static const struct {
        const char *from, *end;
        u64 flags;
    } parts[] = {
        { _text_start, _text_end, HV_RX },
        { _rodata_start, _rodata_end, HV_RO },
        { _embedded_start, _embedded_end, HV_RO },
        { _data_start, _image_end, HV_RW },
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
        unsigned long va = (unsigned long)parts[i].from;
        unsigned long pages = (ALIGN_UP((unsigned long)parts[i].end, PAGE_SIZE) - va) / PAGE_SIZE;
        u64 paddr = va - IMAGE_VIRT + HV_LOAD_PADDR;

        must_map(va, MFN(paddr >> PAGE_SHIFT), pages, parts[i].flags);
        if (parts[i].flags != HV_RW)
            must_map(DIRECT_MAP_VIRT + paddr, MFN(paddr >> PAGE_SHIFT), pages, HV_RO);
    }
}

/*
 * By small pages: a guest's linear table leads the processor into our tables one level too early,
 * where a large page's entry would be taken for a small one's (pt_linear.c).
 */
static void map_direct(u64 from, u64 end)
{
    must_map(DIRECT_MAP_VIRT + (from << PAGE_SHIFT), MFN(from), end - from, HV_RW);
}

/*
 * Backs the M2P's [entry from, entry end) by new frames, where there are none yet: by runs, since a
 * toolstack maps the table by their first ones (XENMEM_machphys_mfn_list).
 */
static void back_m2p(u64 from, u64 end)
{
    for (u64 run = from / M2P_PER_RUN; run <= (end - 1) / M2P_PER_RUN; run++) {
        unsigned long at = M2P_VIRT + run * M2P_RUN_FRAMES * PAGE_SIZE;
        u64 pages = DIV_ROUND_UP(max_mfn * sizeof(u64), PAGE_SIZE) - run * M2P_RUN_FRAMES;
        u64 *e = entry_of(at, 1, true);
        mfn_t m;

        if (e != NULL && (*e & PTE_P))
            continue;
        m = heap_early_run(M2P_RUN_FRAMES);
        pages = min(pages, (u64)M2P_RUN_FRAMES);
        memset(mfn_to_virt(m), 0xff, pages * PAGE_SIZE);
        must_map(at, m, pages, HV_RW | PTE_USER);
        if (pages < M2P_RUN_FRAMES) {
            spare.next = mfn_add(m, pages);
            spare.left = M2P_RUN_FRAMES - pages;
        }
    }
}

/* The same for the frame table, by single frames. */
static void back_frame_table(u64 from, u64 end)
{
    const u64 per_page = PAGE_SIZE / sizeof(struct page);

    for (u64 page = from / per_page; page <= (end - 1) / per_page; page++) {
        unsigned long at = FRAME_TABLE_VIRT + page * PAGE_SIZE;
        u64 *e = entry_of(at, 1, true);

        if (e == NULL || !(*e & PTE_P))
            must_map(at, table_frame(), 1, HV_RW);
    }
}

mfn_t m2p_run(u64 run)
{
    const u64 *e = entry_of(M2P_RW_VIRT + run * M2P_RUN_FRAMES * PAGE_SIZE, 1, false);

    /* A hole is mapped read-only. */
    return run < DIV_ROUND_UP(max_mfn, M2P_PER_RUN) && e != NULL && (*e & PTE_RW) ? pte_mfn(*e)
                                                                                 : INVALID_MFN;
}

/*
 * The M2P's frames are DOMID_XEN's, and may be mapped read-only by who may name that domain: a
 * use that nobody can have keeps all others away.
 */
static void share_m2p(void)
{
    for (u64 run = 0; run < DIV_ROUND_UP(max_mfn, M2P_PER_RUN); run++) {
        mfn_t m = m2p_run(run);

        for (u64 i = 0; i < M2P_RUN_FRAMES && !mfn_eq(m, INVALID_MFN); i++) {
            struct page *pg = mfn_to_page(mfn_add(m, i));

            pg->type = type_make(USE_NONE) | TYPE_LIVE | 1;
            pg->count = (u64)DOMID_XEN << PAGE_OWNER_SHIFT | 1;
        }
    }
}

/*
 * Maps one constant page wherever table @va, of @per_page entries a page, has none: so the record
 * of any number below max_mfn can be read, and says "no frame". Read-only: a write there is our
 * bug.
 */
static void fill_holes(unsigned long va, u64 per_page, int fill)
{
    mfn_t hole = heap_early_frame();

    memset(mfn_to_virt(hole), fill, PAGE_SIZE);
    for (u64 page = 0; page <= (max_mfn - 1) / per_page; page++) {
        u64 *e = entry_of(va + page * PAGE_SIZE, 1, true);

        if (e != NULL && !(*e & PTE_P))
            must_map(va + page * PAGE_SIZE, hole, 1,
                     HV_RO | (va == M2P_VIRT ? PTE_USER : 0));
    }
}

/*
 * Calls @fn for every range of whole frames of RAM in the boot memory map: [from, end), in frame
 * numbers.
 */
static void map_ram(void (*fn)(u64 from, u64 end))
{
    for (unsigned int i = 0; i < bootinfo.nr_mem; i++) {
        const struct mem_range *r = &bootinfo.mem[i];
        u64 from = DIV_ROUND_UP(r->base, PAGE_SIZE), end = (r->base + r->len) / PAGE_SIZE;

        if (r->type == MEM_RAM && from < end)
            fn(from, end);
    }
}

/* Where RAM ends, in frames. */
static void note_max(u64 from, u64 end)
{
    max_mfn = max(max_mfn, end);
}

/* A guest without a GDT of its own finds empty descriptors there, not missing pages. */
static void map_empty_gdts(void)
{
    mfn_t m = heap_early_frame();

    empty_gdt_page = mfn_to_maddr(m).v | hv_flags(HV_RO);
    for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
        for (unsigned int page = 0; page < GUEST_GDT_PAGES; page++)
            must_map(GDT_WINDOW(cpu) + page * PAGE_SIZE, m, 1, HV_RO);
}

/* Slot 256 is built with the entries of 257; then its own L4 entry is the guests' view. */
static void hang_m2p_twice(void)
{
    u64 *guest = &hv_l4[pt_index(M2P_VIRT, 4)], *own = &hv_l4[pt_index(M2P_RW_VIRT, 4)];

    for (u64 g = 0; g < max_mfn; g += 1ull << 27) {
        u64 *l3e = entry_of(M2P_VIRT + g * sizeof(u64), 3, false);

        *l3e |= PTE_USER;
    }
    for (u64 g = 0; g < max_mfn; g += 1ull << 18) {
        u64 *l2e = entry_of(M2P_VIRT + g * sizeof(u64), 2, false);

        *l2e |= PTE_USER;
    }
    *own = *guest;
    *guest = (*guest & ~PTE_RW) | PTE_USER;
}

/*
 * In an order that is forced: the M2P's runs first, since they want much memory in one piece; their
 * rest then serves for tables. The direct map before the image, whose alias in it gets narrower
 * rights. Holes last, since they fill what the ranges left. Only with our own root loaded are frame
 * table and M2P where the rest of the hypervisor looks for them.
 */
void hv_map_init(void)
{
    map_ram(note_max);
    if (max_mfn > (DIRECT_MAP_END - DIRECT_MAP_VIRT) >> PAGE_SHIFT || max_mfn > 1ull << 32)
        panic("memory: more than the direct map holds");
    hv_l4 = mfn_to_virt(heap_early_frame());
    map_ram(back_m2p);
    map_ram(map_direct);
    map_image();
    map_ram(back_frame_table);
    fill_holes(M2P_VIRT, PAGE_SIZE / sizeof(u64), 0xff);
    fill_holes(FRAME_TABLE_VIRT, PAGE_SIZE / sizeof(struct page), 0);
    hang_m2p_twice();
    map_empty_gdts();
    tlb_load_root(mfn_to_maddr(hv_root()).v);
    share_m2p();
    heap_start();
}

/*
 * No CPU may go on reading it by an old translation once it is somebody's memory: hence the flush
 * before the heap has it.
 */
void hv_give_embedded(void)
{
    unsigned long va = (unsigned long)_embedded_start;
    unsigned long pages = (unsigned long)(_embedded_end - _embedded_start) / PAGE_SIZE;
    mfn_t m = MFN((va - IMAGE_VIRT + HV_LOAD_PADDR) >> PAGE_SHIFT);

    hv_unmap(va, pages);
    must_map(DIRECT_MAP_VIRT + (m.v << PAGE_SHIFT), m, pages, HV_RW);
    tlb_flush_cpus(cpu_online_mask());
    heap_add(m, mfn_add(m, pages));
}

mfn_t hv_root(void)
{
    return virt_to_mfn(hv_l4);
}

void hv_install_slots(u64 *l4)
{
    memcpy(&l4[HV_FIRST_SLOT], &hv_l4[HV_FIRST_SLOT],
           (HV_END_SLOT - HV_FIRST_SLOT) * sizeof(u64));
}

/* A root that is loaded elsewhere shows it, or not, from that CPU's next flush on. */
void hv_show_m2p(u64 *l4, bool show)
{
    unsigned int slot = pt_index(M2P_VIRT, 4);

    WRITE_ONCE(l4[slot], show ? hv_l4[slot] : 0);
}

void desc_window_set(unsigned int slot, mfn_t m, bool present)
{
    unsigned long va = GDT_WINDOW(this_cpu_id()) + slot * PAGE_SIZE;
    u64 *e = entry_of(va, 1, false);

    BUG_ON(e == NULL);
    /* Writable: the CPU sets the accessed bit of descriptors that it loads. */
    if (present)
        WRITE_ONCE(*e, mfn_to_maddr(m).v | hv_flags(HV_RW));
    else
        WRITE_ONCE(*e, slot < GUEST_GDT_PAGES ? empty_gdt_page : 0);
    invlpg(va);
}
