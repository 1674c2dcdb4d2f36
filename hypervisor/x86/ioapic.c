/* SPDX-License-Identifier: MIT */
/*
 * The IO-APICs: which line ("global system interrupt") raises which vector. All lines are masked
 * at boot; those that somebody handles are routed to the boot CPU.
 */
#include "boot/boot.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "mm/mm.h"
#include "x86/platform.h"

/* What is mapped: two words, 16 bytes apart. */
#define REGS_SELECT     0
#define REGS_DATA       4

#define REG_VERSION     0x01
#define REG_ENTRY(line) (0x10 + 2 * (line))

#define ENTRY_VECTOR     0xffu
#define ENTRY_MASKED     0x10000u
#define ENTRY_LEVEL      0x8000u
#define ENTRY_ACTIVE_LOW 0x2000u

/* The MADT's flags of a line: 0 in either field means "as the bus has it". */
#define MADT_POLARITY   0x3
#define MADT_LOW        0x3
#define MADT_TRIGGER    0xc
#define MADT_LEVEL      0xc

/* Written at boot, by one CPU; constant afterwards. */
static struct ioapic {
    volatile u32 *regs;         /* two words: which register, and its contents */
    unsigned int gsi_base, lines;
    unsigned int index;         /* in acpi.ioapics */
} ioapics[ARRAY_SIZE(acpi.ioapics)];
static unsigned int nr_ioapics;

/* Two registers make one access. A leaf: nothing is taken inside. Interrupt handlers take it. */
static spinlock_t ioapic_lock = SPINLOCK_INIT(LOCK_CONSOLE);

/*
 * By line; guarded by ioapic_lock. A line that is routed keeps its mode: it may be raised just
 * now.
 */
#define MAX_GSIS 256u
static struct {
    bool routed, set;           /* set: somebody has said what it is like */
    u16 mode;                   /* ENTRY_LEVEL, ENTRY_ACTIVE_LOW */
} lines[MAX_GSIS];

/* ioapic_lock is held, or this is boot: two accesses make one. */
static u32 io_read(const struct ioapic *io, u32 reg)
{
    io->regs[REGS_SELECT] = reg;
    return io->regs[REGS_DATA];
}

/* Whose line that is, and *@line which of its own; NULL: no such line. */
static const struct ioapic *find(unsigned int gsi, unsigned int *line)
{
    for (unsigned int i = 0; i < nr_ioapics; i++) {
        *line = gsi - ioapics[i].gsi_base;
        if (gsi < MAX_GSIS && gsi >= ioapics[i].gsi_base && *line < ioapics[i].lines)
            return &ioapics[i];
    }
    return NULL;
}

static void io_write(const struct ioapic *io, u32 reg, u32 v)
{
    io->regs[REGS_SELECT] = reg;
    io->regs[REGS_DATA] = v;
}

/*
 * At boot, on CPU 0. The firmware may have left lines open: all are masked before interrupts are
 * let in.
 */
void ioapic_init(void)
{
    for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
        struct ioapic *io = &ioapics[nr_ioapics];

        io->regs = hv_map_device(MADDR(acpi.ioapics[i].addr), PAGE_SIZE, HV_DEV);
        if (!io->regs) {
            pr_warn("IO-APIC %u can't be mapped: its lines are not used", i);
            continue;
        }
        io->index = i;
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
    if (lines[gsi].set)
        return lines[gsi].mode;
    for (unsigned int irq = 0; irq < ARRAY_SIZE(acpi.isa_irq); irq++) {
        u16 flags = acpi.isa_irq[irq].flags;

        if (acpi.isa_irq[irq].gsi == gsi)
            return ((flags & MADT_POLARITY) == MADT_LOW ? ENTRY_ACTIVE_LOW : 0) |
                   ((flags & MADT_TRIGGER) == MADT_LEVEL ? ENTRY_LEVEL : 0);
    }
    return ENTRY_ACTIVE_LOW | ENTRY_LEVEL;
}

/* Masked at first: who asked for it unmasks it once it can take one. */
int ioapic_route(unsigned int gsi, u8 vector)
{
    unsigned int line;
    const struct ioapic *io = find(gsi, &line);
    int rc = -EBUSY;

    if (io == NULL)
        return -ENODEV;
    spin_lock(&ioapic_lock);
    if (!lines[gsi].routed) {
        lines[gsi].routed = true;
        io_write(io, REG_ENTRY(line) + 1, apic_id_of(0) << 24);
        io_write(io, REG_ENTRY(line), ENTRY_MASKED | line_mode(gsi) | vector);
        rc = 0;
    }
    spin_unlock(&ioapic_lock);
    return rc;
}

/* By interrupt handlers, too: hence the lock, and that it is a leaf. */
void ioapic_mask(unsigned int gsi, bool masked)
{
    unsigned int line;
    const struct ioapic *io = find(gsi, &line);
    u32 entry;      /* read back: its low word also has the vector and the mode */

    BUG_ON(io == NULL);         /* it could not be routed */
    spin_lock(&ioapic_lock);
    entry = io_read(io, REG_ENTRY(line)) & ~ENTRY_MASKED;
    io_write(io, REG_ENTRY(line), masked ? entry | ENTRY_MASKED : entry);
    spin_unlock(&ioapic_lock);
}

void ioapic_unroute(unsigned int gsi)
{
    ioapic_mask(gsi, true);
    WRITE_ONCE(lines[gsi].routed, false);
}

unsigned int ioapic_lines(void)
{
    unsigned int end = 0;

    for (unsigned int i = 0; i < nr_ioapics; i++)
        end = max(end, ioapics[i].gsi_base + ioapics[i].lines);
    return min(end, MAX_GSIS);
}

bool ioapic_is_level(unsigned int gsi)
{
    return line_mode(gsi) & ENTRY_LEVEL;
}

/*
 * The first domain knows from ACPI what we don't interpret; only for a line that nobody uses yet.
 */
int ioapic_set_mode(unsigned int gsi, bool level, bool low, bool idle)
{
    unsigned int line;
    const struct ioapic *io = find(gsi, &line);
    int rc = -EEXIST;

    if (io == NULL)
        return -EINVAL;
    spin_lock(&ioapic_lock);
    if (!lines[gsi].routed || idle) {
        lines[gsi].set = true;
        lines[gsi].mode = (u16)((level ? ENTRY_LEVEL : 0) | (low ? ENTRY_ACTIVE_LOW : 0));
        rc = 0;
    }
    if (idle) {
        u32 vector = io_read(io, REG_ENTRY(line)) & ENTRY_VECTOR;

        io_write(io, REG_ENTRY(line), ENTRY_MASKED | lines[gsi].mode | vector);
    }
    spin_unlock(&ioapic_lock);
    return rc;
}

/*
 * The first domain reads versions and entries, and writes nothing. @reg is checked: a read of one
 * that is not there would be a read of whatever the chip makes of it.
 */
int ioapic_read_guest(u64 base, u32 reg, u32 *value)
{
    for (unsigned int i = 0; i < nr_ioapics; i++) {
        if (acpi.ioapics[ioapics[i].index].addr != base || reg >= REG_ENTRY(ioapics[i].lines))
            continue;
        spin_lock(&ioapic_lock);
        *value = io_read(&ioapics[i], reg);
        spin_unlock(&ioapic_lock);
        return 0;
    }
    return -EINVAL;
}
