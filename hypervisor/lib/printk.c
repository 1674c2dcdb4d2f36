/* SPDX-License-Identifier: MIT */
/*
 * Lines on the console. A line is formatted on the caller's stack and then written in one piece
 * under the console's lock, so that lines of different CPUs never mix.
 */
#include "lib/printk.h"
#include "lib/rate_limit.h"
#include "lib/serial.h"
#include "lib/spinlock.h"
#include "lib/vsnprintf.h"
#include "x86/x86.h"

#define PREFIX      "(PV) "
#define LINE_SIZE   320

#define GUEST_BURST         32
#define GUEST_INTERVAL_NS   200000000ull    /* then five lines a second */

enum log_level log_threshold = LOG_INFO;
void (*console_input_hook)(void);

static spinlock_t console_lock = SPINLOCK_INIT(LOCK_CONSOLE);   /* guards the serial line and: */
static struct rate_limit guest_limit = RATE_LIMIT_INIT(GUEST_BURST, GUEST_INTERVAL_NS);
/* Set once, by a CPU that has come to its end: whoever holds the lock may never let go. */
static bool lock_ignored;

static bool lock_console(void)
{
    if (READ_ONCE(lock_ignored))
        return false;
    spin_lock(&console_lock);
    return true;
}

static void unlock_console(bool locked)
{
    if (locked)
        spin_unlock(&console_lock);
}

void console_emergency(void)
{
    WRITE_ONCE(lock_ignored, true);
}

/* Ends in a newline, whether the caller gave one or not; what is too long is cut. */
static size_t format_line(char *line, const char *fmt, va_list args)
{
    size_t len = sizeof(PREFIX) - 1;

    __builtin_memcpy(line, PREFIX, sizeof(PREFIX));
    len += (size_t)vsnprintf(line + len, LINE_SIZE - 1 - len, fmt, args);
    len = min(len, (size_t)LINE_SIZE - 2);
    if (line[len - 1] != '\n')
        line[len++] = '\n';
    return len;
}

void printk(enum log_level level, const char *fmt, ...)
{
    char line[LINE_SIZE];
    va_list args;
    size_t len;
    bool locked;

    if (level > log_threshold)
        return;
    va_start(args, fmt);
    len = format_line(line, fmt, args);
    va_end(args);
    locked = lock_console();
    serial_write(line, len);
    unlock_console(locked);
}

void guest_printk(enum log_level level, const char *fmt, ...)
{
    char line[LINE_SIZE], note[64];
    va_list args;
    size_t len;
    int note_len = 0;
    bool locked;

    if (level > log_threshold)
        return;
    va_start(args, fmt);
    len = format_line(line, fmt, args);
    va_end(args);
    locked = lock_console();
    if (rate_limit_pass(&guest_limit, now_ns())) {
        if (guest_limit.dropped)
            note_len = snprintf(note, sizeof(note), PREFIX "%u messages of guests dropped\n",
                                guest_limit.dropped);
        guest_limit.dropped = 0;
        serial_write(note, (size_t)note_len);
        serial_write(line, len);
    }
    unlock_console(locked);
}

void console_write(const char *text, size_t len)
{
    bool locked = lock_console();

    serial_write(text, len);
    unlock_console(locked);
}

size_t console_read(char *buf, size_t len)
{
    bool locked = lock_console();
    size_t n = serial_read(buf, len);

    unlock_console(locked);
    return n;
}
