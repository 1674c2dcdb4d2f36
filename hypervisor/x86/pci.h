/* SPDX-License-Identifier: MIT */
/* PCI configuration space, and the message-signalled interrupts of a device. */
#ifndef X86_PCI_H
#define X86_PCI_H

#include "lib/types.h"

#define PORT_PCI_ADDRESS 0xcf8u
#define PORT_PCI_DATA    0xcfcu
#define PCI_ADDRESS_ENABLE 0x80000000u

#define PCI_VENDOR       0x00u
#define PCI_COMMAND      0x04u
#define PCI_COMMAND_MEMORY 2u
#define PCI_STATUS       0x06u
#define PCI_STATUS_LIST  0x10u      /* there is a list of capabilities */
#define PCI_BAR(n)       (0x10u + 4 * (n))
#define PCI_LIST         0x34u      /* where the list begins */
#define PCI_LIST_FIRST   0x40u      /* below is the header */
#define PCI_LIST_MAX     48u        /* so many entries of 4 bytes is there room for */

struct pci_function {
    u8 bus, devfn;
};

/* ---- pci.c ---- */
/* An access at PORT_PCI_DATA or one of the three behind it, with @address in the other register. */
u32 pci_data_in(u32 address, u16 port, unsigned int size);
void pci_data_out(u32 address, u16 port, unsigned int size, u32 value);
/* A register of 1, 2 or 4 bytes, aligned. What is not there reads as ones. */
u32 pci_read(struct pci_function f, unsigned int reg, unsigned int size);
void pci_write(struct pci_function f, unsigned int reg, unsigned int size, u32 value);
/* Where in configuration space the function has capability @id; 0: it has not. */
unsigned int pci_find_capability(struct pci_function f, u8 id);

/* ---- msi.c: the caller has a lock that keeps others out of all of these ---- */
#define MSIX_MAX_ENTRY 0x7ff    /* the table has one more */

struct msi {
    struct pci_function f;
    bool msix;
    u16 entry;              /* of the MSI-X table; MSI: 0 */
};
/*
 * Makes the interrupt be @vector on the boot CPU; an MSI-X entry is masked until msi_mask() opens
 * it. -ENODEV: there is no such function; -EINVAL: it has no such capability or entry; -ENXIO: its
 * memory is not decoded, or is none that a device can have.
 */
int msi_set(const struct msi *m, u8 vector);
/* Only MSI-X can be masked: a plain MSI goes on, to nobody. */
void msi_mask(const struct msi *m, bool masked);

#endif
