/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices on PCI as version 1 of the specification has them ("modern"), with split queues.
 *
 * A queue lies in one page, so its machine memory is in one piece. It has slots: a request is in
 * one slot from virtqueue_submit() until virtqueue_next() gives the slot back, and may use as
 * many buffers as the queue's chains are long. With indirect descriptors a slot has a table of
 * its own and there are as many slots as entries; without, the ring's entries are shared out
 * among fewer.
 */
#ifndef PVK_VIRTIO_H
#define PVK_VIRTIO_H

#include "drivers/pci.h"

#define VIRTIO_VENDOR      0x1af4
#define VIRTIO_DEVICE(id)  (0x1040 + (id))

#define VIRTIO_F_INDIRECT  (1ull << 28)
#define VIRTIO_F_VERSION_1 (1ull << 32)

struct virtio_common;               /* virtio.c */

/*
 * A device, from virtio_attach() on. The registers stay mapped for ever, and are the device's: what
 * is read there is checked as anything is that comes from outside.
 */
struct virtio_device {
    struct pci_device pci;
    volatile struct virtio_common *common;
    volatile uint8_t *notify;
    uint32_t notify_len, notify_multiplier;
    volatile void *config;          /* the device's own, config_len bytes */
    uint32_t config_len;
    uint64_t features;              /* those in use */
};

/* A buffer in machine memory, as the specification has it: flags say whether `next` counts. */
struct vring_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

struct vring_avail;
struct vring_used;

/* Descriptors, and both rings, of as many entries fit into a page. */
#define VIRTQUEUE_MAX 128u

/*
 * A slot is in one of three hands: free (in the stack), taken (between virtqueue_take_slot() and
 * virtqueue_submit(), or after virtqueue_next(), until it is submitted again or put back), or busy,
 * which means the device has it. All calls come with events disabled, so there is no lock.
 */
struct virtqueue {
    unsigned int size;              /* entries of the rings, a power of two */
    unsigned int nr_slots, chain;   /* buffers that a slot's request can have */
    bool indirect;
    struct vring_desc *desc;
    struct vring_avail *avail;
    volatile struct vring_used *used;
    volatile uint16_t *doorbell;
    uint16_t index, last_used;
    bool rings;                     /* requests were submitted since the device was rung */
    struct vring_desc *tables[VIRTQUEUE_MAX];   /* of the slots, if indirect */
    uint8_t free[VIRTQUEUE_MAX];    /* a stack of slots that nobody uses */
    unsigned int nr_free;
    bool busy[VIRTQUEUE_MAX];       /* the device has it */
};

/* ---- virtio.c: each returns 0 or a negative errno ---- */
/*
 * Finds the registers and resets the device, which may use memory by itself from then on until
 * virtio_stop(); after an error it may not. -ENODEV: registers are missing or too short; -EIO: it
 * does not come back from its reset.
 */
int virtio_attach(struct virtio_device *v, const struct pci_device *pci);
/* Takes those of @wanted that the device offers; -EOPNOTSUPP: it isn't content with that. */
int virtio_negotiate(struct virtio_device *v, uint64_t wanted);
/*
 * Sets up queue @index, of requests with up to @chain buffers, whose interrupts go to MSI-X entry
 * @entry; its size is the smaller of the device's and ours. The device uses it once it was started.
 */
int virtio_add_queue(struct virtio_device *v, struct virtqueue *q, unsigned int index,
                     unsigned int chain, unsigned int entry);
/* Rises when the device's own registers change: what was read meanwhile may be half of each. */
uint8_t virtio_generation(const struct virtio_device *v);
void virtio_start(struct virtio_device *v);
/* Resets the device; it does nothing more, and its queues' memory is ours. */
void virtio_stop(struct virtio_device *v);

/* ---- virtqueue.c ---- */
/*
 * Memory for a queue of @size entries, a power of two up to VIRTQUEUE_MAX; 0 or -ENOMEM, and then
 * nothing is left. Destroyed only when the device can't reach it any more.
 */
int virtqueue_create(struct virtqueue *q, unsigned int size, unsigned int chain, bool indirect);
void virtqueue_destroy(struct virtqueue *q);
int virtqueue_take_slot(struct virtqueue *q);       /* -EBUSY: all are in use */
void virtqueue_put_slot(struct virtqueue *q, unsigned int slot);
/* Buffer number @i of a slot's request, in machine memory; those the device writes come last. */
void virtqueue_set(struct virtqueue *q, unsigned int slot, unsigned int i, uint64_t maddr,
                   uint32_t len, bool device_writes);
/*
 * The device may take the request from now on, and does once it is rung. Buffers 0 to @buffers - 1
 * were set since the slot was taken.
 */
void virtqueue_submit(struct virtqueue *q, unsigned int slot, unsigned int buffers);
/* Rings the device for all that it was not rung for, unless it asked not to be. */
void virtqueue_ring(struct virtqueue *q);
/*
 * A slot that the device is done with, which is the caller's now; -EAGAIN: none; -EIO: the device
 * talks nonsense, and should be stopped: what it has may never come back.
 */
int virtqueue_next(struct virtqueue *q);

#endif
