/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: where it may be, and copies of a few words inline, for the paths that every
 * hypercall and every exception takes. uaccess.c has the general copies, and the rules.
 */
#ifndef X86_UACCESS_H
#define X86_UACCESS_H

#include "x86/extable.h"

/* Three bytes that cpu.c makes stac ("1") or clac ("0") where there is SMAP. */
#define SMAP_SITE(kind)                                 \
    "771: .byte 0x0f, 0x1f, 0x00\n"                     \
    ".pushsection .smap_patch, \"a\"\n"                 \
    ".long 771b - .\n"                                  \
    ".byte " kind ", 0, 0, 0\n"                         \
    ".popsection\n"

/* Whether [p, p+len) lies outside the hypervisor's range and is canonical. */
static inline bool guest_range_ok(unsigned long p, unsigned long len)
{
    /* Guests own [0, 2^47) and [0xffff880000000000, 2^64); a copy never spans the two. */
    const unsigned long low_end = 1ul << 47, high = 0xffff880000000000;

    return (p < low_end && len <= low_end - p) || (p >= high && len <= -p);
}

bool copy_from_guest_any(void *dst, unsigned long src, unsigned long len) __must_check;
bool copy_to_guest_any(unsigned long dst, const void *src, unsigned long len) __must_check;

/* @n, a constant, words from @src to @dst, one of which is the guest's and has been checked. */
#define COPY_WORDS(dst, src, n)                                                         \
    ({                                                                                  \
        bool copied_ = true;                                                            \
        u64 word_;                                                                      \
        __asm__ volatile(SMAP_SITE("1")                                                 \
                         "copy_at = 0\n"                                                \
                         ".rept %c[count]\n"                                            \
                         "773: mov copy_at(%[from]), %[word]\n"                         \
                         "774: mov %[word], copy_at(%[to])\n"                           \
                         EXTABLE("773b", "775f") EXTABLE("774b", "775f")                \
                         "copy_at = copy_at + 8\n"                                      \
                         ".endr\n"                                                      \
                         ".pushsection .text.fixup, \"ax\"\n"                           \
                         "775: movb $0, %[ok]\n"                                        \
                         "jmp 776f\n"                                                   \
                         ".popsection\n"                                                \
                         "776:\n"                                                       \
                         SMAP_SITE("0")                                                 \
                         : [word] "=&r"(word_), [ok] "+q"(copied_)                      \
                         : [from] "r"(src), [to] "r"(dst), [count] "i"(n)               \
                         : "memory");                                                   \
        copied_;                                                                        \
    })

/* Whether a copy of @len bytes is done in place: a few whole words, known when compiling. */
#define COPY_IN_PLACE(len) \
    __builtin_choose_expr(__builtin_constant_p(len), (len) % 8 == 0 && (len) <= 9 * 8, 0)

/*
 * Copies @len bytes from guest address @src, or to guest address @dst; false when any byte could
 * not be accessed (then what was copied is undefined).
 */
#define copy_from_guest_raw(dst, src, len)                                              \
    __builtin_choose_expr(COPY_IN_PLACE(len),                                           \
        ({ unsigned long from_ = (src);                                                 \
           guest_range_ok(from_, len) && COPY_WORDS((void *)(dst), from_, (len) / 8); }), \
        copy_from_guest_any(dst, src, len))
#define copy_to_guest_raw(dst, src, len)                                                \
    __builtin_choose_expr(COPY_IN_PLACE(len),                                           \
        ({ unsigned long to_ = (dst);                                                   \
           guest_range_ok(to_, len) && COPY_WORDS(to_, (const void *)(src), (len) / 8); }), \
        copy_to_guest_any(dst, src, len))

#endif
