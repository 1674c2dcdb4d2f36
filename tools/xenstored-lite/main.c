/* SPDX-License-Identifier: MIT */
/*
 * xenstored-lite [--foreground] [--local] [--socket PATH]: the xenstore daemon.
 *
 * Serves programs on a unix socket and domains on their rings. It goes into the background once the
 * socket takes connections. --local serves the socket only, and needs no hypervisor.
 */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/xenstored/socket"

struct options {
    bool foreground, local;
    const char *socket;
};

static int parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){ .socket = DEFAULT_SOCKET };
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--foreground"))
            options->foreground = true;
        else if (!strcmp(argv[i], "--local"))
            options->local = true;
        else if (!strcmp(argv[i], "--socket") && i + 1 < argc)
            options->socket = argv[++i];
        else
            return xl_fail(EINVAL, "usage: xenstored-lite [--foreground] [--local] "
                                   "[--socket PATH]");
    }
    return 0;
}

/* The folder that the socket lies in. */
static void make_folder(const char *path)
{
    char folder[108];
    char *slash;

    snprintf(folder, sizeof(folder), "%s", path);
    slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = '\0';
        mkdir(folder, 0755); /* bind says so if there is none */
    }
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof(address.sun_path))
        return xl_fail(ENAMETOOLONG, "%s: the name is too long for a socket", path);
    strcpy(address.sun_path, path);
    make_folder(path);
    unlink(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)) && !chmod(path, 0600) &&
        !listen(fd, 16))
        return fd;
    return xl_fail(errno, "%s: %s", path, strerror(errno));
}

/* What is there from the start. */
static int plant(struct server *server)
{
    int rc = tree_init(&server->tree);

    rc = rc ?: tree_mkdir(&server->tree, 0, "/tool/xenstored");
    rc = rc ?: tree_write(&server->tree, 0, "/local/domain/0/domid", "0", 1);
    rc = rc ?: tree_write(&server->tree, 0, "/local/domain/0/name", "Domain-0", 8);
    return rc ? xl_fail(-rc, "out of memory") : 0;
}

static void accept_all(struct server *server, int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        if (!connection_new(server, 0, fd, NULL))
            close(fd);
    }
}

/* One entry of the poll set per socket, behind the two fixed ones. */
static struct pollfd *make_set(struct server *server, int listener, nfds_t *count, int *timeout)
{
    struct pollfd *set;

    *count = 2;
    *timeout = -1;
    for (struct connection *c = server->connections; c; c = c->next)
        *count += c->fd >= 0;
    set = calloc(*count, sizeof(*set));
    if (!set)
        return NULL;
    set[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
    set[1] = (struct pollfd){ .fd = server->local ? -1 : server->evtchn, .events = POLLIN };
    *count = 2;
    for (struct connection *c = server->connections; c; c = c->next) {
        if (c->more)
            *timeout = 0;
        if (c->fd >= 0)
            set[(*count)++] = (struct pollfd){
                .fd = c->fd, .events = connection_has_output(c) ? POLLOUT : POLLIN,
            };
    }
    return set;
}

/* Serves whoever has something; the set and the list of sockets are in the same order. */
static void serve_round(struct server *server, const struct pollfd *set)
{
    const struct pollfd *entry = set + 2;

    for (struct connection *c = server->connections; c; c = c->next) {
        if (c->fd >= 0 && entry++->revents)
            c->more = true;
    }
    if (set[1].revents)
        domains_events(server);
    for (struct connection *c = server->connections; c; c = c->next) {
        if (!c->dead && (c->more || connection_has_output(c)))
            connection_serve(server, c);
    }
    connections_sweep(server);
}

static int serve(struct server *server, int listener)
{
    while (!daemon_asked_to_end) {
        nfds_t count;
        int timeout;
        struct pollfd *set = make_set(server, listener, &count, &timeout);

        if (!set)
            return xl_fail(ENOMEM, "out of memory");
        if (poll(set, count, timeout) >= 0) {
            serve_round(server, set);
            if (set[0].revents)
                accept_all(server, listener);
        }
        free(set);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct server server = { .evtchn = -1 };
    struct options options;
    int listener, rc;

    rc = parse(&options, argc, argv);
    server.local = options.local;
    rc = rc ?: plant(&server);
    if (!rc && !server.local)
        rc = domains_open(&server);
    listener = rc ? rc : listen_at(options.socket);
    if (listener < 0) {
        fprintf(stderr, "xenstored-lite: %s\n", xl_message());
        return 1;
    }
    daemon_end_when_asked();
    rc = options.foreground ? 0 : daemon_to_background();
    rc = rc ?: serve(&server, listener);
    unlink(options.socket);
    if (rc)
        fprintf(stderr, "xenstored-lite: %s\n", xl_message());
    return rc ? 1 : 0;
}
