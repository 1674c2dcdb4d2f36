/* SPDX-License-Identifier: MIT */
/* The queue of bytes behind pipes, sockets and terminals (fs/stream.h). */
#include "fs/stream.h"

static uint64_t pages_used;

static uint64_t share(void)
{
    return pv_nr_pages() / 8;
}

static uint8_t **page_of(struct stream *s, uint64_t pos)
{
    return &s->pages[pos / PAGE_SIZE % STREAM_PAGES];
}

size_t stream_room(const struct stream *s)
{
    uint64_t pages = pages_used < share() ? share() - pages_used : 0;
    size_t room = pages * PAGE_SIZE;

    if (!stream_used(s))
        room = max(room, PAGE_SIZE);
    else if (s->pages[s->head / PAGE_SIZE % STREAM_PAGES])
        room += PAGE_SIZE - s->head % PAGE_SIZE;    /* of the page that is being filled */
    return min(room, STREAM_MAX - stream_used(s));
}

/* The page that the next byte goes to. The ring's last page may also hold its oldest bytes. */
static uint8_t *writable_page(struct stream *s)
{
    uint8_t **page = page_of(s, s->head);

    if (*page || (pages_used >= share() && stream_used(s)))
        return *page;
    *page = pv_alloc_page();
    if (*page)
        pages_used++;
    return *page;
}

size_t stream_write(struct stream *s, const void *data, size_t len)
{
    size_t done = 0;

    len = min(len, STREAM_MAX - stream_used(s));
    while (done < len) {
        size_t offset = s->head % PAGE_SIZE, n = min(len - done, (size_t)PAGE_SIZE - offset);
        uint8_t *page = writable_page(s);

        if (!page)
            break;
        memcpy(page + offset, (const char *)data + done, n);
        s->head += n;
        done += n;
    }
    return done;
}

size_t stream_peek(const struct stream *s, void *data, size_t len)
{
    uint64_t pos = s->tail;
    size_t done = 0;

    len = min(len, stream_used(s));
    while (done < len) {
        size_t offset = pos % PAGE_SIZE, n = min(len - done, (size_t)PAGE_SIZE - offset);

        memcpy((char *)data + done, s->pages[pos / PAGE_SIZE % STREAM_PAGES] + offset, n);
        pos += n;
        done += n;
    }
    return done;
}

static void free_page(uint8_t **page)
{
    if (!*page)
        return;
    pv_free_page(*page);
    *page = NULL;
    pages_used--;
}

static void free_pages(struct stream *s)
{
    for (unsigned int i = 0; i < STREAM_PAGES; i++)
        free_page(&s->pages[i]);
    s->head = s->tail = 0;
}

/* Moves the tail and gives back the pages that it leaves; all of them when nothing is left. */
static void consume(struct stream *s, size_t n)
{
    while (n) {
        size_t step = min(n, (size_t)PAGE_SIZE - s->tail % PAGE_SIZE);
        uint8_t **page = page_of(s, s->tail);

        s->tail += step;
        n -= step;
        /* A full ring's newest bytes may have come round to the page that the oldest lie in. */
        if (s->tail % PAGE_SIZE == 0 && page != page_of(s, s->head))
            free_page(page);
    }
    if (s->tail == s->head)
        free_pages(s);
}

size_t stream_read(struct stream *s, void *data, size_t len)
{
    size_t n = stream_peek(s, data, len);

    consume(s, n);
    return n;
}

void stream_clear(struct stream *s)
{
    consume(s, stream_used(s));
}
