/* SPDX-License-Identifier: MIT */
/* Which driver knows which PCI device. */
#include "block/block.h"
#include "drivers/virtio.h"
#include "drivers/virtio_blk.h"

static const struct {
    uint16_t vendor, device;
    const char *name;
    int (*probe)(const struct pci_device *dev);
} drivers[] = {
    { VIRTIO_VENDOR, VIRTIO_DEVICE(VIRTIO_BLK_ID), "virtio-blk", virtio_blk_probe },
};

static void start_driver(const struct pci_device *dev)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        int rc;

        if (drivers[i].vendor != dev->vendor || drivers[i].device != dev->device)
            continue;
        rc = drivers[i].probe(dev);
        if (rc)
            printk("%s " PCI_NAME ": not used (error %d)\n", drivers[i].name, PCI_NAME_OF(dev),
                   -rc);
    }
}

void drivers_init(void)
{
    int rc = pci_init();

    if (rc)
        printk("pci: no access to configuration space (error %d)\n", -rc);
    else
        pci_for_each(start_driver);
}
