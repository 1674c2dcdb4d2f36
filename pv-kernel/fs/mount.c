/* SPDX-License-Identifier: MIT */
/*
 * Mounts: which root lies over which directory, and the start of the file systems.
 *
 * There is one /dev, one /dev/pts and one /proc; mounting them where they are succeeds, as a
 * start-up script expects, elsewhere they are busy. tmpfs can be mounted any number of times up
 * to MAX_MOUNTS, and so can the types that live on disks.
 */
#include "fs/fs.h"
#include "fs/internal.h"
#include "fs/tmpfs.h"

#define MAX_MOUNTS 32u
#define MAX_DISK_TYPES 4u

struct list mounts = { &mounts, &mounts };
static unsigned int nr_mounts;

static struct inode *new_tmpfs(void)
{
    return tmpfs_create(01777, NULL);
}

/* What mount(2) can mount: root returns a counted root. */
static const struct {
    const char *name;
    struct inode *(*root)(void);
    bool single;
} types[] = {
    { "tmpfs", new_tmpfs, false }, { "ramfs", new_tmpfs, false },
    { "devtmpfs", devfs_root, true }, { "devpts", devpts_root, true },
    { "proc", procfs_root, true },
};

/* File systems on disks, from fs_register_type(); a root is by its source. */
static struct {
    const char *name;
    int (*root)(const char *source, struct inode **out);
} disk_types[MAX_DISK_TYPES];
static unsigned int nr_disk_types;

int fs_register_type(const char *type, int (*root)(const char *source, struct inode **out))
{
    if (nr_disk_types == MAX_DISK_TYPES)
        return -ENOSPC;
    disk_types[nr_disk_types].name = type;
    disk_types[nr_disk_types].root = root;
    nr_disk_types++;
    return 0;
}

/* The references are the mount's from now on, if this succeeds. */
static int attach(const char *source, const char *path, const char *type, struct inode *root,
                  struct inode *covered, bool readonly)
{
    struct mount *m = nr_mounts < MAX_MOUNTS ? kmalloc(sizeof(*m)) : NULL;

    if (!m)
        return -ENOMEM;
    m->type = type;
    m->root = root;
    m->covered = covered;
    m->readonly = readonly;
    strlcpy(m->source, source, sizeof(m->source));
    strlcpy(m->path, path, sizeof(m->path));
    if (covered) {
        covered->mounted = root;
        root->covered = covered;
    }
    list_add_tail(&mounts, &m->link);
    nr_mounts++;
    return 0;
}

/* A root over a directory that was looked up already; takes over the reference on @root. */
static int mount_over(struct inode *target, const char *source, const char *type,
                      struct inode *root, bool readonly)
{
    char path[256];
    long rc;

    if (!root)
        return -ENOMEM;
    rc = dir_path(target, path, sizeof(path));
    if (rc >= 0)
        rc = attach(source, path, type, root, target, readonly);
    if (rc < 0) {
        inode_put(root);
        return (int)rc;
    }
    inode_get(target);
    return 0;
}

/* One that exists once: fine where it is already. */
static int mount_single(struct inode *target, const char *source, unsigned int type)
{
    struct inode *root = types[type].root();
    bool here = root == target, elsewhere = root && root->covered;

    inode_put(root);
    if (here)
        return 0;
    if (elsewhere || types[type].root == devpts_root)
        return -EBUSY;
    return mount_over(target, source, types[type].name, types[type].root(), false);
}

/* These are read-only. */
static int mount_disk(struct inode *target, const char *source, const char *type)
{
    struct inode *root;
    unsigned int i;
    int rc;

    for (i = 0; i < nr_disk_types && strcmp(disk_types[i].name, type); i++)
        ;
    if (i == nr_disk_types)
        return -ENODEV;
    rc = disk_types[i].root(source, &root);
    return rc ? rc : mount_over(target, source, disk_types[i].name, root, true);
}

static int mount_at(struct inode *target, const char *source, const char *type)
{
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(types) && strcmp(types[i].name, type); i++)
        ;
    if (i == ARRAY_SIZE(types))
        return mount_disk(target, source, type);
    if (types[i].single)
        return mount_single(target, source, i);
    return mount_over(target, source, types[i].name, types[i].root(), false);
}

int fs_mount(const char *source, const char *path, const char *type)
{
    struct inode *target;
    int rc = path_lookup(path, true, &target);

    if (rc)
        return rc;
    rc = is_type(target, S_IFDIR) ? mount_at(target, source, type) : -ENOTDIR;
    inode_put(target);
    return rc;
}

/* ---- Unmounting ---- */

static struct mount *find_mount(const struct inode *root)
{
    struct list *pos;

    list_for_each(pos, &mounts) {
        struct mount *m = container_of(pos, struct mount, link);

        if (m->root == root)
            return m;
    }
    return NULL;
}

static bool has_mounts_inside(const struct mount *outer)
{
    struct list *pos;

    list_for_each(pos, &mounts) {
        const struct mount *m = container_of(pos, struct mount, link);

        if (m != outer && m->covered && m->covered->dev == outer->root->dev)
            return true;
    }
    return false;
}

/* Who still uses something in there keeps it; the tree goes with the last user. */
int fs_unmount(const char *path)
{
    struct inode *root;
    struct mount *m;
    int rc = path_lookup(path, true, &root);

    if (rc)
        return rc;
    m = find_mount(root);
    inode_put(root);
    if (!m)
        return -EINVAL;
    if (!m->covered || has_mounts_inside(m))
        return -EBUSY;
    list_del(&m->link);
    nr_mounts--;
    m->covered->mounted = NULL;
    m->root->covered = NULL;
    inode_put(m->covered);
    inode_put(m->root);
    kfree(m);
    return 0;
}

/* ---- Start ---- */

void fs_init(void)
{
    fs_root = tmpfs_create(0755, NULL);
    if (!fs_root || attach("rootfs", "/", "rootfs", inode_get(fs_root), NULL, false))
        panic("pv-kernel: no memory for the root file system\n");
    devfs_init();
    procfs_init();
    if (fs_mknod(NULL, "/dev", S_IFDIR | 0755, 0) || fs_mknod(NULL, "/proc", S_IFDIR | 0555, 0) ||
        fs_mount("devtmpfs", "/dev", "devtmpfs") || fs_mount("proc", "/proc", "proc"))
        panic("pv-kernel: no memory for /dev and /proc\n");
}
