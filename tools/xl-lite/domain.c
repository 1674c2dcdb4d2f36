/* SPDX-License-Identifier: MIT */
/*
 * A domain's life as the toolstack sees it: hypervisor and xenstore together.
 */
#include "libxllite.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_MAX_STORE   256
#define MAXMEM_SLACK_KIB 1024
#define END_WAIT_MS      3000

/* Files. */

static int read_exactly(const struct image_source *source, void *buffer, size_t size,
                        uint64_t offset)
{
    int fd = *(const int *)source->context;
    char *to = buffer;

    while (size) {
        ssize_t n = pread(fd, to, size, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return xl_fail(n ? errno : EIO, "%s: %s", source->name,
                           n ? strerror(errno) : "truncated");
        to += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

/* Returns the file. */
static int open_file(const char *name, uint64_t *size)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (fd < 0)
        return xl_fail(errno, "%s: %s", name, strerror(errno));
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return xl_fail(EINVAL, "%s: not a file", name);
    }
    *size = (uint64_t)status.st_size;
    return fd;
}

static void close_files(struct domain_files *files)
{
    if (files->ramdisk >= 0)
        close(files->ramdisk);
    if (files->kernel >= 0)
        close(files->kernel);
}

static int open_files(const struct domain_config *config, struct domain_files *files)
{
    memset(files, 0, sizeof(*files));
    files->ramdisk = -1;
    files->source.name = config->kernel;
    files->source.context = &files->kernel;
    files->source.read = read_exactly;
    files->kernel = open_file(config->kernel, &files->source.size);
    if (files->kernel < 0)
        return files->kernel;
    if (config->ramdisk) {
        files->ramdisk = open_file(config->ramdisk, &files->ramdisk_size);
        if (files->ramdisk < 0)
            return files->ramdisk;
    }
    return image_parse(&files->image, &files->source);
}

/* Names. */

char *domain_name(struct store *store, domid_t domid)
{
    char path[PATH_MAX_STORE];

    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    return store_read(store, path);
}

char *domain_config_file(struct store *store, domid_t domid)
{
    char path[PATH_MAX_STORE], *file;

    snprintf(path, sizeof(path), "/libxl/%u/config", domid);
    file = store_read(store, path);
    if (!file)
        xl_fail(errno, "domain %u: the file that it was made from is not known", domid);
    return file;
}

/* The next domain after *domid that the hypervisor has, or -ESRCH. Start with *domid = -1. */
static int next_domain(struct hv *hv, int *domid)
{
    struct xen_domctl_getdomaininfo info;
    int n = hv_domain_list(hv, (domid_t)(*domid + 1), &info, 1);

    if (n <= 0)
        return n ? n : -ESRCH;
    *domid = info.domain;
    return 0;
}

/* Names are the store's, domains the hypervisor's: a name without a domain is nobody's. */
static int find_name(struct hv *hv, struct store *store, const char *name, domid_t *found)
{
    int domid = -1, rc;

    while ((rc = next_domain(hv, &domid)) == 0) {
        char *its_name = domain_name(store, (domid_t)domid);
        bool same = its_name && !strcmp(its_name, name);

        free(its_name);
        if (same) {
            *found = (domid_t)domid;
            return 0;
        }
    }
    return rc;
}

int domain_find(struct hv *hv, struct store *store, const char *text, domid_t *domid)
{
    struct xen_domctl_getdomaininfo info;
    int rc = find_name(hv, store, text, domid);

    if (rc == -ESRCH && isdigit((unsigned char)text[0])) {
        char *end;
        unsigned long number = strtoul(text, &end, 10);

        if (!*end && number < DOMID_FIRST_RESERVED) {
            *domid = (domid_t)number;
            rc = hv_domain_info(hv, *domid, &info);
        }
    }
    return rc == -ESRCH ? xl_fail(ESRCH, "%s: no such domain", text[0] ? text : "''") : rc;
}

static int make_identity(struct domain_identity *id)
{
    const uint8_t *u = id->uuid;

    if (getrandom(id->uuid, sizeof(id->uuid), 0) != (ssize_t)sizeof(id->uuid))
        return xl_fail(EIO, "no random number for the domain's UUID");
    id->uuid[6] = (uint8_t)((id->uuid[6] & 0x0f) | 0x40);
    id->uuid[8] = (uint8_t)((id->uuid[8] & 0x3f) | 0x80);
    snprintf(id->uuid_text, sizeof(id->uuid_text),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
             u[13], u[14], u[15]);
    return 0;
}

static int await_disks(struct store *store, const struct domain_config *config, domid_t domid)
{
    int rc = 0;

    for (unsigned int i = 0; !rc && i < config->nr_disks; i++)
        rc = disk_await(store, domid, &config->disk[i]);
    return rc;
}

/* Whole life. */

/*
 * Says early what populating would find out late. Others may take the memory meanwhile; then that
 * finds it out after all.
 */
static int check_memory(struct hv *hv, const struct domain_config *config)
{
    struct xen_sysctl_physinfo info;
    int rc = hv_physinfo(hv, &info);
    uint64_t free_mib = (info.free_pages + info.scrub_pages) >> (20 - XL_PAGE_SHIFT);

    if (!rc && free_mib < config->memory_mib)
        rc = xl_fail(ENOMEM, "memory: %lu MiB are asked for, %lu MiB are free", config->memory_mib,
                     free_mib);
    return rc;
}

static int set_limits(struct hv *hv, const struct domain_config *config, domid_t domid)
{
    int rc = hv_domain_max_vcpus(hv, domid, config->vcpus);

    rc = rc ?: hv_domain_max_mem(hv, domid, (config->memory_mib << 10) + MAXMEM_SLACK_KIB);
    return rc ?: hv_domain_memory_map(hv, domid, config->memory_mib << (20 - XL_PAGE_SHIFT));
}

int domain_create(struct hv *hv, struct store *store, const struct domain_config *config,
                  domid_t *domid)
{
    struct domain_rings rings = { 0 };
    struct domain_files files;
    struct domain_identity id;
    int rc;

    rc = find_name(hv, store, config->name, domid);
    if (!rc)
        return xl_fail(EEXIST, "%s: domain %u has this name", config->name, *domid);
    if (rc != -ESRCH)
        return rc;
    rc = open_files(config, &files);
    rc = rc ?: disks_check(store, config, MOUNTS);
    rc = rc ?: check_memory(hv, config);
    rc = rc ?: make_identity(&id);
    rc = rc ?: hv_domain_create(hv, id.uuid, config->vcpus, &id.domid);
    if (rc)
        goto out_files;
    rc = set_limits(hv, config, id.domid);
    rc = rc ?: build_domain(hv, id.domid, config, &files, &rings);
    if (rc)
        goto out_domain;
    rc = nodes_put(store, config, &id, &rings);
    rc = rc ?: store_introduce(store, id.domid, rings.store_mfn, rings.store_port);
    rc = rc ?: await_disks(store, config, id.domid);
    if (rc)
        goto out_store;
    *domid = id.domid;
    close_files(&files);
    return 0;

out_store:
    disks_close(store, id.domid);
    nodes_remove(store, id.domid);
out_domain:
    hv_domain_destroy(hv, id.domid);
out_files:
    close_files(&files);
    return rc;
}

/*
 * A destroyed domain stays while its memory is mapped somewhere. The daemons unmap it at once; so
 * that its memory is free when we return, wait for that, but not for others who hold on to it.
 */
static int wait_for_end(struct hv *hv, struct store *store, domid_t domid)
{
    struct xen_domctl_getdomaininfo info;
    int rc;

    while ((rc = hv_domain_info(hv, domid, &info)) == 0) {
        struct pollfd news = { .fd = store->fd, .events = POLLIN };
        struct store_event *event = store_next_event(store, false, &rc);

        if (rc)
            return rc;
        if (!event && poll(&news, 1, END_WAIT_MS) == 0)
            return 0;
        store_free_event(event);
    }
    return rc == -ESRCH ? 0 : rc;
}

/*
 * Paused first, for good: from here on the guest runs no more. Then what others hold of it goes,
 * then itself, and last its name, so that a failure in between leaves something to call it by.
 */
int domain_destroy(struct hv *hv, struct store *store, domid_t domid)
{
    int rc;

    if (domid == 0)
        return xl_fail(EINVAL, "domain 0 is this one; it cannot be destroyed");
    rc = store_watch(store, "@releaseDomain", "destroy");
    /* It must not see its disks go; and no I/O of it is under way when its memory goes. */
    rc = rc ?: hv_domain_pause(hv, domid);
    rc = rc ?: disks_close(store, domid);
    rc = rc ?: hv_domain_destroy(hv, domid);
    rc = rc ?: nodes_remove(store, domid);
    return rc ?: wait_for_end(hv, store, domid);
}
