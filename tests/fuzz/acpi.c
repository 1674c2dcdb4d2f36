/* SPDX-License-Identifier: MIT */
/*
 * The firmware's tables (hypervisor/boot/acpi_tables.c): each ends where its memory ends, whatever
 * is in it, and no list of ours grows beyond its room.
 */
#include "boot/acpi_tables.h"
#include "fuzz.h"

enum { RSDP, CPUS, IOAPICS, OVERRIDES, HPET, SLEEP };
FUZZ_GOALS(GOAL("a root pointer"), GOAL("CPUs"), GOAL("IO-APICs"), GOAL("overrides"),
           GOAL("an HPET"), GOAL("a sleep state"))

#define TABLE_BYTES 400u

static void put(uint8_t *to, uint64_t value, size_t bytes)
{
    memcpy(to, &value, bytes);
}

static size_t make_madt(uint8_t *t)
{
    uint8_t *e = t + 44;

    put(t + 36, 0xfee00000, 4);
    for (uint8_t i = 0; i < 3; i++, e += 8) {
        e[1] = 8;
        e[2] = e[3] = i;
        e[4] = 1;
    }
    e[0] = 1, e[1] = 12;
    put(e + 4, 0xfec00000, 4);
    e += 12;
    e[0] = 2, e[1] = 10, e[3] = 9, e[4] = 20;
    e += 10;
    e[0] = 5, e[1] = 12;
    e += 12;
    return (size_t)(e - t);
}

static size_t make_s5(uint8_t *t)
{
    static const uint8_t aml[] = { 0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 0x0a, 5, 0, 0 };

    memcpy(t + 60, aml, sizeof(aml));
    return 60 + sizeof(aml);
}

static size_t make(uint8_t *t, unsigned int kind)
{
    memset(t, 0, TABLE_BYTES);
    switch (kind) {
    case 0: return make_madt(t);
    case 1: put(t + 44, 0xfed00000, 8); return 56;
    case 2: put(t + 40, 0x1000, 4); put(t + 112, 1 << 10, 4); return 244;
    case 3: return make_s5(t);
    default: memcpy(t, "RSD PTR \x0f", 9); return 36;
    }
}

static void read_table(unsigned int kind, const uint8_t *t, size_t len, struct acpi_info *info)
{
    const struct acpi_header *h = (const struct acpi_header *)t;
    struct acpi_rsdp rsdp;

    switch (kind) {
    case 0: acpi_read_madt(h, info); break;
    case 1: acpi_read_hpet(h, info); break;
    case 2: (void)acpi_read_fadt(h, info); break;
    case 3: acpi_find_s5(t, len, info); break;
    default:
        if (acpi_rsdp_ok(t, len, &rsdp)) {
            REACHED(RSDP);
            FUZZ_CHECK(len >= 20 && rsdp.rsdt <= UINT32_MAX && (rsdp.xsdt == 0 || len >= 36));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    unsigned int kind = (unsigned int)(fuzz_take(&in, 1) % 5);
    uint8_t made[TABLE_BYTES], *table;
    struct acpi_info info;
    size_t len = make(made, kind);

    len = fuzz_damage(&in, made, len);
    /* acpi.c gives tables with a header, as long as that says; of the root pointer any bytes. */
    if (kind != 4) {
        if (len < sizeof(struct acpi_header))
            len = sizeof(struct acpi_header);
        put(made + offsetof(struct acpi_header, length), len, 4);
    } else if (len > 8) {
        made[8] = 0;
        for (size_t i = 0; i < 20; i++)
            made[8] = (uint8_t)(made[8] - (i == 8 ? 0 : made[i]));
    }
    table = fuzz_copy(made, len);
    memset(&info, 0, sizeof(info));
    read_table(kind, table, len, &info);
    free(table);
    FUZZ_CHECK(info.nr_cpus <= sizeof(info.cpu_apic_ids) / sizeof(*info.cpu_apic_ids));
    FUZZ_CHECK(info.nr_ioapics <= sizeof(info.ioapics) / sizeof(*info.ioapics));
    if (info.nr_cpus != 0)
        REACHED(CPUS);
    if (info.nr_ioapics != 0)
        REACHED(IOAPICS);
    if (info.isa_irq[9].gsi != 0)
        REACHED(OVERRIDES);
    if (info.hpet_addr != 0)
        REACHED(HPET);
    if (info.s5_found)
        REACHED(SLEEP);
    return 0;
}
