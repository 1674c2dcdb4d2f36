/* SPDX-License-Identifier: MIT */
/* Lines for the monitor: the console in raw mode, and a small editor of its own. */
#include "tty/tty.h"

#define CTRL(c)   ((c) & 0x1f)
#define BACKSPACE 0x08
#define DELETE    0x7f

static char next_char(struct tty *tty)
{
    char c;
    bool eof;

    PV_WAIT_UNTIL(line_readable(&tty->line));
    line_read(&tty->line, &c, 1, &eof);
    tty->driver->more_input(tty);
    return c;
}

/* One character into a line of `len`; returns the new length, or -1 when the line is to restart. */
static int edit(char c, char *line, int len, int max_len)
{
    if (c == BACKSPACE || c == DELETE) {
        if (len > 0) {
            pv_printf("\b \b");
            len--;
        }
        return len;
    }
    if (c == CTRL('U') || c == CTRL('C')) {
        pv_printf("^%c\n", c + '@');
        return -1;
    }
    if (c >= ' ' && len < max_len) {
        line[len++] = c;
        pv_console_write(&c, 1);
    }
    return len;
}

static void make_raw(struct tty *tty)
{
    struct termios raw = tty->line.termios;

    raw.c_lflag = 0;
    raw.c_iflag = 0;
    line_set_termios(&tty->line, &raw);
}

void tty_read_line(const char *prompt, char *line, size_t size)
{
    struct tty *tty = console_tty();
    int len = -1;
    char c;

    make_raw(tty);
    do {
        if (len < 0) {
            pv_printf("%s", prompt);
            len = 0;
        }
        c = next_char(tty);
        if (c != '\r' && c != '\n')
            len = edit(c, line, len, (int)size - 1);
    } while (len < 0 || (c != '\r' && c != '\n'));
    line[len] = '\0';
    pv_printf("\n");
}
