/* SPDX-License-Identifier: MIT */
/*
 * The whole boot, one step a line. Each step is a room's own function and may rely on those before.
 * Whatever can't go on ends in panic(): one line that names the thing and the reason.
 */
#include "boot/boot.h"
#include "boot/early_traps.h"
#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "lib/printk.h"
#include "lib/serial.h"
#include "lib/vsnprintf.h"
#include "mm/mm.h"
#include "x86/platform.h"
#include "x86/x86.h"

#ifdef __clang__
#define COMPILER __VERSION__            /* names itself */
#else
#define COMPILER "gcc " __VERSION__
#endif

void start(u32 magic, u32 info);        /* called by head.S */

/* In an interrupt: whom the input is for is found out on the way out. */
static void raise_console_softirq(void)
{
    raise_softirq(SOFTIRQ_CONSOLE);
}

/* Whatever the log level is: so it can be told which one is being booted. */
static void print_banner(void)
{
    char line[128];
    int len = snprintf(line, sizeof(line), "Pavane %s (%s)\n", PAVANE_VERSION, COMPILER);

    console_write(line, min((size_t)len, sizeof(line) - 1));
}

/* What this machine can't be protected from; docs/security.md tells more. */
static void print_security_notes(void)
{
    if (cpu_has.meltdown)
        pr_warn("security: this CPU has Meltdown: guests can read the hypervisor's memory\n");
    if (cpu_has.l1tf)
        pr_warn("security: this CPU has L1TF: absent page-table entries are %s\n",
                mm_absent_mask(true) ? "checked" :
                mm_absent_mask(false) ? "checked, but not the first domain's" : "not checked");
    if (!cpu_has.smep || !cpu_has.smap)
        pr_info("security: this CPU has no %s\n",
                cpu_has.smep ? "SMAP" : cpu_has.smap ? "SMEP" : "SMEP and no SMAP");
}

/* What of the RAM went to nobody's guest. */
static void print_memory_kept(void)
{
    u64 ram = boot_ram_bytes();
    u64 guests = first_domain->tot_pages << PAGE_SHIFT, free = heap_free_frames() << PAGE_SHIFT;

    pr_info("memory: %lu KiB of %lu MiB kept by the hypervisor\n", (ram - guests - free) >> 10,
            ram >> 20);
}

/* On CPU 0's own stack: the machine, then the first domain. */
static noreturn void start_on_own_stack(void)
{
    cpu_init();                         /* descriptor tables, entry points */
    acpi_init();                        /* CPUs, interrupt controllers, timers, power */
    irq_init();                         /* vectors, IO-APICs, the old 8259s off */
    apic_init();                        /* this CPU's interrupts and timer */
    fpu_init();                         /* what of its state guests have */
    time_init();                        /* TSC and wall clock */
    sched_init();                       /* run queues and timers */
    console_input_hook = raise_console_softirq;
    serial_enable_input();
    smp_boot_all();                     /* the other CPUs, idle */
    print_security_notes();
    dom0_build();                       /* the first domain, runnable */
    print_memory_kept();
    pr_info("up after %lu ms\n", now_ns() / 1000000);
    reset_stack_and_call(idle);         /* which finds something to run */
}

/* Leaves the boot stack for good. */
static noreturn void take_own_stack(void)
{
    struct cpu_info *info;

    stack_map(0);
    info = stack_cpu_info(0);
    __asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tcall *%1\n\tud2"
                     : : "r"(info), "r"(start_on_own_stack) : "memory");
    __builtin_unreachable();
}

/* From head.S, with the loader's two registers. */
void start(u32 magic, u32 info)
{
    static const struct serial_options console = SERIAL_DEFAULT;

    serial_init(&console);              /* until com1= says otherwise */
    early_traps_init();                 /* no silent end */
    bootinfo_read(magic, info);         /* memory map, modules, command line */
    cmdline_parse();
    print_banner();
    cpu_init_boot();                    /* features, control registers */
    boot_heap_init();                   /* free memory */
    hv_map_init();                      /* our own page tables instead of head.S's */
    take_own_stack();
}
