/* SPDX-License-Identifier: MIT */
/*
 * What ACPI's tables say about the machine, as far as we need it: CPUs and IO-APICs (MADT), timers
 * (FADT, HPET), reset and power-off (FADT, and the \_S5 package in the DSDT's bytes).
 *
 * This file finds the tables and maps them, once each; acpi_tables.c, which is pure, reads their
 * contents. A table with a wrong length or checksum counts as absent. A machine without ACPI
 * gets one CPU and the PC's usual devices.
 */
#include "boot/acpi_tables.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "x86/x86.h"

#define EBDA_SEGMENT    0x40e           /* BIOS data: where the extended data area is */
#define BIOS_START      0xe0000
#define BIOS_END        0x100000
#define MAX_TABLE_LEN   (16u << 20)
#define MAX_TABLES      256

struct acpi_info acpi;

/* Firmware's memory, read-only and for good; NULL: out of reach. */
static const void *map(u64 addr, size_t len)
{
    return hv_map_device(MADDR(addr), len, HV_RO);
}

/* A copy of the root pointer, from somewhere on a 16-byte boundary in [@addr, @addr + @len). */
static bool scan_rsdp(u64 addr, size_t len, struct acpi_rsdp *rsdp)
{
    const u8 *area = map(addr, len);

    for (size_t i = 0; area && i + 20 <= len; i += 16) {
        if (acpi_rsdp_ok(area + i, len - i, rsdp))
            return true;
    }
    return false;
}

/*
 * From the loader, which has it from EFI; else where BIOSes put it: at 1 KiB of the EBDA, or below
 * 1 MiB.
 */
static bool find_rsdp(struct acpi_rsdp *rsdp)
{
    const u16 *segment;
    u64 ebda;

    if (bootinfo.rsdp)
        return acpi_rsdp_ok(maddr_to_virt(MADDR(bootinfo.rsdp)), 36, rsdp);
    segment = map(EBDA_SEGMENT, sizeof(*segment));
    ebda = segment ? (u64)*segment << 4 : 0;
    if (ebda >= 0x400 && ebda < 0xa0000 && scan_rsdp(ebda, 1024, rsdp))
        return true;
    return scan_rsdp(BIOS_START, BIOS_END - BIOS_START, rsdp);
}

/*
 * A whole table, checked; NULL if it is not one. Its header is mapped first, for the length.
 * Firmware's tables stay mapped.
 */
static const struct acpi_header *map_table(u64 addr)
{
    const struct acpi_header *h = addr ? map(addr, sizeof(*h)) : NULL;
    u32 len = h ? h->length : 0;

    if (len < sizeof(*h) || len > MAX_TABLE_LEN)
        return NULL;
    h = map(addr, len);
    return h && acpi_checksum_ok(h, len) ? h : NULL;
}

/* The three that say something we need; the DSDT is found through the FADT. */
static void read_table(const struct acpi_header *h)
{
    if (!memcmp(h->signature, "APIC", 4)) {
        acpi_read_madt(h, &acpi);
    } else if (!memcmp(h->signature, "HPET", 4)) {
        acpi_read_hpet(h, &acpi);
    } else if (!memcmp(h->signature, "FACP", 4)) {
        const struct acpi_header *dsdt = map_table(acpi_read_fadt(h, &acpi));

        if (dsdt)
            acpi_find_s5((const u8 *)dsdt, dsdt->length, &acpi);
    }
}

/* Reads each table that the root table names, by 4-byte or 8-byte addresses. */
static void read_tables(const struct acpi_header *root, unsigned int entry_size)
{
    unsigned int n = (root->length - (u32)sizeof(*root)) / entry_size;

    for (unsigned int i = 0; i < min(n, (unsigned int)MAX_TABLES); i++) {
        const struct acpi_header *h;
        u64 addr = 0;

        memcpy(&addr, (const u8 *)(root + 1) + i * entry_size, entry_size);
        h = map_table(addr);
        if (h)
            read_table(h);
    }
}

/* The booting CPU is the first, whatever the order in the MADT; and there always is one. */
static void put_boot_cpu_first(void)
{
    u8 self = (u8)(cpuid(1, 0).b >> 24), acpi_id;
    unsigned int i = 0;

    while (i < acpi.nr_cpus && acpi.cpu_apic_ids[i] != self)
        i++;
    if (i == acpi.nr_cpus) {
        if (acpi.nr_cpus < ARRAY_SIZE(acpi.cpu_apic_ids))
            acpi.nr_cpus++;
        i = acpi.nr_cpus - 1;
    }
    acpi_id = acpi.cpu_acpi_ids[i];
    acpi.cpu_apic_ids[i] = acpi.cpu_apic_ids[0];
    acpi.cpu_acpi_ids[i] = acpi.cpu_acpi_ids[0];
    acpi.cpu_apic_ids[0] = self;
    acpi.cpu_acpi_ids[0] = acpi_id;
}

/* The XSDT, with addresses of 64 bits, is preferred to the RSDT. */
void acpi_init(void)
{
    const struct acpi_header *root = NULL;
    struct acpi_rsdp rsdp;
    bool wide = false;

    for (unsigned int i = 0; i < ARRAY_SIZE(acpi.isa_irq); i++)
        acpi.isa_irq[i].gsi = i;
    if (find_rsdp(&rsdp)) {
        root = map_table(rsdp.xsdt);
        wide = root != NULL;
        if (!root)
            root = map_table(rsdp.rsdt);
    }
    if (root)
        read_tables(root, wide ? 8 : 4);
    else
        pr_warn("acpi: no tables: one CPU, no power-off\n");
    put_boot_cpu_first();
}
