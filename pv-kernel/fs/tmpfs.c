/* SPDX-License-Identifier: MIT */
/* tmpfs: directories, links and nodes of all kinds (fs/tmpfs.h says what lives how long). */
#include "fs/tmpfs.h"

#define FIRST_COOKIE 2u             /* 0 and 1 are "." and ".." */

struct entry {
    struct list link;
    struct inode *inode;            /* counted */
    uint64_t cookie;                /* rises along the list: where readdir can go on */
    char name[];
};

static uint64_t nr_objects;         /* nodes and entries of all trees */

static const struct inode_ops dir_ops, link_ops, file_inode_ops, special_ops;

/* So that small files do not take all memory either. */
static bool room_for_object(void)
{
    return nr_objects < pv_nr_pages() / 2;
}

/* ---- Nodes ---- */

static void entry_free(struct entry *e)
{
    list_del(&e->link);
    inode_put(e->inode);
    kfree(e);
    nr_objects--;
}

/*
 * Drops all that a dying directory holds. What dies with it is taken apart here too, through the
 * one list, so that deep trees need no deep stack.
 */
static void drop_entries(struct tmpfs_node *dir)
{
    while (!list_empty(&dir->entries)) {
        struct entry *e = container_of(dir->entries.next, struct entry, link);
        struct tmpfs_node *node = tmpfs_node(e->inode);

        if (is_type(e->inode, S_IFDIR)) {
            node->parent = NULL;
            while (e->inode->refs == 1 && !list_empty(&node->entries)) {
                struct list *moved = node->entries.next;

                list_del(moved);
                list_add_tail(&dir->entries, moved);
            }
        }
        entry_free(e);
    }
}

static void node_free(struct inode *inode)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    struct tmpfs *fs = node->fs;

    if (is_type(inode, S_IFDIR))
        drop_entries(node);
    tmpfs_data_free(&node->data);
    kfree(node->target);
    kfree(node);
    nr_objects--;
    if (--fs->nr_nodes == 0)
        kfree(fs);
}

static const struct inode_ops *ops_of(struct tmpfs *fs, uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return fs->dir_ops;
    case S_IFLNK:
        return &link_ops;
    case S_IFREG:
        return &file_inode_ops;
    default:
        return &special_ops;
    }
}

static struct tmpfs_node *node_create(struct tmpfs *fs, uint32_t mode, uint32_t rdev)
{
    struct tmpfs_node *node = room_for_object() ? kmalloc(sizeof(*node)) : NULL;

    if (!node)
        return NULL;
    nr_objects++;
    fs->nr_nodes++;
    node->fs = fs;
    list_init(&node->entries);
    node->last_cookie = FIRST_COOKIE - 1;
    node->inode.ino = ++fs->last_ino;
    node->inode.dev = fs->dev;
    node->inode.mode = mode;
    node->inode.nlink = is_type(&node->inode, S_IFDIR) ? 2 : 1;
    node->inode.rdev = rdev;
    node->inode.mtime = fs_now();
    node->inode.ops = ops_of(fs, mode);
    node->inode.fops = is_type(&node->inode, S_IFREG) ? &tmpfs_file_ops : NULL;
    node->inode.refs = 1;
    node->inode.free = node_free;
    return node;
}

struct inode *tmpfs_create(uint32_t mode, const struct inode_ops *ops)
{
    struct tmpfs *fs = kmalloc(sizeof(*fs));
    struct tmpfs_node *root;

    if (!fs)
        return NULL;
    fs->dev = fs_new_dev();
    fs->dir_ops = ops ? ops : &dir_ops;
    root = node_create(fs, S_IFDIR | mode, 0);
    if (!root) {
        kfree(fs);
        return NULL;
    }
    root->parent = root;
    return &root->inode;
}

/* ---- Entries ---- */

static struct entry *find(struct tmpfs_node *dir, const char *name)
{
    struct list *pos;

    list_for_each(pos, &dir->entries) {
        struct entry *e = container_of(pos, struct entry, link);

        if (!strcmp(e->name, name))
            return e;
    }
    return NULL;
}

/* An entry that is in no directory yet; holds no reference. */
static struct entry *entry_create(const char *name)
{
    size_t size = sizeof(struct entry) + strlen(name) + 1;
    struct entry *e = room_for_object() ? kmalloc(size) : NULL;

    if (!e)
        return NULL;
    nr_objects++;
    list_init(&e->link);
    memcpy(e->name, name, strlen(name) + 1);
    return e;
}

/* Puts the entry into the directory; takes over the reference on @inode. */
static void entry_add(struct tmpfs_node *dir, struct entry *e, struct inode *inode)
{
    e->inode = inode;
    e->cookie = ++dir->last_cookie;
    list_add_tail(&dir->entries, &e->link);
    if (is_type(inode, S_IFDIR)) {
        tmpfs_node(inode)->parent = dir;
        dir->inode.nlink++;
    }
    dir->inode.mtime = fs_now();
}

/* Takes it out again; the reference is the caller's now. */
static struct inode *entry_take(struct tmpfs_node *dir, struct entry *e)
{
    struct inode *inode = e->inode;

    if (is_type(inode, S_IFDIR)) {
        tmpfs_node(inode)->parent = NULL;
        dir->inode.nlink--;
    }
    dir->inode.mtime = fs_now();
    list_del(&e->link);
    kfree(e);
    nr_objects--;
    return inode;
}

/* A directory that was removed takes no new names. */
static bool removed(const struct tmpfs_node *dir)
{
    return !dir->parent;
}

struct inode *tmpfs_lookup(struct inode *dir, const char *name)
{
    struct tmpfs_node *node = tmpfs_node(dir);
    struct entry *e;

    if (!strcmp(name, ".."))
        return node->parent ? inode_get(&node->parent->inode) : NULL;
    e = find(node, name);
    return e ? inode_get(e->inode) : NULL;
}

int tmpfs_mknod(struct inode *dir, const char *name, uint32_t mode, uint32_t rdev,
                struct inode **out)
{
    struct tmpfs_node *parent = tmpfs_node(dir), *node;
    struct entry *e;

    if (removed(parent))
        return -ENOENT;
    if (find(parent, name))
        return -EEXIST;
    e = entry_create(name);
    if (!e)
        return -ENOSPC;
    node = node_create(parent->fs, mode, rdev);
    if (!node) {
        kfree(e);
        nr_objects--;
        return -ENOSPC;
    }
    entry_add(parent, e, &node->inode);
    *out = inode_get(&node->inode);
    return 0;
}

int tmpfs_unlink(struct inode *dir, const char *name)
{
    struct entry *e = find(tmpfs_node(dir), name);
    struct inode *inode;

    if (!e)
        return -ENOENT;
    if (is_type(e->inode, S_IFDIR))
        return -EISDIR;
    inode = entry_take(tmpfs_node(dir), e);
    inode->nlink--;
    inode_put(inode);
    return 0;
}

static int tmpfs_rmdir(struct inode *dir, const char *name)
{
    struct entry *e = find(tmpfs_node(dir), name);

    if (!e)
        return -ENOENT;
    if (!is_type(e->inode, S_IFDIR))
        return -ENOTDIR;
    if (!list_empty(&tmpfs_node(e->inode)->entries))
        return -ENOTEMPTY;
    e->inode->nlink = 0;
    inode_put(entry_take(tmpfs_node(dir), e));
    return 0;
}

static int tmpfs_link(struct inode *dir, const char *name, struct inode *target)
{
    struct entry *e;

    if (removed(tmpfs_node(dir)) || target->nlink == 0)
        return -ENOENT;
    if (find(tmpfs_node(dir), name))
        return -EEXIST;
    e = entry_create(name);
    if (!e)
        return -ENOSPC;
    target->nlink++;
    entry_add(tmpfs_node(dir), e, inode_get(target));
    return 0;
}

static int tmpfs_symlink(struct inode *dir, const char *name, const char *target)
{
    size_t len = strlen(target);
    char *copy = kmalloc(len + 1);
    struct inode *inode;
    int rc;

    if (!copy)
        return -ENOMEM;
    rc = tmpfs_mknod(dir, name, S_IFLNK | 0777, 0, &inode);
    if (rc) {
        kfree(copy);
        return rc;
    }
    memcpy(copy, target, len + 1);
    tmpfs_node(inode)->target = copy;
    inode->size = len;
    inode_put(inode);
    return 0;
}

static long tmpfs_readlink(struct inode *link, char *buf, size_t size)
{
    size_t len = min((size_t)link->size, size);

    memcpy(buf, tmpfs_node(link)->target, len);
    return (long)len;
}

/* ---- Rename ---- */

static bool is_below(const struct tmpfs_node *node, const struct tmpfs_node *top)
{
    while (node != top && node->parent && node->parent != node)
        node = node->parent;
    return node == top;
}

/* Whether @old may take the place of @target (NULL: nobody's). */
static int may_replace(const struct entry *old, const struct entry *target)
{
    bool dir = is_type(old->inode, S_IFDIR);

    if (!target)
        return 0;
    if (target->inode->mounted)
        return -EBUSY;
    if (dir && !is_type(target->inode, S_IFDIR))
        return -ENOTDIR;
    if (!dir && is_type(target->inode, S_IFDIR))
        return -EISDIR;
    if (dir && !list_empty(&tmpfs_node(target->inode)->entries))
        return -ENOTEMPTY;
    return 0;
}

static int tmpfs_rename(struct inode *from, const char *name, struct inode *to,
                        const char *new_name)
{
    struct tmpfs_node *source = tmpfs_node(from), *dest = tmpfs_node(to);
    struct entry *old = find(source, name), *target = find(dest, new_name), *e;
    struct inode *gone;
    int rc;

    if (!old || removed(dest))
        return -ENOENT;
    if (target && target->inode == old->inode)
        return 0;
    if (is_type(old->inode, S_IFDIR) && is_below(dest, tmpfs_node(old->inode)))
        return -EINVAL;
    rc = may_replace(old, target);
    if (rc)
        return rc;
    e = entry_create(new_name);
    if (!e)
        return -ENOSPC;
    if (target) {
        gone = entry_take(dest, target);
        gone->nlink = is_type(gone, S_IFDIR) ? 0 : gone->nlink - 1;
        inode_put(gone);
    }
    entry_add(dest, e, entry_take(source, old));
    return 0;
}

/* ---- Reading directories ---- */

static int emit_dots(struct tmpfs_node *dir, uint64_t *pos, dir_fn *fn, void *ctx)
{
    struct tmpfs_node *up = dir->parent ? dir->parent : dir;
    int rc = 0;

    if (*pos == 0) {
        rc = fn(ctx, ".", dir->inode.ino, S_IFDIR);
        *pos += !rc;
    }
    if (*pos == 1 && !rc) {
        rc = fn(ctx, "..", up->inode.ino, S_IFDIR);
        *pos += !rc;
    }
    return rc;
}

int tmpfs_readdir(struct inode *dir, uint64_t *pos, dir_fn *fn, void *ctx)
{
    struct tmpfs_node *node = tmpfs_node(dir);
    struct list *item;
    int rc = emit_dots(node, pos, fn, ctx);

    list_for_each(item, &node->entries) {
        struct entry *e = container_of(item, struct entry, link);

        if (rc)
            break;
        if (e->cookie < *pos)
            continue;
        *pos = e->cookie;
        rc = fn(ctx, e->name, e->inode->ino, e->inode->mode);
        *pos += !rc;
    }
    return rc;
}

static const struct inode_ops dir_ops = {
    .lookup = tmpfs_lookup, .create = tmpfs_mknod, .unlink = tmpfs_unlink, .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename, .link = tmpfs_link, .symlink = tmpfs_symlink, .readdir = tmpfs_readdir,
};
static const struct inode_ops link_ops = { .readlink = tmpfs_readlink };
static const struct inode_ops file_inode_ops = { .truncate = tmpfs_truncate };
static const struct inode_ops special_ops;

/* ---- Paths inside a tree ---- */

static int make_component(struct inode *dir, const char *name, uint32_t mode, uint32_t rdev,
                          struct inode **out)
{
    *out = tmpfs_lookup(dir, name);
    return *out ? 0 : tmpfs_mknod(dir, name, mode, rdev, out);
}

int tmpfs_make_path(struct inode *root, const char *path, uint32_t mode, uint32_t rdev,
                    struct inode **out)
{
    struct inode *dir = inode_get(root), *next;
    const char *slash;
    char name[NAME_MAX + 1];
    int rc;

    while ((slash = strchr(path, '/'))) {
        strlcpy(name, path, min(sizeof(name), (size_t)(slash - path) + 1));
        rc = make_component(dir, name, S_IFDIR | 0755, 0, &next);
        inode_put(dir);
        if (rc)
            return rc;
        dir = next;
        path = slash + 1;
    }
    rc = make_component(dir, path, mode, rdev, out);
    inode_put(dir);
    return rc;
}
