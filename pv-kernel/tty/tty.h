/* SPDX-License-Identifier: MIT */
/* The tty room's door: lines typed on the console. */
#ifndef TTY_TTY_H
#define TTY_TTY_H

#include <pvguest/guest.h>

/* Starts listening to the console.  Returns 0 or the errno of binding its event. */
int tty_init(void);

/*
 * Prints the prompt, sleeps until a line has been typed, and copies it without its end, cut to
 * size - 1 characters.  Echoes; backspace takes back a character, ^U the line, ^C starts again.
 */
void tty_read_line(const char *prompt, char *line, size_t size);

#endif
