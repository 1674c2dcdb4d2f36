/* SPDX-License-Identifier: MIT */
/*
 * A connection: a program's socket or a domain's ring. Nothing is read from a peer that has not
 * taken its last reply, so what it can make us keep is bounded.
 */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Then it is the next one's turn, so that a guest that never stops asking halts nobody. */
#define REQUESTS_A_TURN 8
#define READ_SIZE       1024    /* bytes: as much as a ring holds */

struct connection *connection_new(struct server *server, domid_t domid, int fd, struct ring *ring)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    if (!connection)
        return NULL;
    connection->domid = domid;
    connection->fd = fd;
    connection->ring = ring;
    snprintf(connection->base, sizeof(connection->base), "/local/domain/%u", domid);
    connection->next = server->connections;
    server->connections = connection;
    return connection;
}

static void release(struct connection *connection)
{
    watches_drop(connection);
    while (connection->transactions) {
        struct transaction *transaction = connection->transactions;

        connection->transactions = transaction->next;
        transaction_free(transaction);
    }
    if (connection->fd >= 0)
        close(connection->fd);
    if (connection->ring)
        ring_free(connection->ring);
    free(connection->out.data);
    free(connection);
}

void connection_end(struct connection *connection)
{
    connection->dead = connection->gone = true;
}

void connections_sweep(struct server *server)
{
    struct connection **link = &server->connections;

    while (*link) {
        struct connection *connection = *link;

        if (connection->dead && (!connection->ring || connection->gone)) {
            *link = connection->next;
            release(connection);
        } else {
            link = &connection->next;
        }
    }
}

/* Output. */

bool connection_has_output(const struct connection *connection)
{
    return connection->out.start != connection->out.end;
}

/* Room for so many bytes behind the last; what was sent is dropped before memory grows. */
static bool reserve(struct backlog *out, size_t size)
{
    size_t room = out->room ? out->room : READ_SIZE;
    char *data;

    if (out->start) {
        memmove(out->data, out->data + out->start, out->end - out->start);
        out->end -= out->start;
        out->start = 0;
    }
    if (size <= out->room - out->end)
        return true;
    while (room < out->end + size)
        room *= 2;
    data = realloc(out->data, room);
    if (!data)
        return false;
    out->data = data;
    out->room = room;
    return true;
}

static void append(struct connection *connection, const struct xsd_sockmsg *header,
                   const void *data, size_t size)
{
    struct backlog *out = &connection->out;

    if (!reserve(out, sizeof(*header) + size)) {
        connection->dead = true; /* a stream with a hole would be worse */
        return;
    }
    memcpy(out->data + out->end, header, sizeof(*header));
    memcpy(out->data + out->end + sizeof(*header), data, size);
    out->end += sizeof(*header) + size;
}

void connection_reply(struct connection *connection, uint32_t type, const void *data, size_t size)
{
    struct xsd_sockmsg header = connection->in.header;

    header.type = type;
    header.len = (uint32_t)size;
    append(connection, &header, data, size);
}

/*
 * The same event need not wait twice: a guest that is slow to read loses no change, only how often
 * it was made. A message that is cut has no header at its start: then nothing can be compared.
 */
static bool waits_already(const struct connection *connection, const struct xsd_sockmsg *header,
                          const char *data)
{
    const struct backlog *out = &connection->out;
    struct xsd_sockmsg other;

    if (connection->domid == 0 || out->cut)
        return false;
    for (size_t at = out->start; at + sizeof(other) <= out->end; at += sizeof(other) + other.len) {
        memcpy(&other, out->data + at, sizeof(other));
        if (other.len > out->end - at - sizeof(other))
            return false;
        if (!memcmp(&other, header, sizeof(other)) &&
            !memcmp(out->data + at + sizeof(other), data, other.len))
            return true;
    }
    return false;
}

/*
 * Only events have a limit: answers come one to a request, and no request is taken while an answer
 * waits. A program of domain 0 that does not read loses its connection rather than events, since it
 * could not know that it missed any.
 */
void connection_event(struct connection *connection, const char *path, const char *token)
{
    size_t path_size = strlen(path) + 1, token_size = strlen(token) + 1;
    struct xsd_sockmsg header = { .type = XS_WATCH_EVENT };
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t backlog = connection->out.end - connection->out.start;

    if (connection->dead || path_size + token_size > sizeof(payload))
        return;
    header.len = (uint32_t)(path_size + token_size);
    memcpy(payload, path, path_size);
    memcpy(payload + path_size, token, token_size);
    if (connection->domid ? backlog + sizeof(header) + header.len > GUEST_BACKLOG :
                            backlog > SOCKET_BACKLOG) {
        connection->dead = connection->fd >= 0 && connection->domid == 0;
        return;
    }
    if (!waits_already(connection, &header, payload))
        append(connection, &header, payload, header.len);
}

/* Sends what the peer takes now. A ring is full when it takes nothing, which is no error. */
static void flush(struct connection *connection)
{
    struct backlog *out = &connection->out;

    while (out->start != out->end && !connection->dead) {
        const char *from = out->data + out->start;
        size_t size = out->end - out->start;
        ssize_t n;

        if (connection->ring)
            n = ring_write(connection->ring, from, size);
        else
            n = send(connection->fd, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n == 0 || (n < 0 && connection->fd >= 0 && (errno == EAGAIN || errno == EINTR)))
            return;
        if (n < 0)
            connection->dead = true;
        else
            out->start += (size_t)n;
        out->cut = true;
    }
    if (out->start == out->end) {
        out->start = out->end = 0;
        out->cut = false;
    }
}

/* Input. */

/* Reads no further than the message goes, so that nothing is left over. */
static size_t wanted(const struct wire_message *in)
{
    if (in->have < sizeof(in->header))
        return sizeof(in->header) - in->have;
    return sizeof(in->header) + in->header.len - in->have;
}

static ssize_t take_bytes(struct connection *connection, char *data, size_t size)
{
    ssize_t n;

    if (connection->ring)
        return ring_read(connection->ring, data, size);
    n = recv(connection->fd, data, size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return n > 0 ? n : -EPIPE;
}

/* True: a whole request is there. False: nothing more can be had now, or the connection is dead. */
static bool take_request(struct connection *connection)
{
    char data[READ_SIZE];
    bool complete = false;

    while (!complete) {
        size_t size = wanted(&connection->in);
        ssize_t n = 0;

        if (size)
            n = take_bytes(connection, data, size < sizeof(data) ? size : sizeof(data));
        if (size && n == 0)
            return false;
        if (n < 0 || wire_feed(&connection->in, data, (size_t)n, &complete) < 0) {
            connection->dead = true;
            return false;
        }
    }
    return true;
}

void connection_serve(struct server *server, struct connection *connection)
{
    connection->more = false;
    flush(connection);
    /* Whoever does not take its answers is not asked what else it wants. */
    for (unsigned int i = 0; !connection->dead && !connection_has_output(connection); i++) {
        if (i == REQUESTS_A_TURN) {
            connection->more = true;
            return;
        }
        if (!take_request(connection))
            return;
        request_serve(server, connection);
        wire_reset(&connection->in);
        flush(connection);
    }
}
