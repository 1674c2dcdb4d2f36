/* SPDX-License-Identifier: MIT */
/*
 * Where the linker script (hv.lds.S) put things. Each part begins and ends on a page; their order
 * is that of the declarations. The image is loaded in one piece, so addresses differ from where
 * it lies by one number.
 */
#ifndef PAVANE_IMAGE_H
#define PAVANE_IMAGE_H

#include "config.h"
#include "lib/types.h"
#include "mm/layout.h"

extern const char _image_start[], _image_end[];
extern const char _text_start[], _text_end[];
extern const char _rodata_start[], _rodata_end[];
extern const char _embedded_start[], _embedded_end[];
extern const char _data_start[];            /* up to _image_end, with bss */
/* The embedded kernel's own bytes, at the beginning of _embedded (boot/embedded.S). */
extern const char embedded_kernel_start[], embedded_kernel_end[];

/* The machine address of what is linked at @p. */
static inline u64 image_paddr(const void *p)
{
    return (u64)p - IMAGE_VIRT + HV_LOAD_PADDR;
}

#endif
