/* SPDX-License-Identifier: MIT */
/*
 * Between bootinfo.c and the two pure files that it stands on: multiboot.c, which understands
 * what a loader left, and memory_map.c, which makes a proper map of what it says about memory.
 */
#ifndef BOOT_MULTIBOOT_H
#define BOOT_MULTIBOOT_H

#include "boot/boot.h"

#define MULTIBOOT1_MAGIC 0x2badb002u
#define MULTIBOOT2_MAGIC 0x36d76289u

/* What the loader said, before it is checked. */
struct loader_info {
    struct mem_range mem[2 * MAX_MEM_RANGES];
    unsigned int nr_mem;
    bool mem_overflow;          /* it had more ranges than fit */
    u8 rsdp[36];                /* a copy from the loader */
    unsigned int rsdp_len;      /* 0: none */
};

/*
 * Memory at a machine address, for reading: NULL if [addr, addr + len) can't be reached. The parser
 * reads nothing that it has not asked for.
 */
typedef const void *(*read_memory_fn)(u64 addr, u64 len);

/* Fills @info and, but for the memory map and the RSDP, @out. 0, or -EINVAL with *why. */
int multiboot_parse(u32 magic, u64 addr, read_memory_fn at, struct loader_info *info,
                    struct bootinfo *out, const char **why);

/*
 * Sorts @in, cuts overlaps (the stricter type wins), joins neighbours, into @out of @max. Returns
 * how many, or -ENOSPC.
 */
int memory_map_normalise(const struct mem_range *in, unsigned int nr, struct mem_range *out,
                         unsigned int max);

#endif
