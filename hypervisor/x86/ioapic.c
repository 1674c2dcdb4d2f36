/* SPDX-License-Identifier: MIT */
/*
 * The IO-APICs: which line ("global system interrupt") raises which vector. All lines are masked
 * at boot; ioapic_route() opens the ones that somebody handles, on the boot CPU.
 */
#include "boot/boot.h"
#include "lib/printk.h"
#include "mm/mm.h"
#include "x86/platform.h"

#define REG_VERSION     0x01
#define REG_ENTRY(line) (0x10 + 2 * (line))

#define ENTRY_MASKED     0x10000u
#define ENTRY_LEVEL      0x8000u
#define ENTRY_ACTIVE_LOW 0x2000u

/* The MADT's flags of a line: 0 in either field means "as the bus has it". */
#define MADT_POLARITY   0x3
#define MADT_LOW        0x3
#define MADT_TRIGGER    0xc
#define MADT_LEVEL      0xc

static struct ioapic {
    volatile u32 *regs;
    unsigned int gsi_base, lines;
} ioapics[ARRAY_SIZE(acpi.ioapics)];
static unsigned int nr_ioapics;

static u32 io_read(const struct ioapic *io, u32 reg)
{
    io->regs[0] = reg;
    return io->regs[4];
}

static void io_write(const struct ioapic *io, u32 reg, u32 v)
{
    io->regs[0] = reg;
    io->regs[4] = v;
}

void ioapic_init(void)
{
    for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
        struct ioapic *io = &ioapics[nr_ioapics];

        io->regs = hv_map_device(MADDR(acpi.ioapics[i].addr), PAGE_SIZE, HV_DEV);
        if (!io->regs) {
            pr_warn("IO-APIC %u can't be mapped: its lines are not used", i);
            continue;
        }
        io->gsi_base = acpi.ioapics[i].gsi_base;
        io->lines = (io_read(io, REG_VERSION) >> 16 & 0xff) + 1;
        for (unsigned int line = 0; line < io->lines; line++)
            io_write(io, REG_ENTRY(line), ENTRY_MASKED);
        nr_ioapics++;
    }
}

/* ISA lines are edge-triggered and active high unless the MADT says otherwise; PCI's neither. */
static u32 line_mode(unsigned int gsi)
{
    for (unsigned int irq = 0; irq < ARRAY_SIZE(acpi.isa_irq); irq++) {
        u16 flags = acpi.isa_irq[irq].flags;

        if (acpi.isa_irq[irq].gsi == gsi)
            return ((flags & MADT_POLARITY) == MADT_LOW ? ENTRY_ACTIVE_LOW : 0) |
                   ((flags & MADT_TRIGGER) == MADT_LEVEL ? ENTRY_LEVEL : 0);
    }
    return ENTRY_ACTIVE_LOW | ENTRY_LEVEL;
}

int ioapic_route(unsigned int gsi, u8 vector)
{
    for (unsigned int i = 0; i < nr_ioapics; i++) {
        const struct ioapic *io = &ioapics[i];
        unsigned int line = gsi - io->gsi_base;

        if (gsi < io->gsi_base || line >= io->lines)
            continue;
        io_write(io, REG_ENTRY(line) + 1, apic_id_of(0) << 24);
        io_write(io, REG_ENTRY(line), line_mode(gsi) | vector);
        return 0;
    }
    return -ENODEV;
}
