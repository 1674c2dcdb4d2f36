/* SPDX-License-Identifier: MIT */
/*
 * The console page: two byte rings, "out" from the guest, "in" to it. Indices run freely and are
 * masked on use. The producer writes bytes, then (write barrier) its index, then sends the event
 * channel; the consumer reads the index, then (read barrier) bytes, then (full barrier) writes its
 * index and sends, so that the producer sees the room.
 */
#ifndef __XEN_PUBLIC_IO_CONSOLE_H__
#define __XEN_PUBLIC_IO_CONSOLE_H__

#include "../xen-compat.h"

typedef uint32_t XENCONS_RING_IDX;

#define MASK_XENCONS_IDX(idx, ring) ((idx) & (sizeof(ring) - 1))

struct xencons_interface {
    char in[1024];
    char out[2048];
    XENCONS_RING_IDX in_cons, in_prod;
    XENCONS_RING_IDX out_cons, out_prod;
};

#endif
