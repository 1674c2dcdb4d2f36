/* SPDX-License-Identifier: MIT */
/* Physical interrupts of QEMU's "edu" device: by message, and by a level-triggered line. */
#include "device.h"

#define EDU         0x11e81234u
#define EDU_ALIVE   0x04u       /* reads as the complement of what was written */
#define EDU_RAISE   0x60u
#define EDU_ACK     0x64u
#define COM1_LINE   4
#define MSI_ENABLE  0x10000u    /* in the word with the capability's id */

static volatile uint32_t *edu;

static void edu_write(unsigned int reg, uint32_t value)
{
    edu[reg / 4] = value;
}

static unsigned int find_edu(void)
{
    unsigned int devfn = pci_find(EDU);

    if (devfn && !edu)
        edu = pci_map(devfn, 0, 0);
    return devfn;
}

static void use_messages(unsigned int devfn, bool on)
{
    unsigned int cap = pci_next_cap(devfn, 0, CAP_MSI);
    uint32_t word = pci_in(devfn, cap) & ~MSI_ENABLE;

    pci_out(devfn, cap, on ? word | MSI_ENABLE : word);
}

/* On this machine, by the chipset's default. */
static int line_of(unsigned int devfn)
{
    return (int)(20 + devfn / 8 % 4);
}

CASE(device_memory, "the first domain may map a device's memory, and use it",
     "device.memory:effect device.config:effect")
{
    if (!find_edu())
        return;
    edu_write(EDU_ALIVE, 0x12345678);
    EXPECT_EQ(edu[EDU_ALIVE / 4], ~0x12345678u);
}

CASE(pirq_message, "a message-signalled interrupt is an event",
     "physdev_op.map_pirq:msi event_channel_op.bind_pirq:effect physdev_op.unmap_pirq:effect "
     "event_channel_op.status:pirq physdev_op.pci_device_add:effect")
{
    struct evtchn_status st = { .dom = DOMID_SELF };
    unsigned int devfn = find_edu();
    struct physdev_map_pirq op;
    int port;

    if (!devfn)
        return;
    EXPECT_EQ(map_message(devfn, 0, 0, &op), 0);
    EXPECT_TRUE(op.pirq > 0);
    port = bind_pirq((unsigned int)op.pirq);
    if (!EXPECT_TRUE(port > 0))
        return;
    use_messages(devfn, true);
    EXPECT_TRUE(!event_waits(port));
    for (unsigned int i = 0; i < 3; i++) {
        edu_write(EDU_RAISE, 1);
        EXPECT_TRUE(event_comes(port));
        edu_write(EDU_ACK, 1);
        EXPECT_TRUE(!event_waits(port));
    }
    EXPECT_EQ(bind_pirq((unsigned int)op.pirq), -XEN_EEXIST);
    st.port = (evtchn_port_t)port;
    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_status, &st), 0);
    EXPECT_EQ(st.status, EVTCHNSTAT_pirq);
    EXPECT_EQ(st.u.pirq, op.pirq);
    EXPECT_EQ(pv_notify((evtchn_port_t)port), -XEN_EINVAL);
    use_messages(devfn, false);
    EXPECT_EQ(pv_close((evtchn_port_t)port), 0);
    EXPECT_EQ(unmap_pirq(op.pirq), 0);
    EXPECT_EQ(unmap_pirq(op.pirq), -XEN_EINVAL);
    EXPECT_TRUE(bind_pirq((unsigned int)op.pirq) < 0);
}

CASE(pirq_line, "a level-triggered line is an event, and comes again after eoi if it is still up",
     "physdev_op.map_pirq:gsi physdev_op.setup_gsi:effect physdev_op.eoi:effect "
     "physdev_op.irq_status_query:effect")
{
    unsigned int devfn = find_edu();
    int gsi = line_of(devfn), port;
    struct physdev_setup_gsi setup = { .gsi = gsi, .triggering = 1, .polarity = 1 };
    struct physdev_irq_status_query query = { .irq = (uint32_t)gsi };
    struct physdev_eoi eoi = { .irq = (uint32_t)gsi };
    struct physdev_map_pirq op;

    if (!devfn)
        return;
    use_messages(devfn, false);
    /* Linux maps lines before it knows what they are like. */
    EXPECT_EQ(map_line(gsi, &op), 0);
    EXPECT_EQ(op.pirq, gsi);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_setup_gsi, &setup), 0);
    port = bind_pirq((unsigned int)gsi);
    if (!EXPECT_TRUE(port > 0))
        return;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_setup_gsi, &setup), -XEN_EEXIST);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_irq_status_query, &query), 0);
    EXPECT_TRUE(query.flags & XENIRQSTAT_needs_eoi);
    edu_write(EDU_RAISE, 1);
    EXPECT_TRUE(event_comes(port));
    /* Nothing more until the eoi; then at once, as the line is still up. */
    pv_sleep_ns(10 * PV_NS_PER_MS);
    EXPECT_ON(event_waits(port), 1, 0,
              "Xen waits for an eoi a millisecond, and opens the line then");
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_eoi, &eoi), 0);
    EXPECT_TRUE(event_comes(port));
    edu_write(EDU_ACK, 1);
    if (!conf_on_pavane())
        pv_clear_pending((evtchn_port_t)port);  /* of a line that Xen opened before it was down */
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_eoi, &eoi), 0);
    pv_sleep_ns(10 * PV_NS_PER_MS);
    EXPECT_TRUE(!event_waits(port));
    edu_write(EDU_RAISE, 1);
    EXPECT_TRUE(event_comes(port));
    edu_write(EDU_ACK, 1);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_eoi, &eoi), 0);
    EXPECT_EQ(pv_close((evtchn_port_t)port), 0);
    EXPECT_EQ(unmap_pirq(gsi), 0);
}

CASE(pirq_hypervisors, "the line of the hypervisor's serial port can be mapped, but not bound",
     "physdev_op.map_pirq:gsi physdev_op.setup_gsi:EEXIST event_channel_op.bind_pirq:EBUSY")
{
    struct physdev_setup_gsi setup = { .gsi = COM1_LINE };
    struct physdev_map_pirq op;

    EXPECT_EQ(map_line(COM1_LINE, &op), 0);
    EXPECT_EQ(op.pirq, COM1_LINE);
    EXPECT_EQ(map_line(COM1_LINE, &op), 0);
    EXPECT_EQ(bind_pirq(COM1_LINE), -XEN_EBUSY);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_setup_gsi, &setup), -XEN_EEXIST);
    EXPECT_EQ(unmap_pirq(COM1_LINE), 0);
    EXPECT_TRUE(bind_pirq(COM1_LINE) < 0);
}

CASE(pirq_bad, "XSA-16, 237: numbers, kinds and devices that are not",
     "physdev_op.map_pirq:EINVAL physdev_op.map_pirq:ESRCH physdev_op.map_pirq:ENODEV "
     "physdev_op.unmap_pirq:EINVAL physdev_op.eoi:EINVAL physdev_op.irq_status_query:EINVAL "
     "event_channel_op.bind_pirq:EINVAL event_channel_op.bind_pirq:EFAULT physdev_op:EFAULT "
     "physdev_op:ENOSYS")
{
    struct physdev_irq_status_query query = { .irq = ~0u };
    struct physdev_eoi eoi = { .irq = ~0u };
    struct physdev_map_pirq op;

    EXPECT_EQ(bind_pirq(~0u), -XEN_EINVAL);
    EXPECT_EQ(unmap_pirq(-1), -XEN_EINVAL);
    EXPECT_EQ(unmap_pirq(1 << 30), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_eoi, &eoi), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_irq_status_query, &query), -XEN_EINVAL);
    EXPECT_EQ(map_line(100000, &op), -XEN_EINVAL);
    EXPECT_EQ(map_line(-5, &op), -XEN_EINVAL);
    op.type = 77;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_map_pirq, &op), -XEN_EINVAL);
    op.domid = 0x7000;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_map_pirq, &op), -XEN_ESRCH);
    EXPECT_EQ(map_message(0xf7, 0, 0, &op), -XEN_ENODEV);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_map_pirq, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_eoi, (void *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_physdev_op(99, &op), -XEN_ENOSYS);
    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
}

CASE(pirq_promised, "a free number can be asked for, and is then no longer free",
     "physdev_op.get_free_pirq:effect physdev_op.map_pirq:EEXIST event_channel_op.bind_pirq:EEXIST")
{
    struct physdev_get_free_pirq first = { .type = MAP_PIRQ_TYPE_MSI }, second = first;
    struct physdev_map_pirq op, again;
    unsigned int devfn = find_edu();
    int port;

    if (!devfn)
        return;
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_get_free_pirq, &first), 0);
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_get_free_pirq, &second), 0);
    EXPECT_TRUE(first.pirq != second.pirq);
    op = (struct physdev_map_pirq){ .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI_SEG,
                                    .index = -1, .pirq = (int)first.pirq, .devfn = (int)devfn };
    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_map_pirq, &op), 0);
    EXPECT_EQ(op.pirq, first.pirq);
    EXPECT_ON(map_message(devfn, 0, 0, &again), 0, -XEN_EEXIST,
              "a device has one such message: Xen lets a second pirq take it over");
    port = bind_pirq(first.pirq);
    EXPECT_TRUE(port > 0);
    EXPECT_EQ(bind_pirq(first.pirq), -XEN_EEXIST);
    EXPECT_EQ(pv_close((evtchn_port_t)port), 0);
    if (!conf_on_pavane())
        EXPECT_EQ(unmap_pirq(again.pirq), 0);
    EXPECT_EQ(unmap_pirq((int)first.pirq), 0);
}

/* Xen's are not asked for so often: it forgets each, and the other cases need some. */
CASE(pirq_untold, "a number that its asker can't be told stays free",
     "physdev_op.get_free_pirq:EFAULT")
{
    struct physdev_get_free_pirq *ask = pv_alloc_page();
    uint64_t va = (uint64_t)ask;
    unsigned int tries = conf_on_pavane() ? 300 : 1, refused = 0;

    ask->type = MAP_PIRQ_TYPE_MSI;
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_va_to_mfn(ask), PV_PROT_RO), UVMF_INVLPG), 0);
    while (refused < tries &&
           HYPERVISOR_physdev_op(PHYSDEVOP_get_free_pirq, ask) == -XEN_EFAULT)
        refused++;
    EXPECT_EQ(refused, tries);
    EXPECT_EQ(pv_update_va(va, pv_pte(pv_va_to_mfn(ask), PV_PROT_RW), UVMF_INVLPG), 0);
    pv_free_page(ask);
}

#define IOAPIC 0xfec00000UL

CASE(pirq_ioapic, "the registers of an IO-APIC may be read, and the IO-APIC's own page not mapped",
     "physdev_op.apic_read:effect device.memory:refused")
{
    struct physdev_apic apic = { .apic_physbase = IOAPIC, .reg = 1 };
    uint64_t va = pv_vmap_alloc(1);

    EXPECT_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_apic_read, &apic), 0);
    EXPECT_EQ(apic.value >> 16 & 0xff, 23);
    apic.apic_physbase += 0x100000;
    EXPECT_TRUE(HYPERVISOR_physdev_op(PHYSDEVOP_apic_read, &apic) < 0);
    EXPECT_ON(pv_map(va, pv_mfn(IOAPIC >> PV_PAGE_SHIFT), PV_PROT_RW | PV_PTE_PCD), 0, -XEN_EPERM,
              "Xen makes the mapping read-only; there is nothing to be read there");
    EXPECT_TRUE(pv_map(va, pv_mfn(0xfee00), PV_PROT_RW | PV_PTE_PCD) < 0);
}
