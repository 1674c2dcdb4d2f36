/* SPDX-License-Identifier: MIT */
/*
 * The xenstore daemon against a hostile guest (tools/xenstored-lite): requests of any kind, whole
 * or in pieces, and bytes that are no requests. Each request gets one answer, of its own number;
 * what belongs to domain 0 stays as it was; and the guest never holds more than its share.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "tools/xenstored-lite/server.h"

enum { ANSWERED, FAILED, EVENTS, CUT_OFF, WRITTEN, COMMITTED };
FUZZ_GOALS(GOAL("an answer"), GOAL("an error"), GOAL("an event"), GOAL("a connection ended"),
           GOAL("a node of the guest's"), GOAL("a transaction committed"))

#define MAX_REQUESTS 24
#define GUEST        1

static struct server server;
static struct connection *guest;
static int peer;                /* our end of its socket */

static void start(void)
{
    static const struct permission own = { GUEST, 0 };
    int fds[2];

    server = (struct server){ .local = true };
    FUZZ_CHECK(tree_init(&server.tree) == 0);
    FUZZ_CHECK(tree_write(&server.tree, 0, "/secret", "s", 1) == 0);
    FUZZ_CHECK(tree_mkdir(&server.tree, 0, "/local/domain/1/data") == 0);
    FUZZ_CHECK(tree_set_permissions(&server.tree, 0, "/local/domain/1/data", &own, 1) == 0);
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    peer = fds[1];
    guest = connection_new(&server, GUEST, fds[0], NULL);
    FUZZ_CHECK(guest != NULL);
}

static void finish(void)
{
    close(peer);
    for (struct connection *c = server.connections; c != NULL; c = c->next)
        c->dead = true;
    connections_sweep(&server);
    FUZZ_CHECK(server.connections == NULL);
    tree_free(&server.tree);
}

/* ---- What the guest sends ---- */

static size_t make_payload(struct fuzz_input *in, char *payload, size_t room)
{
    static const char *const words[] = {
        "data", "data/a", "data/a/b", "/local/domain/1/data", "/secret", "/", "@releaseDomain",
        "", "n1", "r0", "w2", "b1", "T", "F", "token", "/local/domain/1/data/a", "0", "1", "4096",
    };
    size_t at = 0;

    for (unsigned int n = (unsigned int)fuzz_below(in, 5); n > 0 && at + 64 < room; n--) {
        unsigned int what = (unsigned int)fuzz_take(in, 1);
        const char *word = words[what % (sizeof(words) / sizeof(*words))];

        if (what < 220) {
            memcpy(payload + at, word, strlen(word) + 1);
            at += strlen(word) + (what % 8 != 7);
        } else {
            for (size_t k = what % 16; k > 0; k--)
                payload[at++] = (char)fuzz_take(in, 1);
        }
    }
    if (fuzz_take(in, 1) == 255)
        while (at < room)
            payload[at++] = 'x';
    return at;
}

static void send_bytes(const void *data, size_t size)
{
    if (write(peer, data, size) < 0)
        FUZZ_CHECK(errno == EPIPE || errno == EAGAIN);
}

/* What has come for it: events, and the answer to @id, if it was a request. */
static unsigned int receive(uint32_t type, uint32_t id)
{
    unsigned int answers = 0;
    struct xsd_sockmsg header;
    char payload[XENSTORE_PAYLOAD_MAX];

    while (recv(peer, &header, sizeof(header), MSG_DONTWAIT) == (ssize_t)sizeof(header)) {
        FUZZ_CHECK(header.len <= sizeof(payload));
        FUZZ_CHECK(header.len == 0 ||
                   recv(peer, payload, header.len, MSG_DONTWAIT) == (ssize_t)header.len);
        if (header.type == XS_WATCH_EVENT) {
            REACHED(EVENTS);
            continue;
        }
        answers++;
        REACHED(header.type == XS_ERROR ? FAILED : ANSWERED);
        FUZZ_CHECK(header.type == type || header.type == XS_ERROR);
        FUZZ_CHECK(header.req_id == id);
        FUZZ_CHECK(header.type != XS_ERROR || (header.len > 0 && !payload[header.len - 1]));
        if (type == XS_TRANSACTION_END && header.type != XS_ERROR)
            REACHED(COMMITTED);
    }
    return answers;
}

/* None, as a rule; or one that it has begun; or any. */
static uint32_t some_transaction(struct fuzz_input *in)
{
    unsigned int how = (unsigned int)fuzz_take(in, 1);

    if (how % 4 < 2)
        return 0;
    return how % 4 == 2 && guest->transactions != NULL ? guest->transactions->id : how >> 2;
}

static void one_request(struct fuzz_input *in, uint32_t id)
{
    char payload[XENSTORE_PAYLOAD_MAX + 8];
    size_t size = make_payload(in, payload, fuzz_take(in, 1) == 255 ? sizeof(payload) :
                                                                      XENSTORE_PAYLOAD_MAX);
    struct xsd_sockmsg header = {
        .type = (uint32_t)fuzz_take(in, 1) % 24, .req_id = id,
        .tx_id = some_transaction(in), .len = (uint32_t)size,
    };
    uint64_t how = fuzz_take(in, 1);
    unsigned int answers;

    /* Transactions begin and end often enough for something to happen in one. */
    if (how < 24 || (how < 64 && guest->transactions != NULL)) {
        header.type = how < 24 ? XS_TRANSACTION_START : XS_TRANSACTION_END;
        header.tx_id = how < 24 ? 0 : guest->transactions->id;
        memcpy(payload, how & 1 ? "F" : "T", 2);
        header.len = how < 24 ? 1 : 2;
        if (how < 24)
            payload[0] = '\0';
        size = header.len;
    }
    send_bytes(&header, sizeof(header));
    send_bytes(payload, size);
    connection_serve(&server, guest);
    connection_serve(&server, guest);
    answers = receive(header.type, id);
    if (guest->dead)
        REACHED(CUT_OFF);
    else
        FUZZ_CHECK(answers == 1);
    FUZZ_CHECK(guest->dead || size <= XENSTORE_PAYLOAD_MAX);
}

/* ---- What must hold ---- */

static void check_server(void)
{
    const struct node *secret = tree_find(&server.tree, "/secret");

    FUZZ_CHECK(secret != NULL && secret->size == 1 && secret->value[0] == 's');
    FUZZ_CHECK(tree_rights(&server.tree, "/secret", GUEST) == 0);
    FUZZ_CHECK(tree_find(&server.tree, "/local/domain/1") != NULL);
    FUZZ_CHECK(!(tree_rights(&server.tree, "/local/domain/1", GUEST) & RIGHT_WRITE));
    FUZZ_CHECK(tree_owned(&server.tree, GUEST) <= TREE_GUEST_NODES);
    FUZZ_CHECK(guest->nr_watches <= GUEST_WATCHES);
    FUZZ_CHECK(guest->nr_transactions <= GUEST_TRANSACTIONS);
    if (tree_find(&server.tree, "/local/domain/1/data/a") != NULL)
        REACHED(WRITTEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };

    start();
    for (uint32_t i = 1; i <= MAX_REQUESTS && in.size > 0 && !guest->dead; i++) {
        one_request(&in, i);
        check_server();
    }
    /* And then what is left, as it is. */
    if (in.size > 0 && !guest->dead) {
        send_bytes(in.data, in.size);
        for (unsigned int i = 0; i < 4 && !guest->dead; i++)
            connection_serve(&server, guest);
        check_server();
    }
    finish();
    return 0;
}
