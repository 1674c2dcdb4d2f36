/* SPDX-License-Identifier: MIT */
/* device.h */
#include "device.h"

CONF_GUEST("conf-device");

static void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "d"(port));
}

static uint32_t in32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "d"(port));
    return value;
}

static void select(unsigned int devfn, unsigned int reg)
{
    static bool allowed;
    struct physdev_set_iopl iopl = { .iopl = 1 };

    if (!allowed && HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &iopl))
        pv_panic("no I/O ports\n");
    allowed = true;
    out32(0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc));
}

uint32_t pci_in(unsigned int devfn, unsigned int reg)
{
    select(devfn, reg);
    return in32(0xcfc);
}

void pci_out(unsigned int devfn, unsigned int reg, uint32_t value)
{
    select(devfn, reg);
    out32(0xcfc, value);
}

void pci_out16(unsigned int devfn, unsigned int reg, uint16_t value)
{
    select(devfn, reg);
    __asm__ volatile("outw %0, %1" : : "a"(value), "d"((uint16_t)(0xcfc + reg % 4)));
}

unsigned int pci_find(uint32_t device_vendor)
{
    for (unsigned int devfn = 1; devfn < 256; devfn++) {
        struct physdev_pci_device_add add = { .devfn = (uint8_t)devfn };

        if (pci_in(devfn, 0) != device_vendor)
            continue;
        EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_pci_device_add, &add), 0);
        pci_out(devfn, PCI_COMMAND, COMMAND_ON);
        return devfn;
    }
    conf_skip("the machine has not got the device");
    return 0;
}

unsigned int pci_next_cap(unsigned int devfn, unsigned int after, uint8_t id)
{
    unsigned int at = after ? pci_in(devfn, after) >> 8 & 0xfc : pci_in(devfn, 0x34) & 0xfc;

    while (at && (pci_in(devfn, at) & 0xff) != id)
        at = pci_in(devfn, at) >> 8 & 0xfc;
    return at;
}

volatile void *pci_map(unsigned int devfn, unsigned int bar, uint64_t offset)
{
    uint32_t low = pci_in(devfn, 0x10 + 4 * bar);
    uint64_t base = low & ~0xfu, va = pv_vmap_alloc(1);

    if ((low & 6) == 4)
        base |= (uint64_t)pci_in(devfn, 0x14 + 4 * bar) << 32;
    base += offset;
    EXPECT_EQ(pv_map(va, pv_mfn(base >> PV_PAGE_SHIFT), PV_PROT_RW | PV_PTE_PCD | PV_PTE_PWT), 0);
    return (volatile void *)(va + base % PV_PAGE_SIZE);
}

int map_message(unsigned int devfn, int entry, uint64_t table_base, struct physdev_map_pirq *op)
{
    *op = (struct physdev_map_pirq){ .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI, .index = -1,
                                     .pirq = -1, .devfn = (int)devfn, .entry_nr = entry,
                                     .table_base = table_base };
    return (int)HYPERVISOR_physdev_op(PHYSDEVOP_map_pirq, op);
}

int map_line(int gsi, struct physdev_map_pirq *op)
{
    *op = (struct physdev_map_pirq){ .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = gsi,
                                     .pirq = gsi };
    return (int)HYPERVISOR_physdev_op(PHYSDEVOP_map_pirq, op);
}

int unmap_pirq(int pirq)
{
    struct physdev_unmap_pirq op = { .domid = DOMID_SELF, .pirq = pirq };

    return (int)HYPERVISOR_physdev_op(PHYSDEVOP_unmap_pirq, &op);
}

int bind_pirq(unsigned int pirq)
{
    struct evtchn_bind_pirq bind = { .pirq = pirq };
    long rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq, &bind);

    if (rc)
        return (int)rc;
    pv_unmask(bind.port);
    return (int)bind.port;
}

bool event_waits(int port)
{
    return pv_port_pending((evtchn_port_t)port);
}

bool event_comes(int port)
{
    evtchn_port_t polled = (evtchn_port_t)port;
    bool came;

    (void)pv_poll(&polled, 1, pv_system_time() + 20 * PV_NS_PER_SEC);
    came = event_waits(port);
    pv_clear_pending(polled);
    return came;
}

CASE(device_pci_beyond, "an access that begins in the data register and reaches beyond it is at "
     "the address that the guest chose, as far as the register goes",
     "device.config:effect")
{
    uint16_t id = pci_in(0, 0) >> 16, class = pci_in(0, 8) >> 16;

    EXPECT_EQ(pci_in(0, 0) >> 16, id);
    EXPECT_TRUE(id != class);
    select(0, 8);
    EXPECT_EQ(in32(0xcfe) & 0xffff, class);
}
