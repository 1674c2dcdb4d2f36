/* SPDX-License-Identifier: MIT */
/*
 * The guest library's grants (gnttab.c), with a hypervisor of the test's own that refuses what it
 * is told to, and sets and clears the bits of a mapping while a grant is taken back.
 *
 * The cases run in order: setting up the table can fail in each way, until it succeeds once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

#include "internal.h"

#define FRAMES    4u
#define ENTRIES   (FRAMES * 512u)
#define RESERVED  8u
#define FIRST_MFN 0x1000u

/* ---- The hypervisor ---- */

static struct {
    long result;                /* of the next call as a whole */
    int16_t status;             /* of each operation in it */
    uint32_t max_frames, asked;
    unsigned int setups, maps, unmaps;
    uint64_t host_addr;         /* of the last operation */
    int map_error, tables_error;
    unsigned int addresses;     /* given by pv_vmap_alloc */
} host = { .max_frames = 64, .status = GNTST_okay };

static struct grant_entry_v1 entries[ENTRIES] __attribute__((aligned(4096)));

static void setup_table(struct gnttab_setup_table *op)
{
    host.setups++;
    host.asked = op->nr_frames;
    assert_int_equal(op->dom, DOMID_SELF);
    for (uint32_t i = 0; i < op->nr_frames; i++)
        op->frame_list.p[i] = FIRST_MFN + i;
    op->status = host.status;
}

long HYPERVISOR_grant_table_op(unsigned int cmd, void *ops, unsigned int count)
{
    struct gnttab_query_size *query = ops;
    struct gnttab_map_grant_ref *map = ops;
    struct gnttab_unmap_grant_ref *unmap = ops;

    if (host.result && cmd != GNTTABOP_query_size)
        return host.result;
    if (cmd == GNTTABOP_query_size) {
        query->max_nr_frames = host.max_frames;
        query->status = host.max_frames == 1 ? GNTST_general_error : GNTST_okay;
    } else if (cmd == GNTTABOP_setup_table) {
        setup_table(ops);
    } else if (cmd == GNTTABOP_map_grant_ref) {
        for (unsigned int i = 0; i < count; i++) {
            host.maps++;
            host.host_addr = map[i].host_addr;
            map[i].handle = 77;
            map[i].status = host.status;
        }
    } else {
        assert_int_equal(cmd, GNTTABOP_unmap_grant_ref);
        for (unsigned int i = 0; i < count; i++) {
            host.unmaps++;
            assert_int_equal(unmap[i].handle, 77);
            host.host_addr = unmap[i].host_addr;
            unmap[i].status = host.status;
        }
    }
    return 0;
}

long HYPERVISOR_sched_op(int cmd, void *arg)
{
    (void)cmd;
    (void)arg;
    return 0;
}

/* ---- The rest of the library ---- */

uint64_t pv_vmap_alloc(unsigned int nr)
{
    host.addresses++;
    /* The table is the only thing that is ever read there. */
    return nr == 1 && host.setups ? 0x10000UL * host.addresses : (uint64_t)entries;
}

int pv_map(uint64_t va, pv_mfn_t mfn, uint64_t flags)
{
    assert_int_equal(flags, PV_PROT_RW);
    assert_int_equal(va - (uint64_t)entries, (mfn.nr - FIRST_MFN) * PV_PAGE_SIZE);
    return host.map_error;
}

int pv_prepare_tables(uint64_t va)
{
    (void)va;
    return host.tables_error;
}

bool pv_events_save(void)
{
    return true;
}

void pv_events_restore(bool enabled)
{
    assert_true(enabled);
}

/* ---- Setting up ---- */

static void table_that_cannot_be_had(void **state)
{
    (void)state;
    host.max_frames = 0;
    assert_int_equal(pv_gnttab_init(), -XEN_ENODEV);
    assert_int_equal(host.setups, 0);
    /* Without an answer it asks for one frame. */
    host.max_frames = 1;
    host.result = -XEN_ENOSYS;
    assert_int_equal(pv_gnttab_init(), -XEN_ENOSYS);
    host.result = 0;
    host.status = GNTST_permission_denied;
    host.setups = 0;
    assert_int_equal(pv_gnttab_init(), -XEN_EINVAL);
    assert_int_equal(host.asked, 1);
    host.status = GNTST_okay;
    host.max_frames = 64;
    host.map_error = -XEN_ENOMEM;
    assert_int_equal(pv_gnttab_init(), -XEN_ENOMEM);
    host.map_error = 0;
    assert_int_equal(pv_nr_grants(), 0);
}

static void table_is_set_up_once(void **state)
{
    unsigned int setups;

    (void)state;
    assert_int_equal(pv_gnttab_init(), 0);
    assert_int_equal(host.asked, FRAMES);
    setups = host.setups;
    assert_int_equal(pv_gnttab_init(), 0);
    assert_int_equal(host.setups, setups);
}

/* ---- Giving ---- */

static void entry_says_who_and_what(void **state)
{
    int rw = pv_grant(7, pv_mfn(0x12345), false), ro = pv_grant(8, pv_mfn(0x54321), true);

    (void)state;
    assert_true(rw >= (int)RESERVED && ro >= (int)RESERVED && rw != ro);
    assert_int_equal(entries[rw].flags, GTF_permit_access);
    assert_int_equal(entries[rw].domid, 7);
    assert_int_equal(entries[rw].frame, 0x12345);
    assert_int_equal(entries[ro].flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(entries[ro].domid, 8);
    assert_int_equal(pv_nr_grants(), 2);
    assert_int_equal(pv_grant_end((grant_ref_t)rw), 0);
    assert_int_equal(entries[rw].flags, 0);
    assert_int_equal(pv_grant_end((grant_ref_t)ro), 0);
    assert_int_equal(pv_nr_grants(), 0);
    for (unsigned int i = 0; i < RESERVED; i++)
        assert_int_equal(entries[i].flags, 0);
}

static void references_run_out_and_come_back(void **state)
{
    static bool seen[ENTRIES];
    unsigned int given = 0;
    int ref;

    (void)state;
    while ((ref = pv_grant(1, pv_mfn(5), false)) >= 0) {
        assert_true(ref >= (int)RESERVED && ref < (int)ENTRIES && !seen[ref]);
        seen[ref] = true;
        given++;
    }
    assert_int_equal(ref, -XEN_ENOSPC);
    assert_int_equal(given, ENTRIES - RESERVED);
    assert_int_equal(pv_nr_grants(), given);
    /* A second set-up must not give out what is given. */
    assert_int_equal(pv_gnttab_init(), 0);
    assert_int_equal(pv_grant(1, pv_mfn(5), false), -XEN_ENOSPC);
    assert_int_equal(pv_grant_end(1000), 0);
    assert_int_equal(pv_grant(1, pv_mfn(5), false), 1000);
    for (unsigned int i = RESERVED; i < ENTRIES; i++)
        assert_int_equal(pv_grant_end(i), 0);
    assert_int_equal(pv_nr_grants(), 0);
}

static void mapped_grant_stays(void **state)
{
    static const uint16_t in_use[] = { GTF_reading, GTF_writing, GTF_reading | GTF_writing };
    int ref = pv_grant(3, pv_mfn(9), false);

    (void)state;
    for (size_t i = 0; i < PV_ARRAY_SIZE(in_use); i++) {
        entries[ref].flags |= in_use[i];
        assert_int_equal(pv_grant_end((grant_ref_t)ref), -XEN_EBUSY);
        assert_int_equal(entries[ref].flags, GTF_permit_access | in_use[i]);
        assert_int_equal(entries[ref].frame, 9);
        assert_int_equal(pv_nr_grants(), 1);
        entries[ref].flags &= (uint16_t)~in_use[i];
    }
    assert_int_equal(pv_grant_end((grant_ref_t)ref), 0);
}

/* ---- Taking back while the hypervisor maps ---- */

#define ROUNDS 20000

static struct grant_entry_v1 *contested;
static bool stop;
static unsigned long mapped, broken;

/* Maps and unmaps whenever there is a grant: what it has mapped must not change under it. */
static void *map_and_unmap(void *arg)
{
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        uint16_t flags = GTF_permit_access, now;

        if (!__atomic_compare_exchange_n(&contested->flags, &flags,
                                         GTF_permit_access | GTF_reading | GTF_writing, false,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        mapped++;
        now = __atomic_load_n(&contested->flags, __ATOMIC_SEQ_CST);
        if (now != (GTF_permit_access | GTF_reading | GTF_writing) || contested->frame != 0x77)
            broken++;
        __atomic_fetch_and(&contested->flags, (uint16_t)~(GTF_reading | GTF_writing),
                           __ATOMIC_SEQ_CST);
    }
    return arg;
}

static void taking_back_races_with_a_mapping(void **state)
{
    int first = pv_grant(3, pv_mfn(0x77), false);
    unsigned long busy = 0;
    pthread_t thread;

    (void)state;
    contested = &entries[first];
    assert_int_equal(pthread_create(&thread, NULL, map_and_unmap, NULL), 0);
    for (unsigned int i = 0; i < ROUNDS || !mapped || !busy; i++) {
        int rc = pv_grant_end((grant_ref_t)first);

        if (rc) {
            assert_int_equal(rc, -XEN_EBUSY);
            busy++;
        } else {
            assert_int_equal(pv_grant(3, pv_mfn(0x77), false), first);
        }
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    assert_int_equal(broken, 0);
    assert_int_equal(pv_grant_end((grant_ref_t)first), 0);
    assert_int_equal(pv_nr_grants(), 0);
}

/* ---- Taking ---- */

static void pages_use_addresses_again(void **state)
{
    struct pv_grant_page page;
    unsigned int before = host.addresses;

    (void)state;
    for (unsigned int i = 0; i < 100; i++) {
        assert_int_equal(pv_grant_map_page(&page, 2, 9), 0);
        assert_int_equal(host.host_addr, (uint64_t)page.va);
        assert_int_equal(pv_grant_unmap_page(&page), 0);
        assert_null(page.va);
    }
    assert_int_equal(host.addresses, before + 1);
}

static void refused_mapping_costs_nothing(void **state)
{
    struct pv_grant_page page;
    unsigned int before = host.addresses, maps = host.maps;

    (void)state;
    host.status = GNTST_bad_gntref;
    assert_int_equal(pv_grant_map_page(&page, 2, 9), -XEN_EINVAL);
    host.status = GNTST_okay;
    /* The whole call fails: no status was written. */
    host.result = -XEN_EFAULT;
    assert_int_equal(pv_grant_map_page(&page, 2, 9), -XEN_EINVAL);
    host.result = 0;
    host.tables_error = -XEN_ENOMEM;
    assert_int_equal(pv_grant_map_page(&page, 2, 9), -XEN_ENOMEM);
    host.tables_error = 0;
    assert_int_equal(host.maps, maps + 1);
    assert_int_equal(host.addresses, before);
}

static void refused_unmapping_keeps_the_address(void **state)
{
    struct pv_grant_page page, other;

    (void)state;
    assert_int_equal(pv_grant_map_page(&page, 2, 9), 0);
    host.status = GNTST_bad_handle;
    assert_int_equal(pv_grant_unmap_page(&page), -XEN_EINVAL);
    host.status = GNTST_okay;
    assert_non_null(page.va);
    /* Something is still mapped there, so nobody else gets it. */
    assert_int_equal(pv_grant_map_page(&other, 2, 9), 0);
    assert_ptr_not_equal(other.va, page.va);
    assert_int_equal(pv_grant_unmap_page(&other), 0);
    assert_int_equal(pv_grant_unmap_page(&page), 0);
}

static void failed_call_marks_each_operation(void **state)
{
    struct gnttab_map_grant_ref map[3] = { { .status = 5 }, { .status = 5 }, { .status = 5 } };
    struct gnttab_unmap_grant_ref unmap[2] = { { .status = 5 }, { .status = 5 } };
    struct gnttab_copy copy[2] = { { .status = 5 }, { .status = 5 } };

    (void)state;
    host.result = -XEN_EFAULT;
    pv_grant_map(map, 3);
    pv_grant_unmap(unmap, 2);
    pv_grant_copy(copy, 2);
    host.result = 0;
    for (unsigned int i = 0; i < 3; i++)
        assert_int_equal(map[i].status, GNTST_general_error);
    for (unsigned int i = 0; i < 2; i++) {
        assert_int_equal(unmap[i].status, GNTST_general_error);
        assert_int_equal(copy[i].status, GNTST_general_error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_that_cannot_be_had),
        cmocka_unit_test(table_is_set_up_once),
        cmocka_unit_test(entry_says_who_and_what),
        cmocka_unit_test(references_run_out_and_come_back),
        cmocka_unit_test(mapped_grant_stays),
        cmocka_unit_test(taking_back_races_with_a_mapping),
        cmocka_unit_test(pages_use_addresses_again),
        cmocka_unit_test(refused_mapping_costs_nothing),
        cmocka_unit_test(refused_unmapping_keeps_the_address),
        cmocka_unit_test(failed_call_marks_each_operation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
