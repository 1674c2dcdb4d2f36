/* SPDX-License-Identifier: MIT */
/*
 * FIFO event queues (hypervisor/event/fifo_words.c): what a well-behaved guest sees, against a
 * model; that no event is lost between threads, with queues that change under way; and a guest that
 * writes anything anywhere at any time, against which memory is all that counts: ASan and the
 * guard words watch it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/evtchn_bits.h"
#include "event/fifo_words.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED  (1u << EVTCHN_FIFO_MASKED)
#define LINKED  (1u << EVTCHN_FIFO_LINKED)
#define BUSY    (1u << EVTCHN_FIFO_BUSY)
#define VCPUS   3u
#define PAGES   2u
#define PORTS   (PAGES * FIFO_WORDS_PER_PAGE)

static struct event_fifo *fifo;
static struct vcpu_info infos[VCPUS];
static event_word_t *words[PAGES];
/* What the guest keeps by itself of each queue: the port to take next, 0: see the control block. */
static u32 heads[VCPUS][EVTCHN_FIFO_MAX_QUEUES];

static event_word_t *word(u32 port)
{
    return &words[port / FIFO_WORDS_PER_PAGE][port % FIFO_WORDS_PER_PAGE];
}

static struct fifo_port *record(u32 port)
{
    return &fifo->ports[port / FIFO_WORDS_PER_PAGE][port % FIFO_WORDS_PER_PAGE];
}

static int set_up(void **state)
{
    (void)state;
    fifo = calloc(1, sizeof(*fifo));
    memset(infos, 0, sizeof(infos));
    memset(heads, 0, sizeof(heads));
    for (u32 i = 0; i < PAGES; i++) {
        words[i] = calloc(FIFO_WORDS_PER_PAGE, sizeof(event_word_t));
        fifo->words[i] = words[i];
        fifo->ports[i] = calloc(FIFO_WORDS_PER_PAGE, sizeof(struct fifo_port));
        for (u32 p = 0; p < FIFO_WORDS_PER_PAGE; p++)
            fifo->ports[i][p].priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    }
    for (u32 v = 0; v < VCPUS; v++)
        fifo->vcpus[v].control = calloc(1, sizeof(struct evtchn_fifo_control_block));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (u32 i = 0; i < PAGES; i++) {
        free(words[i]);
        free(fifo->ports[i]);
    }
    for (u32 v = 0; v < VCPUS; v++)
        free(fifo->vcpus[v].control);
    free(fifo);
    return 0;
}

static unsigned int raise_on(u32 port, u32 vcpu)
{
    return fifo_raise(fifo, &infos[vcpu], port, vcpu);
}

/* ---- The guest's half of the protocol ---- */

/* Takes the first port out of a queue that is ready; 0 if there was none. */
static u32 take(u32 vcpu, u32 priority, u32 *ready)
{
    u32 port = heads[vcpu][priority], old;

    if (port == 0)
        port = __atomic_load_n(&fifo->vcpus[vcpu].control->head[priority], __ATOMIC_SEQ_CST);
    if (port == 0) {
        *ready &= ~(1u << priority);
        return 0;
    }
    old = __atomic_fetch_and(word(port), ~(LINKED | EVTCHN_FIFO_LINK_MASK), __ATOMIC_SEQ_CST);
    heads[vcpu][priority] = old & EVTCHN_FIFO_LINK_MASK;
    if (heads[vcpu][priority] == 0)
        *ready &= ~(1u << priority);
    return port;
}

/* One upcall: all pending and unmasked ports of a vCPU, in the order in which they come. */
static unsigned int upcall(u32 vcpu, u32 *out, unsigned int room)
{
    struct evtchn_fifo_control_block *control = fifo->vcpus[vcpu].control;
    unsigned int n = 0;
    u32 ready;

    __atomic_store_n(&infos[vcpu].evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    ready = __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);
    while (ready) {
        u32 port = take(vcpu, (u32)__builtin_ctz(ready), &ready), old;

        if (port && !(__atomic_load_n(word(port), __ATOMIC_SEQ_CST) & MASKED)) {
            old = __atomic_fetch_and(word(port), ~PENDING, __ATOMIC_SEQ_CST);
            if ((old & PENDING) && n < room)
                out[n++] = port;
        }
        ready |= __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);
    }
    return n;
}

/* ---- A guest that keeps the rules ---- */

static void first_raise_tells_the_vcpu(void **state)
{
    (void)state;
    assert_int_equal(raise_on(5, 1), RAISED_PENDING | RAISED_UPCALL);
    assert_int_equal(*word(5), PENDING | LINKED);
    assert_int_equal(fifo->vcpus[1].control->head[7], 5);
    assert_int_equal(fifo->vcpus[1].control->ready, 1u << 7);
    assert_int_equal(infos[1].evtchn_upcall_pending, 1);
    assert_int_equal(raise_on(5, 1), 0);
    assert_int_equal(raise_on(9, 1), RAISED_PENDING);
    assert_int_equal(*word(5), PENDING | LINKED | 9);
    assert_int_equal(fifo->vcpus[1].control->head[7], 5);
}

static void events_come_by_priority_and_then_in_order(void **state)
{
    static const u8 priorities[] = { 7, 0, 15, 7, 0, 3 };
    static const u32 expected[] = { 1021, 1024, 1025, 1020, 1023, 1022 };
    u32 got[8];

    (void)state;
    for (u32 i = 0; i < 6; i++) {
        record(1020 + i)->priority = priorities[i];
        raise_on(1020 + i, 0);
    }
    assert_int_equal(upcall(0, got, 8), 6);
    assert_memory_equal(got, expected, sizeof(expected));
    assert_int_equal(upcall(0, got, 8), 0);
}

static void masked_port_is_only_pending(void **state)
{
    u32 got[2];

    (void)state;
    *word(40) = MASKED;
    assert_int_equal(raise_on(40, 0), RAISED_PENDING);
    assert_int_equal(*word(40), PENDING | MASKED);
    assert_true(fifo_pending(fifo, 40));
    assert_int_equal(fifo_unmask(fifo, &infos[0], 40, 0), RAISED_UPCALL);
    assert_int_equal(fifo_unmask(fifo, &infos[0], 40, 0), 0);
    assert_int_equal(upcall(0, got, 2), 1);
    assert_int_equal(got[0], 40);
    assert_false(fifo_pending(fifo, 40));
}

/* A port that is linked stays where it is; once it was taken out it comes on its new vCPU. */
static void moved_port_comes_once_and_then_elsewhere(void **state)
{
    u32 got[4];

    (void)state;
    raise_on(30, 0);
    raise_on(31, 0);
    record(31)->priority = 2;
    assert_int_equal(raise_on(31, 1), 0);
    assert_int_equal(upcall(1, got, 4), 0);
    assert_int_equal(upcall(0, got, 4), 2);
    raise_on(31, 1);                /* it was the last one of the other queue */
    raise_on(32, 0);                /* which must not go on behind it */
    assert_int_equal(*word(31), PENDING | LINKED);
    assert_int_equal(upcall(0, got, 4), 1);
    assert_int_equal(got[0], 32);
    assert_int_equal(upcall(1, got, 4), 1);
    assert_int_equal(got[0], 31);
}

/* XSA-107: events before there is a control block, or a page for the word. */
static void events_before_the_guest_is_ready_wait(void **state)
{
    struct evtchn_fifo_control_block *control = fifo->vcpus[2].control;
    u32 got[2];

    (void)state;
    fifo->vcpus[2].control = NULL;
    assert_int_equal(raise_on(8, 2), RAISED_PENDING);
    assert_int_equal(*word(8), PENDING);
    fifo->vcpus[2].control = control;
    assert_int_equal(raise_on(8, 2), RAISED_UPCALL);

    fifo->words[1] = NULL;
    assert_int_equal(raise_on(1500, 0), RAISED_PENDING);
    assert_int_equal(raise_on(1500, 0), 0);
    assert_true(fifo_pending(fifo, 1500));
    assert_int_equal(fifo_unmask(fifo, &infos[0], 1500, 0), 0);
    fifo->words[1] = words[1];
    assert_false(fifo_pending(fifo, 1500));
    assert_true(fifo_stop_waiting(fifo, 1500));
    assert_false(fifo_stop_waiting(fifo, 1500));
    assert_int_equal(raise_on(1500, 0), RAISED_PENDING | RAISED_UPCALL);
    assert_int_equal(upcall(0, got, 2), 1);
    assert_int_equal(raise_on(5000, 0), 0);         /* no record: no such port */
    assert_int_equal(raise_on(~0u, 0), RAISED_PENDING | RAISED_UPCALL);     /* clamped to port 0 */
}

static void closed_port_is_not_pending(void **state)
{
    u32 got[2];

    (void)state;
    raise_on(12, 0);
    raise_on(13, 0);
    fifo_clear(fifo, 12);
    assert_false(fifo_pending(fifo, 12));
    assert_int_equal(upcall(0, got, 2), 1);
    assert_int_equal(got[0], 13);
}

/* Every port pending in the end has come once for each time that it was newly raised. */
static void any_order_of_steps_loses_nothing(void **state)
{
    static u32 raised[PORTS], got[PORTS], came[PORTS];

    (void)state;
    memset(raised, 0, sizeof(raised));
    memset(came, 0, sizeof(came));
    srandom(4711);
    for (unsigned int step = 0; step < 300000; step++) {
        u32 port = 1 + (u32)random() % 60, vcpu = (u32)random() % VCPUS;

        if (random() % 8 == 0)
            record(port)->priority = (u8)(random() % EVTCHN_FIFO_MAX_QUEUES);
        if (raise_on(port, vcpu) & RAISED_PENDING)
            raised[port]++;
        if (random() % 16 == 0)
            for (unsigned int n = upcall(vcpu, got, PORTS); n > 0; n--)
                came[got[n - 1]]++;
    }
    for (u32 vcpu = 0; vcpu < VCPUS; vcpu++)
        for (unsigned int n = upcall(vcpu, got, PORTS); n > 0; n--)
            came[got[n - 1]]++;
    assert_memory_equal(raised, came, sizeof(raised));
    assert_true(raised[1] > 100);
}

/* ---- Between threads ---- */

/*
 * Senders each own some ports, which they send to changing vCPUs at changing priorities; a vCPU is
 * a thread that consumes. Who sends goes on with a port only when it has been consumed: a lost
 * event hangs, and the alarm ends the program.
 */
#define SENDERS 3u
#define OWN     4u
#define ROUNDS  4000u

static u32 consumed[PORTS];
static bool all_done;

static void *sender(void *arg)
{
    u32 first = 1 + *(u32 *)arg * OWN, sent[OWN] = { 0 }, left = OWN * ROUNDS;
    unsigned int seed = first;

    while (left) {
        u32 i = (u32)rand_r(&seed) % OWN, port = first + i;

        if (sent[i] == ROUNDS || __atomic_load_n(&consumed[port], __ATOMIC_SEQ_CST) != sent[i]) {
            sched_yield();
            continue;
        }
        record(port)->priority = (u8)(rand_r(&seed) % 3);
        sent[i]++;
        left--;
        raise_on(port, (u32)rand_r(&seed) % VCPUS);
    }
    return NULL;
}

static void *consumer(void *arg)
{
    u32 vcpu = *(u32 *)arg, got[64];

    while (!__atomic_load_n(&all_done, __ATOMIC_SEQ_CST)) {
        if (!__atomic_load_n(&infos[vcpu].evtchn_upcall_pending, __ATOMIC_SEQ_CST)) {
            sched_yield();
            continue;
        }
        for (unsigned int n = upcall(vcpu, got, 64); n > 0; n--)
            __atomic_fetch_add(&consumed[got[n - 1]], 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void no_event_is_lost_between_threads(void **state)
{
    pthread_t senders[SENDERS], consumers[VCPUS];
    u32 numbers[] = { 0, 1, 2 };

    (void)state;
    alarm(120);
    for (u32 i = 0; i < VCPUS; i++)
        assert_int_equal(pthread_create(&consumers[i], NULL, consumer, &numbers[i]), 0);
    for (u32 i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&senders[i], NULL, sender, &numbers[i]), 0);
    for (u32 i = 0; i < SENDERS; i++)
        pthread_join(senders[i], NULL);
    __atomic_store_n(&all_done, true, __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < VCPUS; i++)
        pthread_join(consumers[i], NULL);
    alarm(0);
    for (u32 port = 1; port <= SENDERS * OWN; port++)
        assert_true(consumed[port] >= ROUNDS - 1);
}

/* ---- A guest that keeps no rule ---- */

static bool stop_scribbling;

static void *scribbler(void *arg)
{
    unsigned int seed = 99;

    (void)arg;
    while (!__atomic_load_n(&stop_scribbling, __ATOMIC_SEQ_CST)) {
        u32 port = (u32)rand_r(&seed) % 64, v = (u32)rand_r(&seed) % VCPUS;
        u32 *control = (u32 *)fifo->vcpus[v].control;

        __atomic_store_n(word(port), (u32)rand_r(&seed) << 16 ^ (u32)rand_r(&seed),
                         __ATOMIC_SEQ_CST);
        __atomic_store_n(word(port), LINKED | BUSY | EVTCHN_FIFO_LINK_MASK, __ATOMIC_SEQ_CST);
        __atomic_store_n(&control[(u32)rand_r(&seed) % 18], (u32)rand_r(&seed), __ATOMIC_SEQ_CST);
        __atomic_store_n(&infos[v].evtchn_upcall_pending, (u8)rand_r(&seed), __ATOMIC_SEQ_CST);
    }
    return NULL;
}

/* What is ours stays sound: every queue's last port is one that was put into that very queue. */
static void check_tails(void)
{
    for (u32 v = 0; v < VCPUS; v++)
        for (u32 q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++) {
            u32 tail = fifo->vcpus[v].tail[q];

            assert_true(tail < 64);
            if (tail) {
                assert_int_equal(record(tail)->in_vcpu, v);
                assert_int_equal(record(tail)->in_priority, q);
            }
        }
}

static void hostile_guest_hurts_itself_only(void **state)
{
    pthread_t thread;

    (void)state;
    alarm(120);
    assert_int_equal(pthread_create(&thread, NULL, scribbler, NULL), 0);
    srandom(1);
    for (unsigned int step = 0; step < 400000; step++) {
        u32 port = 1 + (u32)random() % 63, vcpu = (u32)random() % VCPUS;

        record(port)->priority = (u8)(random() % EVTCHN_FIFO_MAX_QUEUES);
        raise_on(port, vcpu);
        fifo_unmask(fifo, &infos[vcpu], port, vcpu);
        if (step % 16 == 0)
            fifo_clear(fifo, port);
        if (step % 64 == 0)
            check_tails();
    }
    __atomic_store_n(&stop_scribbling, true, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    alarm(0);
    check_tails();
    assert_false(spin_is_locked(&fifo->lock));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_raise_tells_the_vcpu, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_come_by_priority_and_then_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(masked_port_is_only_pending, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moved_port_comes_once_and_then_elsewhere, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(events_before_the_guest_is_ready_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closed_port_is_not_pending, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_order_of_steps_loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_event_is_lost_between_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_guest_hurts_itself_only, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
