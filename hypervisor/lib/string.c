/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions without a C library.
 *
 * Pure: includes nothing of the hypervisor, and is built again for guests and for host tests. No
 * other source but vsnprintf.c is shared like this between the hypervisor and the guests.
 *
 * Large blocks move eight bytes a step, the rest in one or two overlapping words, so that no
 * length costs more than a few instructions beyond n / 8 steps. Words may be unaligned. The loops
 * hide their counters from the compiler, which would otherwise see "this is memcpy" and call it.
 */
#include "string.h"
#include <stdint.h>

typedef uint64_t __attribute__((aligned(1), may_alias)) word64;
typedef uint32_t __attribute__((aligned(1), may_alias)) word32;
typedef uint16_t __attribute__((aligned(1), may_alias)) word16;

#define opaque(x) __asm__("" : "+r"(x))

/* Up to 7 bytes. All loads come before all stores, so source and target may overlap. */
static void copy_small(void *to, const void *from, size_t n)
{
    if (n >= 4) {
        uint32_t first = *(const word32 *)from;
        uint32_t last = *(const word32 *)((const char *)from + n - 4);

        *(word32 *)to = first;
        *(word32 *)((char *)to + n - 4) = last;
    } else if (n >= 2) {
        uint16_t first = *(const word16 *)from;
        uint16_t last = *(const word16 *)((const char *)from + n - 2);

        *(word16 *)to = first;
        *(word16 *)((char *)to + n - 2) = last;
    } else if (n) {
        *(char *)to = *(const char *)from;
    }
}

/* Forward; right also when the areas overlap and the target is the lower one. */
void *memcpy(void *to, const void *from, size_t n)
{
    void *result = to;
    size_t words = n / 8;
    word64 *last;
    uint64_t tail;

    if (n < 8) {
        copy_small(to, from, n);
        return result;
    }
    tail = *(const word64 *)((const char *)from + n - 8);
    last = (word64 *)((char *)to + n - 8);
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    *last = tail;
    return result;
}

/*
 * Where the target begins inside the source, from the end backwards, whole words first; the first
 * word, which the others overwrite, is loaded before.
 */
void *memmove(void *to, const void *from, size_t n)
{
    uint64_t head;

    /* Unsigned: false only when the target starts inside the source. */
    if ((uintptr_t)to - (uintptr_t)from >= n || n < 8)
        return memcpy(to, from, n);

    head = *(const word64 *)from;
    while (n >= 8) {
        n -= 8;
        opaque(n);
        *(word64 *)((char *)to + n) = *(const word64 *)((const char *)from + n);
    }
    *(word64 *)to = head;
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    uint64_t pattern = 0x0101010101010101u * (uint8_t)byte;
    size_t words = n / 8;
    char *p = to;

    if (n >= 8) {
        *(word64 *)(p + n - 8) = pattern;
        __asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(pattern) : "memory");
    } else if (n >= 4) {
        *(word32 *)p = (uint32_t)pattern;
        *(word32 *)(p + n - 4) = (uint32_t)pattern;
    } else if (n >= 2) {
        *(word16 *)p = (uint16_t)pattern;
        *(word16 *)(p + n - 2) = (uint16_t)pattern;
    } else if (n) {
        *p = (char)byte;
    }
    return to;
}

/* By words as long as they are equal, then the byte that differs. */
int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n >= 8 && *(const word64 *)x == *(const word64 *)y; n -= 8) {
        x += 8;
        y += 8;
    }
    for (; n; n--, x++, y++) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}

/* Reads no byte beyond the NUL, nor beyond @max. */
size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n]) {
        n++;
        opaque(n);
    }
    return n;
}

size_t strlen(const char *s)
{
    return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++) {
        if (*a != *b)
            return (unsigned char)*a - (unsigned char)*b;
        if (!*a)
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++) {
        if (!*s)
            return NULL;
    }
    return (char *)(uintptr_t)s;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t len = strlen(from);

    if (size) {
        size_t n = len < size ? len : size - 1;

        memcpy(to, from, n);
        to[n] = '\0';
    }
    return len;
}
