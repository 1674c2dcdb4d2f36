/* SPDX-License-Identifier: MIT */
/*
 * Frames that are not ours in user space: other domains', granted ones, devices'. Their entries are
 * marked (PTE_FOREIGN), are not counted, and are not inherited by fork. The hypervisor holds
 * their references, and drops them with the entry or with the table it is in.
 */
#include "mm/internal.h"

uint64_t space_pte_maddr(struct space *s, uint64_t va)
{
    return pt_build(s, va) ? 0 : pt_maddr(pt_entry(s, va));
}

pv_mfn_t space_frame(struct space *s, uint64_t va)
{
    const uint64_t *entry = pt_entry(s, va);

    return entry && *entry & PV_PTE_P ? pv_pte_mfn(*entry) : pv_mfn(PV_INVALID_FRAME);
}

int space_map_frame(struct vma *vma, uint64_t va, pv_mfn_t mfn, bool writable, domid_t owner)
{
    struct mmu_update request = {
        .ptr = space_pte_maddr(vma->space, va) | MMU_NORMAL_PT_UPDATE,
        .val = pv_pte(mfn, pte_flags(vma->prot, writable) | PTE_FOREIGN),
    };

    if (!(request.ptr & ~(uint64_t)MMU_NORMAL_PT_UPDATE))
        return -ENOMEM;
    if (*pt_entry(vma->space, va))
        pt_clear(vma->space, va, va + PAGE_SIZE);
    return (int)HYPERVISOR_mmu_update(&request, 1, NULL, owner);
}

int space_unmap_frames(struct vma *vma, uint64_t va, unsigned int nr)
{
    if (va < vma->start || va + nr * PAGE_SIZE > vma->end)
        return -EINVAL;
    pt_clear(vma->space, va, va + nr * PAGE_SIZE);
    return 0;
}
