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

/* True: it is to be unlocked again. */
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

/*
 * Whether a line that a guest has caused may be printed now; before the first one after some that
 * were not, says how many those were. The lock is held.
 */
static bool guest_line_passes(void)
{
    char note[64];

    if (!rate_limit_pass(&guest_limit, now_ns()))
        return false;
    if (guest_limit.dropped)
        serial_write(note, (size_t)snprintf(note, sizeof(note),
                                            PREFIX "%u messages of guests dropped\n",
                                            guest_limit.dropped));
    guest_limit.dropped = 0;
    return true;
}

/* Formatted before the lock is taken, which keeps others waiting for no longer than the line. */
static void print_line(bool of_guest, const char *fmt, va_list args)
{
    char line[LINE_SIZE];
    size_t len = format_line(line, fmt, args);
    bool locked = lock_console();

    if (!of_guest || guest_line_passes())
        serial_write(line, len);
    unlock_console(locked);
}

void printk(enum log_level level, const char *fmt, ...)
{
    va_list args;

    if (level > log_threshold)
        return;
    va_start(args, fmt);
    print_line(false, fmt, args);
    va_end(args);
}

void guest_printk(enum log_level level, const char *fmt, ...)
{
    va_list args;

    if (level > log_threshold)
        return;
    va_start(args, fmt);
    print_line(true, fmt, args);
    va_end(args);
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
