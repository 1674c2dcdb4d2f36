/* SPDX-License-Identifier: MIT */
/*
 * The contents of ACPI's tables. Pure, host-tested. Fields are copied out of the table's bytes at
 * the offsets that the ACPI specification gives, each only if the table is long enough to hold it.
 */
#include "boot/acpi_tables.h"
#include "lib/string.h"

/* A little-endian field of up to 8 bytes; 0 where the table is too short. */
static u64 field(const void *table, size_t len, size_t offset, size_t size)
{
    u64 v = 0;

    if (offset <= len && size <= len - offset)
        memcpy(&v, (const u8 *)table + offset, size);
    return v;
}

bool acpi_checksum_ok(const void *p, size_t len)
{
    u8 sum = 0;

    for (size_t i = 0; i < len; i++)
        sum = (u8)(sum + ((const u8 *)p)[i]);
    return sum == 0;
}

/* Its first 20 bytes have a checksum of their own; the whole, from revision 2 on, another. */
bool acpi_rsdp_ok(const void *p, size_t len, struct acpi_rsdp *rsdp)
{
    enum { OLD_LEN = 20, NEW_LEN = 36, REVISION = 15, RSDT = 16, XSDT = 24 };

    if (len < OLD_LEN || memcmp(p, "RSD PTR ", 8) || !acpi_checksum_ok(p, OLD_LEN))
        return false;
    rsdp->rsdt = field(p, len, RSDT, 4);
    rsdp->xsdt = 0;
    if (field(p, len, REVISION, 1) >= 2 && len >= NEW_LEN && acpi_checksum_ok(p, NEW_LEN))
        rsdp->xsdt = field(p, len, XSDT, 8);
    return true;
}

/* ---- MADT: a header, the local APICs' address, and a list of entries (type, length, body) ---- */

enum { MADT_LAPIC_ADDR = 36, MADT_ENTRIES = 44 };
enum { MADT_CPU = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDR64 = 5 };

#define CPU_ENABLED 1u

static bool listed(const struct acpi_info *info, u8 apic_id)
{
    for (unsigned int i = 0; i < info->nr_cpus; i++)
        if (info->cpu_apic_ids[i] == apic_id)
            return true;
    return false;
}

/* A CPU that is named twice is one: to start it once more would be to reset it under way. */
static void madt_cpu(const u8 *e, u8 len, struct acpi_info *info)
{
    u8 id = (u8)field(e, len, 3, 1);

    if (!(field(e, len, 4, 4) & CPU_ENABLED) || info->nr_cpus == ARRAY_SIZE(info->cpu_apic_ids) ||
        listed(info, id))
        return;
    info->cpu_acpi_ids[info->nr_cpus] = (u8)field(e, len, 2, 1);
    info->cpu_apic_ids[info->nr_cpus++] = id;
}

static void madt_ioapic(const u8 *e, u8 len, struct acpi_info *info)
{
    unsigned int n = info->nr_ioapics;

    if (n == ARRAY_SIZE(info->ioapics))
        return;
    info->ioapics[n].id = (u8)field(e, len, 2, 1);
    info->ioapics[n].addr = field(e, len, 4, 4);
    info->ioapics[n].gsi_base = (u32)field(e, len, 8, 4);
    info->nr_ioapics++;
}

/* An ISA interrupt that is on another line, or of another kind, than its number says. */
static void madt_override(const u8 *e, u8 len, struct acpi_info *info)
{
    u64 irq = field(e, len, 3, 1);

    if (irq >= ARRAY_SIZE(info->isa_irq))
        return;
    info->isa_irq[irq].gsi = (u32)field(e, len, 4, 4);
    info->isa_irq[irq].flags = (u16)field(e, len, 8, 2);
}

static void madt_lapic_addr(const u8 *e, u8 len, struct acpi_info *info)
{
    info->lapic_addr = field(e, len, 4, 8);
}

/*
 * An entry says how long it is; one that is too short for its type is left out, one that makes no
 * sense ends it.
 */
void acpi_read_madt(const struct acpi_header *h, struct acpi_info *info)
{
    static const struct {
        u8 type, min_len;
        void (*read)(const u8 *e, u8 len, struct acpi_info *info);
    } readers[] = {
        { MADT_CPU, 8, madt_cpu },
        { MADT_IOAPIC, 12, madt_ioapic },
        { MADT_OVERRIDE, 10, madt_override },
        { MADT_LAPIC_ADDR64, 12, madt_lapic_addr },
    };
    const u8 *table = (const u8 *)h;
    size_t at = MADT_ENTRIES;

    info->lapic_addr = field(h, h->length, MADT_LAPIC_ADDR, 4);
    while (at + 2 <= h->length) {
        u8 type = table[at], len = table[at + 1];

        if (len < 2 || len > h->length - at)
            return;
        for (unsigned int i = 0; i < ARRAY_SIZE(readers); i++) {
            if (readers[i].type == type && len >= readers[i].min_len)
                readers[i].read(table + at, len, info);
        }
        at += len;
    }
}

/* ---- HPET and FADT ---- */

/* A generic address: address space, width, offset, access size, 8 bytes of address. */
enum { GAS_MEMORY = 0, GAS_PORT = 1, GAS_LEN = 12, GAS_ADDRESS = 4 };

void acpi_read_hpet(const struct acpi_header *h, struct acpi_info *info)
{
    enum { HPET_ADDRESS = 40 };

    if (h->length >= HPET_ADDRESS + GAS_LEN && field(h, h->length, HPET_ADDRESS, 1) == GAS_MEMORY)
        info->hpet_addr = field(h, h->length, HPET_ADDRESS + GAS_ADDRESS, 8);
}

/* A register has an old field (a port) and a new one, a generic address, which may be a port. */
static u16 port_of(const struct acpi_header *h, size_t old, size_t generic)
{
    u64 port = field(h, h->length, generic + GAS_ADDRESS, 8);

    if (!port || field(h, h->length, generic, 1) != GAS_PORT)
        port = field(h, h->length, old, 4);
    return port <= UINT16_MAX ? (u16)port : 0;
}

/* A later field, of 64 bits, counts before the older one of the same meaning, if it is there. */
u64 acpi_read_fadt(const struct acpi_header *h, struct acpi_info *info)
{
    enum { DSDT = 40, SMI_CMD = 48, ACPI_ENABLE = 52, PM1A_CNT = 64, PM1B_CNT = 68, PM_TIMER = 76,
           FLAGS = 112, RESET_REG = 116, RESET_VALUE = 128, X_DSDT = 140, X_PM1A_CNT = 172,
           X_PM1B_CNT = 184, X_PM_TIMER = 208 };
    enum { TIMER_32BIT = 1 << 8, RESET_SUPPORTED = 1 << 10 };
    u64 flags = field(h, h->length, FLAGS, 4);
    u64 x_dsdt = field(h, h->length, X_DSDT, 8);
    u64 reset = field(h, h->length, RESET_REG + GAS_ADDRESS, 8);

    info->smi_cmd = (u16)field(h, h->length, SMI_CMD, 4);
    info->acpi_enable = (u8)field(h, h->length, ACPI_ENABLE, 1);
    info->pm1a_cnt = port_of(h, PM1A_CNT, X_PM1A_CNT);
    info->pm1b_cnt = port_of(h, PM1B_CNT, X_PM1B_CNT);
    info->pm_timer_port = port_of(h, PM_TIMER, X_PM_TIMER);
    info->pm_timer_32bit = flags & TIMER_32BIT;
    if (flags & RESET_SUPPORTED && reset && reset <= UINT16_MAX &&
        field(h, h->length, RESET_REG, 1) == GAS_PORT) {
        info->reset_addr = reset;
        info->reset_value = (u8)field(h, h->length, RESET_VALUE, 1);
    }
    return x_dsdt ? x_dsdt : field(h, h->length, DSDT, 4);
}

/* ---- \_S5: the values that the sleep-type fields take for "off" ---- */

enum { AML_ZERO = 0x00, AML_ONE = 0x01, AML_NAME = 0x08, AML_BYTE = 0x0a, AML_WORD = 0x0b,
       AML_DWORD = 0x0c, AML_PACKAGE = 0x12, AML_ROOT = '\\' };

/* A constant at table[*at]: its low byte; *at moves behind it. False if there is none. */
static bool aml_constant(const u8 *table, size_t len, size_t *at, u8 *value)
{
    u64 op = field(table, len, *at, 1);
    size_t size = op == AML_BYTE ? 1 : op == AML_WORD ? 2 : op == AML_DWORD ? 4 : 0;

    if (*at >= len || (!size && op != AML_ZERO && op != AML_ONE) || len - *at < 1 + size)
        return false;
    *value = size ? table[*at + 1] : (u8)op;
    *at += 1 + size;
    return true;
}

/* What follows the name: Package, its length in 1 to 4 bytes, the number of elements, elements. */
static bool s5_package(const u8 *table, size_t len, size_t at, struct acpi_info *info)
{
    if (at + 2 > len || table[at] != AML_PACKAGE)
        return false;
    at += 2 + (table[at + 1] >> 6);
    if (at >= len || table[at] < 2)
        return false;
    at++;
    return aml_constant(table, len, &at, &info->s5_typ_a) &&
           aml_constant(table, len, &at, &info->s5_typ_b);
}

/*
 * Looks for Name(_S5_, Package...) in the byte code, without understanding the rest of it. The name
 * alone may come up by chance or in a reference, so what is around it must fit, too.
 */
void acpi_find_s5(const u8 *table, size_t len, struct acpi_info *info)
{
    for (size_t i = 2; i + 4 < len; i++) {
        bool defined = table[i - 1] == AML_NAME ||
                       (table[i - 1] == AML_ROOT && table[i - 2] == AML_NAME);

        if (defined && !memcmp(table + i, "_S5_", 4) && s5_package(table, len, i + 4, info)) {
            info->s5_found = true;
            return;
        }
    }
}
