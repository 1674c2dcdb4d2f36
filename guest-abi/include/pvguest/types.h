/* SPDX-License-Identifier: MIT */
/*
 * The few types that every part of the guest library uses.
 *
 * A machine frame number (mfn) names real memory; a pseudo-physical frame number (pfn) counts a
 * domain's own memory from 0.  Page tables hold mfns, everything else is easier in pfns.  Each is
 * a boxed integer, so that mixing them up does not compile; pv_mfn(n) and pv_pfn(n) make one and
 * `.nr` reads it.
 */
#ifndef PVGUEST_TYPES_H
#define PVGUEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PV_PAGE_SHIFT   12
#define PV_PAGE_SIZE    4096UL
#define PV_PAGE_MASK    (~(PV_PAGE_SIZE - 1))
#define PV_MAX_VCPUS    32      /* those whose vcpu_info lies in shared_info (xen/xen.h) */

#define PV_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define pv_barrier()     __asm__ volatile("" ::: "memory")

typedef struct { uint64_t nr; } pv_mfn_t;
typedef struct { uint64_t nr; } pv_pfn_t;

#define PV_INVALID_FRAME (~0UL) /* the number in an mfn or pfn that names nothing */

static inline pv_mfn_t pv_mfn(uint64_t nr)
{
    return (pv_mfn_t){ nr };
}

static inline pv_pfn_t pv_pfn(uint64_t nr)
{
    return (pv_pfn_t){ nr };
}

#endif
