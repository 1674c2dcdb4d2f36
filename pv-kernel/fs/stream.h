/* SPDX-License-Identifier: MIT */
/*
 * A queue of bytes for pipes, sockets and terminals: up to STREAM_MAX of them, in pages that are
 * taken when bytes come and given back when they are read. All streams together have a share of
 * the memory; when it is used up, each may still fill one page.
 */
#ifndef PVK_STREAM_H
#define PVK_STREAM_H

#include "kernel.h"

#define STREAM_PAGES 16u
#define STREAM_MAX   (STREAM_PAGES * PAGE_SIZE)

struct stream {
    uint8_t *pages[STREAM_PAGES];   /* of a ring of STREAM_MAX bytes; NULL where nothing lies */
    uint64_t head, tail;            /* run freely: head is written, tail read */
};

static inline size_t stream_used(const struct stream *s)
{
    return s->head - s->tail;
}

/* How much a write would take now: never 0 while the stream is empty, but for lack of memory. */
size_t stream_room(const struct stream *s);
/* Each returns how many bytes it moved. */
size_t stream_write(struct stream *s, const void *data, size_t len);
size_t stream_read(struct stream *s, void *data, size_t len);
size_t stream_peek(const struct stream *s, void *data, size_t len);
void stream_clear(struct stream *s);

#endif
