/* SPDX-License-Identifier: MIT */
/*
 * The pages that a guest shares with the daemons (tools/consoled/ring.c, tools/xenstored-lite/
 * ring.c): with any indices at all nothing is read or written beside the rings, and the other
 * side's indices are left alone.
 */
#include <errno.h>

#include "fuzz.h"
#include "tools/consoled/ring.h"
#include "tools/xenstored-lite/server.h"

enum { CONSOLE_READ, CONSOLE_WRITTEN, CONSOLE_BAD, STORE_READ, STORE_WRITTEN, STORE_BAD };
FUZZ_GOALS(GOAL("console output"), GOAL("console input"), GOAL("a bad console"),
           GOAL("store requests"), GOAL("store answers"), GOAL("a bad store ring"))

static uint32_t index_near(struct fuzz_input *in, uint32_t other)
{
    return fuzz_take(in, 1) % 4 ? other + (uint32_t)fuzz_take(in, 2) % 3000u :
                                  (uint32_t)fuzz_take(in, 4);
}

static void fuzz_console(struct fuzz_input *in)
{
    struct xencons_interface *page = calloc(1, sizeof(*page)), before;
    size_t size = (size_t)fuzz_below(in, 4096);
    char *bytes = calloc(1, size + 1);
    ssize_t n;

    FUZZ_CHECK(page != NULL && bytes != NULL);
    page->out_cons = (uint32_t)fuzz_take(in, 4);
    page->out_prod = index_near(in, page->out_cons);
    page->in_cons = (uint32_t)fuzz_take(in, 4);
    page->in_prod = index_near(in, page->in_cons);
    before = *page;
    n = console_ring_read(page, bytes, size);
    FUZZ_CHECK(n == -EPROTO || (n >= 0 && (size_t)n <= size && (size_t)n <= sizeof(page->out)));
    FUZZ_CHECK((n == -EPROTO) == (before.out_prod - before.out_cons > sizeof(page->out)));
    FUZZ_CHECK(page->out_cons == before.out_cons + (n > 0 ? (uint32_t)n : 0));
    REACHED(n < 0 ? CONSOLE_BAD : CONSOLE_READ);
    n = console_ring_room(page);
    FUZZ_CHECK(n == -EPROTO || (n >= 0 && (size_t)n <= sizeof(page->in)));
    if (n > 0) {
        size_t some = (size_t)n < size ? (size_t)n : size;

        console_ring_write(page, bytes, some);
        FUZZ_CHECK(page->in_prod == before.in_prod + (uint32_t)some);
        REACHED(CONSOLE_WRITTEN);
    }
    FUZZ_CHECK(page->out_prod == before.out_prod && page->in_cons == before.in_cons);
    free(page);
    free(bytes);
}

static void fuzz_store(struct fuzz_input *in)
{
    struct xenstore_domain_interface *page = calloc(1, sizeof(*page)), before;
    struct ring *ring = ring_new(page, 1, -1, 0);
    size_t size = (size_t)fuzz_below(in, 4096);
    char *bytes = calloc(1, size + 1);
    ssize_t n;

    FUZZ_CHECK(page != NULL && ring != NULL && bytes != NULL);
    page->req_cons = (uint32_t)fuzz_take(in, 4);
    page->req_prod = index_near(in, page->req_cons);
    page->rsp_cons = (uint32_t)fuzz_take(in, 4);
    page->rsp_prod = index_near(in, page->rsp_cons);
    before = *page;
    n = ring_read(ring, bytes, size);
    FUZZ_CHECK(n == -EPROTO || (n >= 0 && (size_t)n <= size && n <= XENSTORE_RING_SIZE));
    FUZZ_CHECK(page->req_cons == before.req_cons + (n > 0 ? (uint32_t)n : 0));
    REACHED(n < 0 ? STORE_BAD : STORE_READ);
    n = ring_write(ring, bytes, size);
    FUZZ_CHECK(n == -EPROTO || (n >= 0 && (size_t)n <= size && n <= XENSTORE_RING_SIZE));
    FUZZ_CHECK(page->rsp_prod == before.rsp_prod + (n > 0 ? (uint32_t)n : 0));
    FUZZ_CHECK(page->rsp_prod - before.rsp_cons <= XENSTORE_RING_SIZE || n == -EPROTO);
    if (n > 0)
        REACHED(STORE_WRITTEN);
    FUZZ_CHECK(page->req_prod == before.req_prod && page->rsp_cons == before.rsp_cons);
    free(ring);
    free(page);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };

    fuzz_console(&in);
    fuzz_store(&in);
    return 0;
}
