/* SPDX-License-Identifier: MIT */
/*
 * Copies to and from guest memory, through the guest's own page tables, which are loaded.
 *
 * Every guest page is a user page, so with SMAP the access is allowed for just these instructions.
 * A fault goes on at the end of the copy with what was left still in rcx. Only the range is
 * checked before: whether it is mapped, and writable, the processor says.
 */
#include "x86/x86.h"

/*
 * Whole words, then the bytes that are left. Once rcx is zero after the last of the two, all was
 * copied; a fault in the first leaves it above zero, and skips the second.
 */
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
                     : "+D"(dst), "+S"(src), "+&c"(left)
                     : "r"(len % 8)
                     : "memory");
    return left == 0;
}

bool copy_from_guest_any(void *dst, unsigned long src, unsigned long len)
{
    return guest_range_ok(src, len) && copy_raw(dst, (const void *)src, len);
}

bool copy_to_guest_any(unsigned long dst, const void *src, unsigned long len)
{
    return guest_range_ok(dst, len) && copy_raw((void *)dst, src, len);
}
