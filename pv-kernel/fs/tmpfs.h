/* SPDX-License-Identifier: MIT */
/*
 * The door of tmpfs inside fs/: trees in memory. The root file system, /dev and the fixed part of
 * /proc are such trees too, with other operations for some of their inodes.
 *
 * A directory holds a reference on each of its entries' inodes; an inode lives as long as
 * somebody holds one, so an unlinked file is usable until it is closed. A directory knows its
 * parent without a reference; the link is cut when the directory is removed.
 */
#ifndef PVK_TMPFS_H
#define PVK_TMPFS_H

#include "fs/fs.h"

#define TMPFS_DIRECT 8u             /* pages of a small file, found without tables */

struct tmpfs {
    uint32_t dev;
    uint64_t last_ino;
    unsigned int nr_nodes;          /* freed with the last */
    const struct inode_ops *dir_ops;    /* of directories made in it */
};

/*
 * Data of a regular file: a page by its index, a hole is NULL. `top` is a page of pointers to
 * pages of pointers.
 */
struct tmpfs_data {
    void *direct[TMPFS_DIRECT];
    void ***top;
};

struct tmpfs_node {
    struct inode inode;
    struct tmpfs *fs;
    struct tmpfs_node *parent;      /* of a directory that is not removed */
    struct list entries;            /* of a directory, in the order of their cookies */
    uint64_t last_cookie;
    char *target;                   /* of a symbolic link */
    struct tmpfs_data data;
};

static inline struct tmpfs_node *tmpfs_node(struct inode *inode)
{
    return container_of(inode, struct tmpfs_node, inode);
}

/* ---- tmpfs.c: a new tree; its root, counted, or NULL. NULL @dir_ops: those of tmpfs ---- */
struct inode *tmpfs_create(uint32_t mode, const struct inode_ops *dir_ops);
struct inode *tmpfs_lookup(struct inode *dir, const char *name);
int tmpfs_readdir(struct inode *dir, uint64_t *pos, dir_fn *fn, void *ctx);
int tmpfs_mknod(struct inode *dir, const char *name, uint32_t mode, uint32_t rdev,
                struct inode **out);
int tmpfs_unlink(struct inode *dir, const char *name);
/* A node by a path below @root, its directories made as needed; counted in *out. */
int tmpfs_make_path(struct inode *root, const char *path, uint32_t mode, uint32_t rdev,
                    struct inode **out);

/* ---- tmpfs_data.c: what regular files hold, and how much all of them may ---- */
extern const struct file_ops tmpfs_file_ops;
int tmpfs_truncate(struct inode *inode, uint64_t size);
void tmpfs_data_free(struct tmpfs_data *data);
uint64_t tmpfs_page_limit(void);
uint64_t tmpfs_pages_used(void);

#endif
