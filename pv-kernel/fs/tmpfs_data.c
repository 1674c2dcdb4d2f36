/* SPDX-License-Identifier: MIT */
/*
 * The contents of tmpfs's regular files: pages by index, holes read as zeroes.
 *
 * All files together may use half of the domain's memory, and never its last pages; past that, a
 * write gives -ENOSPC.
 */
#include "fs/tmpfs.h"
#include "mm/mm.h"

#define PER_TABLE   (PAGE_SIZE / sizeof(void *))
#define MAX_PAGES   (TMPFS_DIRECT + PER_TABLE * PER_TABLE)
#define MAX_SIZE    (MAX_PAGES * PAGE_SIZE)
#define LEAVE_FREE  256u            /* pages that files do not take */

static uint64_t pages_used;

uint64_t tmpfs_page_limit(void)
{
    return pv_nr_pages() / 2;
}

uint64_t tmpfs_pages_used(void)
{
    return pages_used;
}

static void *take_page(void)
{
    void *page;

    if (pages_used >= tmpfs_page_limit() || pv_nr_free_pages() <= LEAVE_FREE)
        return NULL;
    page = frame_alloc();
    if (page)
        pages_used++;
    return page;
}

static void give_page(void **slot)
{
    if (!*slot)
        return;
    frame_put(*slot);           /* a mapping may keep it */
    *slot = NULL;
    pages_used--;
}

/* Where the pointer to page @index is kept; NULL: there is no table, or no memory to make one. */
static void **find_slot(struct tmpfs_data *data, uint64_t index, bool make)
{
    uint64_t high = (index - TMPFS_DIRECT) / PER_TABLE;

    if (index < TMPFS_DIRECT)
        return &data->direct[index];
    if (!data->top && (!make || !(data->top = take_page())))
        return NULL;
    if (!data->top[high] && (!make || !(data->top[high] = take_page())))
        return NULL;
    return &data->top[high][(index - TMPFS_DIRECT) % PER_TABLE];
}

static void *find_page(struct tmpfs_data *data, uint64_t index)
{
    void **slot = find_slot(data, index, false);

    return slot ? *slot : NULL;
}

static void *make_page(struct tmpfs_data *data, uint64_t index)
{
    void **slot = find_slot(data, index, true);

    if (slot && !*slot)
        *slot = take_page();
    return slot ? *slot : NULL;
}

/* Frees the pages from @first on, and the tables that have none left. */
static void free_from(struct tmpfs_data *data, uint64_t first)
{
    uint64_t low = first > TMPFS_DIRECT ? first - TMPFS_DIRECT : 0;

    for (uint64_t i = first; i < TMPFS_DIRECT; i++)
        give_page(&data->direct[i]);
    for (uint64_t high = low / PER_TABLE; data->top && high < PER_TABLE; high++) {
        uint64_t from = high == low / PER_TABLE ? low % PER_TABLE : 0;

        for (uint64_t i = from; data->top[high] && i < PER_TABLE; i++)
            give_page(&data->top[high][i]);
        if (from == 0)
            give_page((void **)&data->top[high]);
    }
    if (low == 0)
        give_page((void **)&data->top);
}

void tmpfs_data_free(struct tmpfs_data *data)
{
    free_from(data, 0);
}

int tmpfs_truncate(struct inode *inode, uint64_t size)
{
    struct tmpfs_data *data = &tmpfs_node(inode)->data;
    void *last;

    if (size > MAX_SIZE)
        return -EFBIG;
    if (size < inode->size) {
        free_from(data, ALIGN_UP(size, PAGE_SIZE) / PAGE_SIZE);
        last = size % PAGE_SIZE ? find_page(data, size / PAGE_SIZE) : NULL;
        if (last)
            memset((char *)last + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
    }
    inode->size = size;
    inode->mtime = fs_now();
    return 0;
}

static long data_read(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    struct tmpfs_data *data = &tmpfs_node(f->inode)->data;
    uint64_t size = f->inode->size;
    size_t done = 0;

    if (*pos >= size)
        return 0;
    len = min(len, (size_t)(size - *pos));
    while (done < len) {
        size_t offset = *pos % PAGE_SIZE, n = min(len - done, (size_t)PAGE_SIZE - offset);
        const char *page = find_page(data, *pos / PAGE_SIZE);

        if (page)
            memcpy((char *)buf + done, page + offset, n);
        else
            memset((char *)buf + done, 0, n);
        done += n;
        *pos += n;
    }
    return (long)done;
}

static long data_write(struct file *f, const void *buf, size_t len, uint64_t *pos)
{
    struct inode *inode = f->inode;
    size_t done = 0;

    if (f->flags & O_APPEND)
        *pos = inode->size;
    if (len && *pos >= MAX_SIZE)
        return -EFBIG;
    len = min(len, (size_t)(MAX_SIZE - *pos));
    while (done < len) {
        size_t offset = *pos % PAGE_SIZE, n = min(len - done, (size_t)PAGE_SIZE - offset);
        char *page = make_page(&tmpfs_node(inode)->data, *pos / PAGE_SIZE);

        if (!page)
            break;
        memcpy(page + offset, (const char *)buf + done, n);
        done += n;
        *pos += n;
        inode->size = max(inode->size, *pos);
    }
    inode->mtime = fs_now();
    return done || !len ? (long)done : -ENOSPC;
}

static void *data_page(struct file *f, uint64_t index)
{
    return index < MAX_PAGES ? find_page(&tmpfs_node(f->inode)->data, index) : NULL;
}

const struct file_ops tmpfs_file_ops = {
    .read = data_read, .write = data_write, .page = data_page,
};
