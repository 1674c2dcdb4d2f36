/* SPDX-License-Identifier: MIT */
/* The serial line: a 16550 on a port of the PC. serial.c; callers hold the console's lock. */
#ifndef LIB_SERIAL_H
#define LIB_SERIAL_H

#include "lib/types.h"

/* How a line is set up; what `com1=` can say. */
struct serial_options {
    u16 port;
    u32 baud;               /* 0: leave the speed as it is */
    u8 line_control;        /* data bits, parity and stop bits, as the chip's register has them */
};

#define SERIAL_DEFAULT { .port = 0x3f8, .baud = 115200, .line_control = 3 }

/* "115200[,8n1[,0x3f8]]"; console_options.c, pure. False, and nothing changed, if it is not. */
bool serial_parse(const char *text, struct serial_options *options);

/* Before other CPUs run. A port without a chip stays silent, and all of the rest does nothing. */
void serial_init(const struct serial_options *options);
void serial_write(const char *text, size_t len);    /* newlines become CR LF */

/* Whether any of these ports is the chip's: then it is nobody else's to touch. */
bool serial_owns(u16 port, unsigned int size);

/* Input waits in a ring: lost when that is full. */
void serial_enable_input(void);
size_t serial_read(char *buf, size_t len);

#endif
