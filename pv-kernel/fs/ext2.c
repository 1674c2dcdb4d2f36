/* SPDX-License-Identifier: MIT */
/*
 * ext2: the superblock, inodes, and where the blocks of a file are.
 *
 * A read may sleep and another one may come meanwhile, so nobody keeps a pointer into the cache
 * over a read: what is wanted is copied out at once.
 */
#include "fs/ext2.h"

#define SUPER_OFFSET   1024u
#define MAGIC          0xef53u
#define NR_DIRECT      12u
#define NR_LEVELS      3u
#define SECTOR         512u

/* Incompatible features that reading can live with. */
#define INCOMPAT_FILETYPE 0x2u

/* Inode flags: the blocks are not found by numbers. */
#define INODE_EXTENTS     0x00080000u
#define INODE_INLINE      0x10000000u
#define INODE_ENCRYPTED   0x00000800u

struct super {
    uint32_t inodes, blocks, reserved_blocks, free_blocks, free_inodes, first_block;
    uint32_t log_block_size, log_fragment_size;
    uint32_t blocks_per_group, fragments_per_group, inodes_per_group;
    uint32_t mtime, wtime;
    uint16_t mounts, max_mounts, magic, state, errors, minor_revision;
    uint32_t last_check, check_interval, creator, revision;
    uint16_t reserved_uid, reserved_gid;
    uint32_t first_inode;
    uint16_t inode_size, group;
    uint32_t compat, incompat, ro_compat;
};
_Static_assert(sizeof(struct super) == 104, "as it is on the disk");

struct group {
    uint32_t block_bitmap, inode_bitmap, inode_table;
    uint16_t free_blocks, free_inodes, directories, pad;
    uint32_t reserved[3];
};
_Static_assert(sizeof(struct group) == 32, "as it is on the disk");

struct disk_inode {
    uint16_t mode, uid;
    uint32_t size, atime, ctime, mtime, dtime;
    uint16_t gid, links;
    uint32_t sectors, flags, version, block[15], generation, acl, size_high, fragment;
    uint16_t fragment_info, uid_high, gid_high;
};
_Static_assert(sizeof(struct disk_inode) >= 124, "without what version 1 adds");
#define INODE_SIZE_0 128u               /* in version 0, always */

/* ---- Blocks ---- */

static int read_disk(struct ext2 *fs, uint64_t offset, void *buf, size_t len)
{
    if (offset > fs->size || len > fs->size - offset)
        return -EIO;
    return fs->read(fs->disk, offset, buf, len);
}

static bool block_ok(const struct ext2 *fs, uint32_t block)
{
    return block > fs->first_block && block < fs->blocks;
}

static struct ext2_cached *find_cached(struct ext2 *fs, uint32_t block)
{
    for (unsigned int i = 0; i < EXT2_CACHE; i++) {
        if (fs->cache[i].block == block)
            return &fs->cache[i];
    }
    return NULL;
}

/* Reads a block into the cache; it is there until somebody sleeps. */
static int load(struct ext2 *fs, uint32_t block, struct ext2_cached **out)
{
    struct ext2_cached *c = find_cached(fs, block);
    uint8_t *data;
    int rc;

    *out = c;
    if (c)
        return 0;
    data = kmalloc(fs->block_size);
    if (!data)
        return -ENOMEM;
    rc = read_disk(fs, (uint64_t)block * fs->block_size, data, fs->block_size);
    if (rc) {
        kfree(data);
        return rc;
    }
    c = &fs->cache[fs->cache_next++ % EXT2_CACHE];
    kfree(c->data);
    c->data = data;
    c->block = block;
    *out = c;
    return 0;
}

/* A part of a block of metadata. */
static int read_cached(struct ext2 *fs, uint32_t block, uint32_t offset, void *buf, size_t len)
{
    struct ext2_cached *c;
    int rc = block_ok(fs, block) ? load(fs, block, &c) : -EIO;

    if (!rc)
        memcpy(buf, c->data + offset, len);
    return rc;
}

/* ---- The superblock ---- */

static int check_super(struct ext2 *fs, const struct super *s)
{
    uint32_t groups;

    if (s->magic != MAGIC || s->revision > 1 || s->log_block_size > 2)
        return -EINVAL;
    fs->block_size = 1024u << s->log_block_size;
    fs->inode_size = s->revision ? s->inode_size : INODE_SIZE_0;
    fs->typed_entries = s->revision && s->incompat & INCOMPAT_FILETYPE;
    if (s->revision && s->incompat & ~INCOMPAT_FILETYPE)
        return -EINVAL;
    if (fs->inode_size < INODE_SIZE_0 || fs->inode_size > fs->block_size ||
        fs->inode_size & (fs->inode_size - 1))
        return -EINVAL;
    if (s->first_block != (s->log_block_size == 0) || s->blocks <= s->first_block ||
        s->blocks > fs->size / fs->block_size)
        return -EINVAL;
    if (!s->blocks_per_group || s->blocks_per_group > 8 * fs->block_size ||
        !s->inodes_per_group || s->inodes_per_group > 8 * fs->block_size)
        return -EINVAL;
    groups = (s->blocks - s->first_block - 1) / s->blocks_per_group + 1;
    if (s->inodes < EXT2_ROOT || s->inodes > (uint64_t)groups * s->inodes_per_group)
        return -EINVAL;
    fs->blocks = s->blocks;
    fs->inodes = s->inodes;
    fs->first_block = s->first_block;
    fs->groups = groups;
    fs->inodes_per_group = s->inodes_per_group;
    return 0;
}

int ext2_open(struct ext2 *fs)
{
    struct super *s = kmalloc(sizeof(*s));
    int rc = s ? read_disk(fs, SUPER_OFFSET, s, sizeof(*s)) : -ENOMEM;

    memset(fs->cache, 0, sizeof(fs->cache));
    fs->cache_next = 0;
    if (!rc)
        rc = check_super(fs, s);
    kfree(s);
    return rc;
}

void ext2_close(struct ext2 *fs)
{
    for (unsigned int i = 0; i < EXT2_CACHE; i++)
        kfree(fs->cache[i].data);
}

/* ---- Inodes ---- */

static int read_group(struct ext2 *fs, uint32_t nr, struct group *group)
{
    uint32_t per_block = fs->block_size / (uint32_t)sizeof(*group);

    return read_cached(fs, fs->first_block + 1 + nr / per_block,
                       nr % per_block * (uint32_t)sizeof(*group), group, sizeof(*group));
}

/* With its text inside, no blocks are its own but the one of its extended attributes. */
static bool has_text_inside(const struct ext2 *fs, const struct disk_inode *d)
{
    uint32_t acl = d->acl ? fs->block_size / SECTOR : 0;

    return (d->mode & S_IFMT) == S_IFLNK && d->size < sizeof(d->block) && d->sectors == acl;
}

/* Linux's two ways to write a device's number; the longer one is the one of rdev. */
static uint32_t device_of(const struct disk_inode *d)
{
    uint32_t type = d->mode & S_IFMT;

    if (type != S_IFCHR && type != S_IFBLK)
        return 0;
    return d->block[0] ? d->block[0] & 0xffff : d->block[1];
}

static int decode(const struct ext2 *fs, const struct disk_inode *d, struct ext2_node *node)
{
    bool regular = (d->mode & S_IFMT) == S_IFREG;

    if (!d->links || !(d->mode & S_IFMT) ||
        d->flags & (INODE_EXTENTS | INODE_INLINE | INODE_ENCRYPTED))
        return -EIO;
    node->mode = d->mode;
    node->uid = d->uid | (uint32_t)d->uid_high << 16;
    node->gid = d->gid | (uint32_t)d->gid_high << 16;
    node->nlink = d->links;
    node->rdev = device_of(d);
    node->size = d->size | (regular ? (uint64_t)d->size_high << 32 : 0);
    node->mtime = d->mtime;
    node->text_inside = has_text_inside(fs, d);
    memcpy(node->block, d->block, sizeof(node->block));
    /* A directory has no holes, so it can't be longer than the disk. */
    if ((d->mode & S_IFMT) == S_IFDIR &&
        (node->size % fs->block_size || node->size / fs->block_size > fs->blocks))
        return -EIO;
    return (int64_t)node->size < 0 ? -EIO : 0;
}

int ext2_read_node(struct ext2 *fs, uint32_t ino, struct ext2_node *node)
{
    struct disk_inode d;
    struct group group;
    uint64_t offset;
    int rc;

    if (!ino || ino > fs->inodes)
        return -EIO;
    rc = read_group(fs, (ino - 1) / fs->inodes_per_group, &group);
    if (rc)
        return rc;
    offset = (uint64_t)((ino - 1) % fs->inodes_per_group) * fs->inode_size;
    rc = read_cached(fs, group.inode_table + (uint32_t)(offset / fs->block_size),
                     (uint32_t)(offset % fs->block_size), &d, sizeof(d));
    if (rc)
        return rc;
    node->ino = ino;
    return decode(fs, &d, node);
}

/* ---- Blocks of a file ---- */

/*
 * The block of a file at @index: 0 is a hole. The first are named in the inode; then come those
 * named in a block, in blocks named in a block, and so for one level more.
 */
static int find_block(struct ext2 *fs, const struct ext2_node *node, uint64_t index, uint32_t *out)
{
    uint32_t per_block = fs->block_size / (uint32_t)sizeof(uint32_t), block;
    uint64_t span = 1;
    unsigned int level = 0;

    if (index < NR_DIRECT) {
        block = node->block[index];
    } else {
        index -= NR_DIRECT;
        for (span = per_block; index >= span; span *= per_block) {
            index -= span;
            if (++level == NR_LEVELS)
                return -EFBIG;
        }
        block = node->block[NR_DIRECT + level];
        while (block && span > 1) {
            int rc;

            span /= per_block;
            rc = read_cached(fs, block, (uint32_t)(index / span * sizeof(block)), &block,
                             sizeof(block));
            if (rc)
                return rc;
            index %= span;
        }
    }
    *out = block;
    return !block || block_ok(fs, block) ? 0 : -EIO;
}

/* How many of the blocks behind @block follow it on the disk, so that one read gets them. */
static uint64_t run_length(struct ext2 *fs, const struct ext2_node *node, uint64_t index,
                           uint32_t block, uint64_t most)
{
    uint64_t n = 1;
    uint32_t next;

    while (n < most && !find_block(fs, node, index + n, &next) &&
           next == (block ? block + n : 0))
        n++;
    return n;
}

long ext2_read(struct ext2 *fs, const struct ext2_node *node, void *buf, size_t len, uint64_t pos)
{
    size_t done = 0;

    if (pos >= node->size)
        return 0;
    len = min(len, (size_t)(node->size - pos));
    while (done < len) {
        uint64_t index = (pos + done) / fs->block_size, offset = (pos + done) % fs->block_size;
        uint64_t most = (offset + len - done - 1) / fs->block_size + 1;
        uint32_t block = 0;
        int rc = find_block(fs, node, index, &block);
        size_t n;

        if (rc)
            return done ? (long)done : rc;
        n = min(len - done, run_length(fs, node, index, block, most) * fs->block_size - offset);
        if (block)
            rc = read_disk(fs, (uint64_t)block * fs->block_size + offset, (char *)buf + done, n);
        else
            memset((char *)buf + done, 0, n);
        if (rc)
            return done ? (long)done : rc;
        done += n;
    }
    return (long)done;
}

bool ext2_text_ok(const char *text, size_t len, char forbidden)
{
    for (size_t i = 0; i < len; i++) {
        if (!text[i] || text[i] == forbidden)
            return false;
    }
    return len > 0;
}

long ext2_readlink(struct ext2 *fs, const struct ext2_node *node, char *buf, size_t size)
{
    long n;

    if (!node->size || node->size > EXT2_LINK_MAX)
        return -EIO;
    n = (long)min(size, (size_t)node->size);
    if (node->text_inside)
        memcpy(buf, node->block, (size_t)n);
    else
        n = ext2_read(fs, node, buf, (size_t)n, 0);
    return n > 0 && !ext2_text_ok(buf, (size_t)n, '\0') ? -EIO : n;
}
