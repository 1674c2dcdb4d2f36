/* SPDX-License-Identifier: MIT */
/*
 * The registers of virtio devices: vendor capabilities in configuration space say in which BAR, and
 * where there, each of them lies. The start is the specification's: reset, acknowledge, agree on
 * features, make queues, go.
 */
#include "drivers/virtio.h"

/* Kinds of registers. */
enum { KIND_COMMON = 1, KIND_NOTIFY = 2, KIND_DEVICE = 4 };

/* A vendor capability. */
#define CAP_KIND       3u
#define CAP_BAR        4u
#define CAP_OFFSET     8u
#define CAP_LENGTH     12u
#define CAP_MULTIPLIER 16u

#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u
#define STATUS_FAILED      128u

#define NO_VECTOR 0xffffu
/* A reset is done when the status reads as 0, in emulated devices at once. */
#define RESET_NS (1000 * PV_NS_PER_MS)

/* A kind each, of which the specification has nine, some of them more than once. */
#define MAX_VENDOR_CAPS 32u
/* No device has more than this of one kind; QEMU gives a page to each. */
#define MAX_REGISTERS (1u << 20)

struct virtio_common {
    uint32_t device_feature_select, device_feature;
    uint32_t driver_feature_select, driver_feature;
    uint16_t config_vector, num_queues;
    uint8_t status, config_generation;
    uint16_t queue_select, queue_size, queue_vector, queue_enable, queue_notify_off;
    uint32_t queue_desc[2], queue_driver[2], queue_device[2];
};
_Static_assert(sizeof(struct virtio_common) == 56, "as the specification has it");

/* ---- Finding the registers ---- */

/*
 * Maps the first registers of a kind that are at least @least bytes long: *len says how long, *cap
 * where their capability is. NULL: none, or not there.
 */
static volatile void *map_kind(const struct pci_device *pci, unsigned int kind, uint32_t least,
                               unsigned int *cap, uint32_t *len)
{
    unsigned int at = 0;

    /* A device whose list leads back into itself is not followed for ever. */
    for (unsigned int i = 0; i < MAX_VENDOR_CAPS; i++) {
        at = pci_find_cap(pci, PCI_CAP_VENDOR, at);
        if (!at)
            return NULL;
        if (pci_read(pci, at + CAP_KIND, 1) != kind)
            continue;
        *cap = at;
        *len = min(pci_read(pci, at + CAP_LENGTH, 4), MAX_REGISTERS);
        return *len < least ? NULL : pci_map(pci, pci_read(pci, at + CAP_BAR, 1),
                                             pci_read(pci, at + CAP_OFFSET, 4), *len);
    }
    return NULL;
}

/* Until the device says that it is done, but not for ever. */
static int reset(struct virtio_device *v)
{
    uint64_t deadline = pv_system_time() + RESET_NS;

    v->common->status = 0;
    while (v->common->status != 0) {
        if (pv_system_time() > deadline)
            return -EIO;
    }
    return 0;
}

int virtio_attach(struct virtio_device *v, const struct pci_device *pci)
{
    unsigned int cap = 0;
    uint32_t len;
    int rc = -ENODEV;

    v->pci = *pci;
    pci_enable(pci);
    v->config = map_kind(pci, KIND_DEVICE, 0, &cap, &v->config_len);
    v->notify = map_kind(pci, KIND_NOTIFY, 2, &cap, &v->notify_len);
    if (v->notify)
        v->notify_multiplier = pci_read(pci, cap + CAP_MULTIPLIER, 4);
    v->common = map_kind(pci, KIND_COMMON, sizeof(*v->common), &cap, &len);
    if (v->common && v->notify)
        rc = reset(v);
    if (rc)
        pci_disable(pci);
    return rc;
}

/* ---- Start and end ---- */

/* Two words, one of which is selected at a time. */
static uint64_t offered(struct virtio_device *v)
{
    uint64_t features;

    v->common->device_feature_select = 0;
    features = v->common->device_feature;
    v->common->device_feature_select = 1;
    return features | (uint64_t)v->common->device_feature << 32;
}

/*
 * Version 1 is not a matter of taste: without it the device has registers of another kind. The
 * device may still say no to what it offered, by not keeping FEATURES_OK.
 */
int virtio_negotiate(struct virtio_device *v, uint64_t wanted)
{
    v->common->status = STATUS_ACKNOWLEDGE;
    v->common->status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
    v->features = offered(v) & (wanted | VIRTIO_F_VERSION_1);
    v->common->driver_feature_select = 0;
    v->common->driver_feature = (uint32_t)v->features;
    v->common->driver_feature_select = 1;
    v->common->driver_feature = (uint32_t)(v->features >> 32);
    v->common->status = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
    if (!(v->features & VIRTIO_F_VERSION_1) || !(v->common->status & STATUS_FEATURES_OK))
        return -EOPNOTSUPP;
    v->common->config_vector = NO_VECTOR;
    return 0;
}

static void write_address(volatile uint32_t field[2], const volatile void *p)
{
    uint64_t maddr = (pv_va_to_mfn((const void *)p).nr << PAGE_SHIFT) + (uint64_t)p % PAGE_SIZE;

    field[0] = (uint32_t)maddr;
    field[1] = (uint32_t)(maddr >> 32);
}

/* The largest queue that the device, our page and a power of two allow. */
static unsigned int queue_size(unsigned int limit)
{
    unsigned int size = VIRTQUEUE_MAX;

    while (size > limit)
        size /= 2;
    return size;
}

int virtio_add_queue(struct virtio_device *v, struct virtqueue *q, unsigned int index,
                     unsigned int chain, unsigned int entry)
{
    volatile struct virtio_common *c = v->common;
    bool indirect = v->features & VIRTIO_F_INDIRECT;
    uint64_t doorbell;
    unsigned int size;
    int rc;

    c->queue_select = (uint16_t)index;
    size = queue_size(c->queue_size);
    doorbell = (uint64_t)c->queue_notify_off * v->notify_multiplier;
    if (size == 0 || (!indirect && size < chain) || doorbell + 2 > v->notify_len)
        return -ENODEV;
    rc = virtqueue_create(q, size, chain, indirect);
    if (rc)
        return rc;
    q->index = (uint16_t)index;
    q->doorbell = (volatile uint16_t *)(v->notify + doorbell);
    c->queue_size = (uint16_t)size;
    c->queue_vector = (uint16_t)entry;
    if (c->queue_vector != entry) {
        virtqueue_destroy(q);
        return -EIO;
    }
    write_address(c->queue_desc, q->desc);
    write_address(c->queue_driver, q->avail);
    write_address(c->queue_device, q->used);
    c->queue_enable = 1;
    return 0;
}

uint8_t virtio_generation(const struct virtio_device *v)
{
    return v->common->config_generation;
}

void virtio_start(struct virtio_device *v)
{
    v->common->status = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK;
}

/* Even a device that does not obey can reach no memory once it is no bus master. */
void virtio_stop(struct virtio_device *v)
{
    if (reset(v))
        v->common->status = STATUS_FAILED;
    pci_disable(&v->pci);
}
