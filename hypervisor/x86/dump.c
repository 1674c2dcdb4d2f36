/* SPDX-License-Identifier: MIT */
/* Registers on the console: ours when something is our bug, a guest's when its domain crashes. */
#include "domain/domain.h"
#include "x86/guest_mode.h"

#define STACK_WORDS 16      /* shown of a guest's stack */

static void print_gprs(enum log_level level, const struct cpu_regs *r)
{
    printk(level, "  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n",
           r->rax, r->rbx, r->rcx, r->rdx);
    printk(level, "  rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
    printk(level, "  r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
    printk(level, "  r13 %016lx r14 %016lx r15 %016lx\n", r->r13, r->r14, r->r15);
    printk(level, "  cs:rip %04lx:%016lx ss:rsp %04lx:%016lx rflags %08lx\n",
           r->cs & 0xffff, r->rip, r->ss & 0xffff, r->rsp, r->rflags);
    printk(level, "  cr2 %016lx cr3 %016lx\n", read_cr2(), read_cr3());
}

/* The console is taken from whoever has it: this machine is about to stop. */
void dump_regs(const struct cpu_regs *regs)
{
    console_emergency();
    print_gprs(LOG_ERROR, regs);
    if (from_guest(regs))
        return;
    print_symbol(regs->rip);
    backtrace(regs->rsp);
}

/*
 * Of a domain that crashes, by its own vCPU: the registers, and the top of the stack that is
 * loaded.
 */
void dump_guest(const struct cpu_regs *regs)
{
    print_gprs(LOG_ERROR, regs);
    for (unsigned int i = 0; i < STACK_WORDS; i++) {
        u64 word;

        /* Memory of a guest that just crashed: any of it may be gone. */
        if (!copy_from_guest_raw(&word, regs->rsp + i * sizeof(word), sizeof(word)))
            break;
        printk(LOG_ERROR, "  stack %016lx: %016lx\n", (unsigned long)(regs->rsp + i * sizeof(word)),
               (unsigned long)word);
    }
}
