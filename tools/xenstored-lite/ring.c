/* SPDX-License-Identifier: MIT */
/*
 * A xenstore ring. The page is the guest's, too: indices are read once, checked, and used from the
 * copy; bytes may change under our hands, so they are taken before anybody judges them. Even our
 * own indices are there for the guest to change: that moves what it hears, and nothing of ours,
 * since each is masked where it is used.
 */
#include "server.h"

#include <errno.h>
#include <stdlib.h>

struct ring {
    struct xenstore_domain_interface *page;
    size_t pages;
    int evtchn;
    evtchn_port_t port;
};

struct ring *ring_new(void *page, size_t pages, int evtchn, evtchn_port_t port)
{
    struct ring *ring = calloc(1, sizeof(*ring));

    if (ring)
        *ring = (struct ring){ page, pages, evtchn, port };
    return ring;
}

void ring_free(struct ring *ring)
{
    evtchn_unbind(ring->evtchn, ring->port);
    hv_unmap(ring->page, ring->pages);
    free(ring);
}

evtchn_port_t ring_port(const struct ring *ring)
{
    return ring->port;
}

/*
 * Requests: the guest moves req_prod, and we req_cons behind what was copied (xen/io/xs_wire.h).
 * The guest is told each time, for it may wait for room.
 */
ssize_t ring_read(struct ring *ring, void *data, size_t size)
{
    struct xenstore_domain_interface *page = ring->page;
    uint32_t cons = __atomic_load_n(&page->req_cons, __ATOMIC_RELAXED);
    uint32_t prod = __atomic_load_n(&page->req_prod, __ATOMIC_ACQUIRE);
    uint32_t have = prod - cons;
    char *to = data;

    if (have > XENSTORE_RING_SIZE)
        return -EPROTO;
    if (have > size)
        have = (uint32_t)size;
    for (uint32_t i = 0; i < have; i++)
        to[i] = page->req[MASK_XENSTORE_IDX(cons + i)];
    if (have) {
        __atomic_store_n(&page->req_cons, cons + have, __ATOMIC_SEQ_CST);
        evtchn_notify(ring->evtchn, ring->port);
    }
    return have;
}

/* Answers and events: the same with rsp_prod, which is ours, and rsp_cons. */
ssize_t ring_write(struct ring *ring, const void *data, size_t size)
{
    struct xenstore_domain_interface *page = ring->page;
    uint32_t prod = __atomic_load_n(&page->rsp_prod, __ATOMIC_RELAXED);
    uint32_t cons = __atomic_load_n(&page->rsp_cons, __ATOMIC_ACQUIRE);
    uint32_t used = prod - cons;
    uint32_t room = XENSTORE_RING_SIZE - used;
    const char *from = data;

    if (used > XENSTORE_RING_SIZE)
        return -EPROTO;
    if (room > size)
        room = (uint32_t)size;
    for (uint32_t i = 0; i < room; i++)
        page->rsp[MASK_XENSTORE_IDX(prod + i)] = from[i];
    if (room) {
        __atomic_store_n(&page->rsp_prod, prod + room, __ATOMIC_SEQ_CST);
        evtchn_notify(ring->evtchn, ring->port);
    }
    return room;
}
