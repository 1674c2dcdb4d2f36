/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/tty and net: a guest's console over a ring that somebody reads or does not,
 * pseudo-terminals and sockets, through their files. Nothing is lost or left over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel_host.h"
#include "net/net.h"
#include "tty/tty.h"

#define RING 2048u
#define TIOCGPTN   0x80045430ul
#define TIOCSPTLCK 0x40045431ul
#define TIOCSPGRP  0x5410ul

/* ---- The other end of the console: a ring that is read when a test says so ---- */

static char ring[RING], reader_got[200000];
static size_t ring_used, reader_len;
static const char *typed = "";
static pv_event_handler_t *console_event;
static pv_console_writer_t *kernel_writer;

size_t pv_console_room(void)
{
    return RING - ring_used;
}

size_t pv_console_put(const char *text, size_t len)
{
    len = min(len, RING - ring_used);
    memcpy(ring + ring_used, text, len);
    ring_used += len;
    return len;
}

size_t pv_console_read(char *buffer, size_t size)
{
    size_t n = min(strlen(typed), size);

    memcpy(buffer, typed, n);
    typed += n;
    return n;
}

void pv_console_redirect(pv_console_writer_t *writer)
{
    kernel_writer = writer;
}

void pv_set_event_handler(evtchn_port_t port, unsigned int vcpu, pv_event_handler_t *handler,
                          void *data)
{
    (void)port;
    (void)vcpu;
    (void)data;
    console_event = handler;
}

int pv_bind_virq(uint32_t virq, unsigned int vcpu, pv_event_handler_t *handler, void *data)
{
    (void)virq;
    (void)vcpu;
    (void)handler;
    (void)data;
    fail();
    return -ENOSYS;
}

static void reader_reads(void)
{
    memcpy(reader_got + reader_len, ring, ring_used);
    reader_len += ring_used;
    ring_used = 0;
    console_event(0, NULL);
}

static int sleep_while_reader_reads(struct wait_queue *q)
{
    (void)q;
    reader_reads();
    return 0;
}

/* ---- Helpers ---- */

static struct file *open_file(const char *path, int flags)
{
    struct file *f;

    assert_int_equal(file_open(path, flags, 0, &f), 0);
    return f;
}

static long put(struct file *f, const char *text, size_t len)
{
    return f->ops->write(f, text, len, &f->pos);
}

static long get(struct file *f, char *buf, size_t len)
{
    return f->ops->read(f, buf, len, &f->pos);
}

static void expect_get(struct file *f, const char *text)
{
    char buf[256];

    assert_int_equal(get(f, buf, sizeof(buf)), strlen(text));
    assert_memory_equal(buf, text, strlen(text));
}

static int begin(void **state)
{
    (void)state;
    host_sleep = NULL;
    host_signal = 0;
    ring_used = reader_len = 0;
    current->tty = NULL;
    console_tty()->sid = console_tty()->pgrp = 0;
    return 0;
}

/* ---- The console ---- */

static void a_program_waits_for_the_reader_and_loses_nothing(void **state)
{
    static char text[20000];
    struct file *f = open_file("/dev/console", O_RDWR | O_NOCTTY);

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26);
    /* Nobody reads, and a signal ends the wait: what was taken is told. */
    assert_int_equal(put(f, text, sizeof(text)), RING);
    assert_int_equal(file_poll(f) & POLLOUT, 0);
    f->flags |= O_NONBLOCK;
    assert_int_equal(put(f, text, 1), -EAGAIN);
    f->flags &= ~O_NONBLOCK;
    reader_reads();
    reader_len = 0;
    host_sleep = sleep_while_reader_reads;
    assert_int_equal(put(f, text, sizeof(text)), sizeof(text));
    reader_reads();
    assert_int_equal(reader_len, sizeof(text));
    assert_memory_equal(reader_got, text, sizeof(text));
    file_put(f);
}

static void kernel_messages_wait_for_nobody(void **state)
{
    static const char expected[] = "0\r\n1\r\n2\r\n3\r\n";
    struct file *f = open_file("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK);
    char line[8];

    (void)state;
    for (int i = 0; i < 9000; i++) {
        int n = snprintf(line, sizeof(line), "%d\n", i % 1000);

        kernel_writer(line, (size_t)n);
    }
    assert_int_equal(ring_used, RING);
    /* A program's text does not overtake them. */
    assert_int_equal(put(f, "x", 1), -EAGAIN);
    for (int i = 0; i < 20; i++)
        reader_reads();
    assert_memory_equal(reader_got, expected, sizeof(expected) - 1);
    assert_true(reader_len >= 16384 && reader_len <= 16384 + RING);
    assert_int_equal(put(f, "x", 1), 1);
    reader_len = 0;
    kernel_writer("after\n", 6);
    reader_reads();
    reader_got[reader_len] = '\0';
    assert_non_null(strstr(reader_got, "characters were lost]\r\nafter\r\n"));
    file_put(f);
}

static void keys_reach_the_foreground(void **state)
{
    struct file *f = open_file("/dev/console", O_RDWR);

    (void)state;
    assert_ptr_equal(current->tty, console_tty());
    typed = "wor\x7frd\n";
    console_event(0, NULL);
    expect_get(f, "word\n");
    typed = "\x03";
    console_event(0, NULL);
    assert_int_equal(host_signal, SIGINT);
    assert_int_equal(file_poll(f) & POLLIN, 0);
    /* From the background nobody reads. */
    console_tty()->pgrp = 99;
    typed = "x\n";
    console_event(0, NULL);
    assert_int_equal(get(f, (char[1]){ 0 }, 1), -ERESTARTSYS);
    assert_int_equal(host_signal, SIGTTIN);
    console_tty()->pgrp = 1;
    expect_get(f, "x\n");
    tty_session_exit(current);
    assert_null(current->tty);
    assert_int_equal(console_tty()->sid, 0);
    file_put(f);
}

/* More is typed than there is room for: it stays where it is until somebody reads. */
static void input_is_not_lost(void **state)
{
    static char text[20001], got[20001];
    struct file *f = open_file("/dev/console", O_RDWR | O_NOCTTY | O_NONBLOCK);
    size_t len = 0;
    long n;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(text); i++)
        text[i] = i % 50 == 49 ? '\n' : 'k';
    typed = text;
    console_event(0, NULL);
    assert_true(strlen(typed) > 0);
    while ((n = get(f, got + len, sizeof(got) - len)) > 0)
        len += (size_t)n;
    assert_int_equal(n, -EAGAIN);
    assert_string_equal(got, text);
    file_put(f);
}

/* ---- Pseudo-terminals ---- */

static void a_pair_lives_until_both_sides_are_closed(void **state)
{
    long objects = host_objects, pages = host_pages;
    struct file *master = open_file("/dev/ptmx", O_RDWR | O_NOCTTY), *slave;
    int32_t number = -1, unlock = 0;
    char name[32];

    (void)state;
    assert_int_equal(master->ops->ioctl(master, TIOCGPTN, (uint64_t)&number), 0);
    snprintf(name, sizeof(name), "/dev/pts/%d", number);
    assert_int_equal(file_open(name, O_RDWR | O_NOCTTY, 0, &slave), -EIO);
    assert_int_equal(master->ops->ioctl(master, TIOCSPTLCK, (uint64_t)&unlock), 0);
    slave = open_file(name, O_RDWR | O_NOCTTY);
    assert_int_equal(put(master, "in\n", 3), 3);
    expect_get(slave, "in\n");
    expect_get(master, "in\r\n");
    assert_int_equal(put(slave, "out\n", 4), 4);
    expect_get(master, "out\r\n");
    master->flags |= O_NONBLOCK;
    assert_int_equal(get(master, name, 1), -EAGAIN);
    file_put(slave);
    assert_int_equal(file_poll(master) & POLLHUP, POLLHUP);
    assert_int_equal(get(master, name, 1), -EIO);
    slave = open_file(name, O_RDWR | O_NOCTTY);
    assert_int_equal(file_poll(master) & POLLHUP, 0);
    file_put(master);
    assert_int_equal(file_poll(slave) & POLLHUP, POLLHUP);
    assert_int_equal(get(slave, name, 1), 0);
    assert_int_equal(put(slave, "x", 1), -EIO);
    assert_int_equal(file_open(name, O_RDWR, 0, &master), -ENOENT);
    file_put(slave);
    assert_int_equal(host_objects, objects);
    assert_int_equal(host_pages, pages);
}

/* ---- Sockets ---- */

static struct socket_address address_of(const char *path)
{
    struct socket_address a = { .name.family = AF_UNIX, .len = 2 + strlen(path) + 1 };

    strcpy(a.name.path, path);
    return a;
}

static void connections(void **state)
{
    const struct socket_address address = address_of("/sock");
    long objects = host_objects, pages = host_pages;
    struct file *listener, *client, *second, *server;
    struct socket_address name;

    (void)state;
    assert_int_equal(sock_create(AF_UNIX, 1, 0, &listener), 0);
    assert_int_equal(sock_create(AF_UNIX, 1 | O_NONBLOCK, 0, &client), 0);
    assert_int_equal(sock_create(AF_UNIX, 1 | O_NONBLOCK, 0, &second), 0);
    assert_int_equal(sock_connect(client, &address), -ENOENT);
    assert_int_equal(sock_listen(listener, 1), -EINVAL);
    assert_int_equal(sock_bind(listener, &address), 0);
    assert_int_equal(sock_bind(second, &address), -EADDRINUSE);
    assert_int_equal(sock_connect(client, &address), -ECONNREFUSED);
    assert_int_equal(sock_listen(listener, 1), 0);
    assert_int_equal(sock_connect(client, &address), 0);
    assert_int_equal(sock_connect(client, &address), -EISCONN);
    assert_int_equal(sock_connect(second, &address), -EAGAIN);
    assert_int_equal(put(client, "early", 5), 5);
    assert_int_equal(file_poll(listener), POLLIN);
    assert_int_equal(sock_accept(listener, 0, &server), 0);
    assert_int_equal(sock_name(client, true, &name), 0);
    assert_string_equal(name.name.path, "/sock");
    assert_int_equal(sock_connect(second, &address), 0);
    expect_get(server, "early");
    assert_int_equal(put(server, "answer", 6), 6);
    assert_int_equal(sock_shutdown(server, 1), 0);
    expect_get(client, "answer");
    expect_get(client, "");
    assert_int_equal(put(server, "x", 1), -EPIPE);
    assert_int_equal(host_signal, SIGPIPE);
    file_put(server);
    assert_int_equal(put(client, "x", 1), -EPIPE);
    /* Who waits to be accepted by nobody sees the end. */
    file_put(listener);
    expect_get(second, "");
    file_put(client);
    file_put(second);
    assert_int_equal(fs_unlink(NULL, "/sock", false), 0);
    assert_int_equal(host_objects, objects);
    assert_int_equal(host_pages, pages);
}

static void a_full_socket_waits(void **state)
{
    static char block[4096];
    struct file *ends[2];
    size_t total = 0;
    long n;

    (void)state;
    assert_int_equal(sock_pair(AF_UNIX, 1 | O_NONBLOCK, 0, ends), 0);
    while ((n = put(ends[0], block, sizeof(block))) > 0)
        total += (size_t)n;
    assert_int_equal(n, -EAGAIN);
    assert_int_equal(total, 65536);
    assert_int_equal(file_poll(ends[0]), 0);
    assert_int_equal(sock_receive(ends[1], block, 10, MSG_PEEK), 10);
    while ((n = get(ends[1], block, sizeof(block))) > 0)
        total -= (size_t)n;
    assert_int_equal(n, -EAGAIN);
    assert_int_equal(total, 0);
    assert_int_equal(file_poll(ends[0]), POLLOUT);
    file_put(ends[0]);
    file_put(ends[1]);
    assert_int_equal(sock_create(2, 1, 0, &ends[0]), -EAFNOSUPPORT);
    assert_int_equal(sock_create(AF_UNIX, 2, 0, &ends[0]), -ESOCKTNOSUPPORT);
}

static int start(void **state)
{
    (void)state;
    host_start();
    tty_devices_init();
    return tty_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_program_waits_for_the_reader_and_loses_nothing, begin),
        cmocka_unit_test_setup(kernel_messages_wait_for_nobody, begin),
        cmocka_unit_test_setup(keys_reach_the_foreground, begin),
        cmocka_unit_test_setup(input_is_not_lost, begin),
        cmocka_unit_test_setup(a_pair_lives_until_both_sides_are_closed, begin),
        cmocka_unit_test_setup(connections, begin),
        cmocka_unit_test_setup(a_full_socket_waits, begin),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
