/* SPDX-License-Identifier: MIT */
/*
 * What the files of tty/ share: the terminal itself.
 *
 * Input comes by tty_receive(), also from event handlers; the driver keeps back what line_room()
 * has no room for and gives it when more_input() is called. Output goes to the driver in pieces
 * that it has room for; when it has room again it calls tty_writable().
 */
#ifndef PVK_TTY_H
#define PVK_TTY_H

#include "tty/line.h"
#include "tty/terminal.h"

struct tty_driver {
    size_t (*room)(struct tty *tty);
    void (*write)(struct tty *tty, const char *text, size_t len);   /* not more than room() */
    void (*more_input)(struct tty *tty);    /* characters were read: there is room */
    void (*closed)(struct tty *tty);        /* the last file went; NULL: nothing to do */
};

struct tty {
    struct line line;
    const struct tty_driver *driver;
    struct winsize winsize;
    int sid;                        /* whose controlling terminal it is, or 0 */
    int pgrp;                       /* the group in the foreground, or 0 */
    bool hung_up;
    unsigned int opens;             /* files */
    struct wait_queue readers, writers;
};

/* ---- tty.c ---- */
extern const struct file_ops tty_file_ops;      /* private: the tty */
int tty_create(struct tty *tty, const struct tty_driver *driver);   /* 0 or -ENOMEM */
void tty_destroy(struct tty *tty);              /* frees what tty_create took */
/* Makes @f a file on the terminal, and the terminal the session's if the rules say so. */
int tty_open_file(struct file *f, struct tty *tty, bool may_control);
void tty_receive(struct tty *tty, const char *text, size_t len);
void tty_writable(struct tty *tty);

/*
 * ---- tty_ioctl.c: @master: called on the master of a pseudo-terminal, which has no session ----
 */
long tty_ioctl_on(struct tty *tty, unsigned long cmd, uint64_t arg, bool master);

/* ---- job.c ---- */
/* 0: go on; else the group was signalled, or nothing could be (-EIO). */
int tty_check_read(struct tty *tty);
int tty_check_write(struct tty *tty);
int tty_check_change(struct tty *tty);
void tty_take_session(struct tty *tty);         /* as the caller's controlling terminal */
long tty_ioctl_job(struct tty *tty, unsigned long cmd, uint64_t arg, bool master);
void tty_drop_session(struct tty *tty);         /* nobody's controlling terminal any more */

/* ---- console.c, pty.c ---- */
void pty_init(void);

#endif
