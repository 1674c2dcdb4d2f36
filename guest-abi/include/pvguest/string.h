/* SPDX-License-Identifier: MIT */
/* The library's freestanding string and formatting functions: C's, as far as they go. */
#ifndef PVGUEST_STRING_H
#define PVGUEST_STRING_H

#include <stdarg.h>
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
/* Copies at most size - 1 characters and ends them with NUL; returns strlen(from). */
size_t strlcpy(char *to, const char *from, size_t size);

/* Formats: d i u x X p c s %, with l ll z, width, 0, -, # and precision of s.  As in C. */
int vsnprintf(char *buffer, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
int snprintf(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
