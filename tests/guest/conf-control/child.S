/* SPDX-License-Identifier: MIT */
/*
 * What runs in the domains that the cases create: one page of code that the case copies into the
 * new domain and starts at the program it wants. rbx: the page shared with the case (struct shared
 * of child.h), r12: the domain's shared_info. No stack, no traps, no callbacks.
 */
#include "child.h"

        .section .rodata
        .balign 4096
        .globl  child_code
child_code:

        .macro  hypercall nr
        mov     $\nr, %eax
        syscall
        .endm

/* Sleeps until its port has an event; then answers the word it finds, and sends an event. */
        .globl  child_echo
child_echo:
        mov     SHARED_PORT(%rbx), %r13d
1:      mov     $SCHEDOP_poll, %edi
        lea     SHARED_POLL(%rbx), %rsi
        hypercall __HYPERVISOR_sched_op
        lock btr %r13, SHARED_INFO_PENDING(%r12)
        mov     SHARED_WORD(%rbx), %rax
        not     %rax
        mov     %rax, SHARED_ANSWER(%rbx)
        incq    SHARED_COUNT(%rbx)
        mov     $EVTCHNOP_send, %edi
        lea     SHARED_PORT(%rbx), %rsi
        hypercall __HYPERVISOR_event_channel_op
        jmp     1b

/* Counts, and never gives way. */
        .globl  child_spin
child_spin:
        incq    SHARED_COUNT(%rbx)
        jmp     child_spin

/* An exception that nothing handles. */
        .globl  child_crash
child_crash:
        ud2

/* Ends by itself, for the reason that the case has chosen. */
        .globl  child_shutdown
child_shutdown:
        mov     $SCHEDOP_shutdown, %edi
        lea     SHARED_REASON(%rbx), %rsi
        hypercall __HYPERVISOR_sched_op
        ud2

/* Pins and unpins a tree of page tables, over and over; a result that is not 0 stays to be seen. */
        .globl  child_pins
child_pins:
        lea     SHARED_OPS(%rbx), %rdi
        mov     $2, %esi
        xor     %edx, %edx
        mov     $DOMID_SELF, %r10d
        hypercall __HYPERVISOR_mmuext_op
        or      %rax, SHARED_ANSWER(%rbx)
        incq    SHARED_COUNT(%rbx)
        jmp     child_pins

/* One hypercall with the arguments that it finds; its result, and then it counts. */
        .globl  child_call
child_call:
        mov     SHARED_CALL(%rbx), %rax
        mov     SHARED_CALL + 8(%rbx), %rdi
        mov     SHARED_CALL + 16(%rbx), %rsi
        mov     SHARED_CALL + 24(%rbx), %rdx
        mov     SHARED_CALL + 32(%rbx), %r10
        syscall
        mov     %rax, SHARED_ANSWER(%rbx)
        incq    SHARED_COUNT(%rbx)
        jmp     child_spin

/* The same hypercall over and over: results are added up. */
        .globl  child_calls_on
child_calls_on:
        mov     SHARED_CALL(%rbx), %rax
        mov     SHARED_CALL + 8(%rbx), %rdi
        mov     SHARED_CALL + 16(%rbx), %rsi
        mov     SHARED_CALL + 24(%rbx), %rdx
        syscall
        add     %rax, SHARED_ANSWER(%rbx)
        incq    SHARED_COUNT(%rbx)
        jmp     child_calls_on

/* What its FPU and SSE registers hold at its first instruction; then others of its own. */
        .globl  child_fpu
child_fpu:
        fxsave64 SHARED_FPU(%rbx)
        pcmpeqd %xmm5, %xmm5
        fldpi
        incq    SHARED_COUNT(%rbx)
        jmp     child_spin

        .balign 4096
        .section .note.GNU-stack, "", @progbits
