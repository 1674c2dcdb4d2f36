/* SPDX-License-Identifier: MIT */
/*
 * I/O ports of a guest. Two questions, in this order: may this code use ports at all (virtual
 * IOPL, I/O bitmap)? If not, it gets #GP. Then, may this domain use this port? A privileged
 * domain may, but for those that the hypervisor drives itself; what is refused reads as all ones,
 * and writes are dropped, as if nothing were there.
 */
#include "domain/domain.h"
#include "lib/serial.h"
#include "x86/emulate.h"
#include "x86/pci.h"
#include "x86/rules.h"

#define PORT_PIT_MODE    0x43u
#define PIT_CHANNEL_2    2u
#define ONES(size)       ((u32)((1ull << (8 * (size))) - 1))

/* The hypervisor's own, beside the chip of its console. */
static const struct {
    u16 first, last;
} owned[] = {
    { 0x20, 0x21 }, { 0xa0, 0xa1 },     /* interrupt controllers */
    { 0x40, 0x40 },                     /* timer, channel 0 */
    { PORT_PCI_DATA, PORT_PCI_DATA + 3 },   /* an access that begins in it and reaches beyond */
};

/* The guest's kernel counts as ring 1, or as ring 0 if it asked for what the architecture says. */
bool io_privileged(const struct vcpu *v)
{
    unsigned int kernel = vm_assist(v->domain, VMASST_TYPE_architectural_iopl) ? 0 : 1;

    return (v->cpu.kernel_mode ? kernel : 3) <= v->cpu.iopl;
}

bool io_allowed(struct vcpu *v, u16 port, unsigned int size)
{
    bool kernel = v->cpu.kernel_mode, ok;
    u16 bits = 0;

    if (io_privileged(v))
        return true;
    if (port + size > v->cpu.iobmp_ports)
        return false;
    /*
     * The bitmap lies in the kernel's memory. Two bytes, as the CPU does it, since bits may
     * straddle.
     */
    if (!kernel)
        toggle_guest_mode(v);
    ok = copy_from_guest_raw(&bits, v->cpu.iobmp + port / 8, 1) &&
         ((port & 7) + size <= 8 ||
          copy_from_guest_raw((u8 *)&bits + 1, v->cpu.iobmp + port / 8 + 1, 1));
    if (!kernel)
        toggle_guest_mode(v);
    return ok && !(bits >> (port & 7) & (BIT(size) - 1));
}

/* An access that touches any port of ours, if only with its last byte. */
static bool is_owned(u16 port, unsigned int size)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(owned); i++) {
        if (port <= owned[i].last && port + size > owned[i].first)
            return true;
    }
    return serial_owns(port, size);
}

static bool is_pci_data(u16 port, unsigned int size)
{
    return port >= PORT_PCI_DATA && port + size <= PORT_PCI_DATA + 4;
}

/*
 * Overlaps the address register: only the whole of it means anything, and that is a latch of
 * ours.
 */
static bool touches_pci_address(u16 port, unsigned int size)
{
    return port < PORT_PCI_ADDRESS + 4 && port + size > PORT_PCI_ADDRESS;
}

/*
 * The order: PCI configuration space, which takes two accesses and is made one here (pci.c); then
 * ports that are the hypervisor's; the rest is the machine's own, for a privileged domain.
 */
u32 io_read(struct vcpu *v, u16 port, unsigned int size)
{
    u32 value = 0;

    if (!v->domain->privileged)
        return ONES(size);
    if (is_pci_data(port, size))
        return pci_data_in(v->cpu.pci_address, port, size);
    if (touches_pci_address(port, size))
        return port == PORT_PCI_ADDRESS && size == 4 ? v->cpu.pci_address : ONES(size);
    if (!is_owned(port, size))
        return in_port(port, size);
    if (size == 1)
        return ONES(1);
    /* Partly ours: byte by byte, each as if alone. */
    for (unsigned int i = 0; i < size; i++)
        value |= io_read(v, (u16)(port + i), 1) << (8 * i);
    return value;
}

/*
 * As io_read(). The interval timer's mode register serves three channels, of which one is ours and
 * one the speaker's: a write to it is looked at.
 */
void io_write(struct vcpu *v, u16 port, unsigned int size, u32 value)
{
    if (!v->domain->privileged)
        return;
    if (is_pci_data(port, size)) {
        pci_data_out(v->cpu.pci_address, port, size, value);
        return;
    }
    if (touches_pci_address(port, size)) {
        if (port == PORT_PCI_ADDRESS && size == 4)
            v->cpu.pci_address = value;
        return;
    }
    if (!is_owned(port, size) && !(port <= PORT_PIT_MODE && port + size > PORT_PIT_MODE)) {
        out_port(port, size, value);
        return;
    }
    if (size > 1) {
        for (unsigned int i = 0; i < size; i++)
            io_write(v, (u16)(port + i), 1, value >> (8 * i) & 0xff);
    } else if (port == PORT_PIT_MODE && value >> 6 == PIT_CHANNEL_2) {
        outb(port, (u8)value);      /* the speaker's channel is free to use */
    }
}

void io_note_breakpoints(struct vcpu *v, u16 port, unsigned int size)
{
    v->cpu.io_hits = (u8)debugreg_io_hits(v->cpu.debugreg, port, size);
}
