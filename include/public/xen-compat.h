/* SPDX-License-Identifier: MIT */
/*
 * Which version of the interface these headers speak: Xen 4.17's (0x00040e00), always with its
 * newest names.
 *
 * Source may ask for an older version by defining __XEN_INTERFACE_VERSION__: names whose value
 * depends on the version then have the old value. Versions that number hypercalls otherwise are
 * refused rather than misread.
 */
#ifndef __XEN_PUBLIC_XEN_COMPAT_H__
#define __XEN_PUBLIC_XEN_COMPAT_H__

#define __XEN_LATEST_INTERFACE_VERSION__ 0x00040e00

#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#endif

#if __XEN_INTERFACE_VERSION__ < 0x00030209 || \
    __XEN_INTERFACE_VERSION__ > __XEN_LATEST_INTERFACE_VERSION__
#error "these headers speak interface versions 0x00030209 to 0x00040e00"
#endif

/*
 * Assembly sources get the numbers only; the compiler tells us by itself, Xen's own sources pass
 * __ASSEMBLY__.
 */
#if defined(__ASSEMBLER__) && !defined(__ASSEMBLY__)
#define __ASSEMBLY__ 1
#endif

#ifndef __ASSEMBLY__
#include <stdint.h>
#endif

#endif
