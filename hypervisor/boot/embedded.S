/* SPDX-License-Identifier: MIT */
/* The first domain that runs when the loader brings none: a whole ELF file, as it was built. */
        .section .embedded, "a", @progbits
        .balign 4096
        .globl  embedded_kernel_start, embedded_kernel_end
embedded_kernel_start:
        .incbin EMBEDDED_KERNEL
embedded_kernel_end:

        .section .note.GNU-stack, "", @progbits
