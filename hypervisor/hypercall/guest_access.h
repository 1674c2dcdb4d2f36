/* SPDX-License-Identifier: MIT */
/*
 * Typed copies to and from guest memory: the only way to touch it. A handle is a boxed pointer
 * that nothing can dereference by mistake. All return false when the guest's memory is not there,
 * read-only, or the hypervisor's; the caller then returns -EFAULT. Read once, check, use the copy.
 */
#ifndef HYPERCALL_GUEST_ACCESS_H
#define HYPERCALL_GUEST_ACCESS_H

#include "x86/x86.h"

#define handle_addr(h)      ((unsigned long)(h).p)
#define handle_is_null(h)   ((h).p == NULL)
#define handle_elem(h, i)   ((unsigned long)(h).p + (unsigned long)(i) * sizeof(*(h).p))

/*
 * Multiplication of an untrusted index must not wrap: true when [i, i + n) elements are
 * addressable. Of an empty list the address still has to be one of the guest's.
 */
#define handle_range_ok(h, i, n)                                                    \
    (handle_index_ok(i) && handle_index_ok(n) &&                                    \
     guest_range_ok(handle_elem(h, i), (u64)(n) * sizeof(*(h).p) + !(n)))
static inline bool handle_index_ok(u64 i)
{
    return i <= 1ul << 40;
}

/* One object; the pointer's type must match the handle's. */
#define copy_from_guest(dst, h)                                                     \
    ({ typeof((h).p) _d = (dst); copy_from_guest_raw(_d, handle_addr(h), sizeof(*_d)); })
#define copy_to_guest(h, src)                                                       \
    ({ const typeof(*(h).p) *_s = (src); copy_to_guest_raw(handle_addr(h), _s, sizeof(*_s)); })

/* Element @i of an array. */
#define copy_elem_from_guest(dst, h, i)                                             \
    ({ typeof((h).p) _d = (dst);                                                    \
       handle_index_ok(i) && copy_from_guest_raw(_d, handle_elem(h, i), sizeof(*_d)); })
#define copy_elem_to_guest(h, i, src)                                               \
    ({ const typeof(*(h).p) *_s = (src);                                            \
       handle_index_ok(i) && copy_to_guest_raw(handle_elem(h, i), _s, sizeof(*_s)); })

/* A void handle's argument structure, as the sub-op names its type. */
#define copy_arg_from_guest(dst, h) copy_from_guest_raw(dst, handle_addr(h), sizeof(*(dst)))
#define copy_arg_to_guest(h, src)   copy_to_guest_raw(handle_addr(h), src, sizeof(*(src)))

#endif
