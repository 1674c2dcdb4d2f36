/* SPDX-License-Identifier: MIT */
/*
 * Reading ext2, and ext3 that was unmounted cleanly: the format alone, without inodes and files of
 * the kernel, so that it runs anywhere that there is a read function.
 *
 * Nothing on the disk is trusted. Each number is checked before it is used; what makes no sense is
 * -EIO, and no call reads more blocks than the file it is about can have.
 */
#ifndef PVK_EXT2_H
#define PVK_EXT2_H

#include "fs/fs.h"

#define EXT2_ROOT       2u
#define EXT2_CACHE      16u
#define EXT2_LINK_MAX   (PATH_MAX - 1)

struct ext2_cached {
    uint64_t block;                     /* 0: none */
    uint8_t *data;
};

struct ext2 {
    /* Bytes of the disk, which has @size of them: 0 or a negative errno. May sleep. */
    int (*read)(void *disk, uint64_t offset, void *buf, size_t len);
    void *disk;
    uint64_t size;
    uint32_t block_size, blocks, inodes, first_block, groups, inodes_per_group, inode_size;
    bool typed_entries;                 /* directories tell their entries' types */
    struct ext2_cached cache[EXT2_CACHE];   /* blocks of numbers, in turn */
    unsigned int cache_next;
};

struct ext2_node {
    uint32_t ino, mode, uid, gid, nlink, rdev;
    uint64_t size;
    int64_t mtime;
    bool text_inside;                   /* a link whose text is where numbers of blocks would be */
    uint32_t block[15];
};

/*
 * ---- ext2.c ----
 * Fills in the rest after read, disk and size. -EINVAL: not ext2, or with features unknown here;
 * -EIO. After a success, ext2_close() frees what it has.
 */
int ext2_open(struct ext2 *fs);
void ext2_close(struct ext2 *fs);
int ext2_read_node(struct ext2 *fs, uint32_t ino, struct ext2_node *node);
/* As read(2): fewer bytes at the end, 0 behind it. */
long ext2_read(struct ext2 *fs, const struct ext2_node *node, void *buf, size_t len, uint64_t pos);
/* A link's text: its length, without a NUL. */
long ext2_readlink(struct ext2 *fs, const struct ext2_node *node, char *buf, size_t size);
/* Some characters, none of them NUL or @forbidden. */
bool ext2_text_ok(const char *text, size_t len, char forbidden);

/* ---- ext2_dir.c: of nodes that are directories ---- */
/* *ino, or -ENOENT. */
int ext2_lookup(struct ext2 *fs, const struct ext2_node *dir, const char *name, uint32_t *ino);
/* As readdir of struct inode_ops; an entry's mode has only its type, or is 0: not known. */
int ext2_readdir(struct ext2 *fs, const struct ext2_node *dir, uint64_t *pos, dir_fn *fn,
                 void *ctx);

#endif
