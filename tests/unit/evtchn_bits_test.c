/* SPDX-License-Identifier: MIT */
/*
 * The words of events that hypervisor and guest share (hypervisor/event/evtchn_bits.c): which
 * step is taken when, against a model that spells the rules out, and between threads, where no
 * event that was raised may stay unseen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/evtchn_bits.h"

#define PORTS 4096u

static struct shared_info shared;
static struct vcpu_info *const info = &shared.vcpu_info[3];

static int clear_all(void **state)
{
    (void)state;
    memset(&shared, 0, sizeof(shared));
    return 0;
}

static bool bit(const xen_ulong_t *words, u32 port)
{
    return words[port / 64] >> port % 64 & 1;
}

static void first_raise_climbs_all_steps(void **state)
{
    (void)state;
    for (u32 port = 1; port < PORTS; port += 61) {
        clear_all(NULL);
        assert_int_equal(evtchn_bits_raise(&shared, info, port), RAISED_PENDING | RAISED_UPCALL);
        assert_true(bit(shared.evtchn_pending, port));
        assert_true(evtchn_bits_pending(&shared, port));
        assert_int_equal(info->evtchn_pending_sel, 1ul << port / 64);
        assert_int_equal(info->evtchn_upcall_pending, 1);
        assert_int_equal(info->evtchn_upcall_mask, 0);
    }
}

static void second_raise_changes_nothing(void **state)
{
    struct shared_info before;

    (void)state;
    evtchn_bits_raise(&shared, info, 77);
    before = shared;
    assert_int_equal(evtchn_bits_raise(&shared, info, 77), 0);
    assert_memory_equal(&before, &shared, sizeof(shared));
}

static void another_port_of_a_told_vcpu_tells_nobody(void **state)
{
    (void)state;
    evtchn_bits_raise(&shared, info, 77);
    assert_int_equal(evtchn_bits_raise(&shared, info, 78), RAISED_PENDING);
    assert_int_equal(evtchn_bits_raise(&shared, info, 4095), RAISED_PENDING);
    assert_true(info->evtchn_pending_sel == (1ul << 1 | 1ul << 63));
}

static void masked_port_is_only_pending(void **state)
{
    (void)state;
    shared.evtchn_mask[2] = 1ul << 5;
    assert_int_equal(evtchn_bits_raise(&shared, info, 2 * 64 + 5), RAISED_PENDING);
    assert_int_equal(info->evtchn_pending_sel, 0);
    assert_int_equal(info->evtchn_upcall_pending, 0);
    assert_int_equal(evtchn_bits_unmask(&shared, info, 2 * 64 + 5), RAISED_UPCALL);
    assert_int_equal(info->evtchn_pending_sel, 1ul << 2);
    assert_int_equal(shared.evtchn_mask[2], 0);
    assert_int_equal(evtchn_bits_unmask(&shared, info, 2 * 64 + 5), 0);
}

static void unmask_of_a_quiet_port_tells_nobody(void **state)
{
    (void)state;
    shared.evtchn_mask[0] = ~0ul;
    assert_int_equal(evtchn_bits_unmask(&shared, info, 9), 0);
    assert_true(shared.evtchn_mask[0] == ~(1ul << 9));
    assert_int_equal(info->evtchn_upcall_pending, 0);
}

static void clear_takes_one_port_only(void **state)
{
    (void)state;
    evtchn_bits_raise(&shared, info, 64);
    evtchn_bits_raise(&shared, info, 65);
    evtchn_bits_clear(&shared, 64);
    assert_false(evtchn_bits_pending(&shared, 64));
    assert_true(evtchn_bits_pending(&shared, 65));
}

static void notify_all_leaves_nothing_unseen(void **state)
{
    (void)state;
    evtchn_bits_notify_all(info);
    assert_true(info->evtchn_pending_sel == ~0ul);
    assert_int_equal(info->evtchn_upcall_pending, 1);
}

/* The rules of the interface in plain steps, without atomics. */
static unsigned int model_raise(struct shared_info *s, struct vcpu_info *v, u32 port)
{
    unsigned int rc = 0;

    if (bit(s->evtchn_pending, port))
        return 0;
    s->evtchn_pending[port / 64] |= 1ul << port % 64;
    rc = RAISED_PENDING;
    if (bit(s->evtchn_mask, port) || v->evtchn_pending_sel >> port / 64 & 1)
        return rc;
    v->evtchn_pending_sel |= 1ul << port / 64;
    if (!v->evtchn_upcall_pending)
        rc |= RAISED_UPCALL;
    v->evtchn_upcall_pending = 1;
    return rc;
}

static void any_state_follows_the_model(void **state)
{
    static struct shared_info model;

    (void)state;
    srandom(4711);
    for (unsigned int i = 0; i < 200000; i++) {
        u32 port = (u32)random() % 192;

        shared.evtchn_mask[port / 64] ^= (u64)random() << 31 & (u64)random();
        if (random() % 4 == 0)
            shared.evtchn_pending[port / 64] &= (xen_ulong_t)random();
        if (random() % 4 == 0)
            info->evtchn_pending_sel = 0;
        if (random() % 4 == 0)
            info->evtchn_upcall_pending = 0;
        model = shared;
        assert_int_equal(evtchn_bits_raise(&shared, info, port),
                         model_raise(&model, &model.vcpu_info[3], port));
        assert_memory_equal(&model, &shared, sizeof(shared));
    }
}

/*
 * Two senders and one guest that masks and unmasks. A sender goes on with a port only when the
 * guest has consumed it, and the guest looks only when it was told: a lost notification hangs
 * both, and the alarm ends the program.
 */
#define ROUNDS 20000u

static u32 consumed[PORTS], told;

static void *sender(void *arg)
{
    u32 port = *(u32 *)arg;

    for (u32 i = 0; i < ROUNDS; i++) {
        if (evtchn_bits_raise(&shared, info, port) & RAISED_UPCALL)
            __atomic_store_n(&told, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&consumed[port], __ATOMIC_SEQ_CST) == i)
            ;
    }
    return NULL;
}

static u32 consume(void)
{
    xen_ulong_t sel, pending;
    u32 n = 0;

    __atomic_store_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    sel = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (; sel; sel &= sel - 1) {
        u32 word = (u32)__builtin_ctzl(sel);

        pending = __atomic_load_n(&shared.evtchn_pending[word], __ATOMIC_SEQ_CST) &
                  ~__atomic_load_n(&shared.evtchn_mask[word], __ATOMIC_SEQ_CST);
        for (; pending; pending &= pending - 1, n++) {
            u32 port = word * 64 + (u32)__builtin_ctzl(pending);

            evtchn_bits_clear(&shared, port);
            __atomic_fetch_add(&consumed[port], 1, __ATOMIC_SEQ_CST);
        }
    }
    return n;
}

static void no_event_is_lost_between_threads(void **state)
{
    u32 ports[2] = { 70, 71 }, left = 2 * ROUNDS;
    pthread_t threads[2];

    (void)state;
    alarm(60);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sender, &ports[i]), 0);
    for (u32 turn = 0; left; turn++) {
        bool mask = turn % 3 == 0;

        if (mask)
            __atomic_fetch_or(&shared.evtchn_mask[1], 1ul << 6, __ATOMIC_SEQ_CST);
        if (__atomic_exchange_n(&told, 0, __ATOMIC_SEQ_CST))
            left -= consume();
        if (mask && evtchn_bits_unmask(&shared, info, 70) & RAISED_UPCALL)
            __atomic_store_n(&told, 1, __ATOMIC_SEQ_CST);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(consumed[70], ROUNDS);
    assert_int_equal(consumed[71], ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(first_raise_climbs_all_steps, clear_all),
        cmocka_unit_test_setup(second_raise_changes_nothing, clear_all),
        cmocka_unit_test_setup(another_port_of_a_told_vcpu_tells_nobody, clear_all),
        cmocka_unit_test_setup(masked_port_is_only_pending, clear_all),
        cmocka_unit_test_setup(unmask_of_a_quiet_port_tells_nobody, clear_all),
        cmocka_unit_test_setup(clear_takes_one_port_only, clear_all),
        cmocka_unit_test_setup(notify_all_leaves_nothing_unseen, clear_all),
        cmocka_unit_test_setup(any_state_follows_the_model, clear_all),
        cmocka_unit_test_setup(no_event_is_lost_between_threads, clear_all),
    };

    return cmocka_run_group_tests_name("evtchn_bits", tests, NULL, NULL);
}
