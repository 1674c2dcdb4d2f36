/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's address space: L4 slots 256 to 271 of every page table, the same in all.
 *
 *  slot  from                 what                                     guest may
 *  256   0xffff800000000000   M2P, 8 bytes a frame                     read
 *  257   0xffff808000000000   the M2P again (same L3), for our writes  -
 *  258   0xffff810000000000   frame table, 16 bytes a frame            -
 *  261   0xffff828000000000   image, stacks, per-CPU windows, fixmap   -
 *  262   0xffff830000000000   direct map of all RAM, up to 5 TiB       -
 *  271   0xffff87ffffffffff   end
 *
 * Inside slot 261, everything within 2 GiB of the image, so that RIP-relative code reaches it:
 *
 *  +0          image: text read-only, rodata and data no-execute
 *  +512 MiB    stack blocks, STACK_SIZE a CPU, with guard pages (x86/regs.h)
 *  +768 MiB    descriptor windows, 32 pages a CPU: the loaded guest's GDT (16) and LDT (16)
 *  -           below the fixmap, a page for an entry of a device's MSI-X table, while it is written
 *  +1 GiB      fixmap: device registers and other single pages, uncached
 *
 * Tables in M2P and frame table exist only where there is RAM; holes read as "no frame".
 */
#ifndef MM_LAYOUT_H
#define MM_LAYOUT_H

/* The ABI: these slots of every level-4 table are the hypervisor's, all others the guest's. */
#define HV_FIRST_SLOT     256
#define HV_END_SLOT       272
#define HV_VIRT_START     0xffff800000000000
#define HV_VIRT_END       0xffff880000000000

#define M2P_VIRT          0xffff800000000000
#define M2P_WINDOW        (256ul << 30)   /* what guests are told of; mapped as far as RAM goes */
#define M2P_RW_VIRT       0xffff808000000000
#define FRAME_TABLE_VIRT  0xffff810000000000
#define IMAGE_VIRT        0xffff828000000000
#define STACKS_VIRT       (IMAGE_VIRT + 0x20000000)
#define DESC_WINDOW_VIRT  (IMAGE_VIRT + 0x30000000)
#define FIXMAP_VIRT       (IMAGE_VIRT + 0x40000000)
#define MSIX_WINDOW_VIRT  (FIXMAP_VIRT - 4096)
#define DIRECT_MAP_VIRT   0xffff830000000000
#define DIRECT_MAP_END    0xffff880000000000

/*
 * The loaded guest's GDT and LDT at fixed addresses of each CPU, so that loading another guest's
 * changes 32 level-1 entries at most and no GDTR. The ABI gives the guest the GDT's first 14 pages;
 * the hypervisor's own descriptors are in the 15th (x86/descriptors.c).
 */
#define DESC_WINDOW_SIZE  (32 * 4096)
#define GDT_WINDOW(cpu)   (DESC_WINDOW_VIRT + (cpu) * DESC_WINDOW_SIZE)
#define LDT_WINDOW(cpu)   (GDT_WINDOW(cpu) + 16 * 4096)

#define LDT_WINDOW_SIZE   (16 * 4096)

#define PAGE_SHIFT        12
#define PAGE_SIZE         4096

#endif
