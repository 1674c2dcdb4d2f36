/* SPDX-License-Identifier: MIT */
/*
 * What one page-table entry may say, as far as that is rarely asked: pt_entry.h has the rest,
 * inline, and the rule of what an entry holds.
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

/*
 * @m is no frame that the entry may name: which of the ABI's errors that is, or 0 for device memory
 * that @d may map. Low memory is both (mm.h): its record decides, which nobody ever gives a count.
 */
int pte_unmappable(mfn_t m, const struct domain *d)
{
    bool device = mfn_is_device(m);

    if (mfn_is_ram(m) && ((u32)READ_ONCE(mfn_to_page(m)->count) != 0 || !device))
        return -EBUSY;          /* somebody else's, or free */
    if (d->privileged && device)
        return 0;
    return m.v == PTE_ADDR >> PAGE_SHIFT ? -EINVAL : -EPERM;
}
