/* SPDX-License-Identifier: MIT */
/* Which page-table root a CPU runs on. */
#include "domain/domain.h"
#include "mm/internal.h"

void mm_load_root(struct vcpu *v)
{
    mfn_t root = v->cpu.kernel_mode ? v->kernel_root : v->user_root;

    /* A vCPU without a root for its mode never reaches the guest; our own slots are all we need. */
    if (mfn_eq(root, INVALID_MFN))
        root = hv_root();
    tlb_load_root(mfn_to_maddr(root).v);
}
