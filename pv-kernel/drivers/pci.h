/* SPDX-License-Identifier: MIT */
/*
 * PCI for drivers: configuration space, what its base address registers lead to, and MSI-X.
 *
 * Configuration space is reached by the ports 0xcf8 and 0xcfc, which the hypervisor emulates for
 * the control domain. Interrupts are the hypervisor's: it owns the MSI-X tables, and a driver
 * gets the event channel of a pirq.
 */
#ifndef PVK_PCI_H
#define PVK_PCI_H

#include "kernel.h"

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX   0x11

/* A function of a device by where it is; a plain value, to be copied. */
struct pci_device {
    uint8_t bus, devfn;
    uint16_t vendor, device;
};

/* "00:02.0" */
#define PCI_NAME        "%02x:%02x.%x"
#define PCI_NAME_OF(d)  (d)->bus, (d)->devfn >> 3, (d)->devfn & 7

/* ---- pci_ports.c ---- */
int pci_init(void);                 /* 0, or the errno that says why there are no ports for us */
/* @size is 1, 2 or 4, and @reg a multiple of it. */
uint32_t pci_read(const struct pci_device *dev, unsigned int reg, unsigned int size);
void pci_write(const struct pci_device *dev, unsigned int reg, unsigned int size, uint32_t value);

/* ---- pci.c: whatever a device answers, each of these ends, and reads nothing of others ---- */
/* Calls @found for each function that answers; it may keep a copy. */
void pci_for_each(void (*found)(const struct pci_device *dev));
/* The first capability with this id, or the next one behind @after (0: begin); 0: none. */
unsigned int pci_find_cap(const struct pci_device *dev, uint8_t id, unsigned int after);
/* Lets the device answer at its addresses, and read and write memory by itself. */
void pci_enable(const struct pci_device *dev);
void pci_disable(const struct pci_device *dev);     /* no more memory accesses of its own */
/* The machine address that memory BAR @bar (0 to 5) holds; 0: none was assigned, or it is ports. */
uint64_t pci_bar(const struct pci_device *dev, unsigned int bar);
/* Maps a part of a memory BAR, uncached, for ever; NULL: there is none, or it can't be mapped. */
volatile void *pci_map(const struct pci_device *dev, unsigned int bar, uint32_t offset,
                       uint32_t len);

/*
 * ---- msix.c: one interrupt of a device ----
 * handler and data are the driver's, set before it is bound; the structure stays until it is
 * unbound. needs_eoi: the hypervisor holds further interrupts back until it is told of the end.
 */
struct pci_irq {
    void (*handler)(void *data);
    void *data;
    int pirq, port;
    bool needs_eoi;
};
/* Routes MSI-X entry @entry to @handler, called as an event handler is; 0 or negative errno. */
int pci_irq_bind(const struct pci_device *dev, unsigned int entry, struct pci_irq *irq);
void pci_irq_unbind(const struct pci_device *dev, struct pci_irq *irq);

#endif
