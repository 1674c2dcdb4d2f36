/* SPDX-License-Identifier: MIT */
/*
 * The door of tty/: terminals. A terminal is a line discipline (line.c: canonical and raw mode, echo,
 * signals of ^C ^Z ^\, window size) over a driver: the console (console.c: the hypervisor's in the
 * first domain, the PV ring in others) or the slave side of a pseudo-terminal (pty.c: /dev/ptmx, /dev/pts/N).
 */
#ifndef PVK_TERMINAL_H
#define PVK_TERMINAL_H

#include "fs/fs.h"
#include "proc/proc.h"

struct tty;

void tty_init(void);                /* registers /dev/console, /dev/tty, /dev/tty0, /dev/hvc0, /dev/ptmx, devpts */
struct tty *console_tty(void);
void tty_hangup(struct tty *tty);
/* Session and group rules for job control: called by setsid, exit and TIOCSCTTY. */
void tty_session_exit(struct task *leader);

#endif
