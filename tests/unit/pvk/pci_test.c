/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/drivers/pci.c and virtio.c on a device whose configuration space is as good or as bad
 * as a case wants it: whatever is in there, looking at it comes to an end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include "pci_host.h"

#define VENDOR    0x00
#define STATUS    0x06
#define HEADER    0x0e
#define BAR       0x10
#define SECONDARY 0x19
#define CAPS      0x34

#define BASE 0xfe000000u

/* For what is a question of looking at 256 bytes. */
#define MOST_READS 100000ul

static int start(void **state)
{
    (void)state;
    machine_start();
    memset(machine.config + VENDOR, 0x11, 4);
    machine.config[STATUS] = 0x10;
    /* What does not end, ends the test. */
    alarm(20);
    return 0;
}

static void machine_stop(void)
{
    for (unsigned int i = 0; i < WINDOWS; i++) {
        free(machine.window[i]);
        machine.window[i] = NULL;
    }
}

static int stop(void **state)
{
    (void)state;
    alarm(0);
    assert_in_range(machine.reads, 1, MOST_READS);
    machine_stop();
    return 0;
}

static void put32(unsigned int at, uint32_t value)
{
    memcpy(machine.config + at, &value, sizeof(value));
}

/* A vendor capability at @at with registers of this kind in BAR 4. */
static void put_cap(unsigned int at, uint8_t next, uint8_t kind, uint32_t offset, uint32_t len)
{
    const uint8_t head[] = { PCI_CAP_VENDOR, next, 16, kind, 4 };

    memcpy(machine.config + at, head, sizeof(head));
    put32(at + 8, offset);
    put32(at + 12, len);
}

static const struct pci_device dev = { .vendor = VIRTIO_VENDOR };

/* ---- Capabilities ---- */

static void lists_are_walked(void **state)
{
    (void)state;
    machine.config[CAPS] = 0x40;
    put_cap(0x40, 0x60, 1, 0, 0);
    put_cap(0x60, 0x80, 2, 0, 0);
    machine.config[0x80] = PCI_CAP_MSIX;
    assert_int_equal(pci_find_cap(&dev, PCI_CAP_VENDOR, 0), 0x40);
    assert_int_equal(pci_find_cap(&dev, PCI_CAP_VENDOR, 0x40), 0x60);
    assert_int_equal(pci_find_cap(&dev, PCI_CAP_VENDOR, 0x60), 0);
    assert_int_equal(pci_find_cap(&dev, PCI_CAP_MSIX, 0), 0x80);
    /* The lowest two bits are nothing of the address. */
    machine.config[CAPS] = 0x43;
    assert_int_equal(pci_find_cap(&dev, PCI_CAP_VENDOR, 0), 0x40);
    machine.config[STATUS] = 0;
    assert_int_equal(pci_find_cap(&dev, PCI_CAP_VENDOR, 0), 0);
}

/* One that leads to itself, a longer circle, and one that is entered from outside. */
static void circles_are_left(void **state)
{
    static const uint8_t nexts[][3] = {
        { 0x40, 0, 0 }, { 0x50, 0x40, 0 }, { 0x50, 0x60, 0x50 }, { 0x50, 0x60, 0x40 },
    };
    struct virtio_device v;

    (void)state;
    machine.config[CAPS] = 0x40;
    for (size_t i = 0; i < ARRAY_SIZE(nexts); i++) {
        for (unsigned int n = 0; n < 3; n++)
            put_cap(0x40 + 0x10 * n, nexts[i][n], 9, 0, 0);
        assert_int_equal(pci_find_cap(&dev, PCI_CAP_MSIX, 0), 0);
        assert_int_equal(virtio_attach(&v, &dev), -ENODEV);
        assert_int_equal(machine.maps, 0);
    }
}

static void lists_outside_are_none(void **state)
{
    (void)state;
    memset(machine.config + 0x40, PCI_CAP_VENDOR, CONFIG_BYTES - 0x40);
    for (unsigned int first = 0; first < 0x40; first++) {
        machine.config[CAPS] = (uint8_t)first;
        assert_int_equal(pci_find_cap(&dev, PCI_CAP_VENDOR, 0), 0);
    }
}

/* ---- Registers ---- */

static void bars_hold_addresses(void **state)
{
    static const struct {
        uint32_t low, high;
        unsigned int bar;
        uint64_t address;
    } rows[] = {
        { BASE, 1, 0, BASE }, { BASE | 8, 1, 0, BASE },         /* prefetchable */
        { BASE | 4, 1, 0, 1ull << 32 | BASE }, { BASE | 1, 0, 0, 0 }, { BASE | 4, 0, 5, 0 },
        { BASE, 0, 5, BASE }, { BASE, 0, 6, 0 }, { BASE, 0, 7, 0 }, { BASE, 0, 255, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        put32(BAR + rows[i].bar % 8 * 4, rows[i].low);
        put32(BAR + rows[i].bar % 8 * 4 + 4, rows[i].high);
        assert_int_equal(pci_bar(&dev, rows[i].bar), rows[i].address);
    }
}

static void registers_are_mapped(void **state)
{
    struct virtio_device v;

    (void)state;
    machine.config[CAPS] = 0x40;
    put32(BAR + 16, BASE);
    put_cap(0x40, 0x54, 4, 0x2000, 0x1000);
    put_cap(0x54, 0x68, 2, 0x3000, 0x1000);
    put_cap(0x68, 0, 1, 0x40, 56);
    assert_int_equal(virtio_attach(&v, &dev), 0);
    assert_int_equal(machine.maps, 3);
    assert_ptr_equal((const void *)v.common, machine.window[2] + 0x40);
    assert_int_equal(v.config_len, 0x1000);
    /* As long as a device says, but not without end. */
    put_cap(0x40, 0x54, 4, 0, 0xffffffff);
    machine.nr_windows = 0;
    assert_int_equal(virtio_attach(&v, &dev), 0);
    assert_int_equal(v.config_len, 1 << 20);
    /* Too short for what must be there, nowhere, or refused by the hypervisor. */
    put_cap(0x68, 0, 1, 0x40, 55);
    machine.nr_windows = 0;
    assert_int_equal(virtio_attach(&v, &dev), -ENODEV);
    put_cap(0x68, 0, 1, 0x40, 56);
    machine.nr_windows = 0;
    machine.refuse_map = (unsigned int)machine.maps + 1 + 256 + 1;
    assert_int_equal(virtio_attach(&v, &dev), -ENODEV);
    put32(BAR + 16, 0);
    assert_int_equal(virtio_attach(&v, &dev), -ENODEV);
}

/* ---- Finding devices ---- */

static unsigned int found[256], nr_found;

static void count(const struct pci_device *d)
{
    found[d->bus]++;
    nr_found++;
}

static bool everywhere(const struct pci_device *d)
{
    (void)d;
    return true;
}

static bool function_1_only(const struct pci_device *d)
{
    return (d->devfn & 7) == 1;
}

static unsigned int scan(void)
{
    memset(found, 0, sizeof(found));
    nr_found = 0;
    pci_for_each(count);
    return nr_found;
}

static void functions_are_found(void **state)
{
    (void)state;
    assert_int_equal(scan(), 1);
    machine.present = everywhere;
    assert_int_equal(scan(), 32);
    machine.config[HEADER] = 0x80;
    assert_int_equal(scan(), 256);
    machine.present = function_1_only;
    assert_int_equal(scan(), 0);
    machine.present = everywhere;
    put32(VENDOR, 0xffffffff);
    assert_int_equal(scan(), 0);
}

/* Bridges that lead to their own bus, to each other's, and 256 on every bus. */
static void bridges_lead_nowhere_twice(void **state)
{
    (void)state;
    machine.config[HEADER] = 1;
    for (unsigned int to = 0; to < 256; to += 51) {
        machine.config[SECONDARY] = (uint8_t)to;
        machine.present = only_device;
        assert_int_equal(scan(), 1);
        machine.present = everywhere;
        assert_int_equal(scan(), to ? 64 : 32);
        assert_int_equal(found[to], 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_are_walked, start, stop),
        cmocka_unit_test_setup_teardown(circles_are_left, start, stop),
        cmocka_unit_test_setup_teardown(lists_outside_are_none, start, stop),
        cmocka_unit_test_setup_teardown(bars_hold_addresses, start, stop),
        cmocka_unit_test_setup_teardown(registers_are_mapped, start, stop),
        cmocka_unit_test_setup_teardown(functions_are_found, start, stop),
        cmocka_unit_test_setup_teardown(bridges_lead_nowhere_twice, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
