/* SPDX-License-Identifier: MIT */
/*
 * `bootinfo`: everything that the loader told us, checked and copied, so that the loader's own
 * memory is free afterwards (but for the modules). And the heap's share of the machine's memory.
 */
#include "boot/boot.h"
#include "boot/multiboot.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "x86/x86.h"

#define MAX_HOLES       8

struct bootinfo bootinfo;

static struct loader_info loader_info;

/* The boot page tables map the first 4 GiB. */
static const void *read_low(u64 addr, u64 len)
{
    const u64 end = 1ull << 32;

    return addr && addr < end && len <= end - addr ? maddr_to_virt(MADDR(addr)) : NULL;
}

/* A command line "a b -- c d" is ours up to the `--`, and the embedded kernel's behind it. */
static void split_cmdline(void)
{
    char *p = bootinfo.cmdline;

    for (; *p; p++) {
        bool starts = p == bootinfo.cmdline || p[-1] == ' ';

        if (starts && p[0] == '-' && p[1] == '-' && (p[2] == ' ' || !p[2]))
            break;
    }
    if (!*p)
        return;
    *p = '\0';
    p += 2;
    while (*p == ' ')
        p++;
    if (!bootinfo.kernel.present)
        strlcpy(bootinfo.kernel.cmdline, p, sizeof(bootinfo.kernel.cmdline));
}

/*
 * The first module is the kernel, the second its ramdisk. Without modules the embedded kernel runs.
 */
static void choose_kernel(void)
{
    struct boot_module *kernel = &bootinfo.kernel;

    bootinfo.ramdisk.name = "ramdisk";
    kernel->name = "kernel module";
    if (kernel->present)
        return;
    kernel->present = true;
    kernel->in_ram = false;
    kernel->name = "embedded kernel";
    kernel->base = image_paddr(embedded_kernel_start);
    kernel->len = (u64)(embedded_kernel_end - embedded_kernel_start);
}

/* A loader that puts a module over our image has already destroyed one of the two. */
static void check_module(const struct boot_module *m)
{
    u64 image = HV_LOAD_PADDR, image_end = image_paddr(_image_end);

    if (m->in_ram && m->base < image_end && m->base + m->len > image)
        panic("%s: it lies where the hypervisor does", m->name);
}

void bootinfo_read(u32 magic, u64 info)
{
    const char *why;
    int n;

    if (multiboot_parse(magic, info, read_low, &loader_info, &bootinfo, &why) < 0)
        panic("loader: %s", why);
    n = memory_map_normalise(loader_info.mem, loader_info.nr_mem, bootinfo.mem, MAX_MEM_RANGES);
    if (loader_info.mem_overflow || n < 0)
        panic("memory map: more than %u ranges", MAX_MEM_RANGES);
    if (!n)
        panic("memory map: the loader gives none");
    bootinfo.nr_mem = (unsigned int)n;
    if (loader_info.rsdp_len)
        bootinfo.rsdp = image_paddr(loader_info.rsdp);
    split_cmdline();
    choose_kernel();
    check_module(&bootinfo.kernel);
    check_module(&bootinfo.ramdisk);
}

/* ---- The heap's share ---- */

/* Bytes [from, end) of machine memory. */
struct hole {
    u64 from, end;
};

static const struct hole low_memory = { 0, LOW_MEMORY_END };

/* What in RAM is in use already, or is not to be used: see LOW_MEMORY_END. */
static unsigned int list_holes(struct hole holes[MAX_HOLES])
{
    const struct boot_module *modules[] = { &bootinfo.kernel, &bootinfo.ramdisk };
    unsigned int n = 0;

    holes[n++] = low_memory;
    holes[n++] = (struct hole){ HV_LOAD_PADDR, image_paddr(_image_end) };
    for (unsigned int i = 0; i < ARRAY_SIZE(modules); i++) {
        if (modules[i]->in_ram)
            holes[n++] = (struct hole){ modules[i]->base, modules[i]->base + modules[i]->len };
    }
    return n;
}

/* Gives [from, end) to the heap, without the holes from number @i on. */
static void add_around(u64 from, u64 end, const struct hole *holes, unsigned int n)
{
    for (; n; holes++, n--) {
        if (holes->end <= from || holes->from >= end)
            continue;
        if (holes->from > from)
            add_around(from, holes->from, holes + 1, n - 1);
        if (holes->end >= end)
            return;
        from = holes->end;
    }
    from = ALIGN_UP(from, (u64)PAGE_SIZE);
    end = ALIGN_DOWN(end, (u64)PAGE_SIZE);
    if (from < end)
        heap_add(maddr_to_mfn(MADDR(from)), maddr_to_mfn(MADDR(end)));
}

void boot_heap_init(void)
{
    struct hole holes[MAX_HOLES];
    unsigned int n = list_holes(holes);

    for (unsigned int i = 0; i < bootinfo.nr_mem; i++) {
        const struct mem_range *r = &bootinfo.mem[i];

        if (r->type == MEM_RAM)
            add_around(r->base, r->base + r->len, holes, n);
    }
}

const void *boot_module_data(const struct boot_module *m)
{
    return m->in_ram ? maddr_to_virt(MADDR(m->base)) : embedded_kernel_start;
}

/* Low memory stays out of the heap here, too: a module may lie there. */
void boot_modules_free(void)
{
    struct boot_module *modules[] = { &bootinfo.kernel, &bootinfo.ramdisk };

    for (unsigned int i = 0; i < ARRAY_SIZE(modules); i++) {
        struct boot_module *m = modules[i];

        if (m->in_ram)
            add_around(m->base, m->base + m->len, &low_memory, 1);
        m->in_ram = false;
        m->len = 0;
    }
}

u64 boot_ram_bytes(void)
{
    u64 sum = 0;

    for (unsigned int i = 0; i < bootinfo.nr_mem; i++) {
        if (bootinfo.mem[i].type == MEM_RAM)
            sum += bootinfo.mem[i].len;
    }
    return sum;
}
