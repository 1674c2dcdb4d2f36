/* SPDX-License-Identifier: MIT */
/*
 * Where another CPU starts: copied to a page below 1 MiB, entered in real mode with CS at the
 * page and IP 0. It goes straight to long mode on head.S's tables (boot_l4), which map the first
 * 4 GiB at their own address and the hypervisor at its place, takes its stack, and jumps to
 * start_ap (x86/smp.c). Nothing here knows its address when it is linked: %ebx holds it.
 *
 * The page, as x86/smp.c fills it:
 *
 *      +0                      this code, entered in real mode
 *      trampoline_args         cr3, efer       the tables; NX is in use in them already
 *                              stack, entry    of the CPU that is being started
 */

#define CR0_PE_PG       0x80000001
#define CR0_CD_NW       0x60000000
#define CR4_PAE         0x20
#define MSR_EFER        0xc0000080
#define CODE64          8

#define HERE(label)     (label - trampoline_start)

        .section .rodata.trampoline, "a"
        .balign 16
        .globl trampoline_start, trampoline_end, trampoline_args

        .code16
trampoline_start:
        cli
        cld
        xorl    %ebx, %ebx
        movw    %cs, %bx
        movw    %bx, %ds
        shll    $4, %ebx
        leal    HERE(gdt)(%ebx), %eax
        movl    %eax, HERE(gdtr_base)
        leal    HERE(long_mode)(%ebx), %eax
        movl    %eax, HERE(jump)

        /* Straight from real mode to long mode: PAE, tables, EFER, then PE and PG together. */
        movl    $CR4_PAE, %eax
        movl    %eax, %cr4
        movl    HERE(trampoline_args), %eax
        movl    %eax, %cr3
        movl    $MSR_EFER, %ecx
        xorl    %edx, %edx
        movl    HERE(trampoline_args) + 4, %eax
        wrmsr
        lgdtl   HERE(gdtr)
        movl    %cr0, %eax
        andl    $~CR0_CD_NW, %eax       /* a CPU comes out of INIT with its caches off */
        orl     $CR0_PE_PG, %eax
        movl    %eax, %cr0
        ljmpl   *HERE(jump)

        .code64
long_mode:
        xorl    %eax, %eax
        movl    %eax, %ss
        movl    %eax, %ds
        movl    %eax, %es
        movq    trampoline_args + 8(%rip), %rsp
        xorl    %ebp, %ebp
        jmp     *trampoline_args + 16(%rip)

        .balign 8
gdt:
        .quad   0
        .quad   0x00af9b000000ffff
gdtr:
        .word   15
gdtr_base:
        .long   0
jump:
        .long   0
        .word   CODE64

        .balign 8
trampoline_args:                /* struct trampoline_args: cr3, efer, stack, entry */
        .long   0, 0
        .quad   0, 0
trampoline_end:

        .section .note.GNU-stack, "", @progbits
