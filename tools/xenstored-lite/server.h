/* SPDX-License-Identifier: MIT */
/*
 * The daemon's parts around the pure ones: connections, watches, domains, requests. One thread, one
 * server; whoever is not domain 0 is not trusted with anything.
 */
#ifndef XENSTORED_SERVER_H
#define XENSTORED_SERVER_H

#include "../xl-lite/libxllite.h"
#include "transaction.h"
#include "tree.h"
#include "wire.h"

#include <xen/io/xs_wire.h>

/* What a guest may hold at a time. */
#define GUEST_WATCHES      128
#define GUEST_TRANSACTIONS 10
/* Bytes that wait for a peer which does not read. A guest loses events then, a program its
 * connection. */
#define GUEST_BACKLOG      (64 * 1024)
#define SOCKET_BACKLOG     (4 * 1024 * 1024)

struct watch {
    struct watch *next;
    char *path;  /* absolute, or special with its '@' */
    char *token;
    const char *shown; /* the part of path that the client gave: relative or not */
};

/* Bytes to be sent: [start, end) of data. */
struct backlog {
    char *data;
    size_t start, end, room;
    bool cut;                  /* a part of the first message has been sent */
};

/*
 * A peer, from the accepted socket or the introduced ring until connections_sweep(). One that is
 * dead is only waiting for that; a ring stays, dead, until its domain has ended, since the domain's
 * record refers to it.
 */
struct connection {
    struct connection *next;
    domid_t domid;
    char base[32];             /* where relative paths start */
    int fd;                    /* a socket, or -1 */
    struct ring *ring;         /* else */
    bool dead;                 /* nothing is read or written any more */
    bool gone;                 /* its domain has ended */
    bool more;                 /* may have a request that was not looked at */
    struct wire_message in;
    struct backlog out;
    struct watch *watches;
    unsigned int nr_watches;
    struct transaction *transactions;
    unsigned int nr_transactions;
    uint32_t last_transaction;
};

/* A domain that was introduced, until the hypervisor knows it no more. */
struct domain {
    struct domain *next;
    domid_t domid;
    bool shut_down;            /* said so already */
    bool dying;                /* likewise; its ring is gone, and `connection` NULL */
    struct connection *connection;
};

struct server {
    struct tree tree;
    struct connection *connections;
    struct domain *domains;
    bool local;                /* no hypervisor: only the socket is served */
    struct hv hv;
    int evtchn;
    evtchn_port_t virq;        /* of domains that end */
};

/* connection.c */

/* Takes over fd or ring, whichever is given; NULL: no memory, and they are still the caller's. */
struct connection *connection_new(struct server *server, domid_t domid, int fd, struct ring *ring);
/* For a ring whose domain has ended: connections_sweep() frees it. */
void connection_end(struct connection *connection);
/* Frees those that died, but for rings of domains that live. */
void connections_sweep(struct server *server);
/* Reads, serves at most a few requests, writes. */
void connection_serve(struct server *server, struct connection *connection);
bool connection_has_output(const struct connection *connection);
/* The answer to the request in connection->in: its ids, this type and payload. */
void connection_reply(struct connection *connection, uint32_t type, const void *data, size_t size);
/* Dropped where the peer is so slow that too much waits for it already. */
void connection_event(struct connection *connection, const char *path, const char *token);

/* ring.c: the page shared with a domain. */
/* Takes over the mapping and the port; NULL: no memory. */
struct ring *ring_new(void *page, size_t pages, int evtchn, evtchn_port_t port);
void ring_free(struct ring *ring);
evtchn_port_t ring_port(const struct ring *ring);
/* Bytes moved, 0 if none can be now, -EPROTO: the peer's indices make no sense. */
ssize_t ring_read(struct ring *ring, void *data, size_t size);
ssize_t ring_write(struct ring *ring, const void *data, size_t size);

/* watch.c: 0 or a negative errno. A watch is known by its path, as it was given, and its token. */
int watch_add(struct connection *connection, const char *path, const char *token);
int watch_remove(struct connection *connection, const char *path, const char *token);
void watches_drop(struct connection *connection);
/* A node changed; with `removed` all below it went, too. */
void watches_fire(struct server *server, const char *path, bool removed);

/* domains.c */

/* Opens the ways to the hypervisor and, where there is one, the control domain's own ring. */
int domains_open(struct server *server);
/* NULL: it was not introduced, or is forgotten. */
struct domain *domains_find(struct server *server, domid_t domid);
/* Maps the domain's ring, and tells who watches "@introduceDomain". -EEXIST: it is known. */
int domains_introduce(struct server *server, domid_t domid, xen_pfn_t mfn, evtchn_port_t port);
/* Lets go of it as if it had ended, and tells who watches "@releaseDomain". */
int domains_release(struct server *server, domid_t domid);
/* Takes in what event channels report, once: others have their turn before the next time. */
void domains_events(struct server *server);

/* request.c: acts on the complete message in connection->in, and gives it its one answer. */
void request_serve(struct server *server, struct connection *connection);
/* The absolute form of a path, allocated; NULL if it is not allowed. */
char *request_path(const struct connection *connection, const char *path);

#endif
