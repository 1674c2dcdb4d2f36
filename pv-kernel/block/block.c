/* SPDX-License-Identifier: MIT */
/*
 * The register of disks, the checks that all transfers go through, and transfers of kernel memory.
 *
 * There is no cache: what a read returns comes from the disk, and a write is with the disk when it
 * returns. Where the range or the memory is not made of whole sectors, a page in between holds the
 * sectors. Writes of kernel memory take turns, so that two that share a sector both stay.
 */
#include "block/internal.h"
#include "proc/proc.h"

static struct list disks = { &disks, &disks };

/* ---- The register ---- */

struct block_device *block_find(const char *name)
{
    static const char dev[] = "/dev/";
    struct list *pos;

    if (!strncmp(name, dev, sizeof(dev) - 1))
        name += sizeof(dev) - 1;
    list_for_each(pos, &disks) {
        struct block_device *bdev = container_of(pos, struct block_device, link);

        if (!strcmp(bdev->name, name))
            return bdev;
    }
    return NULL;
}

int block_register(struct block_device *bdev)
{
    int rc;

    if (block_find(bdev->name))
        return -EEXIST;
    rc = block_node_add(bdev);
    if (rc)
        return rc;
    bdev->users = 0;
    list_add_tail(&disks, &bdev->link);
    printk("%s: %lu sectors of %lu bytes%s\n", bdev->name, bdev->sectors, SECTOR_SIZE,
           bdev->readonly ? ", read-only" : "");
    return 0;
}

int block_unregister(struct block_device *bdev)
{
    if (bdev->users)
        return -EBUSY;
    list_del(&bdev->link);
    block_node_remove(bdev);
    return 0;
}

/* ---- Bios ---- */

/* Each is whole sectors within one frame; *bytes is how many bytes they are together. */
static bool segments_ok(const struct bio *bio, uint64_t *bytes)
{
    *bytes = 0;
    for (unsigned int i = 0; i < bio->nr_segments; i++) {
        const struct bio_segment *s = &bio->segment[i];

        if (!s->len || s->offset >= PAGE_SIZE || s->len > PAGE_SIZE - s->offset ||
            s->len % SECTOR_SIZE || s->offset % SECTOR_SIZE)
            return false;
        *bytes += s->len;
    }
    return true;
}

int block_submit(struct block_device *bdev, struct bio *bio)
{
    uint64_t bytes;

    if (bio->op == BIO_FLUSH) {
        if (bio->nr_segments)
            return -EINVAL;
        if (bdev->has_flush)
            return bdev->ops->submit(bdev, bio);
        bio->done(bio, 0);              /* the disk keeps nothing back */
        block_run_deferred();
        return 0;
    }
    if (bio->op != BIO_READ && bio->op != BIO_WRITE)
        return -EINVAL;
    if (bio->nr_segments == 0 || bio->nr_segments > BIO_SEGMENTS || !segments_ok(bio, &bytes))
        return -EINVAL;
    if (bio->op == BIO_WRITE && bdev->readonly)
        return -EROFS;
    if (bio->sector >= bdev->sectors || bytes / SECTOR_SIZE > bdev->sectors - bio->sector)
        return -EINVAL;
    return bdev->ops->submit(bdev, bio);
}

void block_kick(struct block_device *bdev)
{
    bdev->ops->kick(bdev);
}

/* ---- The ends of batches ---- */

/* No lock: events are disabled wherever the kernel runs, and handlers run one after another. */
static struct block_work *deferred;

void block_defer(struct block_work *work)
{
    if (work->waits)
        return;
    work->waits = true;
    work->next = deferred;
    deferred = work;
}

void block_run_deferred(void)
{
    while (deferred) {
        struct block_work *work = deferred;

        deferred = work->next;
        work->waits = false;
        work->run(work);
    }
}

/* ---- Transfers of our own ---- */

/* Bios that are under way together, for one task, which sleeps until all have ended. */
struct group {
    struct wait_queue waiter;
    unsigned int under_way;
    int error;                      /* of the first that failed */
};

static void bio_ended(struct bio *bio, int error)
{
    struct group *g = bio->private;

    if (error && !g->error)
        g->error = error;
    if (--g->under_way == 0)
        wake_up(&g->waiter);
}

static void start_group(struct group *g)
{
    g->under_way = 0;
    g->error = 0;
    wait_queue_init(&g->waiter);
}

/* One more; it is the disk's, or has ended, until finish_group() returns. */
static void submit_to_group(struct block_device *bdev, struct group *g, struct bio *bio)
{
    int rc;

    bio->private = g;
    bio->done = bio_ended;
    g->under_way++;
    rc = block_submit(bdev, bio);
    if (rc)
        bio_ended(bio, rc);
}

/* Lets the disk begin, and sleeps until all of it came back: 0, or the first error. */
static int finish_group(struct block_device *bdev, struct group *g)
{
    block_kick(bdev);
    while (g->under_way)
        wait_uninterruptible(&g->waiter);
    return g->error;
}

int block_flush(struct block_device *bdev)
{
    struct bio *bio = kmalloc(sizeof(*bio));
    struct group g;
    int rc;

    if (!bio)
        return -ENOMEM;
    bio->op = BIO_FLUSH;
    start_group(&g);
    submit_to_group(bdev, &g, bio);
    rc = finish_group(bdev, &g);
    kfree(bio);
    return rc;
}

void block_flush_all(void)
{
    struct list *pos;

    list_for_each(pos, &disks) {
        struct block_device *bdev = container_of(pos, struct block_device, link);

        /* It stays in the list while we sleep, and so does the way to the next. */
        bdev->users++;
        if (block_flush(bdev))
            printk("%s: what was written may not be on the disk\n", bdev->name);
        bdev->users--;
    }
}

/* ---- Kernel memory ---- */

/* Blocks of several pages from kmalloc() are mapped apart from the pages' home addresses. */
static pv_mfn_t frame_of(const char *p)
{
    uint64_t va = (uint64_t)p;

    if (va >= PV_VMAP_BASE && va < PV_VIRT_BASE)
        return pv_pte_mfn(*pv_find_pte(pv_current_root(), va, 1));
    return pv_va_to_mfn((const void *)ALIGN_DOWN(va, PAGE_SIZE));
}

/* Puts as much of the memory into the bio as it holds; returns how much. */
static size_t fill(struct bio *bio, const char *buf, size_t len)
{
    size_t done = 0;

    for (bio->nr_segments = 0; bio->nr_segments < BIO_SEGMENTS && done < len;
         bio->nr_segments++) {
        uint32_t offset = (uint32_t)((uint64_t)(buf + done) % PAGE_SIZE);
        uint32_t n = (uint32_t)min(len - done, PAGE_SIZE - offset);

        bio->segment[bio->nr_segments] = (struct bio_segment){
            .mfn = frame_of(buf + done), .offset = offset, .len = n,
        };
        done += n;
    }
    return done;
}

/*
 * Sends as much as may be under way at a time, and waits for it; returns how much that was, or an
 * errno. With less memory for bios it is less.
 */
static long move_some(struct block_device *bdev, enum bio_op op, uint64_t offset, const char *buf,
                      size_t len)
{
    struct bio *bios[BLOCK_BIOS];
    unsigned int nr = 0;
    struct group g;
    size_t done = 0;
    int rc;

    start_group(&g);
    while (nr < BLOCK_BIOS && done < len && !g.error) {
        struct bio *bio = kmalloc(sizeof(*bio));

        if (!bio)
            break;
        bio->op = op;
        bio->sector = (offset + done) / SECTOR_SIZE;
        done += fill(bio, buf + done, len - done);
        bios[nr++] = bio;
        submit_to_group(bdev, &g, bio);
    }
    rc = nr ? finish_group(bdev, &g) : -ENOMEM;
    while (nr > 0)
        kfree(bios[--nr]);
    return rc ? rc : (long)done;
}

/* Whole sectors, from memory that begins at one. */
static int move_sectors(struct block_device *bdev, enum bio_op op, uint64_t offset, const char *buf,
                        size_t len)
{
    long n = 0;

    for (size_t done = 0; done < len && n >= 0; done += n > 0 ? (size_t)n : 0)
        n = move_some(bdev, op, offset + done, buf + done, len - done);
    return n < 0 ? (int)n : 0;
}

static bool whole_sectors(uint64_t offset, const void *buf, size_t len)
{
    return !((offset | (uint64_t)buf | len) % SECTOR_SIZE);
}

/* A part of a range by way of @page; returns how much of it that was, or an errno. */
static long move_part(struct block_device *bdev, enum bio_op op, uint64_t offset, char *buf,
                      size_t len, char *page)
{
    uint64_t start = ALIGN_DOWN(offset, SECTOR_SIZE);
    size_t skip = offset - start, n = min(len, PAGE_SIZE - skip);
    size_t span = ALIGN_UP(skip + n, SECTOR_SIZE);
    int rc = move_sectors(bdev, BIO_READ, start, page, span);

    if (rc)
        return rc;
    if (op == BIO_READ) {
        memcpy(buf, page + skip, n);
        return (long)n;
    }
    memcpy(page + skip, buf, n);
    rc = move_sectors(bdev, BIO_WRITE, start, page, span);
    return rc ? rc : (long)n;
}

/*
 * Memory and range that are made of whole sectors are the disk's own to read or write; anything
 * else goes by way of a page, a sector's unwritten part being read before it is written again.
 */
static int move(struct block_device *bdev, enum bio_op op, uint64_t offset, char *buf, size_t len)
{
    uint64_t size = bdev->sectors * SECTOR_SIZE;
    char *page;
    long n = 0;

    if (offset > size || len > size - offset)
        return -EINVAL;
    if (whole_sectors(offset, buf, len))
        return move_sectors(bdev, op, offset, buf, len);
    page = pv_alloc_page();
    if (!page)
        return -ENOMEM;
    for (size_t done = 0; done < len && n >= 0; done += n > 0 ? (size_t)n : 0)
        n = move_part(bdev, op, offset + done, buf + done, len - done, page);
    pv_free_page(page);
    return n < 0 ? (int)n : 0;
}

int block_read(struct block_device *bdev, uint64_t offset, void *buf, size_t len)
{
    return move(bdev, BIO_READ, offset, buf, len);
}

int block_write(struct block_device *bdev, uint64_t offset, const void *buf, size_t len)
{
    static struct wait_queue turn = WAIT_QUEUE_INIT(turn);
    static bool writing;
    int rc;

    if (bdev->readonly)
        return -EROFS;
    while (writing)
        wait_uninterruptible(&turn);
    writing = true;
    rc = move(bdev, BIO_WRITE, offset, (char *)buf, len);
    writing = false;
    wake_up(&turn);
    return rc;
}
