/* SPDX-License-Identifier: MIT */
/* Lines typed on the console, for the monitor: without files, processes or terminals. */
#ifndef MONITOR_INPUT_H
#define MONITOR_INPUT_H

#include <pvguest/guest.h>

/* Starts listening to the console.  Returns 0 or the errno of binding its event. */
int input_init(void);

/*
 * Prints the prompt, sleeps until a line has been typed, and copies it without its end, cut to
 * size - 1 characters.  Echoes; backspace takes back a character, ^U the line, ^C starts again.
 */
void input_read_line(const char *prompt, char *line, size_t size);

#endif
