/* SPDX-License-Identifier: MIT */
/* What takes more than one request to the store: transactions, and waiting for others' changes. */
#include "libxllite.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

int store_transact(struct store *store, int (*change)(struct store *store, void *context),
                   void *context)
{
    int rc;

    do {
        rc = store_begin(store);
        if (rc)
            return rc;
        rc = change(store, context);
        if (rc) {
            store_end(store, false);
            return rc;
        }
        rc = store_end(store, true);
    } while (rc == -EAGAIN);
    return rc;
}

uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int store_await(struct store *store, uint64_t deadline)
{
    struct pollfd news = { .fd = store->fd, .events = POLLIN };
    struct store_event *event;
    uint64_t now;
    int rc;

    for (;;) {
        event = store_next_event(store, false, &rc);
        store_free_event(event);
        if (event || rc)
            return rc;
        now = now_ms();
        if (now >= deadline)
            return -ETIMEDOUT;
        if (poll(&news, 1, (int)(deadline - now)) < 0 && errno != EINTR)
            return xl_fail(errno, "poll: %s", strerror(errno));
    }
}
