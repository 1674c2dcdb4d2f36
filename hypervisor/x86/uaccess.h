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

/* With SMAP, guest memory can be accessed between these two only. */
static inline void guest_access_begin(void)
{
    __asm__ volatile(SMAP_SITE("1") ::: "memory");
}

static inline void guest_access_end(void)
{
    __asm__ volatile(SMAP_SITE("0") ::: "memory");
}

/*
 * Whether [p, p+len) lies outside the hypervisor's range and is canonical. That is all that is
 * checked before an access: what is mapped there is the guest's business, and a page that is not
 * there, or not writable, is a fault with a fixup. An address in our own range would be none: ring
 * 0 may use it.
 */
static inline bool guest_range_ok(unsigned long p, unsigned long len)
{
    /* Guests own [high, 2^64) and [0, 2^47): one range, when counted from `high` up. */
    const unsigned long high = 0xffff880000000000, size = (1ul << 47) - high;

    return len <= size && p - high <= size - len;
}

/* For lengths that are not constant, or long; called by the macros below. */
bool copy_from_guest_any(void *dst, unsigned long src, unsigned long len) __must_check;
bool copy_to_guest_any(unsigned long dst, const void *src, unsigned long len) __must_check;

/*
 * Whether a copy of @len bytes is done in place: a few whole words, or half of one, known when
 * compiling.
 */
#define CONSTANT_AND(len, cond) \
    __builtin_choose_expr(__builtin_constant_p(len), cond, 0)
#define COPY_IN_PLACE(len) \
    CONSTANT_AND(len, (len) == 4 || ((len) % 8 == 0 && (len) <= 9 * 8))
#define copy_word_t(len) \
    typeof(__builtin_choose_expr(CONSTANT_AND(len, (len) == 4), (u32)0, (u64)0))

/* Such a copy, from @src to @dst, one of which is the guest's and has been checked. */
#define COPY_WORDS(dst, src, len)                                                       \
    ({                                                                                  \
        __label__ fault_, end_;                                                         \
        bool copied_ = true;                                                            \
        copy_word_t(len) word_;                                                         \
                                                                                        \
        __asm__ volatile goto(SMAP_SITE("1")                                            \
                              "copy_at = 0\n"                                           \
                              ".rept %c[count]\n"                                       \
                              "773: mov copy_at(%[from]), %[word]\n"                    \
                              "774: mov %[word], copy_at(%[to])\n"                      \
                              EXTABLE("773b", "%l[fault_]")                             \
                              EXTABLE("774b", "%l[fault_]")                             \
                              "copy_at = copy_at + 8\n"                                 \
                              ".endr\n"                                                 \
                              SMAP_SITE("0")                                            \
                              : [word] "=&r"(word_)                                     \
                              : [from] "r"(src), [to] "r"(dst),                         \
                                [count] "i"((len) / sizeof(word_))                      \
                              : "memory"                                                \
                              : fault_);                                                \
        goto end_;                                                                      \
    fault_:                                                                             \
        guest_access_end();                                                             \
        copied_ = false;                                                                \
    end_:                                                                               \
        copied_;                                                                        \
    })

/*
 * Copies @len bytes from guest address @src, or to guest address @dst; false when any byte could
 * not be accessed (then what was copied is undefined).
 */
#define copy_from_guest_raw(dst, src, len)                                              \
    __builtin_choose_expr(COPY_IN_PLACE(len),                                           \
        ({ unsigned long from_ = (src);                                                 \
           guest_range_ok(from_, len) && COPY_WORDS((void *)(dst), from_, len); }),     \
        copy_from_guest_any(dst, src, len))
#define copy_to_guest_raw(dst, src, len)                                                \
    __builtin_choose_expr(COPY_IN_PLACE(len),                                           \
        ({ unsigned long to_ = (dst);                                                   \
           guest_range_ok(to_, len) && COPY_WORDS(to_, (const void *)(src), len); }),     \
        copy_to_guest_any(dst, src, len))

/*
 * Single words, straight from and to registers: between guest_access_begin() and _end(), at
 * addresses whose range has been checked. A fault goes on at the label @fault, where the access
 * has to end as well.
 */
#define put_guest_word(addr, value, fault)                                              \
    __asm__ volatile goto("777: mov %0, %1" EXTABLE("777b", "%l[" #fault "]")           \
                          : : "r"((u64)(value)), "m"(*(addr)) : "memory" : fault)
#define get_guest_word(addr, fault)                                                     \
    ({                                                                                  \
        u64 word_;                                                                      \
        __asm__ volatile goto("777: mov %1, %0" EXTABLE("777b", "%l[" #fault "]")       \
                              : "=r"(word_) : "m"(*(addr)) : : fault);                  \
        word_;                                                                          \
    })

#endif
