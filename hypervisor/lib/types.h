/* SPDX-License-Identifier: MIT */
/*
 * Words that every file of the hypervisor uses: fixed-width integers, compile-time checks and
 * the usual small macros. Freestanding: the compiler's own headers are all it needs.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a)        (sizeof(a) / sizeof((a)[0]))
#define BUILD_ASSERT(cond)   _Static_assert(cond, #cond)
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

#define likely(x)            __builtin_expect(!!(x), 1)
#define unlikely(x)          __builtin_expect(!!(x), 0)

#define BIT(n)               (1ul << (n))
#define ALIGN_UP(x, a)       (((x) + ((a) - 1)) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a)     ((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)     (((x) & ((typeof(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d)   (((n) + (d) - 1) / (d))

#define min(a, b) ({ typeof(a) _a = (a); typeof(b) _b = (b); _a < _b ? _a : _b; })
#define max(a, b) ({ typeof(a) _a = (a); typeof(b) _b = (b); _a > _b ? _a : _b; })

#define READ_ONCE(x)         (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)     (*(volatile typeof(x) *)&(x) = (v))
#define barrier()            __asm__ volatile("" ::: "memory")

#define noreturn             __attribute__((noreturn))
#define __packed             __attribute__((packed))
#define __aligned(n)         __attribute__((aligned(n)))
#define __used               __attribute__((used))
#define __maybe_unused       __attribute__((unused))
/* Not left to the compiler: a copy for each constant argument is what makes the function fast. */
#define always_inline   inline __attribute__((always_inline))
#define __must_check         __attribute__((warn_unused_result))
#define __section(s)         __attribute__((section(s)))
#define __printf(f, a)       __attribute__((format(printf, f, a)))
#define __init               __section(".init.text")
#define __initdata           __section(".init.data")

/* We are the side of the interface that knows ERESTART. */
#ifndef __XEN__
#define __XEN__ 1
#endif

/* Negative errno values, the ABI's own, as constants EPERM, ENOENT, ... */
#define XEN_ERRNO(name, value) name = value,
enum {
#include <xen/errno.h>
};

#endif
