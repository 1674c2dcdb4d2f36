/* SPDX-License-Identifier: MIT */
/*
 * MSI-X, by a virtio random-number device: a buffer is given to it, and when it is filled the
 * device raises the interrupt of its queue.
 */
#include "device.h"

#define VIRTIO_RNG      0x10441af4u
#define MSIX_CONTROL    2u      /* its place in the capability */
#define MSIX_ENABLE     0x8000u

#define CFG_COMMON      1
#define CFG_NOTIFY      2

struct common {
    uint32_t device_feature_select, device_feature, driver_feature_select, driver_feature;
    uint16_t msix_config, num_queues;
    uint8_t status, generation;
    uint16_t queue_select, queue_size, queue_vector, queue_enable, queue_notify_off;
    uint32_t queue_desc[2], queue_driver[2], queue_device[2];
};
_Static_assert(offsetof(struct common, queue_device) == 48, "virtio's layout");

#define STATUS_DRIVER   3u      /* seen, and there is a driver */
#define STATUS_FEATURES 8u
#define STATUS_GO       4u
#define QUEUE_SIZE      4u

/* One page: descriptors, the list of ours, the list of its. */
static struct queue {
    struct {
        uint64_t addr;
        uint32_t len;
        uint16_t flags, next;
    } desc[QUEUE_SIZE];
    struct {
        uint16_t flags, idx, ring[QUEUE_SIZE];
    } ours __attribute__((aligned(1024)));
    struct {
        uint16_t flags, idx;
        struct {
            uint32_t id, len;
        } ring[QUEUE_SIZE];
    } its __attribute__((aligned(1024)));
    char buffer[64] __attribute__((aligned(1024)));
} queue __attribute__((aligned(4096)));

static volatile struct common *common;
static volatile uint16_t *doorbell;

static uint64_t maddr(const void *p)
{
    return pv_va_to_mfn(p).nr << PV_PAGE_SHIFT | (uint64_t)p % PV_PAGE_SIZE;
}

static unsigned int find_cfg(unsigned int devfn, unsigned int type)
{
    unsigned int cap = pci_next_cap(devfn, 0, CAP_VENDOR);

    while (cap && pci_in(devfn, cap) >> 24 != type)
        cap = pci_next_cap(devfn, cap, CAP_VENDOR);
    return cap;
}

static volatile void *map_cfg(unsigned int devfn, unsigned int cap, uint64_t more)
{
    return pci_map(devfn, pci_in(devfn, cap + 4) & 0xff, pci_in(devfn, cap + 8) + more);
}

static void set_address(volatile uint32_t *to, const void *what)
{
    to[0] = (uint32_t)maddr(what);
    to[1] = (uint32_t)(maddr(what) >> 32);
}

static bool start(unsigned int devfn)
{
    unsigned int cfg = find_cfg(devfn, CFG_COMMON), notify = find_cfg(devfn, CFG_NOTIFY);

    if (!EXPECT_TRUE(cfg && notify))
        return false;
    common = map_cfg(devfn, cfg, 0);
    common->status = 0;
    common->status = STATUS_DRIVER;
    common->driver_feature_select = 1;
    common->driver_feature = 1;         /* version 1 */
    common->status = STATUS_DRIVER | STATUS_FEATURES;
    common->queue_select = 0;
    common->queue_size = QUEUE_SIZE;
    common->queue_vector = 0;
    set_address(common->queue_desc, queue.desc);
    set_address(common->queue_driver, &queue.ours);
    set_address(common->queue_device, &queue.its);
    common->queue_enable = 1;
    common->status = STATUS_DRIVER | STATUS_FEATURES | STATUS_GO;
    doorbell = map_cfg(devfn, notify,
                       (uint64_t)common->queue_notify_off * pci_in(devfn, notify + 16));
    return EXPECT_EQ(common->queue_vector, 0) &&
           EXPECT_EQ(common->status, STATUS_DRIVER | STATUS_FEATURES | STATUS_GO);
}

static void enable(unsigned int devfn, unsigned int cap, bool on)
{
    unsigned int control = pci_in(devfn, cap) >> 16 & ~MSIX_ENABLE;

    pci_out16(devfn, cap + MSIX_CONTROL, (uint16_t)(on ? control | MSIX_ENABLE : control));
}

static void ask(void)
{
    unsigned int slot = queue.ours.idx % QUEUE_SIZE;

    queue.desc[slot].addr = maddr(queue.buffer);
    queue.desc[slot].len = sizeof(queue.buffer);
    queue.desc[slot].flags = 2;         /* the device writes */
    queue.ours.ring[slot] = (uint16_t)slot;
    __atomic_store_n(&queue.ours.idx, (uint16_t)(queue.ours.idx + 1), __ATOMIC_SEQ_CST);
    *doorbell = 0;
}

CASE(pirq_msix, "an entry of a device's MSI-X table is set by the hypervisor; its interrupts are "
     "events, until the port is closed",
     "physdev_op.map_pirq:msix physdev_op.map_pirq:msix_entry physdev_op.prepare_msix:effect")
{
    unsigned int devfn = pci_find(VIRTIO_RNG), cap;
    struct physdev_pci_device device = { .devfn = (uint8_t)devfn };
    struct physdev_map_pirq op, bad;
    int port;

    if (!devfn)
        return;
    cap = pci_next_cap(devfn, 0, CAP_MSIX);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_prepare_msix, &device), 0);
    EXPECT_EQ(map_message(devfn, 2000, 1, &bad), -XEN_EINVAL);
    EXPECT_EQ(map_message(devfn, 0, pci_in(devfn, 0x14) & ~0xfu, &op), 0);
    port = bind_pirq((unsigned int)op.pirq);
    if (!EXPECT_TRUE(port > 0))
        return;
    enable(devfn, cap, true);
    if (!start(devfn))
        return;
    for (uint16_t i = 1; i <= 6; i++) {
        ask();
        EXPECT_TRUE(event_comes(port));
        EXPECT_EQ(*(volatile uint16_t *)&queue.its.idx, i);
    }
    common->status = 0;
    enable(devfn, cap, false);
    EXPECT_EQ(pv_close((evtchn_port_t)port), 0);
    EXPECT_EQ(unmap_pirq(op.pirq), 0);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_release_msix, &device), 0);
}
