/* SPDX-License-Identifier: MIT */
/* Between acpi.c, which finds ACPI's tables, and acpi_tables.c, which reads them. */
#ifndef BOOT_ACPI_TABLES_H
#define BOOT_ACPI_TABLES_H

#include "boot/boot.h"

/* What every table but the root pointer begins with. */
struct acpi_header {
    char signature[4];
    u32 length;                 /* of the whole table */
    u8 revision, checksum;
    char oem[6], oem_table[8];
    u32 oem_revision, creator, creator_revision;
} __packed;

/* Machine addresses of the two root tables. */
struct acpi_rsdp {
    u64 xsdt;                   /* 0: none */
    u64 rsdt;
};

bool acpi_checksum_ok(const void *p, size_t len);
/* Whether a root pointer lies at @p, of which @len bytes can be read. */
bool acpi_rsdp_ok(const void *p, size_t len, struct acpi_rsdp *rsdp);

/* Each gets a whole table whose length holds; what is too short is left out. */
void acpi_read_madt(const struct acpi_header *h, struct acpi_info *info);
void acpi_read_hpet(const struct acpi_header *h, struct acpi_info *info);
u64 acpi_read_fadt(const struct acpi_header *h, struct acpi_info *info);    /* the DSDT's address */
void acpi_find_s5(const u8 *table, size_t len, struct acpi_info *info);

#endif
