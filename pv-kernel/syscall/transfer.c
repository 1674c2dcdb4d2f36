/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes of user memory go through memory of the kernel's: a page, or more where the
 * file's operations have use for it. A long transfer is made of several pieces; where a read may
 * wait for more, what comes in one piece is all that it returns.
 */
#include "syscall/transfer.h"
#include "mm/mm.h"

#define SMALL   256u                /* as much fits on the stack */
#define MAX_LEN 0x7ffff000ul

/* Memory of the kernel's that a transfer goes through. */
struct buffer {
    char *mem;
    size_t size;                    /* what is used at a time */
    size_t room;                    /* what there is: at least that */
    char small[SMALL];
};

/*
 * The largest buffer that was used so far, unless somebody has it: one piece of some file's. The
 * next long transfer gets it, since new memory of that size is mapped page by page, by a hypercall
 * each. What it holds from earlier transfers is never copied out.
 */
static char *spare;
static size_t spare_room;

static bool take_spare(struct buffer *b, size_t least)
{
    if (!spare || spare_room < least)
        return false;
    b->mem = spare;
    b->room = spare_room;
    spare = NULL;
    return true;
}

/* Where there is less memory, the pieces are smaller. */
static bool get_buffer(struct buffer *b, const struct file *f, size_t len)
{
    size_t most = max(f->ops->piece, PAGE_SIZE);

    b->mem = b->small;
    b->size = b->room = SMALL;
    if (len <= SMALL)
        return true;
    b->size = min(ALIGN_UP(len, PAGE_SIZE), most);
    if (b->size > PAGE_SIZE && take_spare(b, b->size))
        return true;
    while (!(b->mem = kmalloc(b->size)) && b->size > PAGE_SIZE)
        b->size = ALIGN_UP(b->size / 2, PAGE_SIZE);
    b->room = b->size;
    return b->mem;
}

static void put_buffer(struct buffer *b)
{
    if (b->mem == b->small)
        return;
    if (b->room > PAGE_SIZE && (!spare || spare_room < b->room)) {
        kfree(spare);
        spare = b->mem;
        spare_room = b->room;
    } else {
        kfree(b->mem);
    }
}

/* What nobody waits for can be read to the end. */
static bool goes_on(const struct file *f)
{
    return !f->ops->poll;
}

static int check_read(const struct file *f)
{
    if ((f->flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    if (f->ops->read)
        return 0;
    return f->inode && is_type(f->inode, S_IFDIR) ? -EISDIR : -EINVAL;
}

static int check_write(const struct file *f)
{
    if ((f->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    return f->ops->write ? 0 : -EINVAL;
}

long file_read_user(struct file *f, uint64_t user, size_t len, uint64_t *pos)
{
    struct buffer buf;
    size_t done = 0;
    long rc = check_read(f);

    if (rc || !len)
        return rc;
    len = min(len, (size_t)MAX_LEN);
    if (!get_buffer(&buf, f, len))
        return -ENOMEM;
    do {
        size_t want = min(len - done, buf.size);

        rc = f->ops->read(f, buf.mem, want, pos);
        if (rc <= 0)
            break;
        if (copy_to_user(user + done, buf.mem, (size_t)rc)) {
            rc = -EFAULT;
            break;
        }
        done += (size_t)rc;
        if ((size_t)rc < want)
            break;
    } while (done < len && goes_on(f));
    put_buffer(&buf);
    return done ? (long)done : rc;
}

long file_write_user(struct file *f, uint64_t user, size_t len, uint64_t *pos)
{
    struct buffer buf;
    size_t done = 0;
    long rc = check_write(f);

    if (rc || !len)
        return rc;
    len = min(len, (size_t)MAX_LEN);
    if (!get_buffer(&buf, f, len))
        return -ENOMEM;
    while (done < len) {
        size_t n = min(len - done, buf.size);

        rc = copy_from_user(buf.mem, user + done, n);
        if (!rc)
            rc = f->ops->write(f, buf.mem, n, pos);
        if (rc <= 0)
            break;
        done += (size_t)rc;
        if ((size_t)rc < n)
            break;
    }
    put_buffer(&buf);
    return done ? (long)done : rc;
}

/* ---- Lists of buffers ---- */

static int get_iovec(uint64_t iov, uint64_t i, struct iovec *v)
{
    int rc = copy_from_user(v, iov + i * sizeof(*v), sizeof(*v));

    return rc ? rc : (int64_t)v->len < 0 ? -EINVAL : 0;
}

static long each_iovec(struct file *f, uint64_t iov, uint64_t count, uint64_t *pos,
                       long (*move)(struct file *, uint64_t, size_t, uint64_t *))
{
    struct iovec v;
    size_t done = 0;
    long rc = 0;

    if (count > IOV_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < count; i++) {
        rc = get_iovec(iov, i, &v);
        /* Once something was read, a second read must not wait for more. */
        if (!rc && v.len)
            rc = move(f, v.base, v.len, pos);
        else if (!rc)
            continue;
        if (rc <= 0)
            break;
        done += (size_t)rc;
        if ((size_t)rc < v.len || (move == file_read_user && !goes_on(f)))
            break;
    }
    return done ? (long)done : rc;
}

long file_readv_user(struct file *f, uint64_t iov, uint64_t count, uint64_t *pos)
{
    return each_iovec(f, iov, count, pos, file_read_user);
}

/* How much the list holds in all; -EINVAL: nonsense. */
static long total_length(uint64_t iov, uint64_t count)
{
    struct iovec v;
    uint64_t total = 0;

    if (count > IOV_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < count; i++) {
        int rc = get_iovec(iov, i, &v);

        if (rc)
            return rc;
        total = min(total + v.len, MAX_LEN);
    }
    return (long)total;
}

static long write_gathered(struct file *f, uint64_t iov, uint64_t count, uint64_t *pos)
{
    char *buf = kmalloc(GATHER_MAX);
    struct iovec v;
    size_t len = 0;
    long rc = buf ? 0 : -ENOMEM;

    for (uint64_t i = 0; !rc && i < count; i++) {
        rc = get_iovec(iov, i, &v);
        /* The list may have changed since it was measured. */
        if (!rc && v.len > GATHER_MAX - len)
            rc = -EFAULT;
        if (!rc && v.len)
            rc = copy_from_user(buf + len, v.base, v.len);
        if (!rc)
            len += v.len;
    }
    if (!rc && len)
        rc = f->ops->write(f, buf, len, pos);
    kfree(buf);
    return rc;
}

long file_writev_user(struct file *f, uint64_t iov, uint64_t count, uint64_t *pos)
{
    long total = check_write(f);

    if (!total)
        total = total_length(iov, count);
    if (total <= 0)
        return total;
    if ((size_t)total <= GATHER_MAX)
        return write_gathered(f, iov, count, pos);
    return each_iovec(f, iov, count, pos, file_write_user);
}
