/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/tty/line.c: what is read, what is echoed and which signals come of what is typed. The
 * echo is shown as it goes to the device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tty/line.h"

static struct line l;
static uint16_t cells[LINE_CELLS];
static char shown[65536];
static size_t shown_len;
static int last_key;

static void echo(struct line *line, const char *text, size_t len)
{
    assert_ptr_equal(line, &l);
    memcpy(shown + shown_len, text, len);
    shown_len += len;
    shown[shown_len] = '\0';
}

static void key(struct line *line, enum line_key k)
{
    assert_ptr_equal(line, &l);
    last_key = (int)k;
}

static const struct line_owner owner = { echo, key };

static int start(void **state)
{
    (void)state;
    memset(&l, 0, sizeof(l));
    line_init(&l, &owner, cells);
    shown_len = 0;
    shown[0] = '\0';
    last_key = -1;
    return 0;
}

static void type(const char *text)
{
    while (*text)
        line_input(&l, *text++);
}

static void expect_read(const char *text, bool expect_eof)
{
    char buf[LINE_CELLS];
    bool eof;
    size_t n = line_read(&l, buf, sizeof(buf), &eof);

    assert_int_equal(n, strlen(text));
    assert_memory_equal(buf, text, n);
    assert_int_equal(eof, expect_eof);
}

static void expect_shown(const char *text)
{
    assert_string_equal(shown, text);
    shown_len = 0;
    shown[0] = '\0';
}

/* The screen that an echo leaves: backspace moves back, other characters replace. */
static void expect_screen(const char *text)
{
    char screen[256];
    size_t column = 0, width = 0;

    memset(screen, ' ', sizeof(screen));
    for (size_t i = 0; i < shown_len; i++) {
        if (shown[i] == '\b')
            column -= column > 0;
        else if (shown[i] == '\t')
            column = (column / 8 + 1) * 8;
        else if (((uint8_t)shown[i] & 0xc0) != 0x80)
            screen[column++] = shown[i];
        width = column > width ? column : width;
    }
    while (width && screen[width - 1] == ' ')
        width--;
    assert_int_equal(width, strlen(text));
    assert_memory_equal(screen, text, width);
}

static void a_line_comes_when_it_ends(void **state)
{
    (void)state;
    type("ab");
    assert_false(line_readable(&l));
    type("c\r");
    assert_true(line_readable(&l));
    assert_int_equal(line_available(&l), 4);
    expect_read("abc\n", false);
    expect_shown("abc\r\n");
    assert_false(line_readable(&l));
}

static void two_lines_are_two_reads(void **state)
{
    (void)state;
    type("one\ntwo\nthr");
    expect_read("one\n", false);
    expect_read("two\n", false);
    assert_false(line_readable(&l));
}

static void editing(void **state)
{
    (void)state;
    type("axx\x7f\x7f" "bc\n");
    expect_read("abc\n", false);
    expect_shown("axx\b \b\b \bbc\r\n");
    type("\x7f\x7fz\n");
    expect_read("z\n", false);
    type("one two  \x17three\x15" "four\n");
    expect_read("four\n", false);
    start(NULL);
    type("one two  \x17");
    expect_screen("one");
    type("six\n");
    expect_read("one six\n", false);
}

/* What a character takes on the screen, its erasure gives back. */
static void erasing_clears_all_columns(void **state)
{
    (void)state;
    type("ab\x16\x01" "c\x7f\x7f");
    expect_screen("ab");
    type("\t\x7f");
    expect_screen("ab");
    type("\td\te\x15");
    expect_screen("");
    assert_int_equal(l.column, 0);
    l.termios.c_iflag |= IUTF8;
    type("x\xc3\xa4\x7fy\n");
    expect_read("xy\n", false);
}

static void end_of_file(void **state)
{
    (void)state;
    type("\x04");
    assert_true(line_readable(&l));
    expect_read("", true);
    assert_false(line_readable(&l));
    type("ab\x04");
    expect_read("ab", false);
    assert_false(line_readable(&l));
}

/* A read that just fits takes the mark along: the next one does not end the file. */
static void end_of_file_after_a_full_read(void **state)
{
    char buf[2];
    bool eof;

    (void)state;
    type("ab\x04");
    assert_int_equal(line_read(&l, buf, 2, &eof), 2);
    assert_false(eof);
    assert_false(line_readable(&l));
}

static void keys_signal(void **state)
{
    (void)state;
    type("abc\x03");
    assert_int_equal(last_key, KEY_INTR);
    expect_shown("abc^C");
    type("d\n");
    expect_read("d\n", false);
    type("\x1a");
    assert_int_equal(last_key, KEY_SUSP);
    type("\x1c");
    assert_int_equal(last_key, KEY_QUIT);
    last_key = -1;
    type("\x16\x03\n");
    assert_int_equal(last_key, -1);
    expect_read("\x03\n", false);
    l.termios.c_lflag |= NOFLSH;
    type("kept\x03\n");
    expect_read("kept\n", false);
}

static void flow_control(void **state)
{
    (void)state;
    type("\x13");
    assert_true(l.stopped);
    assert_int_equal(last_key, KEY_STOP);
    type("a\x11");
    assert_false(l.stopped);
    type("\x13\x03");
    assert_false(l.stopped);
    assert_int_equal(last_key, KEY_INTR);
}

static void raw_mode(void **state)
{
    struct termios raw = l.termios;

    (void)state;
    type("typed");
    raw.c_lflag = 0;
    raw.c_iflag = 0;
    line_set_termios(&l, &raw);
    assert_int_equal(line_available(&l), 5);
    type("\x03\r\x7f\x04\x13");
    expect_read("typed\x03\r\x7f\x04\x13", false);
    assert_int_equal(last_key, -1);
    expect_shown("typed");
}

static void no_echo_but_newline(void **state)
{
    (void)state;
    l.termios.c_lflag = (l.termios.c_lflag & ~ECHO) | ECHONL;
    type("secret\x7f\n");
    expect_shown("\r\n");
    expect_read("secre\n", false);
}

static void translations(void **state)
{
    (void)state;
    l.termios.c_iflag = IGNCR;
    type("a\rb\n");
    expect_read("ab\n", false);
    l.termios.c_iflag = INLCR;
    l.termios.c_cc[VEOL] = '\r';
    type("a\n");
    expect_read("a\r", false);
    l.termios.c_iflag = ISTRIP;
    type("\xe1\r");
    expect_read("a\r", false);
}

/* A line that is too long loses its middle, but ends, and nobody waits for ever. */
static void a_line_too_long(void **state)
{
    char buf[LINE_CELLS];
    bool eof;

    (void)state;
    for (int i = 0; i < 3 * (int)LINE_CELLS; i++) {
        assert_true(line_room(&l) > 0);
        line_input(&l, 'x');
    }
    type("\n");
    assert_true(line_readable(&l));
    assert_int_equal(line_room(&l), 0);
    assert_int_equal(line_read(&l, buf, sizeof(buf), &eof), LINE_CELLS);
    assert_int_equal(buf[LINE_CELLS - 1], '\n');
    assert_int_equal(line_room(&l), LINE_CELLS - 1);
}

/* Nothing that line_room() promised is lost, in either mode, wherever the ring stands. */
static void what_has_room_is_kept(void **state)
{
    struct termios t = l.termios;

    (void)state;
    t.c_lflag &= ~(ICANON | ISIG | ECHO);
    t.c_iflag = 0;
    line_set_termios(&l, &t);
    srandom(1);
    for (uint8_t in = 0, out = 0, round = 0; round < 250; round++) {
        char buf[LINE_CELLS];
        bool eof;
        size_t n = (size_t)random() % (line_room(&l) + 1);

        while (n--)
            line_input(&l, (char)in++);
        n = line_read(&l, buf, (size_t)random() % sizeof(buf), &eof);
        for (size_t i = 0; i < n; i++)
            assert_int_equal((uint8_t)buf[i], out++);
        assert_int_equal((uint8_t)(in - out), (uint8_t)line_available(&l));
    }
}

static void output(void **state)
{
    char out[16];
    size_t used;

    (void)state;
    assert_int_equal(line_output(&l, "a\nb", 3, out, sizeof(out), &used), 4);
    assert_memory_equal(out, "a\r\nb", 4);
    assert_int_equal(used, 3);
    /* A newline is not torn in two. */
    assert_int_equal(line_output(&l, "a\nb", 3, out, 2, &used), 1);
    assert_int_equal(used, 1);
    l.termios.c_oflag = 0;
    assert_int_equal(line_output(&l, "a\nb", 3, out, 2, &used), 2);
    assert_memory_equal(out, "a\n", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_comes_when_it_ends, start),
        cmocka_unit_test_setup(two_lines_are_two_reads, start),
        cmocka_unit_test_setup(editing, start),
        cmocka_unit_test_setup(erasing_clears_all_columns, start),
        cmocka_unit_test_setup(end_of_file, start),
        cmocka_unit_test_setup(end_of_file_after_a_full_read, start),
        cmocka_unit_test_setup(keys_signal, start),
        cmocka_unit_test_setup(flow_control, start),
        cmocka_unit_test_setup(raw_mode, start),
        cmocka_unit_test_setup(no_echo_but_newline, start),
        cmocka_unit_test_setup(translations, start),
        cmocka_unit_test_setup(a_line_too_long, start),
        cmocka_unit_test_setup(what_has_room_is_kept, start),
        cmocka_unit_test_setup(output, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
