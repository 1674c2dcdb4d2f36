/* SPDX-License-Identifier: MIT */
/*
 * A store for tests of the guest library's client (xenbus.c): a ring, and functions to read what
 * the client sent and to give it what a case wants.
 *
 * A call that gets no answer would wait for ever, so a wait that has nothing to come is a failure.
 */
#ifndef TESTS_UNIT_GUEST_FAKE_STORE_H
#define TESTS_UNIT_GUEST_FAKE_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "internal.h"
#include <xen/io/xs_wire.h>

#define PORT 3

extern struct xenstore_domain_interface ring;
extern pv_event_handler_t *handler;     /* the client's */
extern unsigned int notified;
extern const struct pv_xenbus_hooks hooks;

/* What the store does when the client waits; NULL: nothing will come. */
extern void (*serve)(void);

/* The request that was read last. */
extern struct request {
    struct xsd_sockmsg header;
    char payload[XENSTORE_PAYLOAD_MAX + 1];
} in;

/* A new ring, with all its indices at one. The second: at 0, before each case. */
void start_at(uint32_t index);
int start(void **state);

/* Bytes of a request. read_request(): a whole one. */
void take(void *to, size_t size);
void read_request(void);

/* Bytes for the client, which hears of them at once. */
void give(const void *from, size_t size);
void give_header(uint32_t type, uint32_t id, uint32_t len);
void give_message(uint32_t type, uint32_t id, const void *payload, size_t size);
/* The next request will get this answer; its type is the request's if it is 0. */
void will_answer(uint32_t type, const void *payload, size_t size);

#endif
