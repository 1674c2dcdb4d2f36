/* SPDX-License-Identifier: MIT */
/* Catching the hypervisor's frames, and giving it frames (frame.h). */
#include <xen/xen.h>

#define FRAME_SLOTS 12

    .text

/* bool conf_run(void (*fn)(void *), void *arg): 0 if fn returned, 1 if conf_entry was reached. */
    .globl conf_run
    .type conf_run, @function
conf_run:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    sub     $8, %rsp
    mov     %rsp, conf_saved_rsp(%rip)
    mov     %rdi, %rax
    mov     %rsi, %rdi
    call    *%rax
    xor     %eax, %eax
conf_run_end:
    add     $8, %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret
    .size conf_run, . - conf_run

/* The hypervisor comes here: keep everything, then end conf_run. */
    .globl conf_entry
    .type conf_entry, @function
conf_entry:
    mov     %rax, conf_frame + 8 + FRAME_SLOTS * 8(%rip)
    mov     %rcx, conf_frame + 16 + FRAME_SLOTS * 8(%rip)
    mov     %r11, conf_frame + 24 + FRAME_SLOTS * 8(%rip)
    mov     %rsp, conf_frame(%rip)
    .set    slot, 0
    .rept   FRAME_SLOTS
    mov     slot * 8(%rsp), %rax
    mov     %rax, conf_frame + 8 + slot * 8(%rip)
    .set    slot, slot + 1
    .endr
    pushfq
    pop     %rax
    mov     %rax, conf_frame + 32 + FRAME_SLOTS * 8(%rip)
    lea     conf_frame + 40 + FRAME_SLOTS * 8(%rip), %rdi
    mov     %cs, %eax
    mov     %rax, (%rdi)
    mov     %ss, %eax
    mov     %rax, 8(%rdi)
    mov     %ds, %eax
    mov     %rax, 16(%rdi)
    mov     %es, %eax
    mov     %rax, 24(%rdi)
    mov     %fs, %eax
    mov     %rax, 32(%rdi)
    mov     %gs, %eax
    mov     %rax, 40(%rdi)
    cld
    mov     conf_saved_rsp(%rip), %rsp
    mov     $1, %eax
    jmp     conf_run_end
    .size conf_entry, . - conf_entry

/* void conf_iret(const struct iret_context *frame): the frame becomes the stack of the call. */
    .globl conf_iret, conf_multicall_on
    .type conf_iret, @function
    .type conf_multicall_on, @function

/* void conf_multicall_on(frame, list, nr): the same, by a list of calls with an iret in it. */
conf_multicall_on:
    mov     $__HYPERVISOR_multicall, %eax
    jmp     1f
conf_iret:
    mov     $__HYPERVISOR_iret, %eax
1:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, conf_iret_rsp(%rip)
    mov     %rdi, %rsp
    mov     %rsi, %rdi
    mov     %rdx, %rsi
    syscall
    ud2

    .globl conf_after_iret
conf_after_iret:
    mov     %rax, conf_after(%rip)
    mov     %rcx, conf_after + 8(%rip)
    mov     %r11, conf_after + 16(%rip)
    mov     %rsp, conf_after + 32(%rip)
    mov     conf_iret_rsp(%rip), %rsp
    pushfq
    pop     conf_after + 24(%rip)
    cld
    mov     %cs, %eax
    mov     %rax, conf_after + 40(%rip)
    mov     %ss, %eax
    mov     %rax, conf_after + 48(%rip)
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret
    .size conf_iret, . - conf_iret

    .section .pv_user.text, "ax", @progbits
    .globl conf_user_int3, conf_user_ud2, conf_user_syscall, conf_user_read, conf_user_spin
    .globl conf_user_sysenter
conf_user_int3:
    int3
    ud2
conf_user_ud2:
    ud2
conf_user_syscall:
    mov     $0x1234, %eax
    syscall
    ud2
conf_user_read:             /* reads the address in rdi */
    mov     (%rdi), %rax
    ud2
conf_user_sysenter:
    sysenter
    ud2
conf_user_spin:
    jmp     conf_user_spin

    .bss
    .balign 8
conf_saved_rsp:
    .skip   8
conf_iret_rsp:
    .skip   8

    .section .note.GNU-stack, "", @progbits
