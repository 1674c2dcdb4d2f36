/* SPDX-License-Identifier: MIT */
/*
 * The domain builder: memory, contents, page tables and first vCPU of a domain that exists but has
 * nothing yet.
 *
 * Contents go straight into the guest's frames, mapped here a chunk at a time; files are read into
 * them. No frame stays mapped here: the hypervisor would refuse to take it as a page table.
 * Nothing is undone on failure; the caller destroys the domain.
 */
#include "libxllite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xen/grant_table.h>

#define CHUNK_PAGES     1024
#define LARGE_ORDER     9
#define FLAGS_IF        (1UL << 9)
#define DR6_START       0xffff0ff0UL
#define DR7_START       0x400UL
#define GRANT_CONSOLE   0 /* the entries that guests keep free for these two */
#define GRANT_STORE     1

/* What the steps share. p2m has nr_pages entries: the frame of each pfn, once it has one. */
struct builder {
    struct hv *hv;
    domid_t domid;
    const struct domain_config *config;
    const struct domain_files *files;
    struct domain_rings *rings;
    struct layout layout;
    xen_pfn_t *p2m;
    xen_pfn_t shared_info_mfn;
};

static void *map_pages(struct builder *b, xen_pfn_t pfn, size_t count)
{
    return hv_map(b->hv, b->domid, b->p2m + pfn, count);
}

/* Extents of 1 << order pages from `pfn` on. Returns the pages that were given. */
static int64_t populate(struct builder *b, xen_pfn_t pfn, unsigned int order, uint64_t count)
{
    xen_pfn_t *extents = malloc(count * sizeof(*extents));
    int done;

    if (!extents)
        return xl_fail(ENOMEM, "out of memory");
    for (uint64_t i = 0; i < count; i++)
        extents[i] = pfn + (i << order);
    done = hv_domain_populate(b->hv, b->domid, order, extents, (unsigned int)count);
    for (int i = 0; i < done; i++) {
        for (xen_pfn_t page = 0; page < 1UL << order; page++)
            b->p2m[pfn + ((xen_pfn_t)i << order) + page] = extents[i] + page;
    }
    free(extents);
    return done < 0 ? done : (int64_t)done << order;
}

/* Large extents as long as there are any, single pages for the rest. */
static int populate_memory(struct builder *b)
{
    uint64_t nr_pages = b->layout.nr_pages;
    int64_t large = populate(b, 0, LARGE_ORDER, nr_pages >> LARGE_ORDER);
    int64_t single;

    if (large < 0)
        return (int)large;
    single = populate(b, (xen_pfn_t)large, 0, nr_pages - (uint64_t)large);
    if (single < 0)
        return (int)single;
    if ((uint64_t)(large + single) != nr_pages)
        return xl_fail(ENOMEM, "not enough free memory for %lu MiB", b->config->memory_mib);
    return 0;
}

static int read_file(const struct image_source *source, char *to, uint64_t size, uint64_t offset)
{
    return size ? source->read(source, to, size, offset) : 0;
}

/* The part of a segment that lies in the `count` pages from pfn on, mapped at `pages`. */
static int load_part(struct builder *b, const struct image_segment *segment, xen_pfn_t pfn,
                     size_t count, char *pages)
{
    uint64_t base = pfn << XL_PAGE_SHIFT;
    uint64_t from = segment->start > base ? segment->start : base;
    uint64_t end = base + (count << XL_PAGE_SHIFT);
    uint64_t done = from - segment->start, size, in_file;

    if (segment->start + segment->size < end)
        end = segment->start + segment->size;
    size = end - from;
    in_file = done < segment->file_size ? segment->file_size - done : 0;
    if (in_file > size)
        in_file = size;
    memset(pages + (from - base) + in_file, 0, size - in_file);
    return read_file(&b->files->source, pages + (from - base), in_file, segment->offset + done);
}

static int load_segment(struct builder *b, const struct image_segment *segment)
{
    xen_pfn_t pfn = segment->start >> XL_PAGE_SHIFT;
    xen_pfn_t end = (segment->start + segment->size + XL_PAGE_SIZE - 1) >> XL_PAGE_SHIFT;
    int rc = 0;

    while (!rc && pfn < end) {
        size_t count = end - pfn < CHUNK_PAGES ? end - pfn : CHUNK_PAGES;
        char *pages = map_pages(b, pfn, count);

        if (!pages)
            return -EIO;
        rc = load_part(b, segment, pfn, count, pages);
        hv_unmap(pages, count);
        pfn += count;
    }
    return rc;
}

static int load_image(struct builder *b)
{
    int rc = 0;

    for (unsigned int i = 0; !rc && i < b->files->image.nr_segments; i++)
        rc = load_segment(b, &b->files->image.segment[i]);
    return rc;
}

/* Reads exactly that much; a file that shrinks meanwhile is an error. */
static int read_ramdisk(const struct domain_config *config, int fd, char *to, uint64_t size)
{
    while (size) {
        ssize_t n = read(fd, to, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return xl_fail(n ? errno : EIO, "%s: %s", config->ramdisk,
                           n ? strerror(errno) : "shorter than it was");
        to += n;
        size -= (uint64_t)n;
    }
    return 0;
}

static int load_ramdisk(struct builder *b)
{
    uint64_t left = b->files->ramdisk_size;
    xen_pfn_t pfn = b->layout.ramdisk_pfn;
    int rc = 0;

    while (!rc && left) {
        uint64_t size = left < CHUNK_PAGES * XL_PAGE_SIZE ? left : CHUNK_PAGES * XL_PAGE_SIZE;
        size_t count = (size + XL_PAGE_SIZE - 1) >> XL_PAGE_SHIFT;
        char *pages = map_pages(b, pfn, count);

        if (!pages)
            return -EIO;
        rc = read_ramdisk(b->config, b->files->ramdisk, pages, size);
        memset(pages + size, 0, (count << XL_PAGE_SHIFT) - size);
        hv_unmap(pages, count);
        pfn += count;
        left -= size;
    }
    return rc;
}

static int write_p2m(struct builder *b)
{
    const char *from = (const char *)b->p2m;
    uint64_t left = b->layout.nr_pages * sizeof(*b->p2m);

    for (xen_pfn_t done = 0; done < b->layout.p2m_pages; done += CHUNK_PAGES) {
        size_t count = b->layout.p2m_pages - done;
        uint64_t size;
        char *pages;

        count = count < CHUNK_PAGES ? count : CHUNK_PAGES;
        size = left < count << XL_PAGE_SHIFT ? left : count << XL_PAGE_SHIFT;
        pages = map_pages(b, b->layout.p2m_pfn + done, count);
        if (!pages)
            return -EIO;
        memcpy(pages, from, size);
        /* Entries past the end stand for pages that do not exist. */
        memset(pages + size, 0xff, (count << XL_PAGE_SHIFT) - size);
        hv_unmap(pages, count);
        from += size;
        left -= size;
    }
    return 0;
}

static void describe(struct builder *b, struct start_info *info)
{
    const struct layout *l = &b->layout;

    strcpy(info->magic, "xen-3.0-x86_64");
    info->nr_pages = l->nr_pages;
    info->shared_info = b->shared_info_mfn << XL_PAGE_SHIFT;
    info->flags = SIF_VIRT_P2M_4TOOLS;
    info->store_mfn = b->rings->store_mfn;
    info->store_evtchn = b->rings->store_port;
    info->console.domU.mfn = b->rings->console_mfn;
    info->console.domU.evtchn = b->rings->console_port;
    info->pt_base = layout_address(l, l->tables_pfn);
    info->nr_pt_frames = l->nr_tables;
    info->mfn_list = l->p2m_address;
    if (l->p2m_apart) {
        info->first_p2m_pfn = l->p2m_pfn;
        info->nr_p2m_frames = l->p2m_pages + l->nr_p2m_tables;
    }
    if (b->files->ramdisk_size) {
        info->mod_start = l->ramdisk_mapped ? layout_address(l, l->ramdisk_pfn) : l->ramdisk_pfn;
        info->mod_len = b->files->ramdisk_size;
        info->flags |= l->ramdisk_mapped ? 0 : SIF_MOD_START_PFN;
    }
    memcpy(info->cmd_line, b->config->cmdline, sizeof(info->cmd_line));
}

/* start_info, xenstore and console pages follow each other; the last two start empty. */
static int write_pages(struct builder *b)
{
    const struct layout *l = &b->layout;
    char *pages = map_pages(b, l->start_info_pfn, 3);

    if (!pages)
        return -EIO;
    memset(pages, 0, 3 * XL_PAGE_SIZE);
    describe(b, (struct start_info *)pages);
    hv_unmap(pages, 3);
    return 0;
}

static int write_table_run(struct builder *b, const struct table_run *run)
{
    for (uint64_t done = 0; done < run->count; done += CHUNK_PAGES) {
        uint64_t count = run->count - done < CHUNK_PAGES ? run->count - done : CHUNK_PAGES;
        uint64_t *tables = map_pages(b, run->pfn + done, count);

        if (!tables)
            return -EIO;
        for (uint64_t i = 0; i < count; i++)
            layout_fill_table(&b->layout, run, done + i, b->p2m,
                              tables + i * LAYOUT_TABLE_ENTRIES);
        hv_unmap(tables, count);
    }
    return 0;
}

static int write_tables(struct builder *b)
{
    int rc = 0;

    for (unsigned int i = 0; !rc && i < b->layout.nr_runs; i++)
        rc = write_table_run(b, &b->layout.run[i]);
    return rc;
}

/* No vCPU takes events before it says so. */
static int prepare_shared_info(struct builder *b)
{
    struct xen_domctl_getdomaininfo info;
    struct shared_info *shared;
    int rc = hv_domain_info(b->hv, b->domid, &info);

    if (rc)
        return xl_fail(-rc, "domain %u has vanished", b->domid);
    b->shared_info_mfn = info.shared_info_frame;
    shared = hv_map(b->hv, b->domid, &b->shared_info_mfn, 1);
    if (!shared)
        return -EIO;
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        shared->vcpu_info[i].evtchn_upcall_mask = 1;
    hv_unmap(shared, 1);
    return 0;
}

static int make_ports(struct builder *b)
{
    int store = hv_domain_new_port(b->hv, b->domid);
    int console = store < 0 ? store : hv_domain_new_port(b->hv, b->domid);

    if (console < 0)
        return console;
    b->rings->store_port = (evtchn_port_t)store;
    b->rings->console_port = (evtchn_port_t)console;
    b->rings->store_mfn = b->p2m[b->layout.store_pfn];
    b->rings->console_mfn = b->p2m[b->layout.console_pfn];
    return 0;
}

/* Lets domain 0 map the two rings by grant, where the hypervisor lets us write the table. */
static void grant_rings(struct builder *b)
{
    struct grant_entry_v1 *table = hv_map_grant_table(b->hv, b->domid);

    if (!table)
        return;
    table[GRANT_CONSOLE].frame = (uint32_t)b->rings->console_mfn;
    table[GRANT_STORE].frame = (uint32_t)b->rings->store_mfn;
    table[GRANT_CONSOLE].domid = table[GRANT_STORE].domid = 0;
    table[GRANT_CONSOLE].flags = table[GRANT_STORE].flags = GTF_permit_access;
    hv_unmap(table, 1);
}

/*
 * How a guest's first vCPU starts (xen/arch-x86_64.h): rsi has start_info's address, events are off
 * by shared_info's mask, and the kernel runs in ring 3 on flat segments.
 */
static int set_context(struct builder *b)
{
    const struct layout *l = &b->layout;
    struct vcpu_guest_context context = { .flags = VGCF_in_kernel | VGCF_online };

    context.user_regs.rip = b->files->image.entry;
    context.user_regs.rsp = layout_address(l, l->stack_pfn + 1);
    context.user_regs.rsi = layout_address(l, l->start_info_pfn);
    context.user_regs.rflags = FLAGS_IF;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = context.user_regs.rsp;
    context.ctrlreg[3] = xen_pfn_to_cr3(b->p2m[l->tables_pfn]);
    context.debugreg[6] = DR6_START;
    context.debugreg[7] = DR7_START;
    return hv_domain_context(b->hv, b->domid, 0, &context);
}

/* The hypervisor writes it, into the frame that lies where the image's note says. */
static int fill_hypercall_page(struct builder *b)
{
    const struct image *image = &b->files->image;

    if (!image->has_hypercall_page)
        return 0;
    return hv_domain_hypercall_page(
        b->hv, b->domid, b->p2m[(image->hypercall_page - image->virt_base) >> XL_PAGE_SHIFT]);
}

/*
 * From here on the tables are tables: the hypervisor checked each entry, and nobody may map them
 * writable, not even we.
 */
static int pin_tables(struct builder *b)
{
    return hv_domain_pin_l4(b->hv, b->domid, b->p2m[b->layout.tables_pfn]);
}

int build_domain(struct hv *hv, domid_t domid, const struct domain_config *config,
                 const struct domain_files *files, struct domain_rings *rings)
{
    static int (*const steps[])(struct builder *b) = {
        populate_memory, make_ports, prepare_shared_info, load_image, load_ramdisk, write_p2m,
        write_pages, write_tables, fill_hypercall_page, pin_tables, set_context,
    };
    struct builder b = {
        .hv = hv, .domid = domid, .config = config, .files = files, .rings = rings,
    };
    uint64_t nr_pages = config->memory_mib << (20 - XL_PAGE_SHIFT);
    int rc = layout_plan(&b.layout, &files->image, nr_pages, files->ramdisk_size);

    if (rc)
        return rc;
    b.p2m = calloc(nr_pages, sizeof(*b.p2m));
    if (!b.p2m)
        return xl_fail(ENOMEM, "out of memory");
    for (unsigned int i = 0; !rc && i < sizeof(steps) / sizeof(steps[0]); i++)
        rc = steps[i](&b);
    if (!rc)
        grant_rings(&b);
    free(b.p2m);
    return rc;
}
