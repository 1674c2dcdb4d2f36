/* SPDX-License-Identifier: MIT */
/*
 * Who may have which disk: one that is written is nobody else's, and any number may read one. A
 * kernel that mounted it keeps parts of it in memory, so a writer beside it would destroy it.
 *
 * What the guests have stands in the store: every backend directory there tells its disk's device
 * number and mode. Read in the transaction that adds a guest's own, this holds as well for two
 * guests that are created at once: the later one's transaction fails, and is done again.
 */
#include "libxllite.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PATH_MAX_STORE 256
#define BACKENDS       "/local/domain/0/backend/vbd"

/* A disk of the new guest, and its number in the store's form. */
struct candidate {
    const struct domain_disk *disk;
    char number[DISK_NUMBER_MAX];
};

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

/* The same disk under another name, or twice. */
static int check_twice(const struct candidate *list, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        for (unsigned int j = 0; j < i; j++) {
            if (!strcmp(list[i].number, list[j].number) &&
                !(list[i].disk->readonly && list[j].disk->readonly))
                return xl_fail(EBUSY, "disk: %s: it is %s as well, and not only read",
                               list[i].disk->path, list[j].disk->vdev_name);
        }
    }
    return 0;
}

static int check_mounts(const struct candidate *c, const char *mounts)
{
    struct domain_disk source = { 0 };
    FILE *file = setmntent(mounts, "r");
    struct mntent *entry;
    struct stat status;
    int rc = 0;

    if (!file)
        return xl_fail(errno, "%s: %s", mounts, strerror(errno));
    while (!rc && (entry = getmntent(file))) {
        char number[DISK_NUMBER_MAX];

        source.path = entry->mnt_fsname;
        if (source.path[0] != '/' || stat(source.path, &status) < 0 || !S_ISBLK(status.st_mode) ||
            disk_check(&source, number) || strcmp(number, c->number))
            continue;
        if (!c->disk->readonly || !hasmntopt(entry, "ro"))
            rc = xl_fail(EBUSY, "disk: %s: it is mounted here, on %s", c->disk->path,
                         entry->mnt_dir);
    }
    endmntent(file);
    return rc;
}

/* A node of one backend directory; as store_read. */
static char *read_node(struct store *store, const char *domain, const char *vdev, const char *name)
{
    char path[PATH_MAX_STORE];
    int len = snprintf(path, sizeof(path), BACKENDS "/%s/%s/%s", domain, vdev, name);

    if (len >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return store_read(store, path);
}

static int check_one(struct store *store, const struct candidate *list, unsigned int count,
                     const char *domain, const char *vdev)
{
    char *number = read_node(store, domain, vdev, "physical-device");
    char *mode = number ? read_node(store, domain, vdev, "mode") : NULL;
    bool readonly = mode && !strcmp(mode, "r");
    int rc = 0;

    for (unsigned int i = 0; number && !rc && i < count; i++) {
        if (strcmp(number, list[i].number) || (readonly && list[i].disk->readonly))
            continue;
        rc = xl_fail(EBUSY, "disk: %s: domain %s has it%s", list[i].disk->path, domain,
                     readonly ? ", to read; so it can't be written" : " and may write to it");
    }
    free(number);
    free(mode);
    return rc;
}

/* Allocated names, NULL if there is no such directory. */
static int read_names(struct store *store, const char *path, char **names, size_t *size)
{
    *size = 0;
    *names = store_directory(store, path, size);
    if (!*names && errno != ENOENT)
        return xl_fail(errno, "xenstore: %s: %s", path, strerror(errno));
    return 0;
}

static int check_domain(struct store *store, const struct candidate *list, unsigned int count,
                        const char *domain)
{
    char path[PATH_MAX_STORE], *names;
    size_t size;
    int rc;

    if (snprintf(path, sizeof(path), BACKENDS "/%s", domain) >= (int)sizeof(path))
        return 0;
    rc = read_names(store, path, &names, &size);
    for (size_t at = 0; names && !rc && at < size; at += strlen(names + at) + 1)
        rc = check_one(store, list, count, domain, names + at);
    free(names);
    return rc;
}

int disks_check(struct store *store, const struct domain_config *config, const char *mounts)
{
    struct candidate list[DOMAIN_MAX_DISKS];
    unsigned int count = config->nr_disks;
    size_t size;
    char *names;
    int rc = 0;

    for (unsigned int i = 0; !rc && i < count; i++) {
        list[i].disk = &config->disk[i];
        rc = disk_check(list[i].disk, list[i].number);
    }
    rc = rc ?: check_twice(list, count);
    for (unsigned int i = 0; !rc && i < count; i++)
        rc = check_mounts(&list[i], mounts);
    if (rc || !count)
        return rc;
    rc = read_names(store, BACKENDS, &names, &size);
    for (size_t at = 0; names && !rc && at < size; at += strlen(names + at) + 1)
        rc = check_domain(store, list, count, names + at);
    free(names);
    return rc;
}
