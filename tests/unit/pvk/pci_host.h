/* SPDX-License-Identifier: MIT */
/*
 * The rest of the kernel, as far as pv-kernel/drivers/ calls it to find and start PCI devices: a
 * machine with one device's configuration space, and memory for its registers. For pci_test.c and
 * the fuzz target, which say what is in both.
 */
#ifndef PVK_PCI_HOST_H
#define PVK_PCI_HOST_H

#include <stdlib.h>
#include <string.h>

#include "drivers/pci.h"
#include "drivers/virtio.h"

#define CONFIG_BYTES 256u
/* Registers have as many pages as the driver may map of each kind, and one. */
#define WINDOW_PAGES 257u
#define WINDOWS      3u

static struct {
    uint8_t config[CONFIG_BYTES];
    /* Which functions are there; every one has the same configuration space. */
    bool (*present)(const struct pci_device *dev);
    unsigned long reads, writes;
    uint8_t *window[WINDOWS];
    unsigned int nr_windows;
    unsigned int refuse_map;            /* calls of pv_map after which one fails; 0: never */
    unsigned long maps;
    long pages;
} machine;

static bool only_device(const struct pci_device *dev)
{
    return dev->bus == 0 && dev->devfn == 0;
}

/* The ports know only so many bits of a register's number. */
uint32_t pci_read(const struct pci_device *dev, unsigned int reg, unsigned int size)
{
    uint32_t value = 0xffffffffu >> (32 - 8 * size);

    machine.reads++;
    if (machine.present(dev))
        memcpy(&value, machine.config + (reg & 0xfc) + (reg & 3), size);
    return value;
}

void pci_write(const struct pci_device *dev, unsigned int reg, unsigned int size, uint32_t value)
{
    (void)dev;
    machine.writes++;
    memcpy(machine.config + (reg & 0xfc) + (reg & 3), &value, size);
}

/* Where registers come to lie; what is read there is what the window was filled with. */
uint64_t pv_vmap_alloc(unsigned int pages)
{
    if (pages > WINDOW_PAGES || machine.nr_windows == WINDOWS)
        abort();
    return (uint64_t)machine.window[machine.nr_windows++];
}

int pv_map(uint64_t va, pv_mfn_t mfn, uint64_t flags)
{
    (void)va;
    (void)mfn;
    (void)flags;
    return ++machine.maps == machine.refuse_map ? -EINVAL : 0;
}

int pv_unmap(uint64_t va, unsigned int pages)
{
    (void)va;
    (void)pages;
    return 0;
}

uint64_t pv_system_time(void)
{
    static uint64_t now;

    return now += PV_NS_PER_MS;
}

void *pv_alloc_page(void)
{
    void *page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

    machine.pages++;
    return memset(page, 0, PAGE_SIZE);
}

void pv_free_page(void *page)
{
    machine.pages -= page != NULL;
    free(page);
}

pv_mfn_t pv_va_to_mfn(const void *va)
{
    return pv_mfn((uint64_t)va >> PAGE_SHIFT);
}

int pv_printf(const char *format, ...)
{
    (void)format;
    return 0;
}

_Noreturn void pv_panic(const char *format, ...)
{
    (void)format;
    abort();
}

static void machine_start(void)
{
    for (unsigned int i = 0; i < WINDOWS; i++) {
        if (!machine.window[i])
            machine.window[i] = aligned_alloc(PAGE_SIZE, WINDOW_PAGES * PAGE_SIZE);
        memset(machine.window[i], 0, PAGE_SIZE);
    }
    memset(machine.config, 0, sizeof(machine.config));
    machine.present = only_device;
    machine.reads = machine.writes = machine.maps = machine.refuse_map = 0;
    machine.nr_windows = 0;
}

#endif
