/* SPDX-License-Identifier: MIT */
/*
 * Console text.  The first domain writes to the hypervisor's console (console_io), any other to
 * its console ring (xen/io/console.h), which start_info names.
 */
#ifndef PVGUEST_CONSOLE_H
#define PVGUEST_CONSOLE_H

#include <stdarg.h>
#include <pvguest/types.h>

/* Prints at most PV_PRINTF_MAX - 1 characters of text; returns how long the whole text was. */
#define PV_PRINTF_MAX 512
int pv_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int pv_vprintf(const char *format, va_list args);

/* Writes the bytes, waiting for room in a ring. */
void pv_console_write(const char *text, size_t len);

/* The same without waiting: how many bytes there is room for; writes up to that, says how many. */
size_t pv_console_room(void);
size_t pv_console_put(const char *text, size_t len);

/*
 * From now on the text of pv_printf and pv_console_write goes to `writer`, which may call
 * pv_console_put.  NULL, and pv_panic, undo it.
 */
typedef void pv_console_writer_t(const char *text, size_t len);
void pv_console_redirect(pv_console_writer_t *writer);

/* Takes what has been typed, up to `size` bytes; returns how many, 0 for none, never waits. */
size_t pv_console_read(char *buffer, size_t size);

/* Prints the message and ends the domain by SHUTDOWN_crash. */
_Noreturn void pv_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
