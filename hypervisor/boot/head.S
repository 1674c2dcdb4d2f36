/* SPDX-License-Identifier: MIT */
/*
 * The first instructions: from the loader's 32-bit protected mode to start() in C, in long mode.
 *
 * Contract with the loader (Multiboot 1 and 2): eax holds its magic number, ebx points at its
 * information; paging is off, all memory below 4 GiB is addressed as it is, the image lies at
 * HV_LOAD_PADDR and bss is zero. Nothing else is relied on, in particular no stack and no
 * descriptor table.
 *
 * Contract with start(): interrupts off, the boot page tables loaded (the first 4 GiB at identity
 * and at DIRECT_MAP_VIRT, the image at IMAGE_VIRT, all of it writable and executable until
 * hv_map_init()), a stack that ends at boot_stack_top (hv.lds.S), with a zeroed struct cpu_info
 * at its top.
 */
#include "boot/early_traps.h"
#include "config.h"
#include "mm/layout.h"
#include "x86/regs.h"

/* The physical address of a symbol of the image. */
#define PA(sym) (sym - (IMAGE_VIRT - HV_LOAD_PADDR))

#define L4_SLOT(va) (((va) >> 39) & 511)

#define PTE_TABLE   0x003               /* present, writable */
#define PTE_2M      0x083               /* the same, a 2 MiB page */

#define MB1_MAGIC   0x1badb002
#define MB1_FLAGS   0x00010003          /* modules on pages; memory map; address fields below */
#define MB2_MAGIC   0xe85250d6
#define MB2_I386    0
#define MB2_OPTIONAL 1

        .section .head, "ax", @progbits

/*
 * With the address fields a loader takes the file's bytes from this header on as they are, and
 * does not mind that the ELF file around them is a 64-bit one.
 */
        .balign 8
        .globl  multiboot1_header
multiboot1_header:
        .long   MB1_MAGIC
        .long   MB1_FLAGS
        .long   -(MB1_MAGIC + MB1_FLAGS)
        .long   PA(multiboot1_header)
        .long   PA(_image_start)
        .long   PA(_load_end)
        .long   PA(_image_end)
        .long   PA(start32)

/* Tags: type, flags, size; each starts on 8 bytes. The ELF headers say what goes where. */
        .balign 8
multiboot2_header:
        .long   MB2_MAGIC
        .long   MB2_I386
        .long   multiboot2_end - multiboot2_header
        .long   -(MB2_MAGIC + MB2_I386 + (multiboot2_end - multiboot2_header))

        .short  1, MB2_OPTIONAL         /* what information we would like */
        .long   2f - .  + 4
        .long   6, 8, 14, 15, 17        /* memory map, framebuffer, RSDP old, new, EFI map */
2:      .balign 8
        .short  3, 0                    /* where to start, which ELF has at a virtual address */
        .long   12
        .long   PA(start32)
        .balign 8
        .short  5, MB2_OPTIONAL         /* a framebuffer, of any size */
        .long   20
        .long   0, 0, 32
        .balign 8
        .short  6, 0                    /* modules on pages */
        .long   8
        .short  0, 0                    /* the end */
        .long   8
multiboot2_end:

        .code32
        .globl  start32
start32:
        cli
        cld
        mov     $PA(boot_stack_top), %esp
        mov     %eax, PA(boot_magic)
        mov     %ebx, PA(boot_info)

        /* bss is zero, so the tables below are, too; 64-bit mode, or a word on the serial line. */
        mov     $0x80000000, %eax
        cpuid
        cmp     $0x80000001, %eax
        jb      no_long_mode
        mov     $0x80000001, %eax
        cpuid
        bt      $29, %edx
        jnc     no_long_mode

        /* Four tables of 2 MiB pages: the first 4 GiB. */
        mov     $PA(boot_l2_low), %edi
        mov     $PTE_2M, %eax
        mov     $4 * 512, %ecx
        call    fill_2m
        /* The image and what comes behind it, for as far as it may grow (up to the stacks). */
        mov     $PA(boot_l2_image), %edi
        mov     $(HV_LOAD_PADDR + PTE_2M), %eax
        mov     $256, %ecx
        call    fill_2m

        mov     $PA(boot_l3_low), %edi
        mov     $(PA(boot_l2_low) + PTE_TABLE), %eax
1:      mov     %eax, (%edi)
        add     $4096, %eax
        add     $8, %edi
        cmp     $(PA(boot_l3_low) + 32), %edi
        jb      1b
        movl    $(PA(boot_l2_image) + PTE_TABLE), PA(boot_l3_image)

        /*
         * boot_l4:  slot 0                 boot_l3_low   -> 4 x boot_l2_low    0 to 4 GiB
         *           slot of DIRECT_MAP     the same
         *           slot of IMAGE          boot_l3_image -> boot_l2_image      the image
         */
        mov     $PA(boot_l4), %edi
        movl    $(PA(boot_l3_low) + PTE_TABLE), (%edi)
        movl    $(PA(boot_l3_low) + PTE_TABLE), 8 * L4_SLOT(DIRECT_MAP_VIRT)(%edi)
        movl    $(PA(boot_l3_image) + PTE_TABLE), 8 * L4_SLOT(IMAGE_VIRT)(%edi)
        mov     %edi, %cr3

        /* The order that the architecture wants: PAE, LME, then paging on is long mode. */
        mov     %cr4, %eax
        or      $0x20, %eax             /* PAE */
        mov     %eax, %cr4
        mov     $0xc0000080, %ecx       /* EFER.LME */
        rdmsr
        or      $0x100, %eax
        wrmsr
        mov     %cr0, %eax
        or      $0x80010001, %eax       /* PG, WP, PE */
        mov     %eax, %cr0
        lgdt    PA(boot_gdt_pointer)
        ljmp    $BOOT_CS, $PA(start64_low)

/* Writes ecx entries from edi on, the first eax, each 2 MiB further. Upper halves are zero. */
fill_2m:
        mov     %eax, (%edi)
        add     $0x200000, %eax
        add     $8, %edi
        dec     %ecx
        jnz     fill_2m
        ret

no_long_mode:
        mov     $PA(no_long_mode_text), %esi
1:      mov     $0x3fd, %dx             /* COM1's line status; a missing port reads as ready */
2:      in      %dx, %al
        test    $0x20, %al
        jz      2b
        mov     $0x3f8, %dx
        lodsb
        test    %al, %al
        jz      3f
        out     %al, %dx
        jmp     1b
3:      hlt
        jmp     3b

no_long_mode_text:
        .asciz  "boot: processor: it has no 64-bit mode\r\n"

        .balign 8
boot_gdt:
        .quad   0
        .quad   0x00af9a000000ffff      /* 8: 64-bit code */
        .quad   0x00cf92000000ffff      /* 16: data */
boot_gdt_pointer:
        .short  boot_gdt_pointer - boot_gdt - 1
        .long   PA(boot_gdt)
boot_gdt_pointer64:
        .short  boot_gdt_pointer - boot_gdt - 1
        .quad   boot_gdt

        .code64
start64_low:
        movabs  $start64, %rax
        jmp     *%rax
start64:
        lgdt    boot_gdt_pointer64(%rip)        /* its low address goes with the boot tables */
        mov     $16, %eax
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        lea     boot_stack_top - CPU_INFO_ROOM(%rip), %rsp
        mov     boot_magic(%rip), %edi
        mov     boot_info(%rip), %esi
        xor     %ebp, %ebp
        call    start
        ud2

/* Vectors 8, 10 to 14, 17, 21, 29 and 30 bring an error code; the others get a zero for it. */
#define HAS_ERROR_CODE 0x60227d00

        .balign EARLY_STUB_SIZE
        .globl  early_stubs
early_stubs:
        .set    vector, 0
        .rept   EARLY_VECTORS
        .balign EARLY_STUB_SIZE
        .if     !(HAS_ERROR_CODE >> vector & 1)
        push    $0
        .endif
        push    $vector
        jmp     early_common
        .set    vector, vector + 1
        .endr
/*
 * struct early_frame (early_traps.h), and what the CPU has pushed before:
 *
 *      +16   rip, cs, rflags, rsp, ss
 *      +8    error code, or 0
 *      +0    vector            <- rsp, and rdi for early_trap()
 */
early_common:
        cld
        mov     %rsp, %rdi
        and     $-16, %rsp
        call    early_trap
        ud2

/* boot_stack_top - this is 16-byte aligned and below struct cpu_info. */
        .equ    CPU_INFO_ROOM, 256

        .data
        .balign 4
boot_magic:     .long 0
boot_info:      .long 0

        .section .bss.page_aligned, "aw", @nobits
        .balign 4096
        .globl  boot_l4                 /* other CPUs start on it, too (x86/smp.c) */
boot_l4:        .skip 4096
boot_l3_low:    .skip 4096
boot_l3_image:  .skip 4096
boot_l2_image:  .skip 4096
boot_l2_low:    .skip 4 * 4096

        .section .note.GNU-stack, "", @progbits
