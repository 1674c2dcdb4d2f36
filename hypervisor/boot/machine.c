/* SPDX-License-Identifier: MIT */
/*
 * How the machine ends: reset, off, or halted. Each tries what the machine says it has, then
 * what PCs have had for ever; none of them returns.
 */
#include "boot/boot.h"
#include "lib/printk.h"
#include "x86/x86.h"

#define PORT_RESET_CONTROL  0xcf9
#define PORT_KEYBOARD       0x64
#define KEYBOARD_INPUT_FULL 0x02
#define KEYBOARD_RESET      0xfe

#define PM1_SLP_TYP_SHIFT   10
#define PM1_SLP_TYP         (7u << PM1_SLP_TYP_SHIFT)
#define PM1_SLP_EN          BIT(13)
#define PM1_SCI_EN          BIT(0)

/* Machines take their time; a port read is about a microsecond. */
static void wait_a_while(void)
{
    for (unsigned int i = 0; i < 100000; i++)
        (void)inb(0x80);
}

noreturn void machine_halt(void)
{
    if (cpu_count() > 1)
        smp_stop_all();
    for (;;)
        __asm__ volatile("cli; hlt" ::: "memory");
}

/* No interrupt table and an exception: the CPU shuts down, and the chipset resets. */
static void triple_fault(void)
{
    static const struct {
        u16 limit;
        u64 base;
    } __packed none = { 0, 0 };

    __asm__ volatile("lidt %0; ud2" : : "m"(none));
}

/*
 * By the firmware's own register, the chipset's, the keyboard controller, a triple fault: in this
 * order.
 */
noreturn void machine_reboot(void)
{
    if (acpi.reset_addr) {
        outb((u16)acpi.reset_addr, acpi.reset_value);
        wait_a_while();
    }
    outb(PORT_RESET_CONTROL, 0x02);     /* a hard reset ... */
    outb(PORT_RESET_CONTROL, 0x06);     /* ... now */
    wait_a_while();
    for (unsigned int i = 0; i < 1000 && inb(PORT_KEYBOARD) & KEYBOARD_INPUT_FULL; i++)
        (void)inb(0x80);
    outb(PORT_KEYBOARD, KEYBOARD_RESET);
    wait_a_while();
    triple_fault();
    machine_halt();
}

/* Hands the power registers from the firmware to us, where it still has them. */
static void acpi_enable(void)
{
    if (!acpi.smi_cmd || !acpi.acpi_enable || inw(acpi.pm1a_cnt) & PM1_SCI_EN)
        return;
    outb(acpi.smi_cmd, acpi.acpi_enable);
    for (unsigned int i = 0; i < 1000000 && !(inw(acpi.pm1a_cnt) & PM1_SCI_EN); i++)
        cpu_relax();
}

/* SLP_EN makes it so; the other bits of the register are kept. Port 0: there is none. */
static void sleep_now(u16 port, u8 type)
{
    u16 keep;

    if (!port)
        return;
    keep = (u16)(inw(port) & ~(PM1_SLP_TYP | PM1_SLP_EN));
    outw(port, (u16)(keep | (u32)type << PM1_SLP_TYP_SHIFT | PM1_SLP_EN));
}

/* Writes to both power registers, as ACPI wants it where there are two. */
noreturn void machine_power_off(void)
{
    if (acpi.s5_found) {
        acpi_enable();
        sleep_now(acpi.pm1a_cnt, acpi.s5_typ_a);
        sleep_now(acpi.pm1b_cnt, acpi.s5_typ_b);
        wait_a_while();
    }
    pr_err("The machine can't be switched off; halted.\n");
    machine_halt();
}
