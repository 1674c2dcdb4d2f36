/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/drivers/virtqueue.c with a device of the test's own, which reads the queue as the
 * specification lays it out, and answers as it should or as it should not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/virtio.h"

#define SIZE  16u
#define CHAIN 5u

enum { NEXT = 1, WRITE = 2, INDIRECT = 4, NO_NOTIFY = 1 };

/* ---- The rest of the kernel ---- */

static long pages, pages_left = -1;

void *pv_alloc_page(void)
{
    void *page = pages_left == 0 ? NULL : aligned_alloc(PAGE_SIZE, PAGE_SIZE);

    if (!page)
        return NULL;
    pages_left -= pages_left > 0;
    pages++;
    return memset(page, 0, PAGE_SIZE);
}

void pv_free_page(void *page)
{
    pages--;
    free(page);
}

pv_mfn_t pv_va_to_mfn(const void *va)
{
    return pv_mfn((uint64_t)va >> PAGE_SHIFT);
}

_Noreturn void pv_panic(const char *format, ...)
{
    (void)format;
    abort();
}

/* ---- The device ---- */

static struct virtqueue q;
static volatile uint16_t bell;
static uint16_t seen;           /* of what is available */

static uint16_t *avail(void)
{
    return (uint16_t *)q.avail;
}

static volatile uint16_t *used(void)
{
    return (volatile uint16_t *)q.used;
}

/* The next request's first descriptor in the ring. */
static uint16_t take(void)
{
    assert_int_not_equal(avail()[1], seen);
    return avail()[2 + seen++ % SIZE];
}

static void answer_at(uint16_t index, uint32_t id)
{
    volatile uint32_t *element = (volatile uint32_t *)(used() + 2) + index % SIZE * 2;

    element[0] = id;
    element[1] = 1;
}

static void answer(uint32_t id)
{
    answer_at(used()[1], id);
    used()[1] = (uint16_t)(used()[1] + 1);
}

static unsigned int submit(unsigned int buffers)
{
    int slot = virtqueue_take_slot(&q);

    assert_true(slot >= 0);
    for (unsigned int i = 0; i < buffers; i++)
        virtqueue_set(&q, (unsigned int)slot, i, 0x1000 * (i + 1), 512 * (i + 1), i > 0);
    virtqueue_submit(&q, (unsigned int)slot, buffers);
    return (unsigned int)slot;
}

static void make(bool indirect)
{
    assert_int_equal(virtqueue_create(&q, SIZE, CHAIN, indirect), 0);
    q.doorbell = &bell;
    q.index = 7;
    bell = 0;
    seen = 0;
}

static int make_indirect(void **state)
{
    (void)state;
    make(true);
    return 0;
}

static int make_direct(void **state)
{
    (void)state;
    make(false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    virtqueue_destroy(&q);
    return pages != 0;
}

/* ---- What the device sees ---- */

static void check_chain(const struct vring_desc *desc, const struct vring_desc *at, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++, at = desc + at->next) {
        assert_int_equal(at->addr, 0x1000 * (i + 1));
        assert_int_equal(at->len, 512 * (i + 1));
        assert_int_equal(at->flags, (i > 0 ? WRITE : 0) | (i + 1 < n ? NEXT : 0));
    }
}

static void indirect_requests(void **state)
{
    (void)state;
    assert_int_equal(q.nr_slots, SIZE);
    for (unsigned int n = 1; n <= CHAIN; n++) {
        const struct vring_desc *head, *table;

        submit(n);
        head = &q.desc[take()];
        table = (const struct vring_desc *)head->addr;
        assert_int_equal(head->flags, INDIRECT);
        assert_int_equal(head->len, n * sizeof(*table));
        /* What the device reads lies in one page. */
        assert_int_equal(head->addr / PAGE_SIZE, (head->addr + head->len - 1) / PAGE_SIZE);
        check_chain(table, table, n);
    }
}

static void chained_requests(void **state)
{
    (void)state;
    assert_int_equal(q.nr_slots, SIZE / CHAIN);
    for (unsigned int n = CHAIN; n > CHAIN - q.nr_slots; n--) {
        submit(n);
        check_chain(q.desc, &q.desc[take()], n);
    }
    assert_int_equal(virtqueue_take_slot(&q), -EBUSY);
}

static void one_ring_for_many(void **state)
{
    (void)state;
    virtqueue_ring(&q);
    assert_int_equal(bell, 0);          /* for nothing */
    submit(1);
    submit(1);
    assert_int_equal(avail()[1], 2);    /* there already, for a device that looks by itself */
    assert_int_equal(bell, 0);
    virtqueue_ring(&q);
    assert_int_equal(bell, 7);
    bell = 0;
    virtqueue_ring(&q);
    assert_int_equal(bell, 0);
    used()[0] = NO_NOTIFY;
    submit(1);
    virtqueue_ring(&q);
    assert_int_equal(bell, 0);
    used()[0] = 0;
    submit(1);
    virtqueue_ring(&q);
    assert_int_equal(bell, 7);
}

/* Answers in another order than that of the requests, until the 16-bit indices have come round. */
static void comes_round(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < 0x10000 / 2 + 10; i++) {
        unsigned int first = submit(2), second = submit(3);
        uint16_t a = take(), b = take();

        answer(b);
        answer(a);
        assert_int_equal(virtqueue_next(&q), second);
        assert_int_equal(virtqueue_next(&q), first);
        assert_int_equal(virtqueue_next(&q), -EAGAIN);
        virtqueue_put_slot(&q, first);
        virtqueue_put_slot(&q, second);
    }
    assert_int_equal(q.nr_free, q.nr_slots);
}

/* ---- What the device gets wrong ---- */

/* One that nobody has; one far outside; one beside a chain's beginning. */
static void wrong_ids(void **state)
{
    const uint32_t step = q.indirect ? 1 : CHAIN;
    const uint32_t ids[] = { SIZE, SIZE * CHAIN, 0xffffffffu, 0x10000, q.nr_slots * step };
    unsigned int slot = submit(1);
    uint16_t head = take();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        answer_at(q.last_used, ids[i]);
        used()[1] = (uint16_t)(q.last_used + 1);
        assert_int_equal(virtqueue_next(&q), -EIO);
    }
    answer_at(q.last_used, head == 0 ? step : 0);
    assert_int_equal(virtqueue_next(&q), -EIO);
    if (step > 1) {
        answer_at(q.last_used, head + 1u);
        assert_int_equal(virtqueue_next(&q), -EIO);
    }
    answer_at(q.last_used, head);
    assert_int_equal(virtqueue_next(&q), slot);
    /* And once more the same. */
    answer(head);
    assert_int_equal(virtqueue_next(&q), -EIO);
}

static void index_ahead(void **state)
{
    const uint16_t indices[] = { SIZE + 1, 0x8000, 0xffff };

    (void)state;
    submit(1);
    answer_at(0, take());
    for (size_t i = 0; i < ARRAY_SIZE(indices); i++) {
        used()[1] = indices[i];
        assert_int_equal(virtqueue_next(&q), -EIO);
    }
    used()[1] = 0;
    assert_int_equal(virtqueue_next(&q), -EAGAIN);
}

/* ---- Memory ---- */

static void runs_out_of_memory(void **state)
{
    (void)state;
    for (long left = 0; left < 2; left++) {
        pages_left = left;
        assert_int_equal(virtqueue_create(&q, VIRTQUEUE_MAX, 34, true), -ENOMEM);
        assert_int_equal(pages, 0);
    }
    pages_left = -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(indirect_requests, make_indirect, end),
        cmocka_unit_test_setup_teardown(chained_requests, make_direct, end),
        cmocka_unit_test_setup_teardown(one_ring_for_many, make_indirect, end),
        cmocka_unit_test_setup_teardown(comes_round, make_indirect, end),
        { "comes_round_chained", comes_round, make_direct, end, NULL },
        cmocka_unit_test_setup_teardown(wrong_ids, make_indirect, end),
        { "wrong_ids_chained", wrong_ids, make_direct, end, NULL },
        cmocka_unit_test_setup_teardown(index_ahead, make_indirect, end),
        cmocka_unit_test(runs_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
