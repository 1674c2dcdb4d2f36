/* SPDX-License-Identifier: MIT */
/*
 * Message-signalled interrupts: the address and data that a device writes to raise one. Whether the
 * device uses them at all (the enable bit of the capability) is its driver's business.
 *
 * The table of MSI-X lies in the device's own memory, and its driver may map it: who drives a
 * device that reaches all memory could raise any vector anyway.
 */
#include "mm/mm.h"
#include "x86/pci.h"
#include "x86/platform.h"

#define CAP_MSI             0x05
#define MSI_CONTROL_64      0x80u       /* the address has two words */
#define CAP_MSIX            0x11
#define MSIX_CONTROL_SIZE   0x7ffu      /* entries, less one */
#define MSIX_ENTRY_SIZE     16u
#define MSIX_MASKED         1u

#define MSI_ADDRESS         0xfee00000u     /* the local APICs; the id in bits 19:12 */
#define BAR_IO              1u
#define BAR_TYPE            6u
#define BAR_64              4u

/* An entry of the table, in the device's memory. */
struct msix_entry {
    u32 address_low, address_high, data, control;
};

/* All of them go to the boot CPU, as lines do: there is no balancing. */
static u32 msi_address(void)
{
    return MSI_ADDRESS | (apic_id_of(0) & 0xff) << 12;
}

/* The machine address of the entry; 0: there is none. */
static u64 entry_address(const struct msi *m, unsigned int cap)
{
    u32 table = pci_read(m->f, cap + 4, 4), bar;
    unsigned int reg = PCI_BAR(table & 7);
    u64 base;

    if ((table & 7) > 5 || m->entry > (pci_read(m->f, cap + 2, 2) & MSIX_CONTROL_SIZE))
        return 0;
    bar = pci_read(m->f, reg, 4);
    if (bar & BAR_IO)
        return 0;
    base = bar & ~0xfu;
    if ((bar & BAR_TYPE) == BAR_64)
        base |= (u64)pci_read(m->f, reg + 4, 4) << 32;
    return base ? base + (table & ~7u) + m->entry * MSIX_ENTRY_SIZE : 0;
}

/* A table may begin at any multiple of eight; what lies on two pages does not fit the window. */
static bool in_one_page(u64 at)
{
    return at % PAGE_SIZE <= PAGE_SIZE - MSIX_ENTRY_SIZE;
}

/* Does @fn to the entry, mapped for that long. Only this CPU has the mapping, and only now. */
static int with_entry(const struct msi *m, void (*fn)(volatile struct msix_entry *e, u32 arg),
                      u32 arg)
{
    unsigned int cap = pci_find_capability(m->f, CAP_MSIX);
    u64 at = cap ? entry_address(m, cap) : 0;

    if (at == 0 || !in_one_page(at))
        return -EINVAL;
    if (!(pci_read(m->f, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY) ||
        !mm_window_map(maddr_to_mfn(MADDR(at))))
        return -ENXIO;
    fn((volatile struct msix_entry *)(MSIX_WINDOW_VIRT + at % PAGE_SIZE), arg);
    mm_window_unmap();
    return 0;
}

/* Masked first: a device may raise it in the middle, with half an address. */
static void write_entry(volatile struct msix_entry *e, u32 vector)
{
    e->control = MSIX_MASKED;
    e->address_low = msi_address();
    e->address_high = 0;
    e->data = vector;
}

static void write_control(volatile struct msix_entry *e, u32 control)
{
    e->control = control;
}

/* The enable bit stays as the driver left it; it sets it when it is ready. */
static int set_msi(const struct msi *m, u8 vector)
{
    unsigned int cap = pci_find_capability(m->f, CAP_MSI);
    bool wide;

    if (!cap)
        return -EINVAL;
    wide = pci_read(m->f, cap + 2, 2) & MSI_CONTROL_64;
    pci_write(m->f, cap + 4, 4, msi_address());
    if (wide)
        pci_write(m->f, cap + 8, 4, 0);
    pci_write(m->f, cap + (wide ? 12 : 8), 2, vector);
    return 0;
}

/* All ones from configuration space: no such function. */
int msi_set(const struct msi *m, u8 vector)
{
    if (pci_read(m->f, PCI_VENDOR, 2) == 0xffff)
        return -ENODEV;
    return m->msix ? with_entry(m, write_entry, vector) : set_msi(m, vector);
}

void msi_mask(const struct msi *m, bool masked)
{
    /* Memory that is not decoded any more has no entry that could raise anything. */
    if (m->msix)
        (void)with_entry(m, write_control, masked ? MSIX_MASKED : 0);
}
