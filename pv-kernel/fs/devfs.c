/* SPDX-License-Identifier: MIT */
/*
 * /dev: a tree of tmpfs in which the parts of the kernel put a node for each of their devices,
 * and the register that leads from a node's number to the device.
 */
#include "fs/devfs.h"
#include "fs/internal.h"
#include "fs/tmpfs.h"

struct device {
    struct list link;
    uint32_t type, rdev;            /* S_IFCHR or S_IFBLK; the number is the type's */
    const struct file_ops *ops;
    void *private;
};

static struct list devices = { &devices, &devices };
static struct inode *root, *pts;

static struct device *find_device(uint32_t type, uint32_t rdev)
{
    struct list *pos;

    list_for_each(pos, &devices) {
        struct device *d = container_of(pos, struct device, link);

        if (d->type == type && d->rdev == rdev)
            return d;
    }
    return NULL;
}

bool device_find(uint32_t type, uint32_t rdev, const struct file_ops **ops, void **private)
{
    struct device *d = find_device(type, rdev);

    if (!d)
        return false;
    *ops = d->ops;
    *private = d->private;
    return true;
}

/* Several names may lead to one number; the first registration says what it does. */
int device_register(const char *name, uint32_t mode, uint32_t major, uint32_t minor,
                    const struct file_ops *ops, void *private)
{
    uint32_t type = (mode & S_IFMT) == S_IFBLK ? S_IFBLK : S_IFCHR;
    uint32_t rdev = device_number(major, minor);
    struct device *d;
    struct inode *node;
    int rc = tmpfs_make_path(root, name, type | (mode & ~S_IFMT), rdev, &node);

    if (rc)
        return rc;
    inode_put(node);
    if (find_device(type, rdev))
        return 0;
    d = kmalloc(sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->type = type;
    d->rdev = rdev;
    d->ops = ops;
    d->private = private;
    list_add_tail(&devices, &d->link);
    return 0;
}

/* The node's directory below /dev, counted, and the node's own name. */
static struct inode *directory_of(const char *name, const char **last)
{
    struct inode *dir = inode_get(root), *next;
    const char *slash;
    char part[NAME_MAX + 1];

    while (dir && (slash = strchr(name, '/'))) {
        strlcpy(part, name, min(sizeof(part), (size_t)(slash - name) + 1));
        next = tmpfs_lookup(dir, part);
        inode_put(dir);
        dir = next;
        name = slash + 1;
    }
    *last = name;
    return dir;
}

void device_unregister(const char *name, uint32_t type, uint32_t major, uint32_t minor)
{
    struct device *d = find_device(type, device_number(major, minor));
    struct inode *dir = directory_of(name, &name);

    if (d) {
        list_del(&d->link);
        kfree(d);
    }
    /* A user may have removed the node; then there is nothing left to do. */
    if (dir)
        tmpfs_unlink(dir, name);
    inode_put(dir);
}

/* ---- From a node back to its name: in /dev itself, in /dev/pts or in /dev/xen ---- */

struct node_search {
    uint64_t ino;
    char name[NAME_MAX + 1];
};

static int match_node(void *ctx, const char *name, uint64_t ino, uint32_t mode)
{
    struct node_search *search = ctx;

    if (ino != search->ino || (mode & S_IFMT) != S_IFCHR)
        return 0;
    strlcpy(search->name, name, sizeof(search->name));
    return 1;
}

static bool find_in(struct inode *dir, const struct inode *node, const char *where, char *buf,
                    size_t size)
{
    struct node_search search = { .ino = node->ino };
    uint64_t pos = 0;

    if (!is_type(dir, S_IFDIR) || tmpfs_readdir(dir, &pos, match_node, &search) != 1)
        return false;
    snprintf(buf, size, "/dev/%s%s", where, search.name);
    return true;
}

bool device_name(const struct inode *node, char *buf, size_t size)
{
    struct inode *xen = tmpfs_lookup(root, "xen");
    bool found = node->dev == root->dev &&
                 (find_in(root, node, "", buf, size) || find_in(pts, node, "pts/", buf, size) ||
                  (xen && find_in(xen, node, "xen/", buf, size)));

    inode_put(xen);
    return found;
}

struct inode *devfs_root(void)
{
    return inode_get(root);
}

struct inode *devpts_root(void)
{
    return inode_get(pts);
}

static void make_links(void)
{
    static const char *const links[][2] = {
        { "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" },
        { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
        if (root->ops->symlink(root, links[i][0], links[i][1]))
            panic("pv-kernel: no memory for /dev/%s\n", links[i][0]);
    }
}

void devfs_init(void)
{
    struct inode *shm;

    root = tmpfs_create(0755, NULL);
    if (!root || tmpfs_make_path(root, "pts", S_IFDIR | 0755, 0, &pts) ||
        tmpfs_make_path(root, "shm", S_IFDIR | 01777, 0, &shm))
        panic("pv-kernel: no memory for /dev\n");
    inode_put(shm);
    make_links();
    memdev_init();
}
