/* SPDX-License-Identifier: MIT */
/*
 * Exceptions before CPU 0 has its own descriptor tables: each ends the boot by one line, instead
 * of by a triple fault that nobody can read.
 */
#include "boot/boot.h"
#include "boot/early_traps.h"
#include "lib/printk.h"
#include "lib/symbols.h"
#include "x86/asm.h"

#define GATE_INTERRUPT  0x8e00u         /* present, ring 0, 64-bit interrupt gate */

struct gate {
    u16 offset_low, selector, flags, offset_mid;
    u32 offset_high, zero;
};

static struct gate idt[EARLY_VECTORS] __aligned(16);

noreturn void early_trap(const struct early_frame *frame);

noreturn void early_trap(const struct early_frame *frame)
{
    unsigned long offset = 0;
    const char *name = symbol_find(frame->rip, &offset);

    panic("exception %lu, error code 0x%lx, at %016lx %s+0x%lx, CR2 %016lx", frame->vector,
          frame->error_code, frame->rip, name ? name : "?", offset, read_cr2());
}

void early_traps_init(void)
{
    const struct {
        u16 limit;
        const struct gate *base;
    } __packed idtr = { sizeof(idt) - 1, idt };

    for (unsigned int i = 0; i < EARLY_VECTORS; i++) {
        u64 stub = (u64)early_stubs + i * EARLY_STUB_SIZE;

        idt[i] = (struct gate){ (u16)stub, BOOT_CS, GATE_INTERRUPT, (u16)(stub >> 16),
                                (u32)(stub >> 32), 0 };
    }
    __asm__ volatile("lidt %0" : : "m"(idtr));
}
