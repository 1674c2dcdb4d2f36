/* SPDX-License-Identifier: MIT */
/*
 * ext2's directories: files of blocks, each filled with entries to its last byte. An entry lies
 * in one block, names its own length, and is unused if its inode is 0. An index that ext3 adds
 * lies in such unused entries, so that reading them all in order is enough.
 */
#include "fs/ext2.h"

struct entry {
    uint32_t ino;
    uint16_t len;
    uint8_t name_len, type;
};

struct walk {
    const struct ext2 *fs;
    uint8_t *block;
};

/* The entry at @offset of a block, if it is one. */
static int get_entry(const struct walk *w, uint32_t offset, struct entry *e)
{
    if (w->fs->block_size - offset < sizeof(*e))
        return -EIO;
    memcpy(e, w->block + offset, sizeof(*e));
    if (e->len < sizeof(*e) || e->len % 4 || e->len > w->fs->block_size - offset ||
        e->name_len > e->len - sizeof(*e))
        return -EIO;
    /* Without types the name's length has two bytes, and no name needs the second. */
    if (!w->fs->typed_entries && e->type)
        return -EIO;
    return 0;
}

static uint32_t mode_of(const struct walk *w, const struct entry *e)
{
    static const uint32_t modes[] = {
        [1] = S_IFREG, [2] = S_IFDIR, [3] = S_IFCHR, [4] = S_IFBLK, [5] = S_IFIFO,
        [6] = S_IFSOCK, [7] = S_IFLNK,
    };

    return w->fs->typed_entries && e->type < ARRAY_SIZE(modes) ? modes[e->type] : 0;
}

/* The entries of the block at @start that lie at *pos or behind; *pos follows. */
static int walk_block(const struct walk *w, uint64_t start, uint64_t *pos, dir_fn *fn, void *ctx)
{
    struct entry e;

    for (uint32_t offset = 0; offset < w->fs->block_size; offset += e.len) {
        char name[NAME_MAX + 1];
        int rc = get_entry(w, offset, &e);

        if (rc)
            return rc;
        if (start + offset < *pos)
            continue;
        if (e.ino) {
            memcpy(name, w->block + offset + sizeof(e), e.name_len);
            name[e.name_len] = '\0';
            rc = ext2_text_ok(name, e.name_len, '/') ? fn(ctx, name, e.ino, mode_of(w, &e)) : -EIO;
            if (rc)
                return rc;
        }
        *pos = start + offset + e.len;
    }
    /* A position inside the last entry leads here, too. */
    *pos = start + w->fs->block_size;
    return 0;
}

int ext2_readdir(struct ext2 *fs, const struct ext2_node *dir, uint64_t *pos, dir_fn *fn,
                 void *ctx)
{
    struct walk w = { .fs = fs, .block = kmalloc(fs->block_size) };
    int rc = w.block ? 0 : -ENOMEM;

    while (!rc && *pos < dir->size) {
        uint64_t start = ALIGN_DOWN(*pos, (uint64_t)fs->block_size);
        long n = ext2_read(fs, dir, w.block, fs->block_size, start);

        rc = n < 0 ? (int)n : n < (long)fs->block_size ? -EIO
                                                       : walk_block(&w, start, pos, fn, ctx);
    }
    kfree(w.block);
    return rc;
}

struct search {
    const char *name;
    uint32_t ino;
};

static int match(void *ctx, const char *name, uint64_t ino, uint32_t mode)
{
    struct search *s = ctx;

    (void)mode;
    if (strcmp(name, s->name))
        return 0;
    s->ino = (uint32_t)ino;
    return 1;
}

int ext2_lookup(struct ext2 *fs, const struct ext2_node *dir, const char *name, uint32_t *ino)
{
    struct search s = { .name = name };
    uint64_t pos = 0;
    int rc = ext2_readdir(fs, dir, &pos, match, &s);

    if (rc < 0)
        return rc;
    *ino = s.ino;
    return rc == 1 ? 0 : -ENOENT;
}
