/* SPDX-License-Identifier: MIT */
/* Disks behind virtio. */
#ifndef PVK_VIRTIO_BLK_H
#define PVK_VIRTIO_BLK_H

#include "drivers/pci.h"

#define VIRTIO_BLK_ID 2

/* Makes a disk of the device: vda, vdb, in the order in which they are found. 0 or errno. */
int virtio_blk_probe(const struct pci_device *pci);

#endif
