/* SPDX-License-Identifier: MIT */
/*
 * Switching between kernel stacks, and the first steps of a new task.
 *
 * A task that does not run has on its kernel stack, from ksp up: r15 r14 r13 r12 rbx rbp and a
 * return address. A new one's returns to task_entry, with only its user registers (struct
 * pv_regs) above that.
 */
    .text

/* void switch_stacks(uint64_t *save_sp, uint64_t sp) */
    .globl switch_stacks
    .type switch_stacks, @function
switch_stacks:
    push    %rbp
    push    %rbx
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, (%rdi)
    mov     %rsi, %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret
    .size switch_stacks, . - switch_stacks

    .globl task_entry
    .type task_entry, @function
task_entry:
    xor     %ebp, %ebp
    mov     %rsp, %rdi
    call    task_first_run
    jmp     pv_return_to_frame
    .size task_entry, . - task_entry

    .section .note.GNU-stack, "", @progbits
