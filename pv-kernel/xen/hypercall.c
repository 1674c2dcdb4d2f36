/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/hypercall: memory for the arguments of hypercalls. The hypervisor does not fault pages
 * in, so they must all be there, writable, while a call runs: a mapping is shared memory, which is
 * populated when it is made and which fork does not write-protect.
 */
#include "mm/mm.h"
#include "xen/internal.h"

static int hypercall_mmap(struct file *f, struct vma *vma)
{
    if (!(vma->flags & MAP_SHARED))
        return -EINVAL;
    /* Without a file behind it, it is what any shared memory is. */
    vma->file = NULL;
    file_put(f);
    return 0;
}

const struct file_ops hypercall_ops = { .mmap = hypercall_mmap };
