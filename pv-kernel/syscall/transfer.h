/* SPDX-License-Identifier: MIT */
/* Moving bytes between open files and user memory, through a buffer in the kernel. */
#ifndef PVK_SYSCALL_TRANSFER_H
#define PVK_SYSCALL_TRANSFER_H

#include "fs/fs.h"

/*
 * How many bytes were moved, or a negative errno if none was: -EBADF where the file is not open for
 * that, -EFAULT for memory that is not the caller's. *pos is advanced as far as the file moved,
 * which after a fault in a read is more than what is returned.
 */
long file_read_user(struct file *f, uint64_t user, size_t len, uint64_t *pos);
long file_write_user(struct file *f, uint64_t user, size_t len, uint64_t *pos);

struct iovec {
    uint64_t base, len;
};
#define IOV_MAX 1024u

/* The whole list in one buffer, if it is not longer than this: then it is written in one piece. */
#define GATHER_MAX PAGE_SIZE
/* The same for a list of @count iovecs at @iov. */
long file_readv_user(struct file *f, uint64_t iov, uint64_t count, uint64_t *pos);
long file_writev_user(struct file *f, uint64_t iov, uint64_t count, uint64_t *pos);

#endif
