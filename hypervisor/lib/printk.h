/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own messages and its own end.
 *
 * printk() writes one line to the serial console, prefixed "(PV) " and ended by a newline, also
 * where the caller gives none. Lines that a guest can cause go through guest_printk(), which is
 * rate-limited (a burst, then a few a second, and one line that says how many were dropped), so
 * that no guest can flood the log.
 *
 * Three ends: panic() for a machine we can't run on (a clear line, then halt or reboot as the
 * command line says); BUG() for our own faults (ud2: registers and a symbolised backtrace, then
 * stop); a guest's faults never end here but in domain_crash().
 */
#ifndef LIB_PRINTK_H
#define LIB_PRINTK_H

#include "lib/types.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

extern enum log_level log_threshold;    /* what is above it is not printed; `loglvl=` */

/* By anyone, in interrupts as well, with any lock held that comes before LOCK_CONSOLE. */
void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);
void guest_printk(enum log_level level, const char *fmt, ...) __printf(2, 3);

#define pr_err(...)   printk(LOG_ERROR, __VA_ARGS__)
#define pr_warn(...)  printk(LOG_WARNING, __VA_ARGS__)
#define pr_info(...)  printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)

/* Raw text of a guest, already copied and filtered, to the console as it is. */
void console_write(const char *text, size_t len);

/* Up to @len bytes of console input that no one has read yet; returns how many. Interrupts off. */
size_t console_read(char *buf, size_t len);

/* Called in interrupt context when input has come; set once, while booting. */
extern void (*console_input_hook)(void);

/* A boot that can't go on: "boot: <message>", then a reboot, or a halt if `noreboot` says so. */
noreturn void panic(const char *fmt, ...) __printf(1, 2);

/*
 * For whoever reports a fault of our own: from now on nobody waits for the console's lock, which
 * the faulting code may hold; the calls that may lie on the stack from @rsp up; and the end.
 */
void console_emergency(void);
void print_symbol(unsigned long addr);      /* a line with the address and its function */
void backtrace(unsigned long rsp);
noreturn void bug_stop(void);

#define BUG() do { __asm__ volatile("ud2"); __builtin_unreachable(); } while (0)
#define BUG_ON(cond) do { if (unlikely(cond)) BUG(); } while (0)

#endif
