/* SPDX-License-Identifier: MIT */
/*
 * A client of the xenstore daemon: one request at a time over its socket. Events that arrive while
 * a reply is awaited are kept in order for store_next_event.
 */
#include <errno.h> /* ahead of xs_wire.h, whose table of errors depends on it */

#include "libxllite.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const sockets[] = { "/run/xenstored/socket", "/var/run/xenstored/socket" };

/* One part of a request's payload. */
struct part {
    const char *data;
    size_t size;
};

static int try_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int err = errno;

        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

int store_open(struct store *store)
{
    const char *path = getenv("XENSTORED_PATH");

    memset(store, 0, sizeof(*store));
    store->fd = try_socket(path ? path : sockets[0]);
    for (size_t i = 1; !path && store->fd < 0 && i < sizeof(sockets) / sizeof(sockets[0]); i++)
        store->fd = try_socket(sockets[i]);
    if (store->fd < 0)
        return xl_fail(errno, "no xenstore daemon answers at %s: %s", path ? path : sockets[0],
                       strerror(errno));
    return 0;
}

void store_free_event(struct store_event *event)
{
    if (!event)
        return;
    free(event->path);
    free(event->token);
    free(event);
}

void store_close(struct store *store)
{
    while (store->events) {
        struct store_event *event = store->events;

        store->events = event->next;
        store_free_event(event);
    }
    close(store->fd);
}

static int transfer(struct store *store, char *data, size_t size, bool out)
{
    while (size) {
        ssize_t n = out ? send(store->fd, data, size, MSG_NOSIGNAL) : read(store->fd, data, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return xl_fail(EIO, "the xenstore daemon has gone");
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

/* One message; its payload is allocated and gets a zero behind its end. */
static int receive(struct store *store, struct xsd_sockmsg *header, char **payload)
{
    int rc = transfer(store, (char *)header, sizeof(*header), false);

    *payload = NULL;
    if (rc)
        return rc;
    if (header->len > XENSTORE_PAYLOAD_MAX)
        return xl_fail(EPROTO, "the xenstore daemon does not keep its protocol");
    *payload = malloc(header->len + 1);
    if (!*payload)
        return xl_fail(ENOMEM, "out of memory");
    (*payload)[header->len] = '\0';
    rc = transfer(store, *payload, header->len, false);
    if (rc) {
        free(*payload);
        *payload = NULL;
    }
    return rc;
}

/* An event's payload is two texts. */
static int keep_event(struct store *store, const char *payload, size_t size)
{
    struct store_event **last = &store->events;
    struct store_event *event = calloc(1, sizeof(*event));
    size_t path = strlen(payload) + 1;

    if (event) {
        event->path = strdup(payload);
        event->token = strdup(path < size ? payload + path : "");
    }
    if (!event || !event->path || !event->token) {
        store_free_event(event);
        return xl_fail(ENOMEM, "out of memory");
    }
    while (*last)
        last = &(*last)->next;
    *last = event;
    return 0;
}

static int send_request(struct store *store, uint32_t type, const struct part *part,
                        unsigned int count)
{
    struct xsd_sockmsg header = {
        .type = type, .req_id = ++store->last_id, .tx_id = store->transaction,
    };
    char message[sizeof(header) + XENSTORE_PAYLOAD_MAX];

    for (unsigned int i = 0; i < count; i++) {
        if (part[i].size > XENSTORE_PAYLOAD_MAX - header.len)
            return xl_fail(E2BIG, "too long for the xenstore: %.60s", part[0].data);
        memcpy(message + sizeof(header) + header.len, part[i].data, part[i].size);
        header.len += (uint32_t)part[i].size;
    }
    memcpy(message, &header, sizeof(header));
    return transfer(store, message, sizeof(header) + header.len, true);
}

static int error_number(const char *name)
{
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++) {
        if (!strcmp(name, xsd_errors[i].errstring))
            return xsd_errors[i].errnum;
    }
    return EIO;
}

/*
 * The reply, allocated (*size may be NULL), or NULL with errno set. A refusal leaves no message:
 * the caller knows what it means.
 */
static char *request(struct store *store, uint32_t type, const struct part *part,
                     unsigned int count, size_t *size)
{
    struct xsd_sockmsg header;
    char *payload;
    int rc = send_request(store, type, part, count);

    while (!rc) {
        rc = receive(store, &header, &payload);
        if (rc)
            break;
        if (header.type == XS_WATCH_EVENT) {
            rc = keep_event(store, payload, header.len);
            free(payload);
            continue;
        }
        if (header.type == XS_ERROR) {
            rc = -error_number(payload);
            free(payload);
            break;
        }
        if (header.type == type && header.req_id == store->last_id) {
            if (size)
                *size = header.len;
            return payload;
        }
        free(payload);
        rc = xl_fail(EPROTO, "the xenstore daemon does not keep its protocol");
    }
    errno = -rc;
    return NULL;
}

static struct part text(const char *string)
{
    return (struct part){ string, strlen(string) + 1 };
}

/* A request whose reply says only that it was done. */
static int command(struct store *store, uint32_t type, const struct part *part, unsigned int count,
                   const char *what)
{
    char *reply = request(store, type, part, count, NULL);

    if (!reply)
        return xl_fail(errno, "xenstore: %s: %s", what, strerror(errno));
    free(reply);
    return 0;
}

char *store_read(struct store *store, const char *path)
{
    struct part part = text(path);

    return request(store, XS_READ, &part, 1, NULL);
}

char *store_directory(struct store *store, const char *path, size_t *size)
{
    struct part part = text(path);

    return request(store, XS_DIRECTORY, &part, 1, size);
}

int store_write(struct store *store, const char *path, const char *value)
{
    struct part parts[] = { text(path), { value, strlen(value) } };

    return command(store, XS_WRITE, parts, 2, path);
}

int store_writef(struct store *store, const char *path, const char *format, ...)
{
    char value[XENSTORE_PAYLOAD_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    return store_write(store, path, value);
}

int store_mkdir(struct store *store, const char *path)
{
    struct part part = text(path);

    return command(store, XS_MKDIR, &part, 1, path);
}

int store_rm(struct store *store, const char *path)
{
    struct part part = text(path);
    char *reply = request(store, XS_RM, &part, 1, NULL);

    if (!reply && errno != ENOENT)
        return xl_fail(errno, "xenstore: %s: %s", path, strerror(errno));
    free(reply);
    return 0;
}

int store_set_permissions(struct store *store, const char *path, const char *const *list,
                          unsigned int count)
{
    struct part parts[8] = { text(path) };

    if (count >= sizeof(parts) / sizeof(parts[0]))
        return xl_fail(E2BIG, "xenstore: %s: too many permissions", path);
    for (unsigned int i = 0; i < count; i++)
        parts[1 + i] = text(list[i]);
    return command(store, XS_SET_PERMS, parts, 1 + count, path);
}

int store_watch(struct store *store, const char *path, const char *token)
{
    struct part parts[] = { text(path), text(token) };

    return command(store, XS_WATCH, parts, 2, path);
}

int store_introduce(struct store *store, domid_t domid, xen_pfn_t mfn, evtchn_port_t port)
{
    char number[3][24];
    struct part parts[3];

    snprintf(number[0], sizeof(number[0]), "%u", domid);
    snprintf(number[1], sizeof(number[1]), "%lu", mfn);
    snprintf(number[2], sizeof(number[2]), "%u", port);
    for (unsigned int i = 0; i < 3; i++)
        parts[i] = text(number[i]);
    return command(store, XS_INTRODUCE, parts, 3, "a new domain");
}

int store_begin(struct store *store)
{
    struct part part = text("");
    char *reply = request(store, XS_TRANSACTION_START, &part, 1, NULL);

    if (!reply)
        return xl_fail(errno, "xenstore: no transaction: %s", strerror(errno));
    store->transaction = (uint32_t)strtoul(reply, NULL, 10);
    free(reply);
    return 0;
}

int store_end(struct store *store, bool commit)
{
    struct part part = text(commit ? "T" : "F");
    char *reply = request(store, XS_TRANSACTION_END, &part, 1, NULL);

    store->transaction = 0;
    free(reply);
    if (reply || errno == EAGAIN)
        return reply ? 0 : -EAGAIN;
    return xl_fail(errno, "xenstore: transaction: %s", strerror(errno));
}

static bool readable(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

    return poll(&poll_fd, 1, 0) > 0;
}

struct store_event *store_next_event(struct store *store, bool wait, int *error)
{
    struct store_event *event;

    *error = 0;
    while (!store->events) {
        struct xsd_sockmsg header;
        char *payload;

        if (!wait && !readable(store->fd))
            return NULL;
        *error = receive(store, &header, &payload);
        if (*error)
            return NULL;
        if (header.type == XS_WATCH_EVENT)
            *error = keep_event(store, payload, header.len);
        free(payload);
        if (*error)
            return NULL;
    }
    event = store->events;
    store->events = event->next;
    return event;
}
