/* SPDX-License-Identifier: MIT */
/*
 * A newc entry: 6 characters of magic, 13 numbers of 8 hexadecimal digits, the name with its NUL,
 * the data; name and data begin and end at multiples of 4 from the archive's start.
 */
#include "fs/cpio.h"
#include "kernel.h"

#define HEADER_SIZE 110u
#define MAGIC       "070701"
#define TRAILER     "TRAILER!!!"

enum field {
    INO, MODE, UID, GID, NLINK, MTIME, FILESIZE, DEV_MAJOR, DEV_MINOR, RDEV_MAJOR, RDEV_MINOR,
    NAMESIZE, CHECK, NR_FIELDS,
};

static bool parse_hex(const char *text, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 8; i++) {
        char c = text[i];

        if (c >= '0' && c <= '9')
            *value = *value << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            *value = *value << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool parse_header(const char *header, uint32_t fields[NR_FIELDS])
{
    if (memcmp(header, MAGIC, 6))
        return false;
    for (int i = 0; i < NR_FIELDS; i++) {
        if (!parse_hex(header + 6 + 8 * i, &fields[i]))
            return false;
    }
    return true;
}

/* All of it, or nothing; the sizes are 32-bit numbers, so 64-bit sums do not wrap. */
static int parse_entry(const char *archive, size_t len, size_t *offset, struct cpio_entry *e)
{
    const char *header = archive + *offset;
    uint64_t left = len - *offset, data;
    uint32_t f[NR_FIELDS];

    if (left < HEADER_SIZE || !parse_header(header, f))
        return -EINVAL;
    data = ALIGN_UP(*offset + HEADER_SIZE + (uint64_t)f[NAMESIZE], 4) - *offset;
    if (!f[NAMESIZE] || data > left || f[FILESIZE] > left - data ||
        header[HEADER_SIZE + f[NAMESIZE] - 1])
        return -EINVAL;
    *e = (struct cpio_entry){
        .name = header + HEADER_SIZE, .data = header + data, .size = f[FILESIZE],
        .ino = f[INO], .mode = f[MODE], .uid = f[UID], .gid = f[GID], .nlink = f[NLINK],
        .mtime = f[MTIME], .dev_major = f[DEV_MAJOR], .dev_minor = f[DEV_MINOR],
        .rdev_major = f[RDEV_MAJOR], .rdev_minor = f[RDEV_MINOR],
    };
    *offset = min((uint64_t)len, ALIGN_UP(*offset + data + f[FILESIZE], 4));
    return 1;
}

int cpio_next(const void *archive, size_t len, size_t *offset, struct cpio_entry *entry)
{
    const char *bytes = archive;
    int rc;

    do {
        while (*offset < len && !bytes[*offset])
            ++*offset;
        if (*offset == len)
            return 0;
        rc = parse_entry(archive, len, offset, entry);
    } while (rc == 1 && !strcmp(entry->name, TRAILER));
    return rc;
}
