/* SPDX-License-Identifier: MIT */
/*
 * A guest's GDT and LDT.
 *
 * The frames of a GDT, and the LDT pages that were touched, hold a reference and a use as segment
 * descriptors: nobody can write to them but through us, and page_type.c let them become that only
 * after descriptor_ok() had seen every entry. So what the CPU finds in its window is always safe
 * to load. The window (mm/layout.h) is the CPU's; it shows the tables of the vCPU that is loaded.
 */
#include "control/audit.h"
#include "domain/domain.h"
#include "lib/string.h"

/* The halves of a descriptor that we look at, in its 64 bits. */
#define DESC_PRESENT    BIT(47)
#define DESC_S          BIT(44)     /* code or data, not a system descriptor */
#define DESC_CODE       BIT(43)
#define DESC_DOWN       BIT(42)     /* data: grows down; code: conforming */
#define DESC_RW         BIT(41)     /* data: writable; code: readable */
#define DESC_G          BIT(55)
#define DESC_BIG        BIT(54)
#define DESC_LONG       BIT(53)

#define DESC_LDT        (0x82ull << 40)     /* present, DPL 0, type 2 */

#define PER_PAGE        (PAGE_SIZE / 8)
#define LDT_SLOT        16          /* of the window: where the LDT's pages begin */
#define LDT_MAX         (GUEST_LDT_PAGES * PER_PAGE)

/* ---- GDT ---- */

static unsigned int gdt_pages(unsigned int entries)
{
    return DIV_ROUND_UP(entries, PER_PAGE);
}

/* Reference and use of each. */
static void put_frames(const mfn_t *frames, unsigned int n)
{
    while (n--)
        put_page_and_type(mfn_to_page(frames[n]));
}

/* The window's pages for the whole GDT: shown, or ours (desc_window_set). For the loaded vCPU. */
static void gdt_window(const struct vcpu *v, bool present)
{
    for (unsigned int i = 0; i < gdt_pages(v->cpu.gdt_entries); i++)
        desc_window_set(i, v->cpu.gdt_frames[i], present);
}

/*
 * The new frames are held already. The window shows the new ones before the old are put: what is
 * put may be written by the guest at once, and the CPU must not be able to load from it any more.
 */
static void gdt_replace(struct vcpu *v, const mfn_t *frames, unsigned int entries)
{
    unsigned int old_pages = gdt_pages(v->cpu.gdt_entries);
    mfn_t old[GUEST_GDT_PAGES];

    memcpy(old, v->cpu.gdt_frames, old_pages * sizeof(*old));
    if (v == current)
        gdt_window(v, false);
    memcpy(v->cpu.gdt_frames, frames, gdt_pages(entries) * sizeof(*frames));
    v->cpu.gdt_entries = (u16)entries;
    if (v == current)
        gdt_window(v, true);
    put_frames(old, old_pages);
}

int guest_gdt_set(struct vcpu *v, const mfn_t *frames, unsigned int entries)
{
    unsigned int i, n = gdt_pages(entries);

    if (entries > FIRST_RESERVED_GDT_ENTRY)
        return -EINVAL;
    for (i = 0; i < n; i++) {
        int rc = get_page_and_type(frames[i], v->domain->id, USE_SEGDESC);

        if (rc) {
            put_frames(frames, i);
            return rc;
        }
    }
    gdt_replace(v, frames, entries);
    return 0;
}

/* The LDT goes with it: a vCPU without tables has neither. */
void guest_gdt_drop(struct vcpu *v)
{
    guest_ldt_drop(v);
    v->cpu.ldt_entries = 0;
    gdt_replace(v, NULL, 0);
}

/* ---- LDT ---- */

/*
 * Our own descriptor of the loaded guest's LDT: its place is the window, only its size changes.
 * LLDT reads the descriptor, so it is written first; without an LDT the null selector does.
 */
static void ldtr_load(unsigned int entries)
{
    u64 window = LDT_WINDOW((unsigned long)this_cpu_id());
    volatile u64 *desc = (u64 *)(GDT_WINDOW((unsigned long)this_cpu_id()) + SEL_LDT);
    u64 limit = entries * 8ul - 1;

    if (entries) {
        desc[0] = (limit & 0xffff) | (window & 0xffffff) << 16 | DESC_LDT |
                  (window >> 24 & 0xff) << 56;
        desc[1] = window >> 32;
    }
    __asm__ volatile("lldt %w0" : : "r"(entries ? SEL_LDT : 0) : "memory");
}

bool guest_ldt_ok(unsigned long base, unsigned long entries)
{
    return !entries || (entries <= LDT_MAX && IS_ALIGNED(base, PAGE_SIZE) &&
                        guest_range_ok(base, entries * 8));
}

/*
 * What is set twice, even the same, is dropped and found anew: the guest may have moved its pages.
 */
int guest_ldt_set(struct vcpu *v, unsigned long base, unsigned int entries)
{
    if (!guest_ldt_ok(base, entries))
        return -EINVAL;
    if (!entries && !v->cpu.ldt_entries)
        return 0;
    guest_ldt_drop(v);
    v->cpu.ldt_base = entries ? base : 0;
    v->cpu.ldt_entries = entries;
    if (v == current)
        ldtr_load(entries);
    return 0;
}

/* The window first, then the use: see gdt_replace(). */
void guest_ldt_drop(struct vcpu *v)
{
    for (unsigned int i = 0; v->cpu.ldt_mapped; i++) {
        if (!(v->cpu.ldt_mapped >> i & 1))
            continue;
        v->cpu.ldt_mapped &= (u16)~BIT(i);
        if (v == current)
            desc_window_set(LDT_SLOT + i, v->cpu.ldt_frames[i], false);
        put_page_and_type(mfn_to_page(v->cpu.ldt_frames[i]));
    }
}

/*
 * By the processor's own fault in the window, on loading a selector: the page is found through the
 * guest's tables at this moment, and then held, so it is looked up once. That the frame is the
 * domain's, and may be a descriptor page, get_page_and_type() says.
 */
int guest_ldt_fault(struct vcpu *v, unsigned long addr)
{
    unsigned long offset = addr - LDT_WINDOW((unsigned long)this_cpu_id());
    unsigned int page = (unsigned int)(offset / PAGE_SIZE);
    mfn_t m;
    int rc;

    /* A page that is mapped can't fault: ring 3 has no business in the window itself. */
    if (offset >= v->cpu.ldt_entries * 8ul || (v->cpu.ldt_mapped >> page & 1))
        return -EFAULT;
    m = mm_guest_frame(v, v->cpu.ldt_base + page * (unsigned long)PAGE_SIZE);
    if (mfn_eq(m, INVALID_MFN))
        return -EFAULT;
    rc = get_page_and_type(m, v->domain->id, USE_SEGDESC);
    if (rc)
        return rc == -ERESTART ? rc : -EFAULT;
    v->cpu.ldt_frames[page] = m;
    v->cpu.ldt_mapped |= (u16)BIT(page);
    desc_window_set(LDT_SLOT + page, m, true);
    return 0;
}

void audit_descriptor_holders(const struct vcpu *v)
{
    for (unsigned int i = 0; i < gdt_pages(v->cpu.gdt_entries); i++)
        audit_use(v->cpu.gdt_frames[i], USE_SEGDESC);
    for (unsigned int i = 0; v->cpu.ldt_mapped >> i; i++)
        if (v->cpu.ldt_mapped >> i & 1)
            audit_use(v->cpu.ldt_frames[i], USE_SEGDESC);
}

/* ---- The CPU's window ---- */

static void ldt_window(const struct vcpu *v, bool present)
{
    unsigned int mapped = v->cpu.ldt_mapped;

    for (unsigned int i = 0; mapped; i++, mapped >>= 1) {
        if (mapped & 1)
            desc_window_set(LDT_SLOT + i, v->cpu.ldt_frames[i], present);
    }
}

/* A null LDTR is what guest_desc_unload() left, so there is nothing to load without an LDT. */
void guest_desc_load(struct vcpu *v)
{
    gdt_window(v, true);
    ldt_window(v, true);
    if (v->cpu.ldt_entries)
        ldtr_load(v->cpu.ldt_entries);
}

void guest_desc_unload(struct vcpu *v)
{
    if (v->cpu.ldt_entries)
        ldtr_load(0);
    ldt_window(v, false);
    gdt_window(v, false);
}

/* ---- Reading a descriptor for the emulator ---- */

/*
 * The descriptor's address in the window, or NULL: the tables' limits are checked here (XSA-298).
 */
static const u64 *find_descriptor(struct vcpu *v, u16 sel)
{
    unsigned long offset = sel & ~7ul, cpu = this_cpu_id();

    if (sel & 4) {
        unsigned long addr = LDT_WINDOW(cpu) + offset;

        if (offset >= v->cpu.ldt_entries * 8ul)
            return NULL;
        if (!(v->cpu.ldt_mapped >> (offset / PAGE_SIZE) & 1) && guest_ldt_fault(v, addr))
            return NULL;
        return (const u64 *)addr;
    }
    if (offset < v->cpu.gdt_entries * 8ul || offset == (SEL_RING3_CS32 & ~7u) ||
        offset == (SEL_RING3_DS & ~7u) || offset == (SEL_RING3_CS64 & ~7u))
        return (const u64 *)(GDT_WINDOW(cpu) + offset);
    return NULL;
}

/*
 * Base, limit and rights of the descriptor, read once. The emulator has to check what the processor
 * would: a segment register may have been loaded before the descriptor changed, and this sees the
 * new one, which is as safe.
 */
bool guest_segment(struct vcpu *v, u16 sel, struct guest_segment *seg)
{
    const u64 *p = sel > 3 ? find_descriptor(v, sel) : NULL;
    u64 d = p ? READ_ONCE(*p) : 0;

    if (!(d & DESC_PRESENT) || !(d & DESC_S))
        return false;
    seg->base = (d >> 16 & 0xffffff) | (d >> 56 & 0xff) << 24;
    seg->limit = (d & 0xffff) | (d >> 48 & 15) << 16;
    if (d & DESC_G)
        seg->limit = seg->limit << 12 | 0xfff;
    seg->code = d & DESC_CODE;
    seg->long_mode = seg->code && (d & DESC_LONG);
    seg->big = d & DESC_BIG;
    seg->readable = !seg->code || (d & DESC_RW);
    seg->writable = !seg->code && (d & DESC_RW);
    seg->expand_down = !seg->code && (d & DESC_DOWN);
    return true;
}
