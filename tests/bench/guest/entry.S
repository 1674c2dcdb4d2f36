/* SPDX-License-Identifier: MIT */
/*
 * The two readings of the clock, and entries that do no more than a guest kernel must: they take
 * rcx and r11 off the hypervisor's frame and return to it by the iret hypercall.
 */
#include <xen/xen.h>

#define SHARED_INFO_PENDING 2048   /* offsetof(struct shared_info, evtchn_pending) */
#define VCPU_INFO_UPCALL    0      /* offsetof(struct vcpu_info, evtchn_upcall_pending) */
#define VCPU_INFO_SELECTOR  8      /* offsetof(struct vcpu_info, evtchn_pending_sel) */

#define UNMAPPED 0x500000   /* as in traps.c */

.macro function name:req
    .globl \name
    .type \name, @function
    .balign 16
\name:
.endm

.macro end name:req
    .size \name, . - \name
.endm

/* The time into \into; rax becomes 0, rdx is lost. */
.macro read_clock into:req
    rdtsc
    shl     $32, %rdx
    or      %rax, %rdx
    mov     %rdx, \into
    xor     %eax, %eax
.endm

    .text

/*
 * long bench_measure(fn = rdi, ticks = rsi). fn starts with rax = 0. The labels in it are for
 * tests/bench/profile.py.
 */
function bench_measure
    push    %rbx
    push    %r12
    push    %r13
    mov     %rdi, %rbx
    mov     %rsi, %r12
    read_clock %r13
    .globl bench_begin, bench_end
bench_begin:
    call    *%rbx
bench_end:
    mov     %rax, %rbx
    read_clock %rcx
    sub     %r13, %rcx
    mov     %rcx, (%r12)
    mov     %rbx, %rax
    pop     %r13
    pop     %r12
    pop     %rbx
    ret
end bench_measure

function bench_nothing
    ret
end bench_nothing

/* ---- What the kernel raises ---- */

function kernel_ud
    ud2
    ret
end kernel_ud

function kernel_pf
    mov     $UNMAPPED, %eax
    mov     (%rax), %eax
    ret
end kernel_pf

function kernel_int80
    int     $0x80
    ret
end kernel_int80

/* ---- Entries ---- */

.macro return_to_frame
    jmp     pv_hypercall_page + __HYPERVISOR_iret * 32
.endm

/* A two-byte instruction failed: go on behind it. */
function skip_entry
    pop     %rcx
    pop     %r11
    addq    $2, (%rsp)
    push    $0
    return_to_frame
end skip_entry

/* The same where the frame has an error code: its slot becomes the return frame's flags. */
function skip_error_entry
    pop     %rcx
    pop     %r11
    movq    $0, (%rsp)
    addq    $2, 8(%rsp)
    return_to_frame
end skip_error_entry

/* `int n` and system calls: rip is right. */
function back_entry
    pop     %rcx
    pop     %r11
    push    $0
    return_to_frame
end back_entry

/* A system call again: the caller does not expect rcx and r11 back. */
function back_from_syscall_entry
    pop     %rcx
    pop     %r11
    push    $VGCF_in_syscall
    return_to_frame
end back_from_syscall_entry

/* An event: takes back the flag, the selector and the ports 0 to 63. */
function upcall_entry
    pop     %rcx
    pop     %r11
    push    $0
    push    %rax
    mov     pv_shared_info(%rip), %rax
    movb    $0, VCPU_INFO_UPCALL(%rax)
    movq    $0, VCPU_INFO_SELECTOR(%rax)
    movq    $0, SHARED_INFO_PENDING(%rax)
    pop     %rax
    incq    bench_upcalls(%rip)
    return_to_frame
end upcall_entry

/* ---- Guest user mode ---- */

    .section .pv_user.text, "ax", @progbits

/* uint64_t bench_user_measure(fn = rdi) */
function bench_user_measure
    push    %rbx
    push    %r12
    push    %r13
    mov     %rdi, %rbx
    read_clock %r13
    .globl bench_user_begin, bench_user_end
bench_user_begin:
    call    *%rbx
bench_user_end:
    mov     %rax, %rbx
    read_clock %rcx
    sub     %r13, %rcx
    mov     %rcx, %rax
    pop     %r13
    pop     %r12
    pop     %rbx
    ret
end bench_user_measure

function bench_user_nothing
    ret
end bench_user_nothing

function user_ud
    ud2
    ret
end user_ud

function user_pf
    mov     $UNMAPPED, %eax
    mov     (%rax), %eax
    ret
end user_pf

function user_int80
    int     $0x80
    ret
end user_int80

function user_syscall
    syscall
    ret
end user_syscall

    .section .note.GNU-stack, "", @progbits
