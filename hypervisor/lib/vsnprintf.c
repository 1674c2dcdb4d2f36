/* SPDX-License-Identifier: MIT */
/*
 * Formatted text without a C library: %d %i %u %x %X %p %c %s %%, with l, ll, z, h and hh, a width
 * (also *), 0, -, + and #, and a precision for %s (also *). What it does it does as C does; the
 * result is the length that the whole text has, even where the buffer is too small for it (then
 * what fits is there, and a NUL). An unknown conversion is copied to the output as it stands, so
 * that it shows.
 *
 * Pure: includes nothing of the hypervisor, and is built again for guests and for host tests.
 */
#include "vsnprintf.h"
#include <stdbool.h>
#include <stdint.h>

/* Where the text goes. */
struct out {
    char *buffer;
    size_t size;
    size_t length;      /* of the whole text, whether it fits or not */
};

/* One conversion, as it is written between '%' and its letter. */
struct spec {
    bool left, zero, alternate, plus;
    int width;
    int precision;      /* -1: none */
    int size;           /* bytes of the argument: 1, 2, 4 or 8 */
};

static void put(struct out *out, char c)
{
    if (out->length + 1 < out->size)
        out->buffer[out->length] = c;
    out->length++;
}

static void put_repeated(struct out *out, char c, int count)
{
    while (count-- > 0)
        put(out, c);
}

static void put_padded(struct out *out, const struct spec *spec, const char *text, int length)
{
    if (!spec->left)
        put_repeated(out, ' ', spec->width - length);
    for (int i = 0; i < length; i++)
        put(out, text[i]);
    if (spec->left)
        put_repeated(out, ' ', spec->width - length);
}

/* With a precision the text need not end with a NUL. */
static void put_string(struct out *out, const struct spec *spec, const char *text)
{
    int length = 0;

    if (!text)
        text = "(null)";
    while (length != spec->precision && text[length])
        length++;
    put_padded(out, spec, text, length);
}

/* @prefix: a sign, "0x" or "". Zeroes go between it and the digits. */
static void put_number(struct out *out, const struct spec *spec, uint64_t value, unsigned int base,
                       bool upper, const char *prefix)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    int first = sizeof(text), zeroes = 0, length;

    do {
        text[--first] = digits[value % base];
        value /= base;
    } while (value);

    length = (int)sizeof(text) - first;
    for (const char *p = prefix; *p; p++)
        length++;
    if (spec->zero && !spec->left)
        zeroes = spec->width - length;
    if (!spec->left && !spec->zero)
        put_repeated(out, ' ', spec->width - length);
    while (*prefix)
        put(out, *prefix++);
    put_repeated(out, '0', zeroes);
    for (int i = first; i < (int)sizeof(text); i++)
        put(out, text[i]);
    if (spec->left)
        put_repeated(out, ' ', spec->width - length);
}

/* Of a width or precision; large ones stop growing before they overflow. */
static int parse_number(const char **format)
{
    int n = 0;

    while (**format >= '0' && **format <= '9') {
        if (n < 10000)
            n = n * 10 + (**format - '0');
        (*format)++;
    }
    return n;
}

static void parse_flags(const char **format, struct spec *spec)
{
    for (;; (*format)++) {
        switch (**format) {
        case '-':
            spec->left = true;
            break;
        case '0':
            spec->zero = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        case '+':
            spec->plus = true;
            break;
        default:
            return;
        }
    }
}

static void parse_size(const char **format, struct spec *spec)
{
    if (**format == 'z') {
        spec->size = 8;
        (*format)++;
    }
    for (; **format == 'l'; (*format)++)
        spec->size = 8;
    for (; **format == 'h' && spec->size > 1; (*format)++)
        spec->size /= 2;
}

/* va_list may be an array type, which a function can't take by reference: hence a box. */
struct arguments {
    va_list list;
};

static struct spec parse_spec(const char **format, struct arguments *args)
{
    struct spec spec = { .precision = -1, .size = 4 };

    parse_flags(format, &spec);
    if (**format == '*') {
        (*format)++;
        spec.width = va_arg(args->list, int);
        if (spec.width < 0) {
            spec.left = true;
            spec.width = -spec.width;
        }
    } else {
        spec.width = parse_number(format);
    }
    if (**format == '.') {
        (*format)++;
        if (**format == '*') {
            (*format)++;
            spec.precision = va_arg(args->list, int);
        } else {
            spec.precision = parse_number(format);
        }
    }
    parse_size(format, &spec);
    return spec;
}

/* Cuts @value to the argument's size, and extends its sign if it has one. */
static uint64_t sized(uint64_t value, const struct spec *spec, bool is_signed)
{
    unsigned int spare = 64 - 8 * (unsigned int)spec->size;

    value <<= spare;
    return is_signed ? (uint64_t)((int64_t)value >> spare) : value >> spare;
}

static uint64_t next_number(struct arguments *args, const struct spec *spec, bool is_signed)
{
    uint64_t value = spec->size == 8 ? va_arg(args->list, uint64_t)
                                     : va_arg(args->list, unsigned int);

    return sized(value, spec, is_signed);
}

static void put_decimal(struct out *out, const struct spec *spec, struct arguments *args)
{
    int64_t value = (int64_t)next_number(args, spec, true);
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

    put_number(out, spec, magnitude, 10, false, value < 0 ? "-" : spec->plus ? "+" : "");
}

static void put_hex(struct out *out, const struct spec *spec, struct arguments *args, bool upper)
{
    uint64_t value = next_number(args, spec, false);
    const char *prefix = !spec->alternate || !value ? "" : upper ? "0X" : "0x";

    put_number(out, spec, value, 16, upper, prefix);
}

static void put_pointer(struct out *out, const struct spec *spec, const void *p)
{
    put_number(out, spec, (uintptr_t)p, 16, false, "0x");
}

/* One conversion; @format stands behind the '%' and is left behind the conversion. */
static void convert(struct out *out, const char **format, struct arguments *args)
{
    const char *start = *format;
    struct spec spec = parse_spec(format, args);
    char c = **format;

    switch (c) {
    case 'd':
    case 'i':
        put_decimal(out, &spec, args);
        break;
    case 'u':
        put_number(out, &spec, next_number(args, &spec, false), 10, false, "");
        break;
    case 'x':
    case 'X':
        put_hex(out, &spec, args, c == 'X');
        break;
    case 'p':
        put_pointer(out, &spec, va_arg(args->list, const void *));
        break;
    case 'c':
        c = (char)va_arg(args->list, int);
        put_padded(out, &spec, &c, 1);
        break;
    case 's':
        put_string(out, &spec, va_arg(args->list, const char *));
        break;
    case '%':
        put(out, '%');
        break;
    default:
        put(out, '%');
        *format = start;
        return;
    }
    (*format)++;
}

/* Never writes beyond @size, and always ends with a NUL if there is room for one. */
int vsnprintf(char *buffer, size_t size, const char *format, va_list list)
{
    struct out out = { .buffer = buffer, .size = size };
    struct arguments args;

    va_copy(args.list, list);
    while (*format) {
        if (*format != '%') {
            put(&out, *format++);
        } else {
            format++;
            convert(&out, &format, &args);
        }
    }
    va_end(args.list);
    if (size)
        buffer[out.length < size ? out.length : size - 1] = '\0';
    return (int)out.length;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(buffer, size, format, args);
    va_end(args);
    return length;
}
