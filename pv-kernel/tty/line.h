/* SPDX-License-Identifier: MIT */
/*
 * The line discipline: what a terminal does with characters on their way in and out. Pure: the
 * terminal that owns it puts characters in, takes characters out, and gets to know by two calls
 * what is to be echoed and which keys were special.
 *
 * Input lies in a ring of cells. In canonical mode what is before `ready` belongs to finished
 * lines; the rest can still be edited. In raw mode all of it can be read.
 */
#ifndef PVK_LINE_H
#define PVK_LINE_H

#include "kernel.h"
#include "tty/termios.h"

#define LINE_CELLS 2048u            /* a power of two */

enum line_key { KEY_INTR, KEY_QUIT, KEY_SUSP, KEY_STOP, KEY_START };

struct line;
struct line_owner {
    void (*echo)(struct line *l, const char *text, size_t len);
    void (*key)(struct line *l, enum line_key key);
};

struct line {
    struct termios termios;
    const struct line_owner *owner;
    uint16_t *cells;                /* LINE_CELLS characters, with marks */
    uint32_t head, ready, tail;     /* run freely */
    unsigned int column;            /* of the cursor, by all that was put out */
    unsigned int start_column;      /* where the line being typed begins */
    bool literal;                   /* the next character is taken as it is (^V) */
    bool stopped;                   /* output, by ^S */
};

void line_init(struct line *l, const struct line_owner *owner, uint16_t *cells);
/* How many characters line_input would not lose. */
size_t line_room(const struct line *l);
void line_input(struct line *l, char c);
/* What a read would get at least: whether it has something, and how many characters there are. */
bool line_readable(const struct line *l);
size_t line_available(const struct line *l);
/* A line or a part of it, or (raw) what there is. *eof: the end of file was typed. */
size_t line_read(struct line *l, char *buf, size_t size, bool *eof);
void line_flush_input(struct line *l);
void line_set_termios(struct line *l, const struct termios *termios);
/*
 * Makes of @len characters what goes to the device, at most @room; *used is how many were taken.
 * Returns the length in @out.
 */
size_t line_output(struct line *l, const char *text, size_t len, char *out, size_t room,
                   size_t *used);

#endif
