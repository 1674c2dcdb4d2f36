/* SPDX-License-Identifier: MIT */
/*
 * The first domain, from the kernel and ramdisk that the loader put into memory (or the embedded
 * kernel) to a vCPU that is ready to run. The only domain that the hypervisor builds itself.
 *
 * What the kernel finds is the ABI's start of day for 64-bit PV (xen.h, start_info). Whatever
 * does not fit is said in one line that names it, and ends the boot.
 */
#include "boot/dom0.h"
#include "hypercall/hypercall.h"
#include "lib/string.h"
#include "mm/internal.h"
#include "x86/guest_mode.h"

#define MIB             (1ull << 20)
#define SLACK           (512 << 10)         /* mapped and free behind the stack */
#define MAPPED_ALIGN    (4 * MIB)
#define KEPT_PAGES      256                 /* left to the hypervisor for its own later needs */
#define LARGEST_RUN     18                  /* order of what is looked for first: 1 GiB */
/*
 * And free frames for XENMEM_exchange: a sixteenth of the memory, at most 128 MiB, as with Xen.
 * Linux exchanges 64 MiB for frames that devices of 32 address bits reach.
 */
#define SPARE_SHARE     16
#define SPARE_PAGES_MAX (128 * MIB / PAGE_SIZE)

/* ---- The plan ---- */

static u64 pages_of(u64 bytes)
{
    return DIV_ROUND_UP(bytes, PAGE_SIZE);
}

/* The next @pages in the plan: their first pfn. */
static u64 take(u64 *next, u64 pages)
{
    u64 at = *next;

    *next += pages;
    return at;
}

/* The tables map themselves: more tables may need one more table, until the count holds. */
static void plan_mapped(struct dom0 *b)
{
    bool own_p2m = b->img.init_p2m != ~0ull;
    u64 next, end;

    for (b->nr_tables = 4;; ) {
        next = pages_of(b->img.kend - b->img.virt_base);
        b->ramdisk_pfn = b->img.mod_start_pfn ? 0 : take(&next, b->ramdisk_pages);
        b->p2m_pfn = own_p2m ? 0 : take(&next, b->p2m_pages);
        b->start_info_pfn = take(&next, 1);
        b->tables_pfn = take(&next, b->nr_tables);
        b->stack_pfn = take(&next, 1);
        end = ALIGN_UP(dom0_va(b, next) + SLACK, MAPPED_ALIGN);
        b->mapped_pages = (end - b->img.virt_base) >> PAGE_SHIFT;
        if (dom0_count_tables(b->img.virt_base, b->mapped_pages, 3) + 1 <= b->nr_tables)
            return;
        b->nr_tables = dom0_count_tables(b->img.virt_base, b->mapped_pages, 3) + 1;
    }
}

/* A P2M at an address of its own: one the guest may use, and not where the kernel is mapped. */
static void check_p2m_place(const struct dom0 *b)
{
    u64 from = b->img.init_p2m, len = b->p2m_pages << PAGE_SHIFT;

    if (from == ~0ull)
        return;
    /* An L4 slot that both used would need tables that are counted for neither. */
    if (!guest_range_ok(from, len) || from + len < from || !IS_ALIGNED(from, PAGE_SIZE) ||
        (pt_index(from, 4) <= pt_index(dom0_va(b, b->mapped_pages) - 1, 4) &&
         pt_index(from + len - 1, 4) >= pt_index(b->img.virt_base, 4)))
        panic("%s: the place for its P2M is not free", bootinfo.kernel.name);
}

/*
 * Fills in struct dom0 (dom0.h draws it), from the sizes of everything. Nothing is allocated yet.
 */
static void plan(struct dom0 *b)
{
    u64 next;

    b->ramdisk_len = bootinfo.ramdisk.len;      /* modules are given back before we are done */
    b->ramdisk_pages = pages_of(b->ramdisk_len);
    b->p2m_pages = pages_of(b->nr_pages * sizeof(u64));
    plan_mapped(b);
    next = b->mapped_pages;
    if (b->img.mod_start_pfn)
        b->ramdisk_pfn = take(&next, b->ramdisk_pages);
    if (b->img.init_p2m != ~0ull) {
        check_p2m_place(b);
        b->p2m_pfn = take(&next, b->p2m_pages);
        b->nr_p2m_tables = dom0_count_tables(b->img.init_p2m, b->p2m_pages, 3);
        b->p2m_tables_pfn = take(&next, b->nr_p2m_tables);
    }
    b->initial_pages = next;
}

/* Says which of the two is too large, as far as that can be told. */
static void check_plan(const struct dom0 *b)
{
    unsigned long kernel = (b->img.kend - b->img.virt_base) / MIB;
    unsigned long has = b->nr_pages * PAGE_SIZE / MIB;

    if (b->initial_pages <= b->nr_pages)
        return;
    if (b->initial_pages - b->ramdisk_pages <= b->nr_pages)
        panic("ramdisk: its %lu MiB do not fit into the first domain's %lu MiB of memory",
              (unsigned long)(bootinfo.ramdisk.len / MIB), has);
    panic("memory: the first domain's %lu MiB are too little for a kernel of %lu MiB",
          has, kernel);
}

/*
 * All that is left but for the spare frames, or what dom0_mem= says; modules and the embedded
 * kernel count as free, they are given back later.
 */
static u64 domain_pages(void)
{
    u64 modules = DIV_ROUND_UP((u64)(embedded_kernel_end - embedded_kernel_start), PAGE_SIZE);
    u64 available;

    if (bootinfo.kernel.in_ram)
        modules += bootinfo.kernel.len / PAGE_SIZE;
    modules += bootinfo.ramdisk.len / PAGE_SIZE;
    available = heap_free_frames() + modules;
    available = available > KEPT_PAGES ? available - KEPT_PAGES : 0;
    if (boot_options.dom0_mem == 0)
        return available - min(available / SPARE_SHARE, SPARE_PAGES_MAX);
    if (boot_options.dom0_mem / PAGE_SIZE > available)
        panic("memory: dom0_mem asks for %lu MiB, %lu MiB are free",
              (unsigned long)(boot_options.dom0_mem / MIB),
              (unsigned long)(available * PAGE_SIZE / MIB));
    return boot_options.dom0_mem / PAGE_SIZE;
}

/* ---- Contents ---- */

/* For elf_load(): into the run, which begins at virt_base. */
static int copy_segment(void *ctx, u64 offset, const void *data, u64 len)
{
    struct dom0 *b = ctx;
    char *to = (char *)dom0_page(b, 0) + (b->img.kstart - b->img.virt_base) + offset;

    if (data != NULL)
        memcpy(to, data, len);
    else
        memset(to, 0, len);
    return 0;
}

static void parse_kernel(struct dom0 *b)
{
    const struct boot_module *k = &bootinfo.kernel;
    const char *why = "";

    if (elf_parse(boot_module_data(k), k->len, &b->img, &why))
        panic("%s: %s", k->name, why);
    if (b->img.needs_dom0_feature_missing)
        panic("%s: it can't be a first domain (SUPPORTED_FEATURES lacks dom0)", k->name);
}

/*
 * The modules are still where the loader put them, and the run is elsewhere: the heap had no part
 * in them.
 */
static void load_contents(struct dom0 *b)
{
    if (elf_load(&b->img, copy_segment, b))
        panic("%s: it can't be loaded", bootinfo.kernel.name);
    if (bootinfo.ramdisk.len)
        memcpy(dom0_page(b, b->ramdisk_pfn), boot_module_data(&bootinfo.ramdisk),
               bootinfo.ramdisk.len);
    if (b->img.hypercall_page != ~0ull)
        hypercall_page_fill((char *)dom0_page(b, 0) + (b->img.hypercall_page - b->img.virt_base));
}

/* ---- Memory: P2M and M2P ---- */

/* @pages frames from @m are the domain's pfns from @pfn on: in its P2M, and in the M2P. */
static void assign(struct dom0 *b, u64 pfn, mfn_t m, u64 pages)
{
    u64 *p2m = dom0_page(b, b->p2m_pfn);

    for (u64 i = 0; i < pages; i++) {
        p2m[pfn + i] = m.v + i;
        m2p_set(mfn_add(m, i), PFN(pfn + i));
    }
}

/* More in runs as long as there are, so that devices find it contiguous; returns the next pfn. */
static u64 assign_runs(struct dom0 *b, u64 pfn, bool high)
{
    unsigned int order = LARGEST_RUN;

    while (pfn < b->nr_pages) {
        mfn_t m;

        while (order > 0 && (1ull << order) > b->nr_pages - pfn)
            order--;
        m = alloc_boot_frames(b->d, 1ull << order, high);
        if (mfn_eq(m, INVALID_MFN)) {
            if (order-- == 0)
                break;
            continue;
        }
        assign(b, pfn, m, 1ull << order);
        pfn += 1ull << order;
    }
    return pfn;
}

/* The rest of the memory: what lies below 4 GiB last, so that the spare frames are of that kind. */
static void assign_rest(struct dom0 *b)
{
    u64 pfn = assign_runs(b, b->initial_pages, true);

    pfn = assign_runs(b, pfn, false);
    if (pfn < b->nr_pages)
        panic("memory: the first domain's %lu pages ran out at %lu",
              (unsigned long)b->nr_pages, (unsigned long)pfn);
}

/* ---- start_info and the vCPU ---- */

/*
 * The ABI's start of day (xen.h): addresses are virtual ones of the kernel, but for shared_info's.
 */
static void write_start_info(struct dom0 *b)
{
    struct start_info *si = memset(dom0_page(b, b->start_info_pfn), 0, PAGE_SIZE);
    bool own_p2m = b->img.init_p2m != ~0ull;

    strlcpy(si->magic, "xen-3.0-x86_64p", sizeof(si->magic));
    si->nr_pages = b->nr_pages;
    si->shared_info = mfn_to_maddr(virt_to_mfn(b->d->shared_info)).v;
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    si->pt_base = dom0_va(b, b->tables_pfn);
    si->nr_pt_frames = b->nr_tables;
    si->mfn_list = own_p2m ? b->img.init_p2m : dom0_va(b, b->p2m_pfn);
    if (own_p2m) {
        si->first_p2m_pfn = b->p2m_pfn;
        si->nr_p2m_frames = b->p2m_pages + b->nr_p2m_tables;
    }
    if (b->ramdisk_len) {
        si->mod_start = b->img.mod_start_pfn ? b->ramdisk_pfn : dom0_va(b, b->ramdisk_pfn);
        si->mod_len = b->ramdisk_len;
        si->flags |= b->img.mod_start_pfn ? SIF_MOD_START_PFN : 0;
    }
    si->console.dom0.info_off = sizeof(*si);
    strlcpy((char *)si->cmd_line, bootinfo.kernel.cmdline, sizeof(si->cmd_line));
}

/* By the same way as a toolstack would, checks included: rsi is start_info, the stack a page. */
static void set_first_vcpu(struct dom0 *b)
{
    static __initdata struct vcpu_guest_context ctx;
    u64 stack = dom0_va(b, b->stack_pfn + 1);
    int rc;

    ctx.flags = VGCF_in_kernel | VGCF_online;
    ctx.user_regs.rip = b->img.entry;
    ctx.user_regs.rsi = dom0_va(b, b->start_info_pfn);
    ctx.user_regs.rsp = stack;
    ctx.user_regs.rflags = RFLAGS_IF;
    ctx.user_regs.cs = SEL_RING3_CS64;
    ctx.user_regs.ss = SEL_RING3_DS;
    ctx.kernel_ss = SEL_RING3_DS;
    ctx.kernel_sp = stack;
    ctx.ctrlreg[3] = mfn_to_maddr(b->root).v;
    do {
        rc = guest_cpu_set_context(b->d->vcpus[0], &ctx);
    } while (rc == -ERESTART);
    if (rc)
        panic("first domain: its first vCPU can't be set: error %d", rc);
    b->d->vcpus[0]->initialised = true;
}

/* Domain 0: the only one that is privileged, from its first moment on. */
static void create_domain(struct dom0 *b)
{
    unsigned int vcpus = boot_options.dom0_max_vcpus ? boot_options.dom0_max_vcpus : cpu_count();
    struct domain_config config = {
        .id = 0,
        .max_vcpus = min(vcpus, (unsigned int)MAX_VCPUS),
        .max_port = ~0u,
        .max_grant_frames = MAX_GRANT_FRAMES,
        .max_grant_maps = MAX_HANDLES,
    };

    if (domain_create(&config, &b->d))
        panic("memory: none left for the first domain's own record");
    b->d->vcpus_made = true;
    b->d->privileged = true;
    b->d->absent_mask = mm_absent_mask(true);
}

/*
 * The steps, each of which may end the boot. Modules are given back as soon as they are copied, so
 * that their memory can be the domain's: domain_pages() has counted on it.
 */
void dom0_build(void)
{
    static __initdata struct dom0 b;

    parse_kernel(&b);
    create_domain(&b);
    b.nr_pages = domain_pages();
    plan(&b);
    check_plan(&b);
    b.d->max_pages = b.nr_pages;
    b.base = alloc_boot_frames(b.d, b.initial_pages, false);
    if (mfn_eq(b.base, INVALID_MFN))
        panic("memory: no run of %lu MiB for kernel and ramdisk",
              (unsigned long)(b.initial_pages * PAGE_SIZE / MIB));
    load_contents(&b);
    boot_modules_free();
    hv_give_embedded();
    assign(&b, 0, b.base, b.initial_pages);
    assign_rest(&b);
    dom0_write_tables(&b);
    write_start_info(&b);
    set_first_vcpu(&b);
    time_init_domain(b.d);
    pr_info("first domain: %s %s, %lu MiB, %u vCPUs, entry %#lx\n", b.img.guest_os,
            b.img.guest_version, (unsigned long)(b.nr_pages * PAGE_SIZE / MIB), b.d->max_vcpus,
            (unsigned long)b.img.entry);
    sched_start(b.d->vcpus[0]);
    domain_unpause(b.d);
}
