/* SPDX-License-Identifier: MIT */
/*
 * Disks: the nodes by which a guest's kernel and the control domain's find each other. They are
 * those that other toolstacks write: a directory of each side, made at once, and each tells where
 * the other is. The control domain's kernel opens the disk and says so by the state in its own.
 */
#include "libxllite.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#define PATH_MAX_STORE  256
#define BACKENDS        "/local/domain/0/backend/vbd"
#define ANSWER_MS       10000   /* that the control domain's kernel gets to open or close a disk */

enum { INITIALISING = 1, INIT_WAIT = 2, CLOSING = 5, CLOSED = 6 };

struct node {
    const char *name, *value;
};

/* One directory: its owner, the one other reader, its nodes. */
static int put_directory(struct store *store, const char *path, domid_t owner, domid_t reader,
                         const struct node *nodes, size_t count)
{
    char letters[2][16], name[PATH_MAX_STORE];
    const char *permissions[] = { letters[0], letters[1] };
    int rc;

    snprintf(letters[0], sizeof(letters[0]), "n%u", owner);
    snprintf(letters[1], sizeof(letters[1]), "r%u", reader);
    rc = store_rm(store, path);
    rc = rc ?: store_mkdir(store, path);
    rc = rc ?: store_set_permissions(store, path, permissions, 2);
    for (size_t i = 0; !rc && i < count; i++) {
        snprintf(name, sizeof(name), "%s/%s", path, nodes[i].name);
        rc = store_write(store, name, nodes[i].value);
    }
    return rc;
}

int disk_check(const struct domain_disk *disk, char number[DISK_NUMBER_MAX])
{
    struct stat status;

    if (stat(disk->path, &status) < 0)
        return xl_fail(errno, "disk: %s: %s", disk->path, strerror(errno));
    if (!S_ISBLK(status.st_mode))
        return xl_fail(ENOTBLK, "disk: %s: not a block device", disk->path);
    snprintf(number, DISK_NUMBER_MAX, "%x:%x", major(status.st_rdev), minor(status.st_rdev));
    return 0;
}

int disk_put(struct store *store, domid_t domid, const struct domain_disk *disk)
{
    char back[PATH_MAX_STORE], front[PATH_MAX_STORE], guest[8], vdev[16], number[DISK_NUMBER_MAX];
    const struct node back_nodes[] = {
        { "frontend", front }, { "frontend-id", guest }, { "online", "1" }, { "removable", "0" },
        { "bootable", "1" }, { "state", "1" }, { "dev", disk->vdev_name }, { "type", "phy" },
        { "mode", disk->readonly ? "r" : "w" }, { "device-type", "disk" },
        { "discard-enable", "1" }, { "params", disk->path }, { "physical-device", number },
        { "physical-device-path", disk->path }, { "hotplug-status", "connected" },
    };
    const struct node front_nodes[] = {
        { "backend", back }, { "backend-id", "0" }, { "state", "1" }, { "virtual-device", vdev },
        { "device-type", "disk" }, { "trusted", "1" },
    };
    int rc = disk_check(disk, number);

    snprintf(guest, sizeof(guest), "%u", domid);
    snprintf(vdev, sizeof(vdev), "%u", disk->vdev);
    snprintf(back, sizeof(back), BACKENDS "/%u/%u", domid, disk->vdev);
    snprintf(front, sizeof(front), "/local/domain/%u/device/vbd/%u", domid, disk->vdev);
    rc = rc ?: put_directory(store, front, domid, 0, front_nodes,
                             sizeof(front_nodes) / sizeof(front_nodes[0]));
    return rc ?: put_directory(store, back, 0, domid, back_nodes,
                               sizeof(back_nodes) / sizeof(back_nodes[0]));
}

/* Waiting for the control domain's kernel. */

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Sleeps until something in the store changed. -ETIMEDOUT, without a message. */
static int await_event(struct store *store, uint64_t deadline)
{
    struct pollfd news = { .fd = store->fd, .events = POLLIN };
    struct store_event *event;
    uint64_t now;
    int rc;

    for (;;) {
        event = store_next_event(store, false, &rc);
        store_free_event(event);
        if (event || rc)
            return rc;
        now = now_ms();
        if (now >= deadline)
            return -ETIMEDOUT;
        if (poll(&news, 1, (int)(deadline - now)) < 0 && errno != EINTR)
            return xl_fail(errno, "poll: %s", strerror(errno));
    }
}

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
        rc = await_event(store, deadline);
    }
    return rc;
}

int disk_await(struct store *store, domid_t domid, const struct domain_disk *disk)
{
    char back[PATH_MAX_STORE];
    int state;

    snprintf(back, sizeof(back), BACKENDS "/%u/%u", domid, disk->vdev);
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

int disks_close(struct store *store, domid_t domid)
{
    char base[PATH_MAX_STORE], back[PATH_MAX_STORE];
    size_t size = 0, at = 0;
    char *names;
    int rc = 0;

    snprintf(base, sizeof(base), BACKENDS "/%u", domid);
    names = store_directory(store, base, &size);
    while (names && !rc && at < size) {
        int len = snprintf(back, sizeof(back), "%s/%s", base, names + at);

        rc = len < (int)sizeof(back) ? close_one(store, back) : 0;
        /* Its nodes go in any case: the kernel takes that as an order. */
        rc = rc == -ETIMEDOUT ? 0 : rc;
        at += strlen(names + at) + 1;
    }
    free(names);
    return rc ?: store_rm(store, base);
}
