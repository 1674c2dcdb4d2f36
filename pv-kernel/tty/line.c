/* SPDX-License-Identifier: MIT */
/* The line discipline (tty/line.h). */
#include "tty/line.h"

#define MARK_END 0x100u             /* the character ends a line */
#define MARK_EOF 0x200u             /* ends a line, and is not part of it */

#define CTRL(c)  ((c) & 0x1f)
#define DELETE   0x7f
#define TAB_STOP 8u

void line_init(struct line *l, const struct line_owner *owner, uint16_t *cells)
{
    static const uint8_t keys[NCCS] = {
        [VINTR] = CTRL('C'), [VQUIT] = CTRL('\\'), [VERASE] = DELETE, [VKILL] = CTRL('U'),
        [VEOF] = CTRL('D'), [VMIN] = 1, [VSTART] = CTRL('Q'), [VSTOP] = CTRL('S'),
        [VSUSP] = CTRL('Z'), [VREPRINT] = CTRL('R'), [VDISCARD] = CTRL('O'),
        [VWERASE] = CTRL('W'), [VLNEXT] = CTRL('V'),
    };

    l->owner = owner;
    l->cells = cells;
    l->termios = (struct termios){
        .c_iflag = ICRNL | IXON, .c_oflag = OPOST | ONLCR,
        .c_cflag = B38400 | CS8 | CREAD | HUPCL,
        .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    };
    memcpy(l->termios.c_cc, keys, sizeof(keys));
}

static bool is_set(const struct line *l, uint32_t local_flag)
{
    return l->termios.c_lflag & local_flag;
}

static bool is_key(const struct line *l, uint8_t c, int key)
{
    return l->termios.c_cc[key] && l->termios.c_cc[key] == c;
}

static uint16_t *cell(const struct line *l, uint32_t index)
{
    return &l->cells[index % LINE_CELLS];
}

/* ---- Columns ---- */

static bool is_control(uint8_t c)
{
    return (c < ' ' && c != '\t') || c == DELETE;
}

/* UTF-8's second and later bytes take no column of their own. */
static bool is_continuation(const struct line *l, uint8_t c)
{
    return l->termios.c_iflag & IUTF8 && (c & 0xc0) == 0x80;
}

/* Columns that a character takes when it is echoed at @column. */
static unsigned int echo_width(const struct line *l, uint8_t c, unsigned int column)
{
    if (c == '\t')
        return TAB_STOP - column % TAB_STOP;
    if (is_control(c))
        return is_set(l, ECHOCTL) ? 2 : 0;
    return !is_continuation(l, c);
}

static void move_column(struct line *l, uint8_t c)
{
    if (c == '\n' || c == '\r')
        l->column = 0;
    else if (c == '\b')
        l->column -= l->column > 0;
    else if (c == '\t')
        l->column += TAB_STOP - l->column % TAB_STOP;
    else if (c >= ' ' && c != DELETE && !is_continuation(l, c))
        l->column++;
}

/* ---- Output ---- */

size_t line_output(struct line *l, const char *text, size_t len, char *out, size_t room,
                   size_t *used)
{
    uint32_t flags = l->termios.c_oflag;
    size_t n = 0, i;

    for (i = 0; i < len; i++) {
        char c = text[i];
        bool expand = c == '\n' && flags & OPOST && flags & ONLCR;

        if (n + 1 + expand > room)
            break;
        if (c == '\r' && flags & OPOST && flags & OCRNL)
            c = '\n';
        if (expand)
            out[n++] = '\r';
        out[n++] = c;
        move_column(l, (uint8_t)c);
    }
    *used = i;
    return n;
}

static void echo_text(struct line *l, const char *text, size_t len)
{
    char out[32];
    size_t used;

    while (len) {
        size_t n = line_output(l, text, len, out, sizeof(out), &used);

        l->owner->echo(l, out, n);
        text += used;
        len -= used;
    }
}

static void echo_char(struct line *l, uint8_t c)
{
    char text[2] = { '^', (char)(c ^ 0x40) };

    if (is_control(c) && c != '\n' && is_set(l, ECHOCTL))
        echo_text(l, text, 2);
    else
        echo_text(l, (char *)&c, 1);
}

/* ---- Editing the line that is being typed ---- */

static unsigned int line_width(const struct line *l)
{
    unsigned int column = l->start_column;

    for (uint32_t i = l->ready; i != l->head; i++)
        column += echo_width(l, (uint8_t)*cell(l, i), column);
    return column - l->start_column;
}

static void erase_columns(struct line *l, unsigned int columns)
{
    while (columns--)
        echo_text(l, "\b \b", 3);
}

/* Takes back one character, with the bytes that belong to it. */
static void drop_char(struct line *l)
{
    while (l->head != l->ready && is_continuation(l, (uint8_t)*cell(l, l->head - 1)))
        l->head--;
    if (l->head != l->ready)
        l->head--;
}

static void erase_echo(struct line *l, unsigned int width_before)
{
    if (is_set(l, ECHO) && is_set(l, ECHOE))
        erase_columns(l, width_before - line_width(l));
    else if (is_set(l, ECHO))
        echo_char(l, l->termios.c_cc[VERASE]);
}

static void erase_char(struct line *l)
{
    unsigned int width = line_width(l);

    if (l->head == l->ready)
        return;
    drop_char(l);
    erase_echo(l, width);
}

static bool is_word(uint16_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c >= 0x80;
}

static void erase_word(struct line *l)
{
    unsigned int width = line_width(l);

    if (l->head == l->ready)
        return;
    while (l->head != l->ready && !is_word(*cell(l, l->head - 1)))
        drop_char(l);
    while (l->head != l->ready && is_word(*cell(l, l->head - 1)))
        drop_char(l);
    erase_echo(l, width);
}

static void kill_line(struct line *l)
{
    unsigned int width = line_width(l);

    l->head = l->ready;
    if (!is_set(l, ECHO))
        return;
    if (is_set(l, ECHOKE) && is_set(l, ECHOE)) {
        erase_columns(l, width);
        return;
    }
    echo_char(l, l->termios.c_cc[VKILL]);
    if (is_set(l, ECHOK))
        echo_text(l, "\n", 1);
}

static void reprint(struct line *l)
{
    echo_char(l, l->termios.c_cc[VREPRINT]);
    echo_text(l, "\n", 1);
    l->start_column = l->column;
    for (uint32_t i = l->ready; i != l->head; i++)
        echo_char(l, (uint8_t)*cell(l, i));
}

/* ---- Input ---- */

static void append(struct line *l, uint8_t c, uint16_t marks)
{
    /* The last cell is kept for what ends the line, so that a full line can be finished. */
    if (l->head - l->tail >= LINE_CELLS - !marks)
        return;
    *cell(l, l->head++) = c | marks;
    if (marks || !is_set(l, ICANON))
        l->ready = l->head;
}

static const struct {
    int cc;
    enum line_key key;
} signal_keys[] = { { VINTR, KEY_INTR }, { VQUIT, KEY_QUIT }, { VSUSP, KEY_SUSP } };

static bool input_signal(struct line *l, uint8_t c)
{
    for (size_t i = 0; is_set(l, ISIG) && i < ARRAY_SIZE(signal_keys); i++) {
        if (!is_key(l, c, signal_keys[i].cc))
            continue;
        if (!is_set(l, NOFLSH))
            line_flush_input(l);
        if (is_set(l, ECHO))
            echo_char(l, c);
        l->stopped = false;
        l->owner->key(l, signal_keys[i].key);
        return true;
    }
    return false;
}

static bool input_flow(struct line *l, uint8_t c)
{
    bool was_stopped = l->stopped;

    if (!(l->termios.c_iflag & IXON))
        return false;
    if (is_key(l, c, VSTOP)) {
        l->stopped = true;
        l->owner->key(l, KEY_STOP);
        return true;
    }
    if (is_key(l, c, VSTART) || (was_stopped && l->termios.c_iflag & IXANY)) {
        l->stopped = false;
        l->owner->key(l, KEY_START);
        return is_key(l, c, VSTART);
    }
    return false;
}

/* The keys that edit or end a line; true: it was one. */
static bool input_edit(struct line *l, uint8_t c)
{
    if (is_key(l, c, VERASE))
        erase_char(l);
    else if (is_key(l, c, VKILL))
        kill_line(l);
    else if (is_key(l, c, VEOF))
        append(l, 0, MARK_END | MARK_EOF);
    else if (is_set(l, IEXTEN) && is_key(l, c, VWERASE))
        erase_word(l);
    else if (is_set(l, IEXTEN) && is_set(l, ECHO) && is_key(l, c, VREPRINT))
        reprint(l);
    else if (is_set(l, IEXTEN) && is_key(l, c, VLNEXT))
        l->literal = true;
    else
        return false;
    return true;
}

static bool ends_line(const struct line *l, uint8_t c)
{
    return c == '\n' || is_key(l, c, VEOL) || (is_set(l, IEXTEN) && is_key(l, c, VEOL2));
}

static void input_plain(struct line *l, uint8_t c, bool special)
{
    bool end = special && is_set(l, ICANON) && ends_line(l, c);

    if (l->head == l->ready)
        l->start_column = l->column;
    if (is_set(l, ECHO) || (c == '\n' && is_set(l, ECHONL) && is_set(l, ICANON)))
        echo_char(l, c);
    append(l, c, end ? MARK_END : 0);
}

/* What the settings make of a character before anybody looks at it; -1: nothing. */
static int translate(const struct line *l, uint8_t c)
{
    uint32_t flags = l->termios.c_iflag;

    if (flags & ISTRIP)
        c &= 0x7f;
    if (c == '\r' && flags & IGNCR)
        return -1;
    if (c == '\r' && flags & ICRNL)
        return '\n';
    if (c == '\n' && flags & INLCR)
        return '\r';
    return c;
}

void line_input(struct line *l, char typed)
{
    int c;

    if (l->literal) {
        l->literal = false;
        input_plain(l, (uint8_t)typed, false);
        return;
    }
    c = translate(l, (uint8_t)typed);
    if (c < 0 || input_signal(l, (uint8_t)c) || input_flow(l, (uint8_t)c))
        return;
    if (is_set(l, ICANON) && input_edit(l, (uint8_t)c))
        return;
    input_plain(l, (uint8_t)c, true);
}

size_t line_room(const struct line *l)
{
    size_t room = LINE_CELLS - (l->head - l->tail);

    /* Nobody can read a line that does not end: so its end is let in, and what is too long lost. */
    if (room <= 1 && is_set(l, ICANON) && l->ready == l->tail)
        return 1;
    return room > 1 ? room - 1 : 0;
}

/* ---- Reading ---- */

bool line_readable(const struct line *l)
{
    return l->ready != l->tail;
}

size_t line_available(const struct line *l)
{
    size_t n = 0;

    for (uint32_t i = l->tail; i != l->ready; i++)
        n += !(*cell(l, i) & MARK_EOF);
    return n;
}

size_t line_read(struct line *l, char *buf, size_t size, bool *eof)
{
    bool canonical = is_set(l, ICANON);
    size_t n = 0;

    *eof = false;
    while (l->tail != l->ready) {
        uint16_t c = *cell(l, l->tail);

        if (c & MARK_EOF) {
            l->tail++;
            if (!canonical)
                continue;
            *eof = n == 0;
            break;
        }
        if (n == size)
            break;
        l->tail++;
        buf[n++] = (char)c;
        if (canonical && c & MARK_END)
            break;
    }
    return n;
}

void line_flush_input(struct line *l)
{
    l->tail = l->ready = l->head;
}

void line_set_termios(struct line *l, const struct termios *termios)
{
    bool was_canonical = is_set(l, ICANON);

    l->termios = *termios;
    /* What was typed in either mode can be read in the other. */
    if (was_canonical && !is_set(l, ICANON))
        l->ready = l->head;
    if (!(termios->c_iflag & IXON))
        l->stopped = false;
    l->literal = false;
}
