/* SPDX-License-Identifier: MIT */
/*
 * Disks of guests (sharing.c, device.c, nodes.c): who may have which, and the nodes that say so.
 *
 * The store is a list of paths and values here, and stat() knows block devices of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/xl-lite/libxllite.h"

/* ---- The store ---- */

#define MAX_NODES 256

static struct {
    char *path, *value;
} tree[MAX_NODES];
static size_t nr_nodes;
static unsigned int conflicts;  /* of transactions that are still to fail */
static bool gone;               /* the daemon */

static size_t find_node(const char *path)
{
    size_t i = 0;

    while (i < nr_nodes && strcmp(tree[i].path, path))
        i++;
    return i;
}

static bool is_below(const char *path, const char *base)
{
    size_t len = strlen(base);

    return !strncmp(path, base, len) && path[len] == '/';
}

static void remove_node(size_t i)
{
    free(tree[i].path);
    free(tree[i].value);
    tree[i] = tree[--nr_nodes];
}

int store_write(struct store *store, const char *path, const char *value)
{
    char parent[512];
    size_t i = find_node(path);

    if (i < nr_nodes) {
        free(tree[i].value);
        tree[i].value = strdup(value);
        return 0;
    }
    assert_true(nr_nodes < MAX_NODES && strlen(path) < sizeof(parent) && path[0] == '/');
    strcpy(parent, path);
    *strrchr(parent, '/') = '\0';
    if (parent[0] && find_node(parent) == nr_nodes)
        store_write(store, parent, "");
    tree[nr_nodes].path = strdup(path);
    tree[nr_nodes++].value = strdup(value);
    return 0;
}

int store_mkdir(struct store *store, const char *path)
{
    return find_node(path) < nr_nodes ? 0 : store_write(store, path, "");
}

int store_rm(struct store *store, const char *path)
{
    (void)store;
    for (size_t i = nr_nodes; i-- > 0;) {
        if (is_below(tree[i].path, path) || !strcmp(tree[i].path, path))
            remove_node(i);
    }
    return 0;
}

char *store_read(struct store *store, const char *path)
{
    size_t i = find_node(path);

    (void)store;
    errno = gone ? EIO : ENOENT;
    return !gone && i < nr_nodes ? strdup(tree[i].value) : NULL;
}

char *store_directory(struct store *store, const char *path, size_t *size)
{
    char *names = calloc(1, 4096);

    (void)store;
    *size = 0;
    if (gone || find_node(path) == nr_nodes) {
        free(names);
        errno = gone ? EIO : ENOENT;
        return NULL;
    }
    for (size_t i = 0; i < nr_nodes; i++) {
        const char *name = tree[i].path + strlen(path) + 1;

        if (!is_below(tree[i].path, path) || strchr(name, '/'))
            continue;
        strcpy(names + *size, name);
        *size += strlen(name) + 1;
    }
    return names;
}

int store_set_permissions(struct store *store, const char *path, const char *const *list,
                          unsigned int count)
{
    (void)store;
    assert_true(find_node(path) < nr_nodes && count && list[0][0] == 'n');
    return 0;
}

int store_begin(struct store *store)
{
    (void)store;
    return 0;
}

int store_end(struct store *store, bool commit)
{
    (void)store;
    if (commit && conflicts) {
        conflicts--;
        return -EAGAIN;
    }
    return 0;
}

int store_watch(struct store *store, const char *path, const char *token)
{
    (void)store;
    (void)path;
    (void)token;
    return 0;
}

struct store_event *store_next_event(struct store *store, bool wait, int *error)
{
    (void)store;
    (void)wait;
    *error = -EIO;
    return NULL;
}

void store_free_event(struct store_event *event)
{
    (void)event;
}

/* ---- The disks ---- */

int __wrap_stat(const char *path, struct stat *status);

/* /dev/a to /dev/d and a second name of the first; a file; nothing else. */
int __wrap_stat(const char *path, struct stat *status)
{
    *status = (struct stat){ .st_mode = S_IFBLK };
    if (!strcmp(path, "/file")) {
        status->st_mode = S_IFREG;
    } else if (!strcmp(path, "/dev/again")) {
        status->st_rdev = makedev(0xfd, 0xa0);
    } else if (!strncmp(path, "/dev/", 5) && path[5] >= 'a' && path[5] <= 'd' && !path[6]) {
        status->st_rdev = makedev(0xfd, (unsigned int)(path[5] - 'a') + 0xa0);
    } else {
        errno = ENOENT;
        return -1;
    }
    return 0;
}

static struct store store;
static struct domain_config config;
static char mounts[] = P_tmpdir "/disk-test-XXXXXX";

static void set_disk(unsigned int i, const char *path, char letter, char mode)
{
    struct domain_disk *disk = &config.disk[i];

    free(disk->path);
    disk->path = strdup(path);
    snprintf(disk->vdev_name, sizeof(disk->vdev_name), "xvd%c", letter);
    disk->vdev = 202u << 8 | (unsigned int)(letter - 'a') << 4;
    disk->readonly = mode == 'r';
}

static int start(void **state)
{
    (void)state;
    store_rm(&store, "");
    conflicts = 0;
    gone = false;
    xl_clear_message();
    strcpy(config.name, "good");
    config.file = (char *)"/root/good.cfg";
    config.kernel = (char *)"/boot/kernel";
    config.memory_mib = 16;
    config.vcpus = 2;
    config.nr_disks = 1;
    return truncate(mounts, 0);
}

/* What the store says of a guest's disk. */
static void somebody_has(unsigned int domain, const char *number, const char *mode)
{
    char path[128];

    snprintf(path, sizeof(path), "/local/domain/0/backend/vbd/%u/51712/physical-device", domain);
    store_write(&store, path, number);
    snprintf(path, sizeof(path), "/local/domain/0/backend/vbd/%u/51712/mode", domain);
    store_write(&store, path, mode);
}

static void mounted(const char *line)
{
    FILE *file = fopen(mounts, "a");

    assert_non_null(file);
    assert_true(fprintf(file, "%s\n", line) > 0 && !fclose(file));
}

static void refused(const char *words)
{
    assert_true(disks_check(&store, &config, mounts) < 0);
    if (!strstr(xl_message(), words))
        fail_msg("\"%s\", expected \"%s\"", xl_message(), words);
    xl_clear_message();
}

static void allowed(void)
{
    if (disks_check(&store, &config, mounts))
        fail_msg("refused: %s", xl_message());
}

/* ---- Who may have which ---- */

static void disk_must_be_there(void **state)
{
    (void)state;
    set_disk(0, "/dev/z", 'a', 'w');
    refused("disk: /dev/z: No such file");
    set_disk(0, "/file", 'a', 'w');
    refused("disk: /file: not a block device");
    set_disk(0, "/dev/a", 'a', 'w');
    allowed();
    config.nr_disks = 0;
    allowed();
}

static void a_writer_is_alone(void **state)
{
    (void)state;
    somebody_has(7, "fd:a0", "w");
    set_disk(0, "/dev/a", 'a', 'w');
    refused("disk: /dev/a: domain 7 has it and may write to it");
    set_disk(0, "/dev/a", 'a', 'r');
    refused("disk: /dev/a: domain 7 has it and may write to it");
    set_disk(0, "/dev/again", 'a', 'r');
    refused("disk: /dev/again: domain 7 has it and may write to it");
    set_disk(0, "/dev/b", 'a', 'w');
    allowed();
    /* Any of several. */
    set_disk(1, "/dev/a", 'b', 'w');
    config.nr_disks = 2;
    refused("disk: /dev/a: domain 7");
}

static void readers_share(void **state)
{
    (void)state;
    somebody_has(7, "fd:a0", "r");
    somebody_has(8, "fd:a0", "r");
    set_disk(0, "/dev/a", 'a', 'r');
    allowed();
    set_disk(0, "/dev/a", 'a', 'w');
    refused("has it, to read; so it can't be written");
}

/* A directory without the nodes that tell a disk's number is none of a disk that is in use. */
static void odd_directories_do_no_harm(void **state)
{
    (void)state;
    set_disk(0, "/dev/a", 'a', 'w');
    store_write(&store, "/local/domain/0/backend/vbd/9", "");
    store_write(&store, "/local/domain/0/backend/vbd/10/51712/state", "1");
    allowed();
    /* With a number and no mode it may be written. */
    store_write(&store, "/local/domain/0/backend/vbd/10/51712/physical-device", "fd:a0");
    set_disk(0, "/dev/a", 'a', 'r');
    refused("domain 10 has it and may write to it");
}

static void the_same_twice(void **state)
{
    (void)state;
    config.nr_disks = 2;
    set_disk(0, "/dev/a", 'a', 'w');
    set_disk(1, "/dev/a", 'b', 'w');
    refused("disk: /dev/a: it is xvda as well, and not only read");
    set_disk(1, "/dev/a", 'b', 'r');
    refused("disk: /dev/a: it is xvda as well");
    set_disk(1, "/dev/again", 'b', 'r');
    refused("disk: /dev/again: it is xvda as well");
    set_disk(0, "/dev/a", 'a', 'r');
    allowed();
}

static void mounted_ones_are_only_read(void **state)
{
    (void)state;
    mounted("proc /proc proc rw 0 0");
    mounted("/dev/z /gone ext2 rw 0 0");
    mounted("/dev/a /disk ext2 ro,noatime 0 0");
    mounted("/dev/b /other ext2 rw 0 0");
    set_disk(0, "/dev/a", 'a', 'w');
    refused("disk: /dev/a: it is mounted here, on /disk");
    set_disk(0, "/dev/again", 'a', 'w');
    refused("disk: /dev/again: it is mounted here, on /disk");
    set_disk(0, "/dev/a", 'a', 'r');
    allowed();
    set_disk(0, "/dev/b", 'a', 'r');
    refused("disk: /dev/b: it is mounted here, on /other");
    set_disk(0, "/dev/c", 'a', 'w');
    allowed();
}

/* Not to know is no permission. */
static void no_answer_is_a_refusal(void **state)
{
    (void)state;
    set_disk(0, "/dev/a", 'a', 'w');
    gone = true;
    refused("xenstore: /local/domain/0/backend/vbd");
    gone = false;
    assert_true(disks_check(&store, &config, "/nowhere/mounts") < 0);
    assert_non_null(strstr(xl_message(), "/nowhere/mounts: "));
}

/* ---- Nodes ---- */

static const struct domain_identity id = { .domid = 5, .uuid_text = "0-1-2" };
static const struct domain_rings rings = { 0x100, 0x101, 3, 4 };

static void node_is(const char *path, const char *value)
{
    size_t i = find_node(path);

    if (i == nr_nodes)
        fail_msg("no %s", path);
    assert_string_equal(tree[i].value, value);
}

static void nodes_are_written(void **state)
{
    static const char *const rows[][2] = {
        { "/local/domain/5/device/vbd/51728/backend", "/local/domain/0/backend/vbd/5/51728" },
        { "/local/domain/5/device/vbd/51728/virtual-device", "51728" },
        { "/local/domain/5/device/vbd/51728/protocol", "x86_64-abi" },
        { "/local/domain/0/backend/vbd/5/51728/frontend", "/local/domain/5/device/vbd/51728" },
        { "/local/domain/0/backend/vbd/5/51728/frontend-id", "5" },
        { "/local/domain/0/backend/vbd/5/51728/physical-device", "fd:a2" },
        { "/local/domain/0/backend/vbd/5/51728/params", "/dev/c" },
        { "/local/domain/0/backend/vbd/5/51728/mode", "r" },
        { "/local/domain/0/backend/vbd/5/51728/discard-enable", "0" },
        { "/local/domain/0/backend/vbd/5/51712/mode", "w" },
        { "/local/domain/0/backend/vbd/5/51712/discard-enable", "1" },
        { "/libxl/5/type", "pv" }, { "/libxl/5/config", "/root/good.cfg" },
        { "/libxl/5/device/vbd/51712/frontend", "/local/domain/5/device/vbd/51712" },
        { "/libxl/5/device/vbd/51712/backend", "/local/domain/0/backend/vbd/5/51712" },
        { "/libxl/5/device/vbd/51712/params", "/dev/a" },
        { "/libxl/5/device/console/0/backend", "/local/domain/0/backend/console/5/0" },
        { "/local/domain/5/console/port", "4" },
        { "/local/domain/5/console/ring-ref", "257" },
        { "/local/domain/5/store/ring-ref", "256" },
        { "/local/domain/5/vm", "/vm/0-1-2" },
        { "/vm/0-1-2/image/kernel", "/boot/kernel" },
        { "/local/domain/5/cpu/1/availability", "online" },
    };

    (void)state;
    config.nr_disks = 2;
    set_disk(0, "/dev/a", 'a', 'w');
    set_disk(1, "/dev/c", 'b', 'r');
    assert_int_equal(nodes_put(&store, &config, &id, &rings), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        node_is(rows[i][0], rows[i][1]);
}

/* Its end takes all that was made, and leaves what others have. */
static void nodes_are_removed(void **state)
{
    char *before;
    size_t size, left;

    (void)state;
    set_disk(0, "/dev/a", 'a', 'w');
    somebody_has(3, "fd:a1", "w");
    left = nr_nodes;
    assert_int_equal(nodes_put(&store, &config, &id, &rings), 0);
    store_write(&store, "/local/domain/0/backend/vbd/5/51712/state", "6");
    conflicts = 2;
    assert_int_equal(disks_close(&store, 5), 0);
    assert_int_equal(conflicts, 0);
    assert_int_equal(nodes_remove(&store, 5), 0);
    before = store_directory(&store, "/local/domain/0/backend", &size);
    assert_non_null(before);
    assert_string_equal(before, "vbd");
    free(before);
    /* Directories that all guests share stay: /vm, /libxl. */
    assert_int_equal(nr_nodes, left + 2);
    store_rm(&store, "/local/domain/0/backend/vbd/3");
    assert_int_equal(disks_close(&store, 3), 0);
    assert_int_equal(find_node("/local/domain/0/backend"), nr_nodes);
}

static void nothing_is_written_of_a_refused_one(void **state)
{
    size_t before;

    (void)state;
    somebody_has(7, "fd:a0", "w");
    set_disk(0, "/dev/a", 'a', 'w');
    before = nr_nodes;
    assert_true(nodes_put(&store, &config, &id, &rings) < 0);
    assert_int_equal(nr_nodes, before);
    assert_non_null(strstr(xl_message(), "domain 7"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(disk_must_be_there, start),
        cmocka_unit_test_setup(a_writer_is_alone, start),
        cmocka_unit_test_setup(readers_share, start),
        cmocka_unit_test_setup(odd_directories_do_no_harm, start),
        cmocka_unit_test_setup(the_same_twice, start),
        cmocka_unit_test_setup(mounted_ones_are_only_read, start),
        cmocka_unit_test_setup(no_answer_is_a_refusal, start),
        cmocka_unit_test_setup(nodes_are_written, start),
        cmocka_unit_test_setup(nodes_are_removed, start),
        cmocka_unit_test_setup(nothing_is_written_of_a_refused_one, start),
    };
    int fd = mkstemp(mounts), rc;

    if (fd < 0)
        return 1;
    close(fd);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(mounts);
    store_rm(&store, "");
    for (unsigned int i = 0; i < DOMAIN_MAX_DISKS; i++)
        free(config.disk[i].path);
    return rc;
}
