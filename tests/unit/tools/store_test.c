/* SPDX-License-Identifier: MIT */
/*
 * The store's requests, over sockets of the test's own: domain 0 and two guests talk to one server,
 * and get exactly these answers and events (request.c, connection.c, watch.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/xenstored-lite/server.h"

static struct server server;

struct client {
    struct connection *connection;
    int fd;
};

static struct client zero, one, two;

static struct client connect_as(domid_t domid)
{
    int fds[2];
    struct client client;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    client.fd = fds[1];
    client.connection = connection_new(&server, domid, fds[0], NULL);
    assert_non_null(client.connection);
    return client;
}

/* A message from the server, zeros as '|'; "" if there is none. Errors and events say so. */
static const char *receive(struct client *client)
{
    static char text[2 * XENSTORE_PAYLOAD_MAX];
    char payload[XENSTORE_PAYLOAD_MAX];
    struct xsd_sockmsg header;

    text[0] = '\0';
    if (recv(client->fd, &header, sizeof(header), MSG_DONTWAIT) != sizeof(header))
        return text;
    assert_true(header.len <= sizeof(payload));
    if (header.len)
        assert_int_equal(recv(client->fd, payload, header.len, MSG_DONTWAIT), header.len);
    for (uint32_t i = 0; i < header.len; i++)
        payload[i] = payload[i] ? payload[i] : '|';
    snprintf(text, sizeof(text), "%s%.*s",
             header.type == XS_WATCH_EVENT ? "event " : header.type == XS_ERROR ? "error " : "",
             (int)header.len, payload);
    return text;
}

static void send_request(struct client *client, uint32_t type, uint32_t tx, const char *payload,
                         size_t size)
{
    struct xsd_sockmsg header = { .type = type, .req_id = 1, .tx_id = tx, .len = (uint32_t)size };

    assert_int_equal(write(client->fd, &header, sizeof(header)), sizeof(header));
    if (size)
        assert_int_equal(write(client->fd, payload, size), size);
}

/* Everybody gets what waits for them. */
static void serve_all(void)
{
    for (struct connection *c = server.connections; c; c = c->next) {
        if (!c->dead)
            connection_serve(&server, c);
    }
}

/* '|' in the request stands for a zero. */
static const char *ask_in(struct client *client, uint32_t tx, uint32_t type, const char *text)
{
    char *payload = strdup(text);
    size_t size = strlen(text);

    for (size_t i = 0; i < size; i++)
        payload[i] = payload[i] == '|' ? '\0' : payload[i];
    send_request(client, type, tx, payload, size);
    free(payload);
    serve_all();
    serve_all();
    return receive(client);
}

#define ASK(who, type, text)    ask_in(&(who), 0, XS_##type, text)
#define EXPECT(call, expected)  assert_string_equal(call, expected)

static int start(void **state)
{
    (void)state;
    server = (struct server){ .local = true };
    assert_int_equal(tree_init(&server.tree), 0);
    zero = connect_as(0);
    one = connect_as(1);
    two = connect_as(2);
    EXPECT(ASK(zero, MKDIR, "/local/domain/1|"), "OK|");
    EXPECT(ASK(zero, SET_PERMS, "/local/domain/1|n0|r1|"), "OK|");
    EXPECT(ASK(zero, WRITE, "/local/domain/1/data|"), "OK|");
    EXPECT(ASK(zero, SET_PERMS, "/local/domain/1/data|n1|"), "OK|");
    return 0;
}

static int finish(void **state)
{
    (void)state;
    close(zero.fd);
    close(one.fd);
    close(two.fd);
    for (struct connection *c = server.connections; c; c = c->next)
        c->dead = true;
    connections_sweep(&server);
    tree_free(&server.tree);
    return 0;
}

static void values_come_back(void **state)
{
    (void)state;
    EXPECT(ASK(zero, WRITE, "/a/b|value"), "OK|");
    EXPECT(ASK(zero, READ, "/a/b|"), "value");
    EXPECT(ASK(zero, WRITE, "/a/c|x|y"), "OK|");
    EXPECT(ASK(zero, READ, "/a/c|"), "x|y");
    EXPECT(ASK(zero, DIRECTORY, "/a|"), "b|c|");
    EXPECT(ASK(zero, DIRECTORY, "/a/b|"), "");
    EXPECT(ASK(zero, RM, "/a/b|"), "OK|");
    EXPECT(ASK(zero, READ, "/a/b|"), "error ENOENT|");
    EXPECT(ASK(zero, RM, "/x/y|"), "error ENOENT|");
    EXPECT(ASK(zero, GET_PERMS, "/local/domain/1|"), "n0|r1|");
}

static void relative_paths_are_the_domains_own(void **state)
{
    (void)state;
    EXPECT(ASK(one, WRITE, "data/x|1"), "OK|");
    EXPECT(ASK(zero, READ, "/local/domain/1/data/x|"), "1");
    EXPECT(ASK(one, READ, "/local/domain/1/data/x|"), "1");
    EXPECT(ASK(zero, WRITE, "y|2"), "OK|");
    EXPECT(ASK(zero, READ, "/local/domain/0/y|"), "2");
    EXPECT(ASK(one, GET_DOMAIN_PATH, "5|"), "/local/domain/5|");
}

static void bad_requests_get_an_error(void **state)
{
    static const struct {
        uint32_t type;
        const char *payload, *answer;
    } rows[] = {
        { XS_READ, "", "error EINVAL|" }, { XS_READ, "|", "error EINVAL|" },
        { XS_READ, "/a|b|", "error EINVAL|" }, { XS_READ, "/a//b|", "error EINVAL|" },
        { XS_READ, "/a/|", "error EINVAL|" }, { XS_READ, "/a b|", "error EINVAL|" },
        { XS_WRITE, "/unended", "error EINVAL|" }, { XS_RM, "/|", "error EINVAL|" },
        { XS_SET_PERMS, "/local|", "error EINVAL|" },
        { XS_SET_PERMS, "/local|x0|", "error EINVAL|" },
        { XS_SET_PERMS, "/local|r|", "error EINVAL|" },
        { XS_SET_PERMS, "/local|r99999|", "error EINVAL|" },
        { XS_SET_PERMS, "/no|r1|", "error ENOENT|" },
        { XS_WATCH, "/a|", "error EINVAL|" }, { XS_UNWATCH, "/a|t|", "error ENOENT|" },
        { XS_TRANSACTION_END, "T|", "error ENOENT|" },
        { XS_INTRODUCE, "1|2|", "error EINVAL|" }, { XS_INTRODUCE, "1|2|3|", "error ENOSYS|" },
        { XS_INTRODUCE, "x|2|3|", "error EINVAL|" }, { XS_RELEASE, "1|", "error ENOENT|" },
        { XS_GET_DOMAIN_PATH, "40000|", "error EINVAL|" },
        { XS_CONTROL, "help|", "error ENOSYS|" }, { XS_TYPE_COUNT, "", "error ENOSYS|" },
        { UINT32_MAX, "", "error ENOSYS|" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        EXPECT(ask_in(&zero, 0, rows[i].type, rows[i].payload), rows[i].answer);
    EXPECT(ask_in(&zero, 77, XS_READ, "/|"), "error ENOENT|");
    EXPECT(ASK(zero, READ, "/|"), "");
}

static void guests_are_kept_out(void **state)
{
    (void)state;
    EXPECT(ASK(zero, WRITE, "/secret|s"), "OK|");
    EXPECT(ASK(one, READ, "/secret|"), "error EACCES|");
    EXPECT(ASK(one, READ, "/no/such|"), "error EACCES|");
    EXPECT(ASK(one, DIRECTORY, "/|"), "error EACCES|");
    EXPECT(ASK(one, WRITE, "/local/domain/1/name|x"), "error EACCES|");
    EXPECT(ASK(two, READ, "/local/domain/1/data|"), "error EACCES|");
    EXPECT(ASK(two, MKDIR, "/local/domain/1/data|"), "error EACCES|");
    EXPECT(ASK(one, RM, "/local/domain/1|"), "error EACCES|");
    EXPECT(ASK(one, INTRODUCE, "2|1|1|"), "error EACCES|");
    EXPECT(ASK(one, RELEASE, "2|"), "error EACCES|");
    EXPECT(ASK(one, WATCH, "@introduceDomain|t|"), "error EACCES|");
    EXPECT(ASK(one, SET_PERMS, "data|n1|r2|"), "OK|");
    EXPECT(ASK(two, READ, "/local/domain/1/data|"), "");
    EXPECT(ASK(two, WRITE, "/local/domain/1/data|x"), "error EACCES|");
}

static void events_tell_of_changes(void **state)
{
    (void)state;
    EXPECT(ASK(zero, WATCH, "/w|t0|"), "OK|");
    EXPECT(receive(&zero), "event /w|t0|");         /* once at once */
    EXPECT(ASK(zero, WATCH, "/w|t0|"), "error EEXIST|");
    EXPECT(ASK(zero, WRITE, "/w/x/y|1"), "OK|");
    EXPECT(receive(&zero), "event /w/x/y|t0|");
    EXPECT(ASK(zero, WRITE, "/ww|1"), "OK|");
    EXPECT(receive(&zero), "");
    EXPECT(ASK(zero, WATCH, "/w/x/y|deep|"), "OK|");
    EXPECT(receive(&zero), "event /w/x/y|deep|");
    EXPECT(ASK(zero, RM, "/w/x|"), "OK|");
    EXPECT(receive(&zero), "event /w/x|t0|");
    EXPECT(receive(&zero), "event /w/x/y|deep|");   /* what it watched is gone, too */
    EXPECT(ASK(zero, MKDIR, "/w|"), "OK|");         /* is there: nothing changed */
    EXPECT(receive(&zero), "");
    EXPECT(ASK(zero, UNWATCH, "/w|t0|"), "OK|");
    EXPECT(ASK(zero, WRITE, "/w/z|1"), "OK|");
    EXPECT(receive(&zero), "");
}

static void guests_hear_of_what_they_may_read(void **state)
{
    (void)state;
    EXPECT(ASK(one, WATCH, "data|mine|"), "OK|");
    EXPECT(receive(&one), "event data|mine|");
    EXPECT(ASK(two, WATCH, "/|all|"), "OK|");
    EXPECT(receive(&two), "event /|all|");
    EXPECT(ASK(zero, WRITE, "/local/domain/1/data/k|v"), "OK|");
    EXPECT(receive(&one), "event data/k|mine|");    /* in the form in which it asked */
    EXPECT(receive(&two), "");
    EXPECT(ASK(zero, WRITE, "/hidden|v"), "OK|");
    EXPECT(receive(&two), "");
}

static void transactions_show_at_the_end(void **state)
{
    uint32_t t, u;

    (void)state;
    EXPECT(ASK(one, WATCH, "data|w|"), "OK|");
    EXPECT(receive(&one), "event data|w|");
    t = (uint32_t)atoi(ASK(zero, TRANSACTION_START, "|"));
    assert_int_not_equal(t, 0);
    EXPECT(ask_in(&zero, t, XS_WRITE, "/local/domain/1/data/a|1"), "OK|");
    EXPECT(ask_in(&zero, t, XS_WRITE, "/local/domain/1/data/b|2"), "OK|");
    EXPECT(ask_in(&zero, t, XS_READ, "/local/domain/1/data/a|"), "1");
    EXPECT(ASK(zero, READ, "/local/domain/1/data/a|"), "error ENOENT|");
    EXPECT(receive(&one), "");
    EXPECT(ask_in(&zero, t, XS_TRANSACTION_END, "T|"), "OK|");
    EXPECT(receive(&one), "event data/a|w|");
    EXPECT(receive(&one), "event data/b|w|");
    EXPECT(ASK(zero, READ, "/local/domain/1/data/b|"), "2");
    EXPECT(ask_in(&zero, t, XS_READ, "/|"), "error ENOENT|");

    t = (uint32_t)atoi(ASK(zero, TRANSACTION_START, "|"));
    u = (uint32_t)atoi(ASK(zero, TRANSACTION_START, "|"));
    EXPECT(ask_in(&zero, t, XS_WRITE, "/n|t"), "OK|");
    EXPECT(ask_in(&zero, u, XS_WRITE, "/n|u"), "OK|");
    EXPECT(ask_in(&zero, t, XS_TRANSACTION_END, "T|"), "OK|");
    EXPECT(ask_in(&zero, u, XS_TRANSACTION_END, "T|"), "error EAGAIN|");
    EXPECT(ASK(zero, READ, "/n|"), "t");

    t = (uint32_t)atoi(ASK(zero, TRANSACTION_START, "|"));
    EXPECT(ask_in(&zero, t, XS_RM, "/n|"), "OK|");
    EXPECT(ask_in(&zero, t, XS_TRANSACTION_END, "F|"), "OK|");
    EXPECT(ASK(zero, READ, "/n|"), "t");
}

static void guests_have_limits(void **state)
{
    char text[32];

    (void)state;
    for (int i = 0; i < GUEST_TRANSACTIONS; i++)
        assert_int_not_equal(atoi(ASK(one, TRANSACTION_START, "|")), 0);
    EXPECT(ASK(one, TRANSACTION_START, "|"), "error ENOSPC|");
    for (int i = 0; i < GUEST_WATCHES; i++) {
        snprintf(text, sizeof(text), "data|%d|", i);
        EXPECT(ASK(one, WATCH, text), "OK|");
        receive(&one);
    }
    EXPECT(ASK(one, WATCH, "data|more|"), "error ENOSPC|");
    EXPECT(ASK(one, RESET_WATCHES, "|"), "OK|");
    EXPECT(ASK(one, WATCH, "data|more|"), "OK|");
    assert_int_not_equal(atoi(ASK(two, TRANSACTION_START, "|")), 0);
}

/* What a transaction refuses to remember is not in its view either. */
static void large_transactions_are_refused(void **state)
{
    char request[32 + TREE_GUEST_VALUE + 1];
    unsigned int i = 0;
    uint32_t t;

    (void)state;
    t = (uint32_t)atoi(ASK(one, TRANSACTION_START, "|"));
    for (;; i++) {
        const char *answer;

        sprintf(request, "data/n%u|%0*d", i % 8, TREE_GUEST_VALUE - (i == 0), i);
        answer = ask_in(&one, t, XS_WRITE, request);
        if (strcmp(answer, "OK|"))
            break;
        assert_true(i * TREE_GUEST_VALUE < TRANSACTION_MAX_BYTES);
    }
    assert_true(i > 64);
    EXPECT(ask_in(&one, t, XS_WRITE, request), "error ENOSPC|");
    sprintf(request, "data/n%u|", i % 8);
    assert_int_equal(atoi(ask_in(&one, t, XS_READ, request)), i - 8);
}

/* Others change things under a guest's watch for ever, and it never reads. */
static void silent_guest_costs_a_bounded_backlog(void **state)
{
    int small = 1;
    char text[64];

    (void)state;
    assert_int_equal(setsockopt(one.connection->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
                     0);
    EXPECT(ASK(one, WATCH, "data|w|"), "OK|");
    for (int i = 0; i < 20000; i++) {
        snprintf(text, sizeof(text), "/local/domain/1/data/n%d|x", i % 5000);
        EXPECT(ASK(zero, WRITE, text), "OK|");
    }
    assert_false(one.connection->dead);
    assert_true(connection_has_output(one.connection));
    assert_true(one.connection->out.end - one.connection->out.start <= GUEST_BACKLOG);
    EXPECT(ASK(two, GET_DOMAIN_PATH, "2|"), "/local/domain/2|");
}

static void broken_stream_ends_that_connection_only(void **state)
{
    struct xsd_sockmsg header = { .type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1 };

    (void)state;
    assert_int_equal(write(one.fd, &header, sizeof(header)), sizeof(header));
    serve_all();
    assert_true(one.connection->dead);
    connections_sweep(&server);
    EXPECT(receive(&one), "");
    EXPECT(ASK(two, GET_DOMAIN_PATH, "2|"), "/local/domain/2|");
    EXPECT(ASK(zero, WRITE, "/x|1"), "OK|");
}

static void long_directories_come_in_parts(void **state)
{
    char text[64];
    const char *part;
    unsigned int names = 0, offset = 0;
    bool last = false;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "/long/name-%04d|", i);
        EXPECT(ASK(zero, MKDIR, text), "OK|");
    }
    EXPECT(ASK(zero, DIRECTORY, "/long|"), "error E2BIG|");
    while (!last) {
        snprintf(text, sizeof(text), "/long|%u|", offset);
        part = strchr(ASK(zero, DIRECTORY_PART, text), '|') + 1;
        for (; !strncmp(part, "name-", 5); part += 10) {
            assert_int_equal(atoi(part + 5), names++);
            offset += 10;
        }
        last = *part == '|';
    }
    assert_int_equal(names, 1000);
}

/* Whatever bytes come, each request gets one answer, and nothing is read or written outside. */
static void random_requests_do_no_harm(void **state)
{
    static const char letters[] = "/aAb@|0T1F-.d\n";

    (void)state;
    srandom(2);
    for (int i = 0; i < 30000; i++) {
        struct client *client = i % 3 ? &one : &zero;
        char payload[40];
        size_t size = (size_t)random() % sizeof(payload);

        for (size_t n = 0; n < size; n++) {
            char c = letters[(size_t)random() % (sizeof(letters) - 1)];

            payload[n] = c == '|' ? '\0' : c;
        }
        send_request(client, (uint32_t)random() % (XS_TYPE_COUNT + 1), (uint32_t)random() % 3,
                     payload, size);
        serve_all();
        assert_false(client->connection->dead);
        while (receive(&one)[0] || receive(&zero)[0] || receive(&two)[0])
            serve_all();
    }
    assert_true(tree_owned(&server.tree, 1) <= TREE_GUEST_NODES);
}

/*
 * What is written to a FIFO can be read from it: to the daemon that is a guest whose port rings
 * again as soon as it is unmasked. The round must end all the same.
 */
static void ringing_guest_leaves_time_for_others(void **state)
{
    char name[] = "/tmp/store-test-XXXXXX";
    const evtchn_port_t port = 7;
    evtchn_port_t left;

    (void)state;
    assert_non_null(mkdtemp(name));
    assert_int_equal(rmdir(name), 0);
    assert_int_equal(mkfifo(name, 0600), 0);
    server.evtchn = open(name, O_RDWR | O_NONBLOCK);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(write(server.evtchn, &port, sizeof(port)), sizeof(port));
    alarm(10);
    domains_events(&server);
    alarm(0);
    assert_int_equal(read(server.evtchn, &left, sizeof(left)), sizeof(left));
    assert_int_equal(left, port);
    close(server.evtchn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_come_back, start, finish),
        cmocka_unit_test_setup_teardown(relative_paths_are_the_domains_own, start, finish),
        cmocka_unit_test_setup_teardown(bad_requests_get_an_error, start, finish),
        cmocka_unit_test_setup_teardown(guests_are_kept_out, start, finish),
        cmocka_unit_test_setup_teardown(events_tell_of_changes, start, finish),
        cmocka_unit_test_setup_teardown(guests_hear_of_what_they_may_read, start, finish),
        cmocka_unit_test_setup_teardown(transactions_show_at_the_end, start, finish),
        cmocka_unit_test_setup_teardown(guests_have_limits, start, finish),
        cmocka_unit_test_setup_teardown(large_transactions_are_refused, start, finish),
        cmocka_unit_test_setup_teardown(silent_guest_costs_a_bounded_backlog, start, finish),
        cmocka_unit_test_setup_teardown(broken_stream_ends_that_connection_only, start, finish),
        cmocka_unit_test_setup_teardown(long_directories_come_in_parts, start, finish),
        cmocka_unit_test_setup_teardown(random_requests_do_no_harm, start, finish),
        cmocka_unit_test_setup_teardown(ringing_guest_leaves_time_for_others, start, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
