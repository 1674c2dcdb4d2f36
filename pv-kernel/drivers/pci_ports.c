/* SPDX-License-Identifier: MIT */
/*
 * Configuration space by the ports 0xcf8, which takes an address, and 0xcfc, where the register
 * with that address then is. The hypervisor emulates both for the control domain alone. Nothing
 * comes between the two accesses: kernel code is not preempted, and handlers do not come here.
 */
#include "drivers/pci.h"

#define PORT_ADDRESS 0xcf8u
#define PORT_DATA    0xcfcu

int pci_init(void)
{
    /* The level at which the kernel of a guest runs, as the interface has it. */
    struct physdev_set_iopl op = { .iopl = 1 };

    return (int)HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &op);
}

static void select_register(const struct pci_device *dev, unsigned int reg)
{
    uint32_t address = 0x80000000u | (uint32_t)dev->bus << 16 | (uint32_t)dev->devfn << 8 |
                       (reg & 0xfcu);

    __asm__ volatile("outl %0, %1" :: "a"(address), "Nd"((uint16_t)PORT_ADDRESS));
}

uint32_t pci_read(const struct pci_device *dev, unsigned int reg, unsigned int size)
{
    uint16_t port = (uint16_t)(PORT_DATA + (reg & 3));
    uint32_t value = 0;

    select_register(dev, reg);
    if (size == 1)
        __asm__ volatile("inb %1, %b0" : "+a"(value) : "Nd"(port));
    else if (size == 2)
        __asm__ volatile("inw %1, %w0" : "+a"(value) : "Nd"(port));
    else
        __asm__ volatile("inl %1, %0" : "+a"(value) : "Nd"(port));
    return value;
}

void pci_write(const struct pci_device *dev, unsigned int reg, unsigned int size, uint32_t value)
{
    uint16_t port = (uint16_t)(PORT_DATA + (reg & 3));

    select_register(dev, reg);
    if (size == 1)
        __asm__ volatile("outb %b0, %1" :: "a"(value), "Nd"(port));
    else if (size == 2)
        __asm__ volatile("outw %w0, %1" :: "a"(value), "Nd"(port));
    else
        __asm__ volatile("outl %0, %1" :: "a"(value), "Nd"(port));
}
