/* SPDX-License-Identifier: MIT */
/* Reads cpio archives of the kind "newc" (magic 070701): pure, hostile input is expected. */
#ifndef PVK_CPIO_H
#define PVK_CPIO_H

#include <stddef.h>
#include <stdint.h>

struct cpio_entry {
    const char *name;               /* ends with NUL, inside the archive */
    const void *data;               /* of a symbolic link: its target, without NUL */
    size_t size;
    uint32_t ino, mode, uid, gid, nlink, mtime;
    uint32_t dev_major, dev_minor, rdev_major, rdev_minor;
};

/*
 * The entry at *offset, which moves behind it. 1: there is one, 0: the end, -EINVAL: not an
 * archive here. Archives may follow each other, with zeroes between them; their "TRAILER!!!" is
 * not shown.
 */
int cpio_next(const void *archive, size_t len, size_t *offset, struct cpio_entry *entry);

#endif
