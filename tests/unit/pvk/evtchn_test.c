/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/xen/evtchn.c: the file from which a program reads which of its ports fired. The test
 * is the hypervisor and the program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mm/mm.h"
#include "proc/proc.h"
#include "xen/internal.h"

#define PORTS 8u                /* numbers of those that can be bound */

static struct {
    struct {
        pv_event_handler_t *handler;    /* NULL: not bound */
        void *data;
        bool masked, pending;
        unsigned int notified;
    } port[PORTS];
    long objects;
    unsigned int woken;
} host;

static struct file file;

/* ---- The rest of the kernel ---- */

static int bind(pv_event_handler_t *handler, void *data)
{
    for (unsigned int i = 1; i < PORTS; i++) {
        if (host.port[i].handler)
            continue;
        host.port[i].handler = handler;
        host.port[i].data = data;
        host.port[i].masked = host.port[i].pending = false;
        return (int)i;
    }
    return -ENOSPC;
}

int pv_bind_virq(uint32_t virq, uint32_t vcpu, pv_event_handler_t *handler, void *data)
{
    (void)virq;
    (void)vcpu;
    return bind(handler, data);
}

int pv_bind_interdomain(domid_t remote, evtchn_port_t port, pv_event_handler_t *handler, void *data)
{
    (void)port;
    return remote == 7 ? -ESRCH : bind(handler, data);
}

int pv_alloc_unbound(domid_t remote, pv_event_handler_t *handler, void *data)
{
    (void)remote;
    return bind(handler, data);
}

int pv_close(evtchn_port_t port)
{
    assert_non_null(host.port[port].handler);
    host.port[port].handler = NULL;
    return 0;
}

int pv_notify(evtchn_port_t port)
{
    host.port[port].notified++;
    return 0;
}

void pv_mask(evtchn_port_t port)
{
    host.port[port].masked = true;
}

/* What rang meanwhile is delivered now. */
void pv_unmask(evtchn_port_t port)
{
    host.port[port].masked = false;
    if (host.port[port].pending) {
        host.port[port].pending = false;
        host.port[port].handler(port, host.port[port].data);
    }
}

int copy_from_user(void *dst, uint64_t src, size_t len)
{
    memcpy(dst, (const void *)src, len);
    return 0;
}

void *kmalloc(size_t size)
{
    host.objects++;
    return calloc(1, size);
}

void kfree(void *p)
{
    host.objects -= p != NULL;
    free(p);
}

void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->sleepers);
}

int wait_on(struct wait_queue *q, uint64_t deadline)
{
    (void)q;
    (void)deadline;
    return -ERESTARTSYS;
}

void wake_up(struct wait_queue *q)
{
    (void)q;
    host.woken++;
}

void poll_wake(void)
{
}

/* ---- The other side, and the program ---- */

static void ring(evtchn_port_t port)
{
    if (host.port[port].masked)
        host.port[port].pending = true;
    else
        host.port[port].handler(port, host.port[port].data);
}

static evtchn_port_t bind_one(void)
{
    uint32_t domain = 3;
    long rc = evtchn_ops.ioctl(&file, EVTCHN_BIND_UNBOUND_PORT, (uint64_t)&domain);

    assert_in_range(rc, 1, PORTS - 1);
    return (evtchn_port_t)rc;
}

static void write_back(evtchn_port_t port)
{
    uint64_t pos = 0;

    assert_int_equal(evtchn_ops.write(&file, &port, sizeof(port), &pos), sizeof(port));
}

/* What a read gives, up to @most ports, are the @nr in @expected, in that order. */
static void reads(size_t most, const evtchn_port_t *expected, size_t nr)
{
    evtchn_port_t *ports = malloc(most * sizeof(*ports));
    uint64_t pos = 0;
    long rc = evtchn_ops.read(&file, ports, most * sizeof(*ports), &pos);

    assert_int_equal(rc, nr ? (long)(nr * sizeof(*ports)) : -EAGAIN);
    if (nr)
        assert_memory_equal(ports, expected, nr * sizeof(*ports));
    assert_int_equal(evtchn_ops.poll(&file) & POLLIN, nr == most ? POLLIN : 0);
    free(ports);
}

static int start(void **state)
{
    (void)state;
    memset(&host, 0, sizeof(host));
    file = (struct file){ .ops = &evtchn_ops, .flags = O_NONBLOCK };
    assert_int_equal(evtchn_ops.open(&file), 0);
    /* A queue that leads into itself is not followed for ever. */
    alarm(20);
    return 0;
}

/* Whatever was in the queue, the file can be closed, and nothing of it is left. */
static int stop(void **state)
{
    (void)state;
    evtchn_ops.release(&file);
    alarm(0);
    for (unsigned int i = 0; i < PORTS; i++)
        assert_null(host.port[i].handler);
    assert_int_equal(host.objects, 0);
    return 0;
}

static void ports_come_in_order(void **state)
{
    evtchn_port_t a = bind_one(), b = bind_one(), c = bind_one();

    (void)state;
    reads(8, NULL, 0);
    ring(b);
    ring(c);
    ring(a);
    assert_int_equal(host.woken, 3);
    assert_true(host.port[b].masked);
    reads(2, (evtchn_port_t[]){ b, c }, 2);
    reads(8, (evtchn_port_t[]){ a }, 1);
    reads(8, NULL, 0);
}

/* Silent until it is written back; what rang meanwhile is not lost then. */
static void silent_until_written_back(void **state)
{
    evtchn_port_t a = bind_one();

    (void)state;
    ring(a);
    reads(8, (evtchn_port_t[]){ a }, 1);
    ring(a);
    ring(a);
    reads(8, NULL, 0);
    write_back(a);
    reads(8, (evtchn_port_t[]){ a }, 1);
    /* Those that are enabled, or not ours, are let be. */
    write_back(a);
    write_back(a);
    write_back(PORTS + 7);
    assert_false(host.port[a].masked);
    reads(8, NULL, 0);
}

/* One that was written back before it was read, and rings again, is in the queue once. */
static void rings_again_before_it_is_read(void **state)
{
    evtchn_port_t a = bind_one(), b = bind_one();

    (void)state;
    ring(a);
    ring(b);
    for (int i = 0; i < 3; i++) {
        write_back(a);
        ring(a);
        ring(a);
    }
    reads(8, (evtchn_port_t[]){ a, b }, 2);
    reads(8, NULL, 0);
    write_back(a);
    reads(8, (evtchn_port_t[]){ a }, 1);
}

/* A port that goes takes its place in the queue with it. */
static void closed_in_the_queue(void **state)
{
    evtchn_port_t a = bind_one(), b = bind_one();

    (void)state;
    ring(a);
    ring(b);
    write_back(a);
    ring(a);
    assert_int_equal(evtchn_ops.ioctl(&file, EVTCHN_UNBIND, (uint64_t)&a), 0);
    assert_int_equal(evtchn_ops.ioctl(&file, EVTCHN_UNBIND, (uint64_t)&a), -ENOTCONN);
    reads(8, (evtchn_port_t[]){ b }, 1);
    write_back(b);
    ring(b);
    assert_int_equal(evtchn_ops.ioctl(&file, EVTCHN_RESET, 0), 0);
    reads(8, NULL, 0);
    ring(b);
}

static void domains_are_restricted(void **state)
{
    struct evtchn_ioctl_interdomain to = { .remote_domain = 4, .remote_port = 1 };
    domid_t domain = 3;
    uint32_t virq = 0;

    (void)state;
    assert_int_equal(evtchn_ops.ioctl(&file, EVTCHN_RESTRICT_DOMID, (uint64_t)&domain), 0);
    assert_int_equal(evtchn_ops.ioctl(&file, EVTCHN_BIND_INTERDOMAIN, (uint64_t)&to), -EACCES);
    assert_int_equal(evtchn_ops.ioctl(&file, EVTCHN_BIND_VIRQ, (uint64_t)&virq), -EACCES);
    assert_int_equal(evtchn_ops.ioctl(&file, EVTCHN_RESTRICT_DOMID, (uint64_t)&domain), -EACCES);
    bind_one();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ports_come_in_order, start, stop),
        cmocka_unit_test_setup_teardown(silent_until_written_back, start, stop),
        cmocka_unit_test_setup_teardown(rings_again_before_it_is_read, start, stop),
        cmocka_unit_test_setup_teardown(closed_in_the_queue, start, stop),
        cmocka_unit_test_setup_teardown(domains_are_restricted, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
