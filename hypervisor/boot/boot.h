/* SPDX-License-Identifier: MIT */
/*
 * The door of boot/: from the loader to the first domain's first instruction.
 *
 * head.S leaves us in long mode on the boot page tables (the first 4 GiB at identity and at the
 * direct map, the image at its place); start() in start.c is the whole boot, one step a line.
 *
 * In which order to read the room:
 *
 *     head.S, start.c                     the first instructions, and all steps
 *     early_traps.[hc]                    an exception before there are real handlers
 *     bootinfo.c, multiboot.[hc],         what the loader left, and which memory is free
 *       memory_map.c
 *     cmdline.c                           the hypervisor's options
 *     acpi.c, acpi_tables.[hc]            what the firmware says of the machine
 *     dom0_build.c, dom0_tables.c,        the first domain
 *       elf.c
 *     trampoline.S                        where the other CPUs begin
 *     machine.c                           how the machine ends
 *
 * Nothing here runs once the first domain does, but for machine.c.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "image.h"
#include "mm/frame_types.h"

enum mem_type { MEM_RAM = 1, MEM_RESERVED, MEM_ACPI, MEM_NVS, MEM_UNUSABLE };  /* e820 numbers */

/* Bytes [base, base + len) of machine memory; @type is one of mem_type. */
struct mem_range {
    u64 base, len;
    u32 type;
};

/* A file that is read while the first domain is built. */
struct boot_module {
    bool present;
    bool in_ram;                /* brought by the loader; else inside the image */
    u64 base, len;              /* machine address and bytes */
    char cmdline[1024];         /* without the file name in front, NUL-terminated */
    const char *name;           /* for messages: "kernel module", "ramdisk", "embedded kernel" */
};

#define MAX_MEM_RANGES 128

/* A graphics screen that the loader has set up, as it describes it. */
struct boot_framebuffer {
    u64 addr;                   /* 0: none (a text screen, or no screen) */
    u32 pitch, width, height;
    u8 bpp, type;
};

/* All that the loader said, checked and copied: nothing points into its own memory. */
struct bootinfo {
    struct mem_range mem[MAX_MEM_RANGES];   /* sorted, not overlapping */
    unsigned int nr_mem;
    struct boot_module kernel, ramdisk;
    char cmdline[2048];
    u64 rsdp;                   /* machine address of a copy from the loader, 0: look for it */
    struct boot_framebuffer fb;
    char loader[64];            /* its name, for messages */
};

/* The command line. What is not given is zero, unless it says otherwise. */
struct boot_options {
    u64 dom0_mem;               /* bytes, 0: nearly all that is left */
    unsigned int dom0_max_vcpus;/* 0: as many as CPUs */
    bool noreboot;
    bool guest_console;         /* every domain may write to the hypervisor's console */
    enum { L1TF_BY_CPU, L1TF_OFF, L1TF_ON } l1tf_dom0, l1tf_domu;   /* pv-l1tf */
};

extern struct bootinfo bootinfo;
extern struct boot_options boot_options;

/*
 * bootinfo.c: from the loader's registers (magic and pointer) into `bootinfo`. panic() if it
 * makes no sense, or a module lies where the image is.
 */
void bootinfo_read(u32 magic, u64 info);
/* cmdline.c: from bootinfo.cmdline into boot_options; unknown options are reported. */
void cmdline_parse(void);
/* bootinfo.c: gives all free RAM to the heap, but the image and the modules. */
void boot_heap_init(void);
/* The bytes of a module; and, once they are copied, the memory of all modules to the heap. */
const void *boot_module_data(const struct boot_module *m);
void boot_modules_free(void);
u64 boot_ram_bytes(void);             /* all RAM of the machine, by the map */

/*
 * elf.c: pure, host-tested. A kernel's file as elf_parse() has understood it; virtual addresses are
 * the guest's, physical ones those of the file.
 */
struct elf_image {
    const u8 *file;
    u64 len;
    u64 entry;                  /* virtual, from the ENTRY note */
    u64 virt_base, paddr_offset;
    u64 kstart, kend;           /* virtual range of all segments, paddr-based */
    u64 hypercall_page;         /* virtual, ~0: no note */
    u64 init_p2m;               /* virtual, ~0: no note */
    bool mod_start_pfn;         /* the kernel takes its ramdisk unmapped */
    bool needs_dom0_feature_missing; /* SUPPORTED_FEATURES given, without the dom0 bit */
    char guest_os[32], guest_version[32];
};
/* 0, or negative errno with *why a line's worth of reason. Trusts no byte of the file. */
int elf_parse(const void *file, u64 len, struct elf_image *img, const char **why);
/*
 * Loads every segment of an @img that elf_parse() has accepted: copy(ctx, offset from kstart,
 * data or NULL for zeroes, bytes), whose first error ends it and is the result.
 */
int elf_load(const struct elf_image *img,
             int (*copy)(void *ctx, u64 offset, const void *data, u64 len), void *ctx);

/* dom0_build.c: the first domain, ready to run. */
void dom0_build(void);

/*
 * acpi.c: the machine, as its tables have it. Where there is no table, or a field in none: one
 * CPU, ISA interrupts one to one, zero for the rest.
 */
struct acpi_info {
    u8 cpu_apic_ids[256];       /* enabled CPUs, the booting one first */
    u8 cpu_acpi_ids[256];       /* the names that ACPI's other tables have for them */
    unsigned int nr_cpus;
    struct { u64 addr; u32 gsi_base; u8 id; } ioapics[8];
    unsigned int nr_ioapics;
    struct { u32 gsi; u16 flags; } isa_irq[16];  /* with overrides applied */
    u64 lapic_addr;
    u64 hpet_addr;              /* 0: none */
    u16 pm_timer_port;          /* 0: none */
    bool pm_timer_32bit;
    u16 pm1a_cnt, pm1b_cnt, smi_cmd;
    u8 acpi_enable;
    u8 s5_typ_a, s5_typ_b;
    bool s5_found;
    u64 reset_addr;             /* FADT reset register in I/O space, 0: none */
    u8 reset_value;
};
extern struct acpi_info acpi;
void acpi_init(void);           /* into `acpi`; maps tables for good */

#endif
