/* SPDX-License-Identifier: MIT */
/*
 * Distinct types for the three kinds of number that are all "a page": a machine frame (mfn), a
 * guest's pseudo-physical frame (pfn) and a machine address. Mixing them does not compile.
 */
#ifndef MM_FRAME_TYPES_H
#define MM_FRAME_TYPES_H

#include "lib/types.h"
#include "mm/layout.h"

typedef struct { u64 v; } mfn_t;
typedef struct { u64 v; } pfn_t;
typedef struct { u64 v; } maddr_t;

#define MFN(x)      ((mfn_t){ (x) })
#define PFN(x)      ((pfn_t){ (x) })
#define MADDR(x)    ((maddr_t){ (x) })
#define INVALID_MFN MFN(~0ull)
#define INVALID_PFN PFN(~0ull)      /* also what the M2P says of a frame that nobody has */

static inline bool mfn_eq(mfn_t a, mfn_t b)
{
    return a.v == b.v;
}

static inline mfn_t mfn_add(mfn_t a, u64 n)
{
    return MFN(a.v + n);
}

static inline maddr_t mfn_to_maddr(mfn_t m)
{
    return MADDR(m.v << PAGE_SHIFT);
}

static inline mfn_t maddr_to_mfn(maddr_t a)
{
    return MFN(a.v >> PAGE_SHIFT);
}

/*
 * The direct map: every frame of RAM has one fixed hypervisor address. These three only compute: a
 * number that came from a guest is followed once get_page() has said that it is RAM.
 */
static inline void *maddr_to_virt(maddr_t a)
{
    return (void *)(DIRECT_MAP_VIRT + a.v);
}

static inline void *mfn_to_virt(mfn_t m)
{
    return maddr_to_virt(mfn_to_maddr(m));
}

static inline mfn_t virt_to_mfn(const void *p)
{
    return MFN(((u64)p - DIRECT_MAP_VIRT) >> PAGE_SHIFT);
}

#endif
