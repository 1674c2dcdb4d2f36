/* SPDX-License-Identifier: MIT */
/*
 * The flags of a grant entry (hypervisor/grant/grant_entry.c): all flags, all combinations of who
 * is meant and who asks, against a model in words; and two threads, a granter that takes grants
 * back and somebody who claims and releases them, who must never both believe to have the frame.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "grant/grant_entry.h"
#include "lib/atomic.h"

#define MARKS  (GTF_reading | GTF_writing)
#define ROUNDS 200000u

static bool allowed(u16 flags, u16 domid, u16 grantee, bool write)
{
    return (flags & GTF_type_mask) == GTF_permit_access && domid == grantee &&
           !(write && (flags & GTF_readonly));
}

static void claims_go_by_type_grantee_and_right(void **state)
{
    static const u16 ids[] = { 0, 1, 0x7fef, 0xffff };

    (void)state;
    for (u32 flags = 0; flags < 512; flags++) {
        for (unsigned int i = 0; i < 16; i++) {
            for (unsigned int write = 0; write < 2; write++) {
                u16 granted = ids[i / 4], asks = ids[i % 4], marks;
                grant_entry_v1_t e = { .flags = (u16)flags, .domid = granted, .frame = 0x12345 };
                bool ok = allowed((u16)flags, granted, asks, write);

                assert_int_equal(grant_entry_claim(&e, asks, write),
                                 ok ? GNTST_okay : GNTST_general_error);
                marks = (u16)(ok ? GTF_reading | (write ? GTF_writing : 0) : 0);
                assert_int_equal(e.flags, flags | marks);
                assert_int_equal(e.domid, granted);
                assert_int_equal(e.frame, 0x12345);
            }
        }
    }
}

static void releases_take_their_marks_only(void **state)
{
    (void)state;
    for (u32 flags = 0; flags < 512; flags++) {
        for (u16 marks = 0; marks <= MARKS; marks = (u16)(marks + GTF_reading)) {
            grant_entry_v1_t e = { .flags = (u16)flags, .domid = 7, .frame = 9 };

            grant_entry_release(&e, marks);
            assert_int_equal(e.flags, flags & ~(u32)marks);
            assert_int_equal(e.domid, 7);
            assert_int_equal(e.frame, 9);
        }
    }
}

/* ---- Two at once ---- */

static grant_entry_v1_t shared;
static u32 owner_has_it, grantee_has_it, clashes;

static void *granter(void *unused)
{
    for (unsigned int i = 0; i < ROUNDS; i++) {
        u16 old = GTF_permit_access;

        if (!cas(&shared.flags, &old, 0))
            continue;
        WRITE_ONCE(owner_has_it, 1);
        if (load_acquire(&grantee_has_it))
            atomic_add(&clashes, 1);
        store_release(&owner_has_it, 0);
        store_release(&shared.flags, GTF_permit_access);
    }
    return unused;
}

/* Until it has had the frame often enough: how many tries that takes, the scheduler says. */
static void *grantee(void *taken)
{
    for (unsigned int i = 0; *(unsigned int *)taken < ROUNDS; i++) {
        if (grant_entry_claim(&shared, 3, i & 1) != GNTST_okay)
            continue;
        WRITE_ONCE(grantee_has_it, 1);
        if (load_acquire(&owner_has_it))
            atomic_add(&clashes, 1);
        store_release(&grantee_has_it, 0);
        grant_entry_release(&shared, GTF_reading | (i & 1 ? GTF_writing : 0));
        (*(unsigned int *)taken)++;
    }
    return NULL;
}

static void a_claimed_frame_is_not_taken_back(void **state)
{
    unsigned int taken = 0;
    pthread_t other;

    (void)state;
    shared = (grant_entry_v1_t){ .flags = GTF_permit_access, .domid = 3 };
    assert_int_equal(pthread_create(&other, NULL, granter, NULL), 0);
    grantee(&taken);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(clashes, 0);
    assert_int_equal(taken, ROUNDS);
    assert_int_equal(shared.flags, GTF_permit_access);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_go_by_type_grantee_and_right),
        cmocka_unit_test(releases_take_their_marks_only),
        cmocka_unit_test(a_claimed_frame_is_not_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
