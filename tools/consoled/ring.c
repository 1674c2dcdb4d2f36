/* SPDX-License-Identifier: MIT */
#include "ring.h"

#include <errno.h>

/* out_prod is the guest's, out_cons ours; it moves when the bytes are copied (xen/io/console.h). */
ssize_t console_ring_read(struct xencons_interface *page, char *to, size_t size)
{
    uint32_t cons = __atomic_load_n(&page->out_cons, __ATOMIC_RELAXED);
    uint32_t prod = __atomic_load_n(&page->out_prod, __ATOMIC_ACQUIRE);
    uint32_t have = prod - cons;

    if (have > sizeof(page->out))
        return -EPROTO;
    if (have > size)
        have = (uint32_t)size;
    for (uint32_t i = 0; i < have; i++)
        to[i] = page->out[MASK_XENCONS_IDX(cons + i, page->out)];
    __atomic_store_n(&page->out_cons, cons + have, __ATOMIC_SEQ_CST);
    return have;
}

ssize_t console_ring_room(const struct xencons_interface *page)
{
    uint32_t prod = __atomic_load_n(&page->in_prod, __ATOMIC_RELAXED);
    uint32_t used = prod - __atomic_load_n(&page->in_cons, __ATOMIC_ACQUIRE);

    return used > sizeof(page->in) ? -EPROTO : (ssize_t)(sizeof(page->in) - used);
}

/* Bytes first, then the index, by a store that none of them may pass. */
void console_ring_write(struct xencons_interface *page, const char *from, size_t size)
{
    uint32_t prod = __atomic_load_n(&page->in_prod, __ATOMIC_RELAXED);

    for (size_t i = 0; i < size; i++)
        page->in[MASK_XENCONS_IDX(prod + (uint32_t)i, page->in)] = from[i];
    __atomic_store_n(&page->in_prod, prod + (uint32_t)size, __ATOMIC_SEQ_CST);
}
