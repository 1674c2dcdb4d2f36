/* SPDX-License-Identifier: MIT */
/*
 * A guest's console (consoled/guest.c) on a page of the test's own: what a guest that prints
 * without end, or restarts without end, can make us keep.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/consoled/guest.h"
#include "tools/consoled/ring.h"

static struct xencons_interface page;
static char folder[] = "/tmp/console-test-XXXXXX";

void *hv_map(struct hv *hv, domid_t domid, const xen_pfn_t *mfns, size_t count)
{
    (void)hv;
    (void)domid;
    (void)mfns;
    assert_int_equal(count, 1);
    return &page;
}

void hv_unmap(void *address, size_t count)
{
    assert_ptr_equal(address, &page);
    assert_int_equal(count, 1);
}

int evtchn_bind_interdomain(int fd, domid_t domid, evtchn_port_t remote)
{
    (void)fd;
    (void)domid;
    return (int)remote;
}

void evtchn_unbind(int fd, evtchn_port_t port)
{
    (void)fd;
    (void)port;
}

void evtchn_notify(int fd, evtchn_port_t port)
{
    (void)fd;
    (void)port;
}

static struct guest *new_guest(void)
{
    const char *tty;
    struct guest *guest;

    memset(&page, 0, sizeof(page));
    guest = guest_new(NULL, -1, 1, "chatty", 5, 6, folder, &tty);
    assert_non_null(guest);
    return guest;
}

/* Whole rings of output. */
static void print(struct guest *guest, unsigned int rings)
{
    for (unsigned int i = 0; i < rings; i++) {
        memset(page.out, 'x', sizeof(page.out));
        page.out_prod += sizeof(page.out);
        guest->more = true;
        guest_serve(guest, 0);
        assert_int_equal(page.out_cons, page.out_prod);
    }
}

static size_t size_of(const char *name)
{
    char path[64];
    struct stat status;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return stat(path, &status) ? 0 : (size_t)status.st_size;
}

static void expect_bounded_logs(void)
{
    assert_in_range(size_of("guest-chatty.log"), 1, LOG_SIZE);
    assert_in_range(size_of("guest-chatty.log.1"), 0, LOG_SIZE);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = { "/guest-chatty.log", "/guest-chatty.log.1", "" };
    char path[64];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", folder, names[i]);
        remove(path);
    }
    return 0;
}

static void endless_output_is_bounded(void **state)
{
    struct guest *guest = new_guest();

    (void)state;
    print(guest, 3 * LOG_SIZE / sizeof(page.out));
    assert_true(guest->used <= BACKLOG_SIZE);
    guest_free(guest);
    expect_bounded_logs();
}

/* Each life alone stays below the limit; the log goes on where the one before it ended. */
static void endless_restarts_are_bounded(void **state)
{
    (void)state;
    for (int life = 0; life < 5; life++) {
        struct guest *guest = new_guest();

        print(guest, LOG_SIZE / sizeof(page.out) * 3 / 4);
        guest_free(guest);
    }
    expect_bounded_logs();
    assert_true(size_of("guest-chatty.log.1") > LOG_SIZE / 2);
}

static void senseless_ring_is_left_alone(void **state)
{
    struct guest *guest = new_guest();

    (void)state;
    page.out_prod = sizeof(page.out) + 1;
    guest_serve(guest, 0);
    assert_true(guest->broken);
    page.out_prod = 4;
    guest->more = true;
    guest_serve(guest, 0);
    assert_int_equal(page.out_cons, 0);
    guest_free(guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(endless_output_is_bounded, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(endless_restarts_are_bounded, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(senseless_ring_is_left_alone, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
