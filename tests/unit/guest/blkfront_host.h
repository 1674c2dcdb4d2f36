/* SPDX-License-Identifier: MIT */
/*
 * The rest of the library, as far as front/block.c calls it: grants, of which the backend may keep
 * some, one port, and a store that says what the test says. For blkfront_test.c, after cmocka.h.
 */
#ifndef UNIT_BLKFRONT_HOST_H
#define UNIT_BLKFRONT_HOST_H

#include <stdlib.h>

#include "internal.h"
#include <pvguest/blkfront.h>

#define PORT       5
#define FIRST_REF  8
#define REFERENCES 1024

static struct {
    bool given[REFERENCES], readonly[REFERENCES];
    unsigned int grants, limit;         /* given; at most */
    bool kept;                          /* the backend keeps what it has mapped */
    grant_ref_t kept_ref;               /* or just this */
    uint64_t sectors;
    unsigned int notified, failed, masked;
    enum pv_xenbus_state theirs, ours;
    int pages;
    pv_event_handler_t *handler;
    void *data;
} host;

int pv_grant(domid_t domid, pv_mfn_t mfn, bool readonly)
{
    int ref = FIRST_REF;

    assert_int_equal(domid, 0);
    (void)mfn;
    if (host.grants == host.limit)
        return -XEN_ENOSPC;
    while (host.given[ref])
        ref++;
    host.given[ref] = true;
    host.readonly[ref] = readonly;
    host.grants++;
    return ref;
}

int pv_grant_end(grant_ref_t ref)
{
    assert_true(host.given[ref]);
    if (host.kept || ref == host.kept_ref)
        return -XEN_EBUSY;
    host.given[ref] = false;
    host.grants--;
    return 0;
}

void *pv_alloc_page(void)
{
    host.pages++;
    return aligned_alloc(PV_PAGE_SIZE, PV_PAGE_SIZE);
}

void pv_free_page(void *page)
{
    host.pages--;
    free(page);
}

pv_mfn_t pv_va_to_mfn(const void *va)
{
    return pv_mfn((uint64_t)va >> PV_PAGE_SHIFT);
}

int pv_alloc_unbound(domid_t remote, pv_event_handler_t *handler, void *data)
{
    assert_int_equal(remote, 0);
    host.handler = handler;
    host.data = data;
    return PORT;
}

int pv_close(evtchn_port_t port)
{
    assert_int_equal(port, PORT);
    return 0;
}

int pv_notify(evtchn_port_t port)
{
    assert_int_equal(port, PORT);
    host.notified++;
    return 0;
}

void pv_mask(evtchn_port_t port)
{
    assert_int_equal(port, PORT);
    host.masked++;
}

bool pv_events_save(void)
{
    return true;
}

void pv_events_restore(bool enabled)
{
    assert_true(enabled);
}

int pv_printf(const char *format, ...)
{
    (void)format;
    return 0;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t len = strlen(from);

    assert_true(len < size);
    memcpy(to, from, len + 1);
    return len;
}

int pv_xenbus_read(pv_xenbus_tx_t tx, const char *path, char *value, size_t size)
{
    (void)tx;
    (void)path;
    return (int)strlcpy(value, "backend", size);
}

int pv_xenbus_read_number(pv_xenbus_tx_t tx, const char *path, uint64_t *number)
{
    (void)tx;
    *number = !strcmp(path, "backend/sectors") ? host.sectors :
              !strcmp(path, "front/virtual-device") ? 51712 : 0;
    return 0;
}

int pv_xenbus_write(pv_xenbus_tx_t tx, const char *path, const char *value)
{
    (void)tx;
    (void)path;
    (void)value;
    return 0;
}

int pv_xenbus_printf(pv_xenbus_tx_t tx, const char *path, const char *format, ...)
{
    return pv_xenbus_write(tx, path, format);
}

int pv_xenbus_transaction(int (*change)(pv_xenbus_tx_t tx, void *context), void *context)
{
    return change(1, context);
}

enum pv_xenbus_state pv_xenbus_state(const char *dir)
{
    assert_string_equal(dir, "backend");
    return host.theirs;
}

int pv_xenbus_switch(const char *dir, enum pv_xenbus_state state)
{
    assert_string_equal(dir, "front");
    host.ours = state;
    return 0;
}

#endif
