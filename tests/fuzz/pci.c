/* SPDX-License-Identifier: MIT */
/*
 * A disk behind PCI that is broken or means harm (pv-kernel/drivers/): a good virtio disk with
 * some bytes of its configuration space and of its registers changed is looked for, started, used
 * and given up. All of that ends, stays in the memory that it is for, answers each request once,
 * and gives everything back; and a device that is not used can't write memory by itself.
 */
#include "fuzz.h"

#include "block/block.h"
#include "drivers/virtio_blk.h"
#include "pci_host.h"

enum { FOUND, REFUSED, STARTED, ANSWERED, GIVEN_UP };
FUZZ_GOALS(GOAL("a function found"), GOAL("a disk refused"), GOAL("a disk started"),
           GOAL("a request answered"), GOAL("a disk given up"))

#define MOST_READS 1000000ul    /* 256 buses of 256 functions */
#define COMMAND    0x04
#define MASTER     4
#define BIOS       8u

static struct fuzz_input *input;
static long objects;
static struct pci_irq *bound;
static struct bio bios[BIOS];
static unsigned int done[BIOS], submitted[BIOS];

/* ---- The rest of the kernel ---- */

void *kmalloc(size_t size)
{
    objects++;
    return calloc(1, size);
}

void kfree(void *p)
{
    objects -= p != NULL;
    free(p);
}

int pci_irq_bind(const struct pci_device *dev, unsigned int entry, struct pci_irq *irq)
{
    if (!pci_find_cap(dev, PCI_CAP_MSIX, 0) || entry > 0)
        return -ENODEV;
    bound = irq;
    return 0;
}

void pci_irq_unbind(const struct pci_device *dev, struct pci_irq *irq)
{
    (void)dev;
    FUZZ_CHECK(bound == irq);
    bound = NULL;
}

void block_run_deferred(void)
{
}

/* ---- The disk's owner ---- */

static void bio_done(struct bio *bio, int error)
{
    unsigned int i = (unsigned int)(bio - bios);

    FUZZ_CHECK(i < BIOS && done[i] < submitted[i]);
    FUZZ_CHECK(error == 0 || error == -EIO || error == -EOPNOTSUPP);
    done[i]++;
    REACHED(ANSWERED);
}

static void submit(struct block_device *bdev, unsigned int i)
{
    struct bio *bio = &bios[i];
    int rc;

    if (done[i] < submitted[i])
        return;
    *bio = (struct bio){ .op = i % 3, .sector = i, .done = bio_done };
    for (; bio->op != BIO_FLUSH && bio->nr_segments < 1 + i; bio->nr_segments++)
        bio->segment[bio->nr_segments] = (struct bio_segment){ pv_mfn(0x1000), 0, PAGE_SIZE };
    submitted[i]++;
    rc = bdev->ops->submit(bdev, bio);
    /* A device that was given up takes none. */
    FUZZ_CHECK(rc == 0 || (rc == -EIO && done[i] < submitted[i]));
    submitted[i] -= rc != 0;
}

/* The registers say where the ring is, which is what a device knows of it. */
static volatile uint16_t *used_ring(const struct virtio_device *v)
{
    uint64_t maddr;

    memcpy(&maddr, (const uint8_t *)v->common + 0x30, sizeof(maddr));
    return (volatile uint16_t *)maddr;
}

static void use(struct block_device *bdev, volatile uint16_t *used)
{
    volatile uint32_t *elements = (volatile uint32_t *)(used + 2);

    while (input->size > 0) {
        uint64_t what = fuzz_take(input, 1);

        if (what % 2 == 0) {
            submit(bdev, (unsigned int)(what / 2) % BIOS);
            continue;
        }
        /* Whatever it is asked, it writes at the ring's beginning, and moves the index. */
        for (unsigned int i = 0; i < 4; i++)
            elements[i * 2] = (uint32_t)fuzz_take(input, 1);
        used[1] = (uint16_t)(used[1] + what % 5);
        bound->handler(bound->data);
    }
    bdev->ops->kick(bdev);
}

/*
 * The disk is there: it is used, and ends with an index that can't be. It is refused then, so that
 * all of it is given back. The driver keeps the device first in what belongs to the disk.
 */
int block_register(struct block_device *bdev)
{
    volatile uint16_t *used = used_ring(bdev->private);

    REACHED(STARTED);
    FUZZ_CHECK(bound != NULL);
    use(bdev, used);
    used[1] = (uint16_t)(used[1] + 0x4000);
    bound->handler(bound->data);
    for (unsigned int i = 0; i < BIOS; i++)
        FUZZ_CHECK(done[i] == submitted[i]);
    FUZZ_CHECK(bdev->ops->submit(bdev, &bios[0]) == -EIO);
    REACHED(GIVEN_UP);
    return -EEXIST;
}

/* ---- The device ---- */

static bool in_one_slot(const struct pci_device *dev)
{
    return dev->devfn < 8;
}

static void put(uint8_t *at, uint64_t value, size_t bytes)
{
    memcpy(at, &value, bytes);
}

static void put_cap(unsigned int at, uint8_t next, uint8_t kind, uint32_t offset)
{
    const uint8_t head[] = { PCI_CAP_VENDOR, next, 16, kind, 4 };

    memcpy(machine.config + at, head, sizeof(head));
    put(machine.config + at + 8, offset, 4);
    put(machine.config + at + 12, 0x1000, 4);
}

/* The registers are plain memory: what the driver writes there, it reads. */
static void good_device(void)
{
    static const uint8_t msix[] = { PCI_CAP_MSIX, 0x50, 1 };
    uint8_t *config = machine.config, *disk = machine.window[0], *common = machine.window[2];

    put(config, VIRTIO_VENDOR | (uint64_t)VIRTIO_DEVICE(VIRTIO_BLK_ID) << 16, 4);
    config[0x06] = 0x10;
    put(config + 0x20, 0xfe000000, 4);
    config[0x34] = 0x40;
    memcpy(config + 0x40, msix, sizeof(msix));
    put_cap(0x50, 0x64, 4, 0x2000);
    put_cap(0x64, 0x78, 2, 0x3000);
    put_cap(0x78, 0, 1, 0);
    put(disk, 1000, 8);
    put(disk + 8, PAGE_SIZE, 4);
    put(disk + 12, BIO_SEGMENTS, 4);
    put(disk + 20, SECTOR_SIZE, 4);
    /* Both halves of the features are this: version 1, flush, and perhaps indirect ones. */
    put(common + 4, 0x201 | fuzz_take(input, 1) % 2 << 28, 4);
    put(common + 0x18, 128, 2);
}

/* Each of some bytes, in one of the four places, is set to another. */
static void damage(void)
{
    uint8_t *places[] = { machine.config, machine.config + 0x40, machine.window[0],
                          machine.window[2] };
    uint64_t changes = fuzz_take(input, 1) % 5;

    while (changes-- > 0) {
        uint8_t *place = places[fuzz_take(input, 1) % 4];

        place[fuzz_take(input, 1) % 64] = (uint8_t)fuzz_take(input, 1);
    }
}

static void found(const struct pci_device *dev)
{
    int rc;

    REACHED(FOUND);
    if (dev->devfn || dev->bus)
        return;
    machine.nr_windows = 0;
    rc = virtio_blk_probe(dev);
    FUZZ_CHECK(rc < 0);
    FUZZ_CHECK(objects == 0 && machine.pages == 0 && bound == NULL);
    if (rc != -EEXIST)
        REACHED(REFUSED);
    FUZZ_CHECK(!(machine.config[COMMAND] & MASTER));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };

    input = &in;
    machine_start();
    memset(done, 0, sizeof(done));
    memset(submitted, 0, sizeof(submitted));
    good_device();
    damage();
    if (fuzz_take(input, 1) % 64 == 0)
        machine.present = in_one_slot;
    if (fuzz_take(input, 1) % 8 == 0)
        machine.refuse_map = (unsigned int)fuzz_take(input, 1);
    pci_for_each(found);
    FUZZ_CHECK(machine.reads < MOST_READS);
    return 0;
}
