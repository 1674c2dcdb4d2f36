/* SPDX-License-Identifier: MIT */
/*
 * Every way in from a guest or a device, and the one way out.
 *
 * All entries build the frame of regs.h and call C; no decision is made here but "from where" and
 * "is anything pending". Interrupts are off throughout. The frame, from the top of the CPU's stack:
 *
 *      top - 16    cpu (and padding)           (the rest of struct cpu_info)
 *      top - 24    percpu
 *      top - 32    current
 *      top - 40    ss          \
 *      top - 48    rsp          |  pushed by the processor through an interrupt gate,
 *      top - 56    rflags       |  or by hand after SYSCALL and SYSENTER
 *      top - 64    cs           |
 *      top - 72    rip         /
 *      top - 80    error code (low half), vector or ENTRY_ code (high half)
 *      top - 88    rdi         \
 *      top - 96    rsi          |
 *        ...                    |  push_regs; rdx rcx rax r8 r9 r10 r11 rbx rbp r12 r13 r14
 *      top - 200   r15         /   <- rsp, and rdi, when C is called
 *
 * The ways in, and where each goes:
 *
 *      SYSCALL     syscall_stubs    -> hypercall_entry() or guest_syscall(), by the guest's mode
 *      (32-bit)    syscall32_stubs  -> guest_syscall32()
 *      SYSENTER    sysenter_stubs   -> guest_sysenter()
 *      exceptions  entry_stubs      -> guest_trap() or hv_trap(), by CPL
 *      interrupts  entry_stubs      -> irq_dispatch()
 *
 * Nothing of a guest's is trusted on the way: GS is the guest's still, so its base is never used;
 * the direction flag, and AC (which would lift SMAP), are cleared before C runs.
 */
#include "mm/layout.h"
#include "x86/offsets.h"

#define TAIL            (INFO_SIZE - INFO_CURRENT)
/* A place @off bytes under the top of CPU @cpu's stack, as a RIP-relative operand. */
#define CPU_STACK(cpu, off) \
        _image_start + (STACKS_VIRT - IMAGE_VIRT) + ((cpu) + 1) * STACK_SIZE - (off)(%rip)

/* Three bytes that cpu.c makes clac where there is SMAP, before the text is read-only. */
        .macro  clac_if_smap
771:    .byte   0x0f, 0x1f, 0x00
        .pushsection .smap_patch, "a"
        .long   771b - .
        .byte   0, 0, 0, 0
        .popsection
        .endm

        .macro  push_regs
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
        .endm

        .macro  pop_regs
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
        .endm

        .text

/*
 * SYSCALL and SYSENTER land here, on the guest's stack pointer or none. The CPU's number is in the
 * address of the stub, so no register and nothing of the guest's is needed to find the stack.
 */
        .macro  landing name, common
        .balign 32
        .globl  \name
\name:
        cpu = 0
        .rept   MAX_CPUS
        .balign 32
        mov     %rsp, CPU_STACK(cpu, TAIL + 16)         /* regs.rsp */
        lea     CPU_STACK(cpu, TAIL + 16), %rsp
        jmp     \common
        cpu = cpu + 1
        .endr
        .endm

        landing syscall_stubs, syscall_entry
        landing syscall32_stubs, syscall32_entry
        landing sysenter_stubs, sysenter_entry

/*
 * SYSCALL of 64-bit code. In: rsp at regs.rsp, rcx the guest's rip, r11 its rflags; SFMASK
 * cleared IF, DF, TF, AC, NT, so there is no clac here. The selectors are not saved by the
 * processor: they are the flat ones, as SYSRET will load them again. From the guest's kernel it
 * is a hypercall, from its user mode a system call that the guest's kernel gets.
 */
        .balign 16
syscall_entry:
        movq    $SEL_DS, 8(%rsp)
        push    %r11
        push    $SEL_CS64
        push    %rcx
        push    $0
        movl    $ENTRY_SYSCALL, 4(%rsp)
        push_regs
        mov     INFO_CURRENT(%rsp), %rax
        mov     %rsp, %rdi
        cmpb    $0, VCPU_KERNEL_MODE(%rax)
        je      1f
        call    hypercall_entry
        jmp     exit_to_guest
1:      call    guest_syscall
        jmp     exit_to_guest

/* The same from 32-bit user code. */
syscall32_entry:
        movq    $SEL_DS, 8(%rsp)
        push    %r11
        push    $SEL_CS32
        push    %rcx
        push    $0
        movl    $ENTRY_SYSCALL32, 4(%rsp)
        push_regs
        mov     %rsp, %rdi
        call    guest_syscall32
        jmp     exit_to_guest

/*
 * SYSENTER keeps neither rip nor rsp: the frame says rip 0, cs 3, rsp 0. TF and NT stay as they
 * were, and IF is cleared, which the guest always has set.
 */
sysenter_entry:
        movq    $SEL_DS, 8(%rsp)
        movq    $0, (%rsp)
        pushf
        orl     $0x200, (%rsp)
        push    $0                      /* flags of our own: none set */
        popf
        push    $3
        push    $0
        push    $0
        movl    $ENTRY_SYSENTER, 4(%rsp)
        push_regs
        clac_if_smap
        mov     %rsp, %rdi
        call    guest_sysenter
        jmp     exit_to_guest

/*
 * The 256 vectors, 16 bytes each (descriptors.c's STUB_STRIDE). Those without a hardware error code
 * get a zero, so that all frames are alike:
 *
 *      +4  vector              <- movl, into the high half of the error code's word
 *      +0  error code, or 0    <- rsp
 */
        .balign 16
        .globl  entry_stubs
entry_stubs:
        vector = 0
        .rept   256
        .balign 16
        .if     !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
        push    $0
        .endif
        movl    $vector, 4(%rsp)
        .if     vector == 1 || vector == 2 || vector == 8 || vector == 18
        jmp     ist_entry
        .elseif vector < 32 || vector == 0x80
        jmp     trap_entry
        .else
        jmp     irq_entry
        .endif
        vector = vector + 1
        .endr

/* Exceptions. From a guest the frame lies at the top of the stack; from ourselves, wherever. */
        .balign 16
trap_entry:
        push_regs
        cld
        clac_if_smap
        mov     %rsp, %rdi
        testb   $3, REGS_CS(%rsp)
        jz      1f
        call    guest_trap
        jmp     exit_to_guest
1:      call    hv_trap
        jmp     restore_hv

/* Interrupts: from a guest, from irq_window() or from the idle loop; nothing else lets them in. */
irq_entry:
        push_regs
        cld
        clac_if_smap
        mov     %rsp, %rdi
        call    irq_dispatch
        testb   $3, REGS_CS(%rsp)
        jnz     exit_to_guest
        jmp     restore_hv

/*
 * Vectors with a stack of their own. From a guest nothing of ours is on the main stack, so the
 * frame moves there and all goes on as for any trap.
 */
ist_entry:
        push_regs
        cld
        clac_if_smap
        testb   $3, REGS_CS(%rsp)
        jz      1f
        mov     %rsp, %rsi
        mov     %rsp, %rdi
        or      $(STACK_SIZE - 1), %rdi
        sub     $(INFO_SIZE - 1), %rdi
        mov     %rdi, %rsp
        mov     $(REGS_SIZE / 8), %ecx
        rep movsq
        mov     %rsp, %rdi
        call    guest_trap
        jmp     exit_to_guest
1:      mov     %rsp, %rdi
        call    hv_trap
        jmp     restore_hv

/* Back into the hypervisor, to where the exception or interrupt found it, or to its fixup. */
restore_hv:
        pop_regs
        add     $8, %rsp
        iretq

/*
 * The way out. In: rsp at the guest's frame, the top of the stack. Softirqs are the one word of
 * pending work: whoever leaves something else to be done on the way out raises one. An event that
 * the guest is open for is the other reason not to leave at once, and then the only one.
 */
        .balign 16
exit_to_guest:
        mov     INFO_CURRENT(%rsp), %rbx
        cmpl    $0, INFO_SOFTIRQS(%rsp)
        jne     exit_slow
        mov     VCPU_INFO(%rbx), %rax
        cmpb    $0, VINFO_UPCALL_MASK(%rax)
        jne     exit_now
        cmpb    $0, VINFO_UPCALL_PENDING(%rax)
        jne     exit_upcall
/* Nothing is pending. A frame that a SYSCALL made, or that may pass for one, leaves by SYSRET. */
exit_now:
        cmpl    $ENTRY_SYSCALL, REGS_VECTOR(%rsp)
        jne     exit_iret
        /*
         * SYSRET to a non-canonical address would fault here, in ring 0 on the guest's stack: such
         * frames leave by IRET, which faults with ours.
         */
        mov     REGS_RIP(%rsp), %rcx
        mov     %rcx, %rdx
        shl     $16, %rdx
        sar     $16, %rdx
        cmp     %rcx, %rdx
        jne     exit_iret
        pop_regs
        mov     8(%rsp), %rcx
        mov     24(%rsp), %r11
        mov     32(%rsp), %rsp
        sysretq

/* Any other frame, with the selectors that the guest has chosen: the processor checks them. */
exit_iret:
        pop_regs
        add     $8, %rsp
        .globl  guest_iretq
guest_iretq:                            /* may fault on a bad cs, ss or rip: traps.c knows it */
        iretq

/*
 * One upcall a way out: the guest's other vCPUs may unmask events again as soon as they are masked,
 * and would keep this CPU here, with interrupts off, for as long as there is stack for frames.
 */
exit_upcall:
        mov     %rbx, %rdi
        mov     %rsp, %rsi
        call    deliver_upcall
        cmpl    $0, INFO_SOFTIRQS(%rsp) /* a domain that crashed over it has raised one */
        je      exit_now

/* exit_work() returns when nothing is pending any more, maybe for another vCPU than came in. */
exit_slow:
        mov     %rsp, %rdi
        call    exit_work
        jmp     exit_now

/* Entered from C with a vCPU loaded: drops all C frames of this stack. */
        .globl  return_to_guest
return_to_guest:
        or      $(STACK_SIZE - 1), %rsp
        sub     $(INFO_SIZE - 1), %rsp
        jmp     exit_slow

/* In: rdi, a function that does not return. */
        .globl  reset_stack_and_call
reset_stack_and_call:
        or      $(STACK_SIZE - 1), %rsp
        sub     $(INFO_SIZE - 1), %rsp
        xor     %ebp, %ebp
        call    *%rdi
        ud2

        .section .note.GNU-stack, "", @progbits
