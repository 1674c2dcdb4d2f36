/* SPDX-License-Identifier: MIT */
/* The image's parts: addresses that hv.lds.S defines, each at a page's boundary. */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include "lib/types.h"
#include "mm/layout.h"
#include "config.h"

extern const char _image_start[], _image_end[];
extern const char _text_start[], _text_end[];
extern const char _rodata_start[], _rodata_end[];
extern const char _data_start[];            /* up to _image_end, with bss */
extern const char embedded_kernel_start[], embedded_kernel_end[];

/* Where the loader put what is linked at @p. */
static inline u64 image_paddr(const void *p)
{
    return (u64)p - IMAGE_VIRT + HV_LOAD_PADDR;
}

#endif
