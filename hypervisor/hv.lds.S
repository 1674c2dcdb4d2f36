/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's image. One address space from IMAGE_VIRT, loaded in one piece at HV_LOAD_PADDR,
 * so that a virtual and a physical address always differ by the same number.
 *
 * Every group that gets its own access rights (mm/hv_map.c) starts and ends on a page:
 *
 *   text      read, execute     rodata    read           embedded  read
 *   data      read, write: data, per-CPU data of CPU 0, bss
 *
 * The file's bytes are contiguous, too, which the address fields of the Multiboot 1 header rely
 * on: nothing without file contents comes before .bss.
 */
#include "config.h"
#include "mm/layout.h"
#include "x86/regs.h"

#define TO_PHYS (IMAGE_VIRT - HV_LOAD_PADDR)
#define BOOT_STACK_SIZE 0x4000

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(start32)

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
    stack PT_GNU_STACK FLAGS(6);
}

SECTIONS
{
    . = IMAGE_VIRT;
    _image_start = .;

    .text : AT(ADDR(.text) - TO_PHYS) {
        _text_start = .;
        *(.head)
        *(.text .text.* .init.text)
        . = ALIGN(PAGE_SIZE);
        _text_end = .;
    } :text

    .rodata : AT(ADDR(.rodata) - TO_PHYS) {
        _rodata_start = .;
        *(.rodata .rodata.*)
        . = ALIGN(8);
        __extable_start = .;
        KEEP(*(.extable))
        __extable_end = .;
        . = ALIGN(4);
        __smap_patch_start = .;
        KEEP(*(.smap_patch))
        __smap_patch_end = .;
        . = ALIGN(8);
        *(.symbols)
        . = ALIGN(PAGE_SIZE);
        _rodata_end = .;
    } :rodata

    .embedded : AT(ADDR(.embedded) - TO_PHYS) {
        _embedded_start = .;
        KEEP(*(.embedded))
        . = ALIGN(PAGE_SIZE);
        _embedded_end = .;
    } :rodata

    .data : AT(ADDR(.data) - TO_PHYS) {
        _data_start = .;
        *(.data.page_aligned)
        *(.data .data.* .init.data)
        . = ALIGN(64);
        __percpu_start = .;
        *(.percpu)
        . = ALIGN(64);
        __percpu_end = .;
        /* Whole pages, so that a loader that rounds up to pages wipes nothing. */
        . = ALIGN(PAGE_SIZE);
        _load_end = .;
    } :data

    .bss (NOLOAD) : AT(ADDR(.bss) - TO_PHYS) {
        _bss_start = .;
        *(.bss.page_aligned)
        *(.bss .bss.* COMMON)
        . = ALIGN(PAGE_SIZE);
    } :data

    /* What matters is where it ends. */
    .boot_stack ALIGN(. + BOOT_STACK_SIZE, STACK_SIZE) - BOOT_STACK_SIZE (NOLOAD) :
        AT(ADDR(.boot_stack) - TO_PHYS) {
        . += BOOT_STACK_SIZE;
        boot_stack_top = .;
        _bss_end = .;
    } :data
    _image_end = .;

    /DISCARD/ : {
        *(.comment .note .note.* .eh_frame .eh_frame_hdr .interp .dynamic .gnu.hash)
    }
    .got : { *(.got .got.plt) }

    ASSERT(SIZEOF(.got) == 0 || SIZEOF(.got) == 0x18, "an address goes through a GOT")
}

/* The frame's top: struct cpu_info is found by rounding the stack pointer up. */
ASSERT((boot_stack_top & (STACK_SIZE - 1)) == 0,
       "the boot stack does not end on a STACK_SIZE boundary")
ASSERT(ALIGNOF(.text) <= PAGE_SIZE && ALIGNOF(.rodata) <= PAGE_SIZE &&
       ALIGNOF(.embedded) <= PAGE_SIZE && ALIGNOF(.data) <= PAGE_SIZE && ALIGNOF(.bss) <= PAGE_SIZE,
       "a section's alignment leaves a gap in the file")
ASSERT(multiboot1_header - _image_start < 8192 - 48,
       "the Multiboot 1 header is not in the first 8 KiB")
ASSERT(_image_end - _image_start <= 0x20000000, "the image runs into the stacks (mm/layout.h)")
ASSERT((_bss_end - _image_start) - (_embedded_end - _embedded_start) <= 0x100000,
       "the image is over 1 MiB, without the embedded kernel")
