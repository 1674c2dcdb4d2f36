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

u64 mm_absent_mask(bool privileged)
{
    unsigned int option = privileged ? boot_options.l1tf_dom0 : boot_options.l1tf_domu;

    /* The first domain has the machine anyway, and may be a kernel that is too old for this. */
    if (option == L1TF_BY_CPU)
        option = cpu_has.l1tf && !privileged ? L1TF_ON : L1TF_OFF;
    /* Address bits that the processor does not have are none to its cache either. */
    return option == L1TF_ON ? PTE_ADDR & ((1ull << cpu_has.phys_bits) - 1) : 0;
}

/* Not a frame that the ABI's domain may map: which of its errors it is. */
int pte_unmappable(mfn_t m, const struct domain *d)
{
    bool device = mfn_is_device(m);

    if (mfn_is_ram(m) && ((u32)READ_ONCE(mfn_to_page(m)->count) != 0 || !device))
        return -EBUSY;          /* somebody else's, or free */
    if (d->privileged && device)
        return 0;
    return m.v == PTE_ADDR >> PAGE_SHIFT ? -EINVAL : -EPERM;
}
