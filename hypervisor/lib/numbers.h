/* SPDX-License-Identifier: MIT */
/* Numbers in text, for options. Pure. */
#ifndef LIB_NUMBERS_H
#define LIB_NUMBERS_H

#include "lib/types.h"

/* Reads decimal, or hexadecimal behind "0x". False if there is none or it is over 64 bits. */
static inline bool parse_u64(const char **text, u64 *value)
{
    const char *p = *text;
    unsigned int base = 10;
    u64 v = 0;
    bool any = false;

    if (p[0] == '0' && (p[1] | 0x20) == 'x') {
        base = 16;
        p += 2;
    }
    for (;; p++, any = true) {
        unsigned int digit;
        char lower = (char)(*p | 0x20);

        if (*p >= '0' && *p <= '9')
            digit = (unsigned int)(*p - '0');
        else if (base == 16 && lower >= 'a' && lower <= 'f')
            digit = (unsigned int)(lower - 'a') + 10;
        else
            break;
        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
            return false;
    }
    if (!any)
        return false;
    *text = p;
    *value = v;
    return true;
}

#endif
