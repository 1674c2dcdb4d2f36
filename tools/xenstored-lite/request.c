/* SPDX-License-Identifier: MIT */
/*
 * Requests: one row of the table each. A handler answers by itself or returns a negative errno, and
 * the answer is that error's name.
 */
#include <errno.h> /* ahead of xs_wire.h, whose table of errors depends on it */

#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXTS (1 + TREE_MAX_PERMISSIONS)

struct request {
    struct server *server;
    struct connection *connection;
    struct transaction *transaction; /* NULL: on the tree itself */
    struct tree *tree;               /* the one to look at and change */
    uint32_t type;
    const char *payload;
    size_t size;
    const char *text[MAX_TEXTS];     /* the payload's texts */
    unsigned int nr_texts;
    char *path;                      /* absolute form of the first, where the row says so */
};

/* Answers. */

static int answer(struct request *r, const void *data, size_t size)
{
    connection_reply(r->connection, r->type, data, size);
    return 0;
}

static int answer_text(struct request *r, const char *text)
{
    return answer(r, text, strlen(text) + 1);
}

static int done(struct request *r)
{
    return answer_text(r, "OK");
}

/* Paths and permissions. */

char *request_path(const struct connection *connection, const char *path)
{
    char *absolute;
    size_t size;

    if (path[0] == '/') {
        absolute = strdup(path);
    } else {
        if (!path[0] || strlen(path) > XENSTORE_REL_PATH_MAX)
            return NULL;
        size = strlen(connection->base) + 1 + strlen(path) + 1;
        absolute = malloc(size);
        if (absolute)
            snprintf(absolute, size, "%s/%s", connection->base, path);
    }
    if (absolute && tree_path_valid(absolute))
        return absolute;
    free(absolute);
    return NULL;
}

/* In a transaction: what follows depends on this node. */
static int note_look(struct request *r)
{
    struct step step = { .type = STEP_LOOK, .path = r->path };

    return r->transaction ? transaction_note(r->transaction, &step) : 0;
}

/* The node, if the client may read it. */
static int look(struct request *r, const struct node **node)
{
    int rc = note_look(r);

    if (rc)
        return rc;
    if (!(tree_rights(r->tree, r->path, r->connection->domid) & RIGHT_READ))
        return -EACCES;
    *node = tree_find(r->tree, r->path);
    return *node ? 0 : -ENOENT;
}

/* Makes a change where the request works; watches hear of it at once or at the commit. */
static int change(struct request *r, enum step_type type, const void *data, size_t size)
{
    struct step step = { .type = type, .path = r->path, .data = (char *)data, .size = size };
    int rc = r->transaction ? transaction_room(r->transaction, &step) : 0;

    if (!rc)
        rc = step_apply(r->tree, r->connection->domid, &step);
    if (!rc && r->transaction)
        rc = transaction_note(r->transaction, &step);
    if (rc)
        return rc;
    done(r);
    if (!r->transaction)
        watches_fire(r->server, r->path, type == STEP_REMOVE);
    return 0;
}

/* By the rights that they stand for. */
static const char letters[] = {
    [0] = 'n', [RIGHT_READ] = 'r', [RIGHT_WRITE] = 'w', [RIGHT_READ | RIGHT_WRITE] = 'b',
};

static bool parse_permission(const char *text, struct permission *permission)
{
    uint64_t domid;

    const char *letter = memchr(letters, text[0], sizeof(letters));

    if (!letter || !wire_number(text + 1, DOMID_FIRST_RESERVED - 1, &domid))
        return false;
    *permission = (struct permission){ (uint16_t)domid, (uint8_t)(letter - letters) };
    return true;
}

/* Rows. */

static int do_directory(struct request *r)
{
    char names[XENSTORE_PAYLOAD_MAX];
    const struct node *node;
    size_t size = 0;
    int rc = look(r, &node);

    if (rc)
        return rc;
    for (unsigned int i = 0; i < node->nr_children; i++) {
        size_t name = strlen(node->children[i]->name) + 1;

        if (name > sizeof(names) - size)
            return -E2BIG;
        memcpy(names + size, node->children[i]->name, name);
        size += name;
    }
    return answer(r, names, size);
}

/* From an offset in the list of names on; the list's end is an empty name. */
static int do_directory_part(struct request *r)
{
    char part[XENSTORE_PAYLOAD_MAX];
    const struct node *node;
    uint64_t offset, at = 0;
    size_t size;
    int rc = look(r, &node);

    if (rc)
        return rc;
    if (!wire_number(r->text[1], UINT32_MAX, &offset))
        return -EINVAL;
    size = (size_t)snprintf(part, sizeof(part), "%lu", node->generation) + 1;
    for (unsigned int i = 0; i < node->nr_children; i++) {
        size_t name = strlen(node->children[i]->name) + 1;

        if (at >= offset && name >= sizeof(part) - size)
            return answer(r, part, size);
        if (at >= offset) {
            memcpy(part + size, node->children[i]->name, name);
            size += name;
        }
        at += name;
    }
    part[size++] = '\0';
    return answer(r, part, size);
}

static int do_read(struct request *r)
{
    const struct node *node;
    int rc = look(r, &node);

    return rc ? rc : answer(r, node->value, node->size);
}

static int do_write(struct request *r)
{
    size_t path = strlen(r->text[0]) + 1;

    if (path > r->size)
        return -EINVAL; /* the path does not end */
    return change(r, STEP_WRITE, r->payload + path, r->size - path);
}

static int do_mkdir(struct request *r)
{
    int rc = note_look(r);

    if (rc)
        return rc;
    /* One that exists stays as it is, and nobody hears of it. */
    if (tree_find(r->tree, r->path))
        return tree_rights(r->tree, r->path, r->connection->domid) & RIGHT_WRITE ? done(r) :
               -EACCES;
    return change(r, STEP_MKDIR, NULL, 0);
}

static int do_rm(struct request *r)
{
    return change(r, STEP_REMOVE, NULL, 0);
}

static int do_get_permissions(struct request *r)
{
    char texts[TREE_MAX_PERMISSIONS * 8];
    const struct node *node;
    size_t size = 0;
    int rc = look(r, &node);

    if (rc)
        return rc;
    for (unsigned int i = 0; i < node->nr_permissions; i++) {
        const struct permission *p = &node->permissions[i];

        size += (size_t)snprintf(texts + size, sizeof(texts) - size, "%c%u",
                                 letters[p->rights], p->domid) + 1;
    }
    return answer(r, texts, size);
}

static int do_set_permissions(struct request *r)
{
    struct permission list[TREE_MAX_PERMISSIONS];
    unsigned int count = r->nr_texts - 1;

    for (unsigned int i = 0; i < count; i++) {
        if (!parse_permission(r->text[1 + i], &list[i]))
            return -EINVAL;
    }
    return change(r, STEP_PERMISSIONS, list, count);
}

static int do_watch(struct request *r)
{
    int rc = watch_add(r->connection, r->text[0], r->text[1]);

    if (rc)
        return rc;
    done(r);
    connection_event(r->connection, r->text[0], r->text[1]);
    return 0;
}

static int do_unwatch(struct request *r)
{
    int rc = watch_remove(r->connection, r->text[0], r->text[1]);

    return rc ? rc : done(r);
}

static int do_reset_watches(struct request *r)
{
    watches_drop(r->connection);
    return done(r);
}

static int do_transaction_start(struct request *r)
{
    struct connection *c = r->connection;
    struct transaction *transaction;
    char id[16];

    if (r->transaction)
        return -EBUSY;
    if (c->domid && c->nr_transactions == GUEST_TRANSACTIONS)
        return -ENOSPC;
    do {
        c->last_transaction++;
        for (transaction = c->transactions; transaction; transaction = transaction->next) {
            if (transaction->id == c->last_transaction)
                break;
        }
    } while (transaction || !c->last_transaction);
    transaction = transaction_start(&r->server->tree, c->last_transaction);
    if (!transaction)
        return -ENOMEM;
    transaction->next = c->transactions;
    c->transactions = transaction;
    c->nr_transactions++;
    snprintf(id, sizeof(id), "%u", transaction->id);
    return answer_text(r, id);
}

static void unlink_transaction(struct connection *c, struct transaction *transaction)
{
    struct transaction **link = &c->transactions;

    while (*link != transaction)
        link = &(*link)->next;
    *link = transaction->next;
    c->nr_transactions--;
}

static int do_transaction_end(struct request *r)
{
    struct transaction *transaction = r->transaction;
    bool commit = !strcmp(r->text[0], "T");
    int rc = 0;

    if (!transaction)
        return -ENOENT;
    if (!commit && strcmp(r->text[0], "F"))
        return -EINVAL;
    unlink_transaction(r->connection, transaction);
    if (commit)
        rc = transaction_commit(transaction, &r->server->tree, r->connection->domid);
    if (!rc)
        done(r);
    for (const struct step *step = transaction->steps; commit && !rc && step; step = step->next) {
        if (step->type != STEP_LOOK)
            watches_fire(r->server, step->path, step->type == STEP_REMOVE);
    }
    transaction_free(transaction);
    return rc;
}

static int get_domid(const char *text, domid_t *domid)
{
    uint64_t number;

    if (!wire_number(text, DOMID_FIRST_RESERVED - 1, &number))
        return -EINVAL;
    *domid = (domid_t)number;
    return 0;
}

static int do_introduce(struct request *r)
{
    uint64_t mfn, port;
    domid_t domid;
    int rc = get_domid(r->text[0], &domid);

    if (rc)
        return rc;
    if (!wire_number(r->text[1], UINT64_MAX >> XL_PAGE_SHIFT, &mfn) ||
        !wire_number(r->text[2], UINT32_MAX, &port))
        return -EINVAL;
    rc = domains_introduce(r->server, domid, mfn, (evtchn_port_t)port);
    return rc ? rc : done(r);
}

static int do_release(struct request *r)
{
    domid_t domid;
    int rc = get_domid(r->text[0], &domid);

    rc = rc ? rc : domains_release(r->server, domid);
    return rc ? rc : done(r);
}

static int do_is_introduced(struct request *r)
{
    domid_t domid;
    int rc = get_domid(r->text[0], &domid);

    return rc ? rc : answer_text(r, domid == 0 || domains_find(r->server, domid) ? "T" : "F");
}

static int do_get_domain_path(struct request *r)
{
    char path[32];
    domid_t domid;
    int rc = get_domid(r->text[0], &domid);

    if (rc)
        return rc;
    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    return answer_text(r, path);
}

#define PATH       1u /* the first text is a path */
#define PRIVILEGED 2u /* for domain 0 */

static const struct {
    int (*serve)(struct request *r);
    unsigned int flags;
    unsigned int min_texts, max_texts;
} rows[XS_TYPE_COUNT] = {
    [XS_DIRECTORY] = { do_directory, PATH, 1, 1 },
    [XS_READ] = { do_read, PATH, 1, 1 },
    [XS_GET_PERMS] = { do_get_permissions, PATH, 1, 1 },
    [XS_WATCH] = { do_watch, 0, 2, 3 },
    [XS_UNWATCH] = { do_unwatch, 0, 2, 2 },
    [XS_TRANSACTION_START] = { do_transaction_start, 0, 0, 1 },
    [XS_TRANSACTION_END] = { do_transaction_end, 0, 1, 1 },
    [XS_INTRODUCE] = { do_introduce, PRIVILEGED, 3, 3 },
    [XS_RELEASE] = { do_release, PRIVILEGED, 1, 1 },
    [XS_GET_DOMAIN_PATH] = { do_get_domain_path, 0, 1, 1 },
    [XS_WRITE] = { do_write, PATH, 1, UINT32_MAX }, /* a value may hold anything */
    [XS_MKDIR] = { do_mkdir, PATH, 1, 1 },
    [XS_RM] = { do_rm, PATH, 1, 1 },
    [XS_SET_PERMS] = { do_set_permissions, PATH, 2, 1 + TREE_MAX_PERMISSIONS },
    [XS_IS_DOMAIN_INTRODUCED] = { do_is_introduced, 0, 1, 1 },
    [XS_RESET_WATCHES] = { do_reset_watches, 0, 0, 1 },
    [XS_DIRECTORY_PART] = { do_directory_part, PATH, 2, 2 },
};

/* The transaction that the request names, if any. */
static int choose_tree(struct request *r, uint32_t id)
{
    r->tree = &r->server->tree;
    if (!id)
        return 0;
    for (r->transaction = r->connection->transactions; r->transaction;
         r->transaction = r->transaction->next) {
        if (r->transaction->id == id) {
            r->tree = &r->transaction->view;
            return 0;
        }
    }
    return -ENOENT;
}

static int serve(struct request *r, uint32_t transaction)
{
    int rc;

    if (r->type >= XS_TYPE_COUNT || !rows[r->type].serve)
        return -ENOSYS;
    if (rows[r->type].flags & PRIVILEGED && r->connection->domid)
        return -EACCES;
    if (r->nr_texts < rows[r->type].min_texts || r->nr_texts > rows[r->type].max_texts)
        return -EINVAL;
    rc = choose_tree(r, transaction);
    if (rc)
        return rc;
    if (rows[r->type].flags & PATH) {
        r->path = request_path(r->connection, r->text[0]);
        if (!r->path)
            return -EINVAL;
    }
    rc = rows[r->type].serve(r);
    free(r->path);
    return rc;
}

void request_serve(struct server *server, struct connection *connection)
{
    const struct wire_message *in = &connection->in;
    struct request request = {
        .server = server, .connection = connection, .type = in->header.type,
        .payload = in->payload, .size = in->header.len,
    };
    int rc;

    request.nr_texts = wire_texts(in->payload, in->header.len, request.text, MAX_TEXTS);
    rc = serve(&request, in->header.tx_id);
    if (rc) {
        const char *name = wire_error_name(-rc);

        connection_reply(connection, XS_ERROR, name, strlen(name) + 1);
    }
}
