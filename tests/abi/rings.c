/* SPDX-License-Identifier: MIT */
/*
 * The ring macros at work, on a ring in ordinary memory: sizes, the path of an entry there and
 * back, who has to be notified, and what a hostile other side can make a back end believe.
 */
#include <stdio.h>
#include <string.h>

#include <xen/io/blkif.h>
#include <xen/io/netif.h>

static int failures;

#define EXPECT(what, want)                                                             \
    do {                                                                               \
        long seen_ = (long)(what);                                                     \
        if (seen_ != (long)(want)) {                                                   \
            printf("%d: %s is %ld, not %ld\n", __LINE__, #what, seen_, (long)(want));  \
            failures++;                                                                \
        }                                                                              \
    } while (0)

static char page[4096] __attribute__((aligned(4096)));

static void there_and_back(RING_IDX start)
{
    struct blkif_sring *shared = (struct blkif_sring *)page;
    struct blkif_front_ring front;
    struct blkif_back_ring back;
    struct blkif_request request;
    struct blkif_response response;
    int notify, more;

    memset(page, 0xff, sizeof(page));
    SHARED_RING_INIT(shared);
    shared->req_prod = shared->rsp_prod = start;
    shared->req_event = shared->rsp_event = start + 1;
    FRONT_RING_ATTACH(&front, shared, start, sizeof(page));
    BACK_RING_ATTACH(&back, shared, start, sizeof(page));
    EXPECT(RING_SIZE(&front), 32);
    EXPECT(RING_FREE_REQUESTS(&front), 32);

    for (unsigned int i = 0; i < 32; i++) {
        RING_GET_REQUEST(&front, front.req_prod_pvt)->id = 100 + i;
        front.req_prod_pvt++;
        RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
        EXPECT(notify, i == 0);
    }
    EXPECT(RING_FULL(&front), 1);
    EXPECT(RING_HAS_UNCONSUMED_RESPONSES(&front), 0);

    for (unsigned int i = 0; i < 32; i++) {
        EXPECT(XEN_RING_NR_UNCONSUMED_REQUESTS(&back), 32 - i);
        EXPECT(RING_REQUEST_CONS_OVERFLOW(&back, back.req_cons), 0);
        RING_COPY_REQUEST(&back, back.req_cons++, &request);
        EXPECT(request.id, 100 + i);
        RING_GET_RESPONSE(&back, back.rsp_prod_pvt++)->id = request.id + 1000;
    }
    EXPECT(RING_REQUEST_CONS_OVERFLOW(&back, back.rsp_prod_pvt + 32), 1);
    RING_FINAL_CHECK_FOR_REQUESTS(&back, more);
    EXPECT(more, 0);
    EXPECT(shared->req_event, start + 33);
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back, notify);
    EXPECT(notify, 1);

    EXPECT(XEN_RING_NR_UNCONSUMED_RESPONSES(&front), 32);
    for (unsigned int i = 0; i < 32; i++) {
        RING_COPY_RESPONSE(&front, front.rsp_cons++, &response);
        EXPECT(response.id, 1100 + i);
    }
    RING_FINAL_CHECK_FOR_RESPONSES(&front, more);
    EXPECT(more, 0);
    EXPECT(RING_FREE_REQUESTS(&front), 32);
}

static void hostile_producer(void)
{
    struct blkif_sring *shared = (struct blkif_sring *)page;
    struct blkif_front_ring front;
    struct blkif_back_ring back;

    XEN_FRONT_RING_INIT(&front, shared, sizeof(page));
    BACK_RING_INIT(&back, shared, sizeof(page));
    shared->req_prod = 1000;
    EXPECT(XEN_RING_NR_UNCONSUMED_REQUESTS(&back), 32);
    EXPECT(RING_REQUEST_PROD_OVERFLOW(&back, shared->req_prod), 1);
    EXPECT(RING_REQUEST_PROD_OVERFLOW(&back, 32), 0);
    EXPECT(RING_RESPONSE_PROD_OVERFLOW(&front, 33), 1);
}

int main(void)
{
    static const char sizes[] = {
        [0] = __CONST_RING_SIZE(blkif, 4096) == 32 ? 1 : -1,
        [1] = __CONST_RING_SIZE(netif_tx, 4096) == 256 ? 1 : -1,
        [2] = __CONST_RING_SIZE(netif_rx, 4096) == 256 ? 1 : -1,
        [3] = __CONST_RING_SIZE(blkif, 65536) == 512 ? 1 : -1,
    };

    for (size_t i = 0; i < sizeof(sizes); i++)
        EXPECT(sizes[i], 1);
    there_and_back(0);
    there_and_back(0xfffffff0);
    hostile_producer();
    printf("rings: %d failures\n", failures);
    return failures != 0;
}
