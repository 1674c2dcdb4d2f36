/* SPDX-License-Identifier: MIT */
/*
 * Which page-table root a CPU runs on, and a vCPU's first roots.
 *
 * A loaded root is held twice over: v->kernel_root and v->user_root each hold a reference and a use
 * as USE_L4 for as long as they say so, whether the vCPU runs or not. So CR3 never names a frame
 * that could become anything else.
 */
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

/* Makes @m the root of a vCPU that is on no CPU, in place of the one that it has. */
static int take_root(const struct vcpu *v, mfn_t *root, mfn_t m)
{
    int rc;

    if (mfn_eq(m, *root))
        return 0;
    if (!mfn_eq(*root, INVALID_MFN))
        put_page_and_type(mfn_to_page(*root));
    *root = INVALID_MFN;
    if (mfn_eq(m, INVALID_MFN))
        return 0;
    rc = get_page_and_type(m, v->domain->id, USE_L4);
    if (rc == 0)
        *root = m;
    return rc;
}

/* As set_root() has it. */
static void show_m2p(mfn_t kernel, mfn_t user)
{
    hv_show_m2p(mfn_to_virt(kernel), true);
    if (!mfn_eq(user, INVALID_MFN) && !mfn_eq(user, kernel))
        hv_show_m2p(mfn_to_virt(user), false);
}

int mm_take_roots(struct vcpu *v, mfn_t kernel, mfn_t user)
{
    int rc = mfn_eq(kernel, INVALID_MFN) ? -EINVAL : take_root(v, &v->kernel_root, kernel);

    if (rc == 0)
        rc = take_root(v, &v->user_root, user);
    if (rc == 0)
        show_m2p(kernel, user);
    else if (rc != -ERESTART)
        mm_drop_roots(v);
    return rc;
}
