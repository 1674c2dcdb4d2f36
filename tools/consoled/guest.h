/* SPDX-License-Identifier: MIT */
/*
 * One guest's console: its ring, the terminal that people open, and the log.
 *
 * A guest is never made to wait for people: what nobody reads waits in the terminal and in a
 * backlog, from which the oldest goes first; the log gets everything, up to its size.
 */
#ifndef CONSOLED_GUEST_H
#define CONSOLED_GUEST_H

#include <poll.h>

#include "../xl-lite/libxllite.h"

#define BACKLOG_SIZE (64 * 1024)
/* The log, and one older file beside it. */
#define LOG_SIZE     (1024 * 1024)

/*
 * From the moment that its console is mapped until it is gone. `broken` and `more` are about the
 * ring: a broken one is never looked at again, and its terminal stays for what was printed before.
 */
struct guest {
    struct guest *next;
    domid_t domid;
    struct xencons_interface *page;
    int evtchn;
    evtchn_port_t port;
    bool broken;              /* its ring makes no sense any more */
    bool more;                /* the ring may hold output that was not looked at */
    bool seen;                /* by the round that looks who is still there */
    int master, slave;        /* we hold the slave open, so that the terminal outlives its users */
    int log;                  /* -1: none */
    char *log_name;
    size_t log_size;
    size_t first, used;       /* of the backlog, a ring */
    char backlog[BACKLOG_SIZE];
};

/* The guest's terminal is *tty. NULL, with a message, where one of the parts can't be had. */
struct guest *guest_new(struct hv *hv, int evtchn, domid_t domid, const char *name, xen_pfn_t mfn,
                        evtchn_port_t port, const char *log_folder, const char **tty);
/* Takes the last output there is, and ends the terminal. */
void guest_free(struct guest *guest);

/* What to wait for on the terminal. */
short guest_poll_events(const struct guest *guest);
/* Moves bytes both ways; revents is what the terminal is ready for. */
void guest_serve(struct guest *guest, short revents);

#endif
