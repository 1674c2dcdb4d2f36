/* SPDX-License-Identifier: MIT */
/*
 * A domain's nodes in the xenstore: those that other toolstacks write, as far as there is something
 * to say, with the same owners and readers. A node has its parent's, unless it is given its own.
 *
 *     /local/domain/N  the guest reads all of it, and writes where it has to answer
 *     /vm/UUID         likewise, to read
 *     /libxl/N         the toolstack's own: what it did, where nobody else can change it
 *     /local/domain/0/backend/KIND/N/...  device.c's
 */
#include "libxllite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define BASE_MAX       64 /* /local/domain/N, /vm/UUID, /libxl/N */
#define PATH_MAX_STORE 256

static int put(struct store *store, const char *base, const char *name, const char *value)
{
    char path[PATH_MAX_STORE];

    snprintf(path, sizeof(path), "%s/%s", base, name);
    return store_write(store, path, value);
}

static int put_number(struct store *store, const char *base, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%lu", value);
    return put(store, base, name, text);
}

/* An empty directory of domain 0's, which the guest may read if it is named. */
static int put_root(struct store *store, const char *path, const domid_t *reader)
{
    char letters[16];
    const char *permissions[] = { "n0", letters };
    int rc = store_rm(store, path);

    if (reader)
        snprintf(letters, sizeof(letters), "r%u", *reader);
    rc = rc ?: store_mkdir(store, path);
    return rc ?: store_set_permissions(store, path, permissions, reader ? 2 : 1);
}

/* Nodes of the domain's own, below its path. */
static int put_writable(struct store *store, const char *base, domid_t domid)
{
    static const char *const nodes[] = {
        "data", "drivers", "feature", "attr", "error", "control/shutdown",
        "control/feature-poweroff", "control/feature-reboot", "control/feature-suspend",
        "control/sysrq", "device/suspend/event-channel",
    };
    char path[PATH_MAX_STORE], owner[16];
    const char *permissions[] = { owner };
    int rc = 0;

    snprintf(owner, sizeof(owner), "n%u", domid);
    for (size_t i = 0; !rc && i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", base, nodes[i]);
        rc = store_write(store, path, "");
        if (!rc)
            rc = store_set_permissions(store, path, permissions, 1);
    }
    return rc;
}

static int put_vm(struct store *store, const struct domain_config *config,
                  const struct domain_identity *id, const char *path)
{
    struct timeval now;
    char text[32];
    int rc = put_root(store, path, &id->domid);

    gettimeofday(&now, NULL);
    snprintf(text, sizeof(text), "%lu.%02lu", now.tv_sec, now.tv_usec / 10000);
    rc = rc ?: put(store, path, "uuid", id->uuid_text);
    rc = rc ?: put(store, path, "name", config->name);
    rc = rc ?: put(store, path, "image/ostype", "linux");
    rc = rc ?: put(store, path, "image/kernel", config->kernel);
    if (!rc && config->ramdisk)
        rc = put(store, path, "image/ramdisk", config->ramdisk);
    if (!rc && config->cmdline[0])
        rc = put(store, path, "image/cmdline", config->cmdline);
    return rc ?: put(store, path, "start_time", text);
}

/* What there is before anything about memory, vCPUs and devices. */
static int put_base(struct store *store, const struct domain_config *config,
                    const struct domain_identity *id, const char *base)
{
    char vm[BASE_MAX], own[BASE_MAX];
    int rc;

    snprintf(vm, sizeof(vm), "/vm/%s", id->uuid_text);
    snprintf(own, sizeof(own), "/libxl/%u", id->domid);
    rc = put_root(store, base, &id->domid);
    rc = rc ?: put_root(store, own, NULL);
    rc = rc ?: put(store, own, "type", "pv");
    if (!rc && config->file)
        rc = put(store, own, "config", config->file);
    rc = rc ?: put(store, own, "device", "");
    rc = rc ?: put_vm(store, config, id, vm);
    rc = rc ?: put(store, base, "vm", vm);
    rc = rc ?: put(store, base, "name", config->name);
    rc = rc ?: put_number(store, base, "domid", id->domid);
    /* A guest's kernel may ask the store to forget its watches. */
    return rc ?: put(store, base, "control/platform-feature-xs_reset_watches", "1");
}

static int put_resources(struct store *store, const struct domain_config *config,
                         const char *base)
{
    uint64_t kib = config->memory_mib << 10;
    char name[48];
    int rc = put_number(store, base, "memory/static-max", kib);

    rc = rc ?: put_number(store, base, "memory/target", kib);
    rc = rc ?: put(store, base, "memory/videoram", "0");
    for (unsigned int i = 0; !rc && i < config->vcpus; i++) {
        snprintf(name, sizeof(name), "cpu/%u/availability", i);
        rc = put(store, base, name, "online");
    }
    return rc;
}

static int put_devices(struct store *store, const struct domain_config *config, domid_t domid,
                       const struct domain_rings *rings)
{
    int rc = console_put(store, domid, rings);

    for (unsigned int i = 0; !rc && i < config->nr_disks; i++)
        rc = disk_put(store, domid, &config->disk[i]);
    return rc;
}

struct contents {
    const struct domain_config *config;
    const struct domain_identity *id;
    const struct domain_rings *rings;
};

static int put_all(struct store *store, void *context)
{
    const struct contents *c = context;
    domid_t domid = c->id->domid;
    char base[BASE_MAX];
    int rc = disks_check(store, c->config, MOUNTS);

    snprintf(base, sizeof(base), "/local/domain/%u", domid);
    rc = rc ?: put_base(store, c->config, c->id, base);
    rc = rc ?: put_resources(store, c->config, base);
    rc = rc ?: put_writable(store, base, domid);
    rc = rc ?: put_number(store, base, "store/port", c->rings->store_port);
    rc = rc ?: put_number(store, base, "store/ring-ref", c->rings->store_mfn);
    return rc ?: put_devices(store, c->config, domid, c->rings);
}

int nodes_put(struct store *store, const struct domain_config *config,
              const struct domain_identity *id, const struct domain_rings *rings)
{
    struct contents contents = { config, id, rings };

    return store_transact(store, put_all, &contents);
}

int nodes_remove(struct store *store, domid_t domid)
{
    char path[PATH_MAX_STORE];
    char *vm;
    int rc = 0;

    snprintf(path, sizeof(path), "/local/domain/%u/vm", domid);
    vm = store_read(store, path);
    if (vm && !strncmp(vm, "/vm/", 4))
        rc = store_rm(store, vm);
    free(vm);
    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    rc = rc ?: store_rm(store, path);
    snprintf(path, sizeof(path), "/libxl/%u", domid);
    return rc ?: store_rm(store, path);
}
