/* SPDX-License-Identifier: MIT */
/*
 * The ways into the guest kernel, and the one way out.
 *
 * The hypervisor enters at a registered address with this frame on the kernel stack (the current
 * one, or from guest user mode the one set by stack_switch):
 *
 *      ss, rsp, rflags, cs | saved mask << 32, rip, [error code], r11, rcx  <- rsp
 *
 * Each stub takes rcx and r11 off, puts a vector (and a 0 where there is no error code) there
 * instead, and the common part saves the rest: what lies on the stack then is a struct pv_regs
 * (pvguest/traps.h), 176 bytes, so rsp is still 16-byte aligned for the call into C.
 */
#include <xen/xen.h>

#define ENTRY_UPCALL   256
#define ENTRY_SYSCALL  257
#define ENTRY_FAILSAFE 258

/* Vectors with an error code: 8, 10-14, 17, 21. */
#define ERROR_CODE_VECTORS 0x227d00

.macro save_registers
    push    %rdi
    push    %rsi
    push    %rdx
    push    %rcx
    push    %rax
    push    %r8
    push    %r9
    push    %r10
    push    %r11
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    cld
    mov     %rsp, %rdi
.endm

.macro function name:req
    .globl \name
    .type \name, @function
\name:
.endm

    .text

/* One stub per vector, 16 bytes each; pv_set_trap finds them by arithmetic. */
    .balign 16
function pv_vector_stubs
    .set vector, 0
    .rept 256
    .balign 16
    pop     %rcx
    pop     %r11
    .if vector > 31 || !(ERROR_CODE_VECTORS >> (vector & 31) & 1)
    push    $0
    .endif
    push    $vector
    jmp     trap_common
    .set vector, vector + 1
    .endr
    .size pv_vector_stubs, . - pv_vector_stubs

/* Segment registers failed to load: ds, es, fs, gs lie between r11 and rip. */
function pv_failsafe_entry
    pop     %rcx
    pop     %r11
    add     $32, %rsp
    push    $0
    push    $ENTRY_FAILSAFE
trap_common:
    save_registers
    call    pv_trap_dispatch
    jmp     pv_return_to_frame
    .size pv_failsafe_entry, . - pv_failsafe_entry

/* Events: masked on entry, and by the frame's IF unmasked again on the way back. */
function pv_upcall_entry
    pop     %rcx
    pop     %r11
    push    $0
    push    $ENTRY_UPCALL
    save_registers
    call    pv_upcall_dispatch
    jmp     pv_return_to_frame
    .size pv_upcall_entry, . - pv_upcall_entry

/* A system call of user mode, on the stack set by stack_switch. */
function pv_syscall_entry
    pop     %rcx
    pop     %r11
    push    $0
    push    $ENTRY_SYSCALL
    save_registers
    call    pv_syscall_dispatch
    /* fall through */

/*
 * rsp = a struct pv_regs: load it and go there, by the iret hypercall.  The error code's slot
 * becomes the `flags` word of struct iret_context, and the hypercall page pushes the rest.
 */
function pv_return_to_frame
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    pop     %r11
    pop     %r10
    pop     %r9
    pop     %r8
    pop     %rax
    pop     %rcx
    pop     %rdx
    pop     %rsi
    pop     %rdi
    add     $8, %rsp
    movq    $0, (%rsp)
    jmp     pv_hypercall_page + __HYPERVISOR_iret * 32
    .size pv_syscall_entry, . - pv_syscall_entry
    .size pv_return_to_frame, . - pv_return_to_frame

/*
 * Calls that something else may end: the context saved at rdx or rsi (struct pv_context,
 * pvguest/smp.h: rbx rbp r12-r15 rsp rip) is this function's own entry, so that loading it
 * returns to our caller with the result in rax.
 */
.macro save_context at:req
    mov     %rbx, 0(\at)
    mov     %rbp, 8(\at)
    mov     %r12, 16(\at)
    mov     %r13, 24(\at)
    mov     %r14, 32(\at)
    mov     %r15, 40(\at)
    mov     %rsp, 48(\at)
    lea     context_return(%rip), %rax
    mov     %rax, 56(\at)
.endm

/* int pv_call_in_context(void (*fn)(void *), void *arg, struct pv_context *save) */
function pv_call_in_context
    save_context %rdx
    push    %rbp
    mov     %rsp, %rbp
    mov     %rdi, %rax
    mov     %rsi, %rdi
    call    *%rax
    xor     %eax, %eax
    pop     %rbp
context_return:
    ret
    .size pv_call_in_context, . - pv_call_in_context

/* int pv_enter_frame(struct pv_regs *frame, struct pv_context *save): runs on frame's stack */
function pv_enter_frame
    save_context %rsi
    mov     %rdi, %rsp
    jmp     pv_return_to_frame
    .size pv_enter_frame, . - pv_enter_frame

/* A started vCPU: rdi = its struct pv_vcpu, rsp = its stack. */
function pv_vcpu_entry
    cld
    xor     %ebp, %ebp
    call    pv_vcpu_start
    ud2
    .size pv_vcpu_entry, . - pv_vcpu_entry

/* long pv_hypercall(nr, a1, ... a6): the sixth argument is on the stack. */
.macro load_arguments
    mov     %rdi, %rax
    mov     %rsi, %rdi
    mov     %rdx, %rsi
    mov     %rcx, %rdx
    mov     %r8, %r10
    mov     %r9, %r8
    mov     8(%rsp), %r9
.endm

/* Through the hypercall page, whose stub keeps rcx and r11. */
function pv_hypercall
    load_arguments
    shl     $5, %rax
    add     $pv_hypercall_page, %rax
    jmp     *%rax
    .size pv_hypercall, . - pv_hypercall

/* The instruction itself, without the page: rcx and r11 are lost, as in any call of C. */
function pv_syscall
    load_arguments
    syscall
    ret
    .size pv_syscall, . - pv_syscall

/* Where a function in user mode returns to: a system call that says so, and its result. */
    .section .pv_user.text, "ax", @progbits
function pv_user_return
    mov     %rax, %rdi
    movabs  $0x5056000052455455, %rax   /* PV_USER_RETURN, pvguest/user.h */
    syscall
    ud2
    .size pv_user_return, . - pv_user_return

    .section .note.GNU-stack, "", @progbits
