/* SPDX-License-Identifier: MIT */
/*
 * The ends that are nobody's wish. A bad boot prints its one line, then reboots the machine, or
 * halts it if `noreboot` is given. Our own faults (x86/traps.c prints registers and calls
 * backtrace()) halt, so that what was printed stays to be read.
 */
#include "lib/printk.h"
#include "lib/symbols.h"
#include "lib/vsnprintf.h"
#include "boot/boot.h"
#include "x86/x86.h"

#define BACKTRACE_LINES 24

noreturn void panic(const char *fmt, ...)
{
    char line[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    console_emergency();
    pr_err("boot: %s\n", line);
    if (!boot_options.noreboot)
        machine_reboot();
    pr_err("Halted.\n");
    machine_halt();
}

noreturn void bug_stop(void)
{
    pr_err("Halted.\n");
    machine_halt();
}

/* Whether a call ends just before @addr: e8 and a distance, or ff with a register or memory. */
static bool after_call(unsigned long addr)
{
    const u8 *p = (const u8 *)addr;

    if (addr < (unsigned long)_text_start + 8 || addr > (unsigned long)_text_end)
        return false;
    if (p[-5] == 0xe8)
        return true;
    for (unsigned int len = 2; len <= 7; len++) {
        if (p[-(int)len] == 0xff && (p[1 - (int)len] & 0x38) == 0x10)
            return true;
    }
    return false;
}

void print_symbol(unsigned long addr)
{
    unsigned long offset;
    const char *name = symbol_find(addr, &offset);

    if (name)
        pr_err("   %016lx %s+0x%lx\n", addr, name, offset);
    else
        pr_err("   %016lx\n", addr);
}

/* The end of what may be read from @rsp up: guard pages lie between the small stacks. */
static unsigned long stack_end(unsigned long rsp)
{
    bool block = rsp >= STACKS_VIRT && rsp < STACKS_VIRT + (unsigned long)MAX_CPUS * STACK_SIZE;
    unsigned long page = rsp % STACK_SIZE / PAGE_SIZE;

    if (!block && (rsp < (unsigned long)_data_start || rsp >= (unsigned long)_image_end))
        return 0;
    if (block && page < STACK_PAGES - MAIN_STACK_PAGES)
        return page % 2 ? ALIGN_DOWN(rsp, PAGE_SIZE) + PAGE_SIZE : 0;
    return (rsp | (STACK_SIZE - 1)) + 1 - sizeof(struct cpu_info);
}

/*
 * There are no frame pointers to follow: every word on the stack that is the address behind a call
 * in our text is shown. A few of them may be left from earlier calls.
 */
void backtrace(unsigned long rsp)
{
    unsigned long end = stack_end(rsp);
    unsigned int lines = 0;

    for (rsp = ALIGN_UP(rsp, 8); rsp < end && lines < BACKTRACE_LINES; rsp += 8) {
        unsigned long word = *(const unsigned long *)rsp;

        if (!after_call(word))
            continue;
        print_symbol(word);
        lines++;
    }
}
