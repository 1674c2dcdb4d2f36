/* SPDX-License-Identifier: MIT */
/*
 * Disks behind virtio. A bio is one request: a head, the bio's segments, and a byte for the
 * outcome. As many are with the device as its queue has slots; more wait here, in order.
 *
 * A device that talks nonsense is stopped, and everything that it had or was to have fails.
 */
#include "drivers/virtio_blk.h"
#include "block/block.h"
#include "drivers/virtio.h"

#define F_SEG_MAX  (1ull << 2)
#define F_READONLY (1ull << 5)
#define F_BLK_SIZE (1ull << 6)
#define F_SIZE_MAX (1ull << 1)
#define F_FLUSH    (1ull << 9)

enum { TYPE_READ = 0, TYPE_WRITE = 1, TYPE_FLUSH = 4 };
enum { OUTCOME_OK = 0, OUTCOME_IOERR = 1, OUTCOME_UNSUPPORTED = 2 };

#define ENTRY     0u                    /* of the MSI-X table */
#define CHAIN     (BIO_SEGMENTS + 2)
#define MAX_DISKS 26u

struct blk_config {
    uint64_t capacity;
    uint32_t size_max, seg_max;
    uint8_t geometry[4];
    uint32_t blk_size;
};

/* What a request has beside the bio's memory. */
struct blk_head {
    uint32_t type, reserved;
    uint64_t sector;
    uint8_t outcome, pad[15];
};
_Static_assert(VIRTQUEUE_MAX * sizeof(struct blk_head) <= PAGE_SIZE, "they are in one page");

/*
 * A disk. A bio is in `bios` while the device has it, or in `waiting` until a slot is free; while
 * anything waits, no slot is. Once `broken` is set, both are empty and stay so.
 */
struct virtio_blk {
    struct virtio_device device;
    struct virtqueue queue;
    struct pci_irq irq;
    struct block_device bdev;
    struct blk_head *heads;             /* by slot */
    struct bio *bios[VIRTQUEUE_MAX];    /* by slot; NULL: free */
    struct list waiting;                /* for a slot */
    bool broken;
};

static unsigned int nr_disks;

/* ---- Requests ---- */

/*
 * Fills a slot: a head that the device reads, the bio's memory, and a byte that the device writes.
 * The byte says failure until it does, in case that the device claims an end without it.
 */
static void start(struct virtio_blk *blk, unsigned int slot, struct bio *bio)
{
    static const uint32_t types[] = {
        [BIO_READ] = TYPE_READ, [BIO_WRITE] = TYPE_WRITE, [BIO_FLUSH] = TYPE_FLUSH,
    };
    struct virtqueue *q = &blk->queue;
    struct blk_head *head = &blk->heads[slot];
    uint64_t maddr = (pv_va_to_mfn(blk->heads).nr << PAGE_SHIFT) + slot * sizeof(*head);
    unsigned int n = 0;

    *head = (struct blk_head){
        .type = types[bio->op], .sector = bio->op == BIO_FLUSH ? 0 : bio->sector,
        .outcome = OUTCOME_IOERR,
    };
    blk->bios[slot] = bio;
    virtqueue_set(q, slot, n++, maddr, offsetof(struct blk_head, outcome), false);
    for (unsigned int i = 0; i < bio->nr_segments; i++) {
        const struct bio_segment *s = &bio->segment[i];

        virtqueue_set(q, slot, n++, (s->mfn.nr << PAGE_SHIFT) + s->offset, s->len,
                      bio->op == BIO_READ);
    }
    virtqueue_set(q, slot, n++, maddr + offsetof(struct blk_head, outcome), 1, true);
    virtqueue_submit(q, slot, n);
}

static int submit(struct block_device *bdev, struct bio *bio)
{
    struct virtio_blk *blk = bdev->private;
    int slot;

    if (blk->broken)
        return -EIO;
    slot = virtqueue_take_slot(&blk->queue);
    if (slot < 0)
        list_add_tail(&blk->waiting, &bio->link);
    else
        start(blk, (unsigned int)slot, bio);
    return 0;
}

static void kick(struct block_device *bdev)
{
    struct virtio_blk *blk = bdev->private;

    if (!blk->broken)
        virtqueue_ring(&blk->queue);
}

static int outcome_error(uint8_t outcome)
{
    return outcome == OUTCOME_OK ? 0 : outcome == OUTCOME_UNSUPPORTED ? -EOPNOTSUPP : -EIO;
}

/* Gives the slot to who waits, and then tells the owner. */
static void finish(struct virtio_blk *blk, unsigned int slot)
{
    struct bio *bio = blk->bios[slot];
    int error = outcome_error(*(volatile uint8_t *)&blk->heads[slot].outcome);

    blk->bios[slot] = NULL;
    if (list_empty(&blk->waiting)) {
        virtqueue_put_slot(&blk->queue, slot);
    } else {
        struct bio *next = container_of(blk->waiting.next, struct bio, link);

        list_del(&next->link);
        start(blk, slot, next);
    }
    bio->done(bio, error);
}

/* Nobody's memory may be written any more when the bios go back. */
static void give_up(struct virtio_blk *blk)
{
    printk("%s: the device answers what it was not asked; it is used no more\n", blk->bdev.name);
    blk->broken = true;
    virtio_stop(&blk->device);
    for (unsigned int slot = 0; slot < blk->queue.nr_slots; slot++) {
        struct bio *bio = blk->bios[slot];

        blk->bios[slot] = NULL;
        if (bio)
            bio->done(bio, -EIO);
    }
    while (!list_empty(&blk->waiting)) {
        struct bio *bio = container_of(blk->waiting.next, struct bio, link);

        list_del(&bio->link);
        bio->done(bio, -EIO);
    }
}

/* Takes all there is; what waited and was started thereby is rung for once, behind the last. */
static void interrupt(void *data)
{
    struct virtio_blk *blk = data;
    int slot;

    while (!blk->broken && (slot = virtqueue_next(&blk->queue)) != -EAGAIN) {
        if (slot < 0)
            give_up(blk);
        else
            finish(blk, (unsigned int)slot);
    }
    kick(&blk->bdev);
    block_run_deferred();
}

static const struct block_ops virtio_blk_ops = { .submit = submit, .kick = kick };

/* ---- Start ---- */

/* What the disk is, and whether the bios that we make suit it. */
static int read_config(struct virtio_blk *blk)
{
    const volatile struct blk_config *config = blk->device.config;
    uint64_t features = blk->device.features;
    uint8_t generation;

    if (!config || blk->device.config_len < sizeof(*config))
        return -ENODEV;
    do {
        generation = virtio_generation(&blk->device);
        blk->bdev.sectors = config->capacity;
    } while (generation != virtio_generation(&blk->device));
    if ((features & F_BLK_SIZE && config->blk_size != SECTOR_SIZE) ||
        (features & F_SEG_MAX && config->seg_max < BIO_SEGMENTS) ||
        (features & F_SIZE_MAX && config->size_max < PAGE_SIZE))
        return -EOPNOTSUPP;
    blk->bdev.readonly = features & F_READONLY;
    blk->bdev.has_flush = features & F_FLUSH;
    return 0;
}

/*
 * Interrupt, queue, start, /dev, in the order in which each needs the one before. A device that was
 * started is stopped before its queue goes.
 */
static int make_disk(struct virtio_blk *blk)
{
    int rc;

    if (nr_disks == MAX_DISKS)
        return -ENOSPC;
    snprintf(blk->bdev.name, sizeof(blk->bdev.name), "vd%c", 'a' + (int)nr_disks);
    blk->bdev.ops = &virtio_blk_ops;
    blk->bdev.private = blk;
    list_init(&blk->waiting);
    blk->irq.handler = interrupt;
    blk->irq.data = blk;
    rc = pci_irq_bind(&blk->device.pci, ENTRY, &blk->irq);
    if (rc) {
        printk("virtio " PCI_NAME ": no MSI-X interrupt (error %d)\n",
               PCI_NAME_OF(&blk->device.pci), -rc);
        return rc;
    }
    rc = virtio_add_queue(&blk->device, &blk->queue, 0, CHAIN, ENTRY);
    if (rc)
        goto unbind;
    virtio_start(&blk->device);
    rc = block_register(&blk->bdev);
    if (rc)
        goto remove_queue;
    nr_disks++;
    return 0;

remove_queue:
    virtio_stop(&blk->device);
    virtqueue_destroy(&blk->queue);
unbind:
    pci_irq_unbind(&blk->device.pci, &blk->irq);
    return rc;
}

int virtio_blk_probe(const struct pci_device *pci)
{
    struct virtio_blk *blk = kmalloc(sizeof(*blk));
    int rc = -ENOMEM;

    if (!blk)
        return rc;
    blk->heads = pv_alloc_page();
    if (!blk->heads)
        goto free;
    rc = virtio_attach(&blk->device, pci);
    if (rc)
        goto free_heads;
    rc = virtio_negotiate(&blk->device, F_SEG_MAX | F_SIZE_MAX | F_READONLY | F_BLK_SIZE | F_FLUSH |
                                        VIRTIO_F_INDIRECT);
    if (!rc)
        rc = read_config(blk);
    if (!rc)
        rc = make_disk(blk);
    if (!rc)
        return 0;
    virtio_stop(&blk->device);
free_heads:
    pv_free_page(blk->heads);
free:
    kfree(blk);
    return rc;
}
