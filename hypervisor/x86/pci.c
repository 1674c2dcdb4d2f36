/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space, by ports 0xcf8 and 0xcfc. The address register goes with each access, so
 * the two are one step.
 */
#include "lib/spinlock.h"
#include "x86/pci.h"
#include "x86/x86.h"

static spinlock_t pci_lock = SPINLOCK_INIT(LOCK_CONSOLE);   /* a leaf: nothing is taken inside */

/*
 * @port is PORT_PCI_DATA or behind it, and the access does not reach beyond: the callers see to
 * that. The guests' own address register is only a number (emulate_io.c), so they can't disturb
 * each other or us.
 */
u32 pci_data_in(u32 address, u16 port, unsigned int size)
{
    u32 value;

    spin_lock(&pci_lock);
    outl(PORT_PCI_ADDRESS, address);
    value = in_port(port, size);
    spin_unlock(&pci_lock);
    return value;
}

void pci_data_out(u32 address, u16 port, unsigned int size, u32 value)
{
    spin_lock(&pci_lock);
    outl(PORT_PCI_ADDRESS, address);
    out_port(port, size, value);
    spin_unlock(&pci_lock);
}

static u32 address_of(struct pci_function f, unsigned int reg)
{
    return PCI_ADDRESS_ENABLE | (u32)f.bus << 16 | (u32)f.devfn << 8 | (reg & 0xfc);
}

u32 pci_read(struct pci_function f, unsigned int reg, unsigned int size)
{
    return pci_data_in(address_of(f, reg), (u16)(PORT_PCI_DATA + reg % 4), size);
}

void pci_write(struct pci_function f, unsigned int reg, unsigned int size, u32 value)
{
    pci_data_out(address_of(f, reg), (u16)(PORT_PCI_DATA + reg % 4), size, value);
}

/* The list may be anything, a circle too: it has no more entries than there is room. */
unsigned int pci_find_capability(struct pci_function f, u8 id)
{
    unsigned int at;

    if (pci_read(f, PCI_VENDOR, 2) == 0xffff || !(pci_read(f, PCI_STATUS, 2) & PCI_STATUS_LIST))
        return 0;
    at = pci_read(f, PCI_LIST, 1);
    for (unsigned int i = 0; i < PCI_LIST_MAX && at >= PCI_LIST_FIRST; i++) {
        at &= 0xfc;
        if (pci_read(f, at, 1) == id)
            return at;
        at = pci_read(f, at + 1, 1);
    }
    return 0;
}
