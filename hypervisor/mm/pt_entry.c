/* SPDX-License-Identifier: MIT */
/*
 * One page-table entry, any level: the references that a present entry holds, but for what every
 * update of a level-1 entry does, which is inline (pt_entry.h).
 *
 * A level-1 entry holds a reference on the frame it maps and, if it is writable, a writable use. An
 * entry of level n > 1 holds a reference and a use as a table of level n - 1. What is not RAM
 * (device memory) has no owner and no count: only a privileged domain may map it.
 */
#include "boot/boot.h"
#include "mm/pt_entry.h"

/* Not a frame that the ABI's domain may map: which of its errors it is. */
int pte_unmappable(mfn_t m, const struct domain *d)
{
    if (mfn_is_ram(m) && (u32)READ_ONCE(mfn_to_page(m)->count) != 0)
        return -EBUSY;          /* somebody else's */
    if (d->privileged && mfn_is_device(m))
        return 0;
    return m.v == PTE_ADDR >> PAGE_SHIFT ? -EINVAL : -EPERM;
}
