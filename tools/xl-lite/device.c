/* SPDX-License-Identifier: MIT */
/*
 * Devices: the nodes by which a guest's kernel and the control domain's find each other. They are
 * those that other toolstacks write: a directory of each side, made at once, and each tells where
 * the other is; and what the control domain was told, once more in the toolstack's own part of the
 * tree, which neither side can change. The control domain's kernel opens a disk and says so by the
 * state in its directory.
 */
#include "libxllite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_STORE  256
#define BACKENDS        "/local/domain/0/backend"
#define DISKS           BACKENDS "/vbd"
#define ANSWER_MS       10000   /* that the control domain's kernel gets to open or close a disk */

/* What each side's node `state` says, by the protocol's numbers; 3 and 4 mean nothing here. */
enum { INITIALISING = 1, INIT_WAIT = 2, CLOSING = 5, CLOSED = 6 };

struct node {
    const char *name, *value;
};

/* A device's three directories; the owner of each is who writes there. */
struct device {
    domid_t domid;
    char front[PATH_MAX_STORE], back[PATH_MAX_STORE], own[PATH_MAX_STORE];
};

static void name_device(struct device *d, domid_t domid, const char *kind, unsigned int number)
{
    d->domid = domid;
    snprintf(d->front, sizeof(d->front), "/local/domain/%u/device/%s/%u", domid, kind, number);
    snprintf(d->back, sizeof(d->back), BACKENDS "/%s/%u/%u", kind, domid, number);
    snprintf(d->own, sizeof(d->own), "/libxl/%u/device/%s/%u", domid, kind, number);
}

static int set_owner(struct store *store, const char *path, domid_t owner, domid_t reader)
{
    char letters[2][16];
    const char *permissions[] = { letters[0], letters[1] };

    snprintf(letters[0], sizeof(letters[0]), "n%u", owner);
    snprintf(letters[1], sizeof(letters[1]), "r%u", reader);
    return store_set_permissions(store, path, permissions, 2);
}

static int put_nodes(struct store *store, const char *path, const struct node *nodes, size_t count)
{
    char name[PATH_MAX_STORE + 32];
    int rc = 0;

    for (size_t i = 0; !rc && i < count; i++) {
        snprintf(name, sizeof(name), "%s/%s", path, nodes[i].name);
        rc = store_write(store, name, nodes[i].value);
    }
    return rc;
}

/* An empty directory with its owner and the one other reader; nodes in it get the same. */
static int put_directory(struct store *store, const char *path, domid_t owner, domid_t reader)
{
    int rc = store_rm(store, path);

    rc = rc ?: store_mkdir(store, path);
    return rc ?: set_owner(store, path, owner, reader);
}

/* The control domain's side, and the copy. */
static int put_backend(struct store *store, const struct device *d, const struct node *nodes,
                       size_t count)
{
    const struct node front = { "frontend", d->front }, back = { "backend", d->back };
    int rc = put_directory(store, d->back, 0, d->domid);

    rc = rc ?: put_nodes(store, d->back, &front, 1);
    rc = rc ?: put_nodes(store, d->back, nodes, count);
    rc = rc ?: store_rm(store, d->own);
    rc = rc ?: put_nodes(store, d->own, &front, 1);
    rc = rc ?: put_nodes(store, d->own, &back, 1);
    return rc ?: put_nodes(store, d->own, nodes, count);
}

/*
 * Both sides begin in state 1. The kernel of the control domain acts on its own directory alone; so
 * that goes last, when it names a frontend that is there.
 */
int disk_put(struct store *store, domid_t domid, const struct domain_disk *disk)
{
    char guest[8], vdev[16], number[DISK_NUMBER_MAX];
    struct device d;
    const struct node back_nodes[] = {
        { "frontend-id", guest }, { "online", "1" }, { "removable", "0" }, { "bootable", "1" },
        { "state", "1" }, { "dev", disk->vdev_name }, { "type", "phy" },
        { "mode", disk->readonly ? "r" : "w" }, { "device-type", "disk" },
        { "discard-enable", disk->readonly ? "0" : "1" }, { "specification", "xen" },
        { "params", disk->path }, { "physical-device", number },
        { "physical-device-path", disk->path }, { "hotplug-status", "connected" },
    };
    const struct node front_nodes[] = {
        { "backend", d.back }, { "backend-id", "0" }, { "state", "1" }, { "virtual-device", vdev },
        { "device-type", "disk" }, { "trusted", "1" }, { "protocol", "x86_64-abi" },
    };
    int rc = disk_check(disk, number);

    snprintf(guest, sizeof(guest), "%u", domid);
    snprintf(vdev, sizeof(vdev), "%u", disk->vdev);
    name_device(&d, domid, "vbd", disk->vdev);
    rc = rc ?: put_directory(store, d.front, domid, 0);
    rc = rc ?: put_nodes(store, d.front, front_nodes, sizeof(front_nodes) / sizeof(front_nodes[0]));
    return rc ?: put_backend(store, &d, back_nodes, sizeof(back_nodes) / sizeof(back_nodes[0]));
}

/* The first console has a place and rights of its own: the guest only reads there. */
int console_put(struct store *store, domid_t domid, const struct domain_rings *rings)
{
    char guest[8], port[16], mfn[24], backend_id[PATH_MAX_STORE + 16];
    struct device d;
    const struct node back_nodes[] = {
        { "frontend-id", guest }, { "online", "1" }, { "state", "1" }, { "protocol", "vt100" },
    };
    const struct node front_nodes[] = {
        { "backend", d.back }, { "backend-id", "0" }, { "limit", "1048576" },
        { "type", "xenconsoled" }, { "output", "pty" }, { "tty", "" }, { "port", port },
        { "ring-ref", mfn },
    };
    int rc;

    snprintf(guest, sizeof(guest), "%u", domid);
    snprintf(port, sizeof(port), "%u", rings->console_port);
    snprintf(mfn, sizeof(mfn), "%lu", rings->console_mfn);
    name_device(&d, domid, "console", 0);
    snprintf(d.front, sizeof(d.front), "/local/domain/%u/console", domid);
    snprintf(backend_id, sizeof(backend_id), "%s/backend-id", d.front);
    rc = put_directory(store, d.front, 0, domid);
    rc = rc ?: put_nodes(store, d.front, front_nodes, sizeof(front_nodes) / sizeof(front_nodes[0]));
    rc = rc ?: set_owner(store, backend_id, domid, 0);
    return rc ?: put_backend(store, &d, back_nodes, sizeof(back_nodes) / sizeof(back_nodes[0]));
}

/* A guest's backends of one kind, and the directories above that have become empty. */
static int remove_backends(struct store *store, domid_t domid, const char *kind)
{
    char path[PATH_MAX_STORE], *names;
    size_t size;
    int rc;

    snprintf(path, sizeof(path), BACKENDS "/%s/%u", kind, domid);
    rc = store_rm(store, path);
    while (!rc && strcmp(path, BACKENDS)) {
        *strrchr(path, '/') = '\0';
        names = store_directory(store, path, &size);
        if (!names)
            return errno == ENOENT ? 0 :
                xl_fail(errno, "xenstore: %s: %s", path, strerror(errno));
        free(names);
        if (size)
            return 0;
        rc = store_rm(store, path);
    }
    return rc;
}

static int backends_remove(struct store *store, void *domid)
{
    int rc = remove_backends(store, *(domid_t *)domid, "vbd");

    return rc ?: remove_backends(store, *(domid_t *)domid, "console");
}

/* Waiting for the control domain's kernel. */

/* The state that the directory says; CLOSED if it is gone. */
static int read_state(struct store *store, const char *path)
{
    char *text = store_read(store, path);
    int state = text ? atoi(text) : CLOSED;

    free(text);
    return state;
}

/* Waits until the state is neither of the two; returns it or a negative errno. */
static int await_state(struct store *store, const char *back, int not_this, int nor_this)
{
    uint64_t deadline = now_ms() + ANSWER_MS;
    char path[PATH_MAX_STORE];
    int rc, state;

    snprintf(path, sizeof(path), "%s/state", back);
    rc = store_watch(store, path, back);
    while (!rc) {
        state = read_state(store, path);
        if (state != not_this && state != nor_this)
            return state;
        rc = store_await(store, deadline);
    }
    return rc;
}

/* The kernel leaves state 1 for 2 when it has the disk, and for 6 when it can't serve it. */
int disk_await(struct store *store, domid_t domid, const struct domain_disk *disk)
{
    char back[PATH_MAX_STORE];
    int state;

    snprintf(back, sizeof(back), DISKS "/%u/%u", domid, disk->vdev);
    state = await_state(store, back, INITIALISING, INITIALISING);
    if (state == CLOSED)
        return xl_fail(EIO, "disk: %s: the control domain's kernel does not serve it", disk->path);
    if (state == -ETIMEDOUT)
        return xl_fail(ETIMEDOUT, "disk: %s: nobody in the control domain serves disks",
                       disk->path);
    return state < 0 ? state : 0;
}

/* Asks for the end of one; -ETIMEDOUT, without a message, if it does not come. */
static int close_one(struct store *store, const char *back)
{
    char path[PATH_MAX_STORE + 16];
    int rc;

    snprintf(path, sizeof(path), "%s/state", back);
    if (read_state(store, path) == CLOSED)
        return 0;
    rc = store_write(store, path, "5");
    snprintf(path, sizeof(path), "%s/online", back);
    rc = rc ?: store_write(store, path, "0");
    rc = rc ?: await_state(store, back, CLOSING, INIT_WAIT);
    return rc < 0 ? rc : 0;
}

/*
 * The guest need not be asked: "online" 0 and state 5 are orders to the control domain's kernel, as
 * is the loss of the directory. We wait for each, so that nothing of the guest's memory is mapped
 * when that goes; a kernel that does not answer is left alone after a while.
 */
int disks_close(struct store *store, domid_t domid)
{
    char base[PATH_MAX_STORE], back[PATH_MAX_STORE];
    size_t size = 0, at = 0;
    char *names;
    int rc = 0;

    snprintf(base, sizeof(base), DISKS "/%u", domid);
    names = store_directory(store, base, &size);
    while (names && !rc && at < size) {
        int len = snprintf(back, sizeof(back), "%s/%s", base, names + at);

        rc = len < (int)sizeof(back) ? close_one(store, back) : 0;
        /* Its nodes go in any case: the kernel takes that as an order. */
        rc = rc == -ETIMEDOUT ? 0 : rc;
        at += strlen(names + at) + 1;
    }
    free(names);
    /* In one: nobody may add a directory between the look at one above and its removal. */
    return rc ?: store_transact(store, backends_remove, &domid);
}
