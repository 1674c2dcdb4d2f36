/* SPDX-License-Identifier: MIT */
/*
 * Copies to and from guest memory, through the guest's own page tables, which are loaded.
 *
 * Every guest page is a user page, so with SMAP the access is allowed for just these instructions.
 * A fault goes on at the end of the copy with what was left still in rcx. Only the range is
 * checked before: whether it is mapped, and writable, the processor says.
 */
#include "x86/extable.h"
#include "x86/x86.h"

/* Three bytes each that cpu.c makes stac or clac where there is SMAP. */
#define SMAP_SITE(kind)                                 \
    "771: .byte 0x0f, 0x1f, 0x00\n"                     \
    ".pushsection .smap_patch, \"a\"\n"                 \
    ".long 771b - .\n"                                  \
    ".byte " kind ", 0, 0, 0\n"                         \
    ".popsection\n"

static bool copy_raw(void *dst, const void *src, unsigned long len)
{
    unsigned long left = len / 8;

    __asm__ volatile(SMAP_SITE("1")
                     "1: rep movsq\n"
                     "mov %3, %%rcx\n"
                     "2: rep movsb\n"
                     "3:\n"
                     SMAP_SITE("0")
                     EXTABLE("1b", "3b")
                     EXTABLE("2b", "3b")
                     : "+D"(dst), "+S"(src), "+c"(left)
                     : "r"(len % 8)
                     : "memory");
    return left == 0;
}

bool copy_from_guest_raw(void *dst, unsigned long src, unsigned long len)
{
    return guest_range_ok(src, len) && copy_raw(dst, (const void *)src, len);
}

bool copy_to_guest_raw(unsigned long dst, const void *src, unsigned long len)
{
    return guest_range_ok(dst, len) && copy_raw((void *)dst, src, len);
}
