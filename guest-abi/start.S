/* SPDX-License-Identifier: MIT */
/*
 * Where a guest begins: ELF notes for the domain builder, entry point, boot stack, and the
 * hypercall page.  Built three times:
 *   start.o         has a HYPERCALL_PAGE note: the hypervisor writes its stubs into the page;
 *   start-nopage.o  (PV_NO_HYPERCALL_PAGE) has none, and the page holds stubs of our own;
 *   start-p2m.o     (PV_INIT_P2M too) wants the P2M list at an address of its own and the ramdisk
 *                   unmapped, given by its pfn, as Linux does.
 *
 * On entry (xen/xen.h, "start of day"): rsi = address of start_info, rsp = a small builder's
 * stack, events masked, bss cleared by the builder.
 */
#include <xen/elfnote.h>
#include <xen/xen.h>

#define VIRT_BASE 0xffffffff80000000
#define INIT_P2M 0x8000000000
#define BOOT_STACK_SIZE 0x8000

/* One note: name "Xen", a type, and a description of 8-byte words or one string. */
.macro note type:req, directive:req, value:vararg
    .balign 4
    .long 4, 772f - 771f, \type
    .asciz "Xen"
771:
    \directive \value
772:
    .balign 4
.endm

    .section .note.Xen, "a", @note
    note XEN_ELFNOTE_GUEST_OS, .asciz, "pvguest"
    note XEN_ELFNOTE_GUEST_VERSION, .asciz, "1"
    note XEN_ELFNOTE_LOADER, .asciz, "generic"
    note XEN_ELFNOTE_XEN_VERSION, .asciz, "xen-3.0"
    note XEN_ELFNOTE_ENTRY, .quad, _start
    note XEN_ELFNOTE_VIRT_BASE, .quad, VIRT_BASE
    note XEN_ELFNOTE_PADDR_OFFSET, .quad, 0
    note XEN_ELFNOTE_FEATURES, .asciz, "!writable_page_tables|pae_pgdir_above_4gb"
    note XEN_ELFNOTE_PAE_MODE, .asciz, "yes"
#ifdef PV_INIT_P2M
    note XEN_ELFNOTE_INIT_P2M, .quad, INIT_P2M
    note XEN_ELFNOTE_MOD_START_PFN, .long, 1
#endif
#ifndef PV_NO_HYPERCALL_PAGE
    note XEN_ELFNOTE_HYPERCALL_PAGE, .quad, pv_hypercall_page
#endif

    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    cld
    lea     boot_stack_top(%rip), %rsp
    xor     %ebp, %ebp
    mov     %rsi, %rdi
    call    pv_start
    ud2
    .size _start, . - _start

/*
 * Slot n, 32 bytes, makes hypercall n: number in rax, result in rax, all else as it was but for
 * the argument registers.  Slot __HYPERVISOR_iret is jumped to with struct iret_context's upper
 * part (from `flags` on) on the stack, and does not return.
 */
    .section .text.hypercall_page, "ax", @progbits
    .balign 4096
    .globl pv_hypercall_page
    .type pv_hypercall_page, @object
pv_hypercall_page:
#ifdef PV_NO_HYPERCALL_PAGE
    .set slot, 0
    .rept 128
    .balign 32
    push    %rcx
    push    %r11
    .if slot == __HYPERVISOR_iret
    push    %rax
    mov     $slot, %eax
    syscall
    ud2
    .else
    mov     $slot, %eax
    syscall
    pop     %r11
    pop     %rcx
    ret
    .endif
    .set slot, slot + 1
    .endr
#endif
    .skip 4096 - (. - pv_hypercall_page)
    .size pv_hypercall_page, 4096

    .section .bss.boot_stack, "aw", @nobits
    .balign 16
    .skip BOOT_STACK_SIZE
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
