/* SPDX-License-Identifier: MIT */
/* Linux's terminal settings, as TCGETS and TCSETS carry them: layouts and numbers. */
#ifndef PVK_TERMIOS_H
#define PVK_TERMIOS_H

#include <stdint.h>

#define NCCS 19

struct termios {
    uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
    uint8_t c_line;
    uint8_t c_cc[NCCS];
};

struct winsize {
    uint16_t rows, cols, xpixel, ypixel;
};

/* Indices of c_cc; a character 0 there means none. */
enum {
    VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL, VREPRINT,
    VDISCARD, VWERASE, VLNEXT, VEOL2,
};

/* c_iflag */
#define ISTRIP 0000040u
#define INLCR  0000100u
#define IGNCR  0000200u
#define ICRNL  0000400u
#define IXON   0002000u
#define IXANY  0004000u
#define IUTF8  0040000u
/* c_oflag */
#define OPOST  0000001u
#define ONLCR  0000004u
#define OCRNL  0000010u
/* c_cflag */
#define B38400 0000017u
#define CS8    0000060u
#define CREAD  0000200u
#define HUPCL  0002000u
/* c_lflag */
#define ISIG    0000001u
#define ICANON  0000002u
#define ECHO    0000010u
#define ECHOE   0000020u
#define ECHOK   0000040u
#define ECHONL  0000100u
#define NOFLSH  0000200u
#define TOSTOP  0000400u
#define ECHOCTL 0001000u
#define ECHOKE  0004000u
#define IEXTEN  0100000u

#endif
