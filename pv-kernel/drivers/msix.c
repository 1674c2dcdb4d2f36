/* SPDX-License-Identifier: MIT */
/*
 * MSI-X by the hypervisor: map_pirq makes it fill an entry of the device's table and gives a pirq,
 * which becomes an event channel. The table itself is never mapped here.
 */
#include "drivers/pci.h"

#define CAP_CONTROL    2u
#define CAP_TABLE      4u
#define CONTROL_SIZE   0x07ffu
#define CONTROL_MASK   0x4000u
#define CONTROL_ENABLE 0x8000u
#define TABLE_BAR      0x7u

/* The port's handler: the driver's, and then the end of the interrupt, if that is asked for. */
static void deliver(evtchn_port_t port, void *data)
{
    struct pci_irq *irq = data;

    (void)port;
    irq->handler(irq->data);
    if (irq->needs_eoi) {
        struct physdev_eoi eoi = { .irq = (uint32_t)irq->pirq };

        HYPERVISOR_physdev_op(PHYSDEVOP_eoi, &eoi);
    }
}

/* A hypervisor that looks for devices by itself need not know this call. */
static int announce(const struct pci_device *dev)
{
    struct physdev_pci_device_add op = { .bus = dev->bus, .devfn = dev->devfn };
    int rc = (int)HYPERVISOR_physdev_op(PHYSDEVOP_pci_device_add, &op);

    return rc == -XEN_ENOSYS || rc == -XEN_EEXIST ? 0 : rc;
}

/*
 * PHYSDEVOP_map_pirq of an MSI-X entry (xen/physdev.h); table_base is where the device says that
 * its table is. Returns the pirq or a negative errno.
 */
static int map_pirq(const struct pci_device *dev, unsigned int cap, unsigned int entry)
{
    struct physdev_map_pirq op = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI, .index = -1, .pirq = -1,
        .bus = dev->bus, .devfn = dev->devfn, .entry_nr = (int)entry,
        .table_base = pci_bar(dev, pci_read(dev, cap + CAP_TABLE, 4) & TABLE_BAR),
    };
    int rc;

    if (!op.table_base)
        return -ENODEV;
    rc = (int)HYPERVISOR_physdev_op(PHYSDEVOP_map_pirq, &op);
    return rc ? rc : op.pirq;
}

static void unmap_pirq(int pirq)
{
    struct physdev_unmap_pirq op = { .domid = DOMID_SELF, .pirq = pirq };

    HYPERVISOR_physdev_op(PHYSDEVOP_unmap_pirq, &op);
}

/* A hypervisor that does not know the question does not wait for an answer either. */
static bool needs_eoi(int pirq)
{
    struct physdev_irq_status_query query = { .irq = (uint32_t)pirq };

    return !HYPERVISOR_physdev_op(PHYSDEVOP_irq_status_query, &query) &&
           query.flags & XENIRQSTAT_needs_eoi;
}

static void set_control(const struct pci_device *dev, unsigned int cap, uint32_t set,
                        uint32_t clear)
{
    uint32_t control = pci_read(dev, cap + CAP_CONTROL, 2);

    pci_write(dev, cap + CAP_CONTROL, 2, (control & ~clear) | set);
}

int pci_irq_bind(const struct pci_device *dev, unsigned int entry, struct pci_irq *irq)
{
    unsigned int cap = pci_find_cap(dev, PCI_CAP_MSIX, 0);
    int rc;

    if (!cap || entry > (pci_read(dev, cap + CAP_CONTROL, 2) & CONTROL_SIZE))
        return -ENODEV;
    rc = announce(dev);
    if (rc)
        return rc;
    /* Enabled but silent while the hypervisor fills the entry. */
    set_control(dev, cap, CONTROL_ENABLE | CONTROL_MASK, 0);
    rc = map_pirq(dev, cap, entry);
    if (rc < 0)
        goto silence;
    irq->pirq = rc;
    irq->needs_eoi = needs_eoi(irq->pirq);
    rc = pv_bind_pirq((uint32_t)irq->pirq, deliver, irq);
    if (rc < 0)
        goto unmap;
    irq->port = rc;
    set_control(dev, cap, 0, CONTROL_MASK);
    return 0;

unmap:
    unmap_pirq(irq->pirq);
silence:
    set_control(dev, cap, 0, CONTROL_ENABLE | CONTROL_MASK);
    return rc;
}

void pci_irq_unbind(const struct pci_device *dev, struct pci_irq *irq)
{
    pv_close((evtchn_port_t)irq->port);
    unmap_pirq(irq->pirq);
    set_control(dev, pci_find_cap(dev, PCI_CAP_MSIX, 0), 0, CONTROL_ENABLE | CONTROL_MASK);
}
