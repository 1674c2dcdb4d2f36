/* SPDX-License-Identifier: MIT */
/*
 * Watches. One fires when its node or one below changes, when a node above it is removed, and once
 * when it is registered. A guest hears only of nodes that it may read.
 */
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_special(const char *path)
{
    return path[0] == '@';
}

/* `path` is `above` or lies below it. */
static bool lies_in(const char *path, const char *above)
{
    size_t len = strcmp(above, "/") ? strlen(above) : 0;

    return !strncmp(path, above, len) && (!path[len] || path[len] == '/');
}

static void free_watch(struct watch *watch)
{
    free(watch->path);
    free(watch->token);
    free(watch);
}

/* The path in the form in which the client gave the watch's. */
static const char *shown_path(const struct watch *watch, const char *path)
{
    return path + (watch->shown - watch->path);
}

static void fire(struct connection *connection, const struct watch *watch, const char *path)
{
    connection_event(connection, shown_path(watch, path), watch->token);
}

int watch_add(struct connection *connection, const char *path, const char *token)
{
    struct watch *watch, **last = &connection->watches;

    if (connection->domid && connection->nr_watches == GUEST_WATCHES)
        return -ENOSPC;
    if (is_special(path) && connection->domid)
        return -EACCES;
    watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    watch->path = is_special(path) ? strdup(path) : request_path(connection, path);
    watch->token = strdup(token);
    if (!watch->path || !watch->token) {
        int rc = watch->path ? -ENOMEM : -EINVAL;

        free_watch(watch);
        return rc;
    }
    watch->shown = watch->path + (strlen(watch->path) - strlen(path));
    for (; *last; last = &(*last)->next) {
        if (!strcmp((*last)->path, watch->path) && !strcmp((*last)->token, token)) {
            free_watch(watch);
            return -EEXIST;
        }
    }
    *last = watch;
    connection->nr_watches++;
    return 0;
}

int watch_remove(struct connection *connection, const char *path, const char *token)
{
    for (struct watch **link = &connection->watches; *link; link = &(*link)->next) {
        struct watch *watch = *link;

        if (strcmp(watch->shown, path) || strcmp(watch->token, token))
            continue;
        *link = watch->next;
        connection->nr_watches--;
        free_watch(watch);
        return 0;
    }
    return -ENOENT;
}

void watches_drop(struct connection *connection)
{
    while (connection->watches) {
        struct watch *watch = connection->watches;

        connection->watches = watch->next;
        free_watch(watch);
    }
    connection->nr_watches = 0;
}

/* Rights are looked up once a connection, not once a watch: they are the changed node's. */
void watches_fire(struct server *server, const char *path, bool removed)
{
    for (struct connection *c = server->connections; c; c = c->next) {
        if (c->domid && !(tree_rights(&server->tree, path, c->domid) & RIGHT_READ))
            continue;
        for (const struct watch *watch = c->watches; watch; watch = watch->next) {
            if (lies_in(path, watch->path))
                fire(c, watch, path);
            else if (removed && lies_in(watch->path, path))
                fire(c, watch, watch->path);
        }
    }
}
