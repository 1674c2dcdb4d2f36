/* SPDX-License-Identifier: MIT */
/* A little of PCI: enough to let QEMU's test devices interrupt. */
#ifndef CONF_DEVICE_H
#define CONF_DEVICE_H

#include "../lib/case.h"

#define PCI_COMMAND     0x04u
#define COMMAND_ON      6u              /* memory is decoded, and the device may write memory */
#define CAP_MSI         0x05
#define CAP_VENDOR      0x09
#define CAP_MSIX        0x11

uint32_t pci_in(unsigned int devfn, unsigned int reg);
void pci_out(unsigned int devfn, unsigned int reg, uint32_t value);
/* 16 bits, as a control register of a capability wants it on Xen. */
void pci_out16(unsigned int devfn, unsigned int reg, uint16_t value);
/* The function of bus 0 with that vendor and device; 0: there is none, and the case is skipped. */
unsigned int pci_find(uint32_t device_vendor);
/* The next capability with this id, after the one at `after` (0: the first). 0: no more. */
unsigned int pci_next_cap(unsigned int devfn, unsigned int after, uint8_t id);
/* Maps the page of its memory that holds that offset; the byte's address. */
volatile void *pci_map(unsigned int devfn, unsigned int bar, uint64_t offset);

/* physdev_op, with the calls that are made often. */
int map_message(unsigned int devfn, int entry, uint64_t table_base, struct physdev_map_pirq *op);
int map_line(int gsi, struct physdev_map_pirq *op);
int unmap_pirq(int pirq);
/* The port, or the errno. */
int bind_pirq(unsigned int pirq);
/* Whether the port gets an event within a second; it is not pending afterwards. */
bool event_comes(int port);
bool event_waits(int port);     /* one is there now */

#endif
