/* SPDX-License-Identifier: MIT */
/*
 * PCI devices: found by walking the buses from 0 through the bridges, as the firmware numbered
 * them. Addresses are the firmware's as well; a device that it gave none is not used.
 */
#include "drivers/pci.h"

#define REG_VENDOR   0x00u
#define REG_DEVICE   0x02u
#define REG_COMMAND  0x04u
#define REG_STATUS   0x06u
#define REG_HEADER   0x0eu
#define REG_BAR      0x10u
#define REG_BUSES    0x19u              /* of a bridge: the bus behind it */
#define REG_CAPS     0x34u

#define COMMAND_MEMORY       0x002u
#define COMMAND_MASTER       0x004u
#define COMMAND_INTX_DISABLE 0x400u
#define STATUS_CAPS          0x10u
#define HEADER_TYPE          0x7fu
#define HEADER_MULTI         0x80u
#define HEADER_BRIDGE        1u
#define BAR_PORTS            0x1u
#define BAR_TYPE             0x6u
#define BAR_64               0x4u
#define BAR_FLAGS            0xfu

#define NO_VENDOR  0xffffu
#define NR_BUSES   256u
#define NR_BARS    6u
#define FIRST_CAP  0x40u
#define MAX_CAPS   48u                  /* as many as fit; a list that is longer is a circle */

/* ---- Capabilities ---- */

/*
 * Each capability begins with its kind and the address of the next one, whose lowest two bits mean
 * nothing; the list begins in the header, and ends with an address in there.
 */
unsigned int pci_find_cap(const struct pci_device *dev, uint8_t id, unsigned int after)
{
    unsigned int at = after ? after + 1 : REG_CAPS;

    if (!(pci_read(dev, REG_STATUS, 2) & STATUS_CAPS))
        return 0;
    for (unsigned int i = 0; i < MAX_CAPS; i++) {
        at = pci_read(dev, at, 1) & 0xfc;
        if (at < FIRST_CAP)
            return 0;
        if (pci_read(dev, at, 1) == id)
            return at;
        at++;
    }
    return 0;
}

/* ---- Memory ---- */

void pci_enable(const struct pci_device *dev)
{
    uint32_t command = pci_read(dev, REG_COMMAND, 2);

    pci_write(dev, REG_COMMAND, 2,
              command | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_DISABLE);
}

void pci_disable(const struct pci_device *dev)
{
    pci_write(dev, REG_COMMAND, 2, pci_read(dev, REG_COMMAND, 2) & ~COMMAND_MASTER);
}

uint64_t pci_bar(const struct pci_device *dev, unsigned int bar)
{
    uint32_t low;
    uint64_t high = 0;

    if (bar >= NR_BARS)
        return 0;
    low = pci_read(dev, REG_BAR + bar * 4, 4);
    if (low & BAR_PORTS)
        return 0;
    if ((low & BAR_TYPE) == BAR_64) {
        if (bar + 1 >= NR_BARS)
            return 0;
        high = pci_read(dev, REG_BAR + bar * 4 + 4, 4);
    }
    return high << 32 | (low & ~BAR_FLAGS);
}

/*
 * Addresses of registers are the firmware's, and a BAR of 0 is one that it did not assign. The
 * hypervisor decides whether we may map them: a device that names memory of another domain gets
 * nothing from that.
 */
volatile void *pci_map(const struct pci_device *dev, unsigned int bar, uint32_t offset,
                       uint32_t len)
{
    uint64_t base = pci_bar(dev, bar), start = base + offset, va;
    unsigned int pages = (unsigned int)((start % PAGE_SIZE + len + PAGE_SIZE - 1) / PAGE_SIZE);

    if (!base || !len)
        return NULL;
    va = pv_vmap_alloc(pages);
    for (unsigned int i = 0; i < pages; i++) {
        if (pv_map(va + i * PAGE_SIZE, pv_mfn(start / PAGE_SIZE + i),
                   PV_PROT_RW | PV_PTE_PWT | PV_PTE_PCD)) {
            pv_unmap(va, i);
            return NULL;
        }
    }
    return (volatile void *)(va + start % PAGE_SIZE);
}

/* ---- Finding devices ---- */

/* Buses that a bridge was seen to lead to, and those that were looked at, each once. */
struct scan {
    void (*found)(const struct pci_device *dev);
    bool wanted[NR_BUSES], done[NR_BUSES];
};

/* Whether there is a function there. */
static bool scan_function(struct scan *s, struct pci_device *dev, uint32_t *header)
{
    dev->vendor = (uint16_t)pci_read(dev, REG_VENDOR, 2);
    if (dev->vendor == NO_VENDOR)
        return false;
    dev->device = (uint16_t)pci_read(dev, REG_DEVICE, 2);
    *header = pci_read(dev, REG_HEADER, 1);
    if ((*header & HEADER_TYPE) == HEADER_BRIDGE)
        s->wanted[pci_read(dev, REG_BUSES, 1)] = true;
    s->found(dev);
    return true;
}

static void scan_bus(struct scan *s, unsigned int bus)
{
    for (unsigned int devfn = 0; devfn < 256; devfn++) {
        struct pci_device dev = { .bus = (uint8_t)bus, .devfn = (uint8_t)devfn };
        uint32_t header;

        /* Without function 0 there is no device, and most devices have no other. */
        if (scan_function(s, &dev, &header) ? !(devfn & 7) && !(header & HEADER_MULTI)
                                            : !(devfn & 7))
            devfn |= 7;
    }
}

/* A bus that is wanted late may be numbered below one that was scanned. */
static bool next_bus(struct scan *s, unsigned int *bus)
{
    for (unsigned int i = 0; i < NR_BUSES; i++) {
        if (s->wanted[i] && !s->done[i]) {
            s->done[i] = true;
            *bus = i;
            return true;
        }
    }
    return false;
}

void pci_for_each(void (*found)(const struct pci_device *dev))
{
    struct scan s = { .found = found, .wanted = { true } };
    unsigned int bus;

    while (next_bus(&s, &bus))
        scan_bus(&s, bus);
}
