/* SPDX-License-Identifier: MIT */
/*
 * The door of tty/: terminals. A terminal is a line discipline (line.c: canonical and raw mode,
 * echo, keys) with a session and a window (tty.c, tty_ioctl.c, job.c), over a driver: the console
 * (console.c: the hypervisor's in the first domain, the PV ring in others) or the other side of a
 * pseudo-terminal (pty.c: /dev/ptmx, /dev/pts/N).
 */
#ifndef PVK_TERMINAL_H
#define PVK_TERMINAL_H

#include "fs/fs.h"
#include "proc/proc.h"

struct tty;

/*
 * Starts listening to the console, and takes the kernel's messages over, so that they wait for
 * nobody. 0 or the errno of binding its event.
 */
int tty_init(void);
/* Registers /dev/console, hvc0, tty0, tty and ptmx; after fs_init(). */
void tty_devices_init(void);
struct tty *console_tty(void);
/* Its user is gone: readers see the end, writers an error, the session SIGHUP. */
void tty_hangup(struct tty *tty);
/* Session and group rules for job control: called by exit of a session's leader. */
void tty_session_exit(struct task *leader);

#endif
