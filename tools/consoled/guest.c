/* SPDX-License-Identifier: MIT */
#include "guest.h"
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/*
 * What a guest may cost is bounded three times: a ring's worth of output is taken a turn, the
 * backlog drops its oldest, and the log has a size. None of them ever makes the guest wait.
 */

/* The terminal. */

static int open_terminal(struct guest *guest, const char **tty)
{
    struct termios settings;

    guest->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (guest->master < 0 || grantpt(guest->master) || unlockpt(guest->master))
        return xl_fail(errno, "no pseudo-terminal: %s", strerror(errno));
    *tty = ptsname(guest->master);
    guest->slave = *tty ? open(*tty, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (guest->slave < 0 || tcgetattr(guest->slave, &settings))
        return xl_fail(errno, "no pseudo-terminal: %s", strerror(errno));
    /* Echo and line editing are the guest's business. */
    cfmakeraw(&settings);
    if (tcsetattr(guest->slave, TCSANOW, &settings))
        return xl_fail(errno, "%s: %s", *tty, strerror(errno));
    return 0;
}

/* Drops the oldest if there is too much. */
static void push_backlog(struct guest *guest, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        guest->backlog[(guest->first + guest->used) % BACKLOG_SIZE] = data[i];
        if (guest->used < BACKLOG_SIZE)
            guest->used++;
        else
            guest->first = (guest->first + 1) % BACKLOG_SIZE;
    }
}

static void drain_backlog(struct guest *guest)
{
    while (guest->used) {
        size_t size = BACKLOG_SIZE - guest->first;
        ssize_t n;

        if (size > guest->used)
            size = guest->used;
        n = write(guest->master, guest->backlog + guest->first, size);
        if (n <= 0)
            return; /* the terminal is full */
        guest->first = (guest->first + (size_t)n) % BACKLOG_SIZE;
        guest->used -= (size_t)n;
    }
}

/* The log. */

/* What earlier lives left in it counts, or a guest could fill the disk by restarting for ever. */
static void open_log(struct guest *guest, int flags)
{
    off_t end;

    guest->log = open(guest->log_name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0600);
    if (guest->log < 0)
        fprintf(stderr, "consoled: %s: %s\n", guest->log_name, strerror(errno));
    end = guest->log < 0 ? 0 : lseek(guest->log, 0, SEEK_END);
    guest->log_size = end > 0 ? (size_t)end : 0;
}

static void rotate_log(struct guest *guest)
{
    char older[512];

    snprintf(older, sizeof(older), "%s.1", guest->log_name);
    close(guest->log);
    if (rename(guest->log_name, older))
        fprintf(stderr, "consoled: %s: %s\n", older, strerror(errno));
    open_log(guest, O_TRUNC);
}

static void write_log(struct guest *guest, const char *data, size_t size)
{
    if (guest->log >= 0 && guest->log_size + size > LOG_SIZE)
        rotate_log(guest);
    while (guest->log >= 0 && size) {
        ssize_t n = write(guest->log, data, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            fprintf(stderr, "consoled: %s: %s; it ends here\n", guest->log_name, strerror(errno));
            close(guest->log);
            guest->log = -1;
            return;
        }
        data += n;
        size -= (size_t)n;
        guest->log_size += (size_t)n;
    }
}

/* Names in the store come from the toolstack; still, none may leave the folder. */
static int choose_log(struct guest *guest, const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + sizeof("/guest-.log");

    guest->log_name = malloc(size);
    if (!guest->log_name)
        return xl_fail(ENOMEM, "out of memory");
    snprintf(guest->log_name, size, "%s/guest-%s.log", folder, name);
    for (char *c = guest->log_name + strlen(folder) + 1; *c; c++) {
        if (*c == '/')
            *c = '_';
    }
    open_log(guest, 0);
    return 0;
}

/* The ring. */

static void fail_ring(struct guest *guest)
{
    fprintf(stderr, "consoled: domain %u: its console ring makes no sense; it is left alone\n",
            guest->domid);
    guest->broken = true;
}

/* A ring's worth at most, so that a guest which never stops leaves time for others. */
static void take_output(struct guest *guest)
{
    char data[sizeof(guest->page->out)];
    ssize_t n = console_ring_read(guest->page, data, sizeof(data));

    guest->more = n > 0;
    if (n < 0)
        fail_ring(guest);
    if (n <= 0)
        return;
    evtchn_notify(guest->evtchn, guest->port);
    write_log(guest, data, (size_t)n);
    push_backlog(guest, data, (size_t)n);
}

static void take_input(struct guest *guest)
{
    char data[sizeof(guest->page->in)];
    ssize_t room = console_ring_room(guest->page);
    ssize_t n;

    if (room < 0)
        fail_ring(guest);
    if (room <= 0)
        return;
    n = read(guest->master, data, (size_t)room);
    if (n <= 0)
        return;
    console_ring_write(guest->page, data, (size_t)n);
    evtchn_notify(guest->evtchn, guest->port);
}

short guest_poll_events(const struct guest *guest)
{
    short events = guest->used ? POLLOUT : 0;

    if (!guest->broken && console_ring_room(guest->page) > 0)
        events |= POLLIN;
    return events;
}

void guest_serve(struct guest *guest, short revents)
{
    if (guest->more && !guest->broken)
        take_output(guest);
    drain_backlog(guest);
    if (revents & POLLIN && !guest->broken)
        take_input(guest);
}

/* Whole life. */

static int connect_ring(struct guest *guest, struct hv *hv, xen_pfn_t mfn, evtchn_port_t remote)
{
    int port;

    guest->page = hv_map(hv, guest->domid, &mfn, 1);
    if (!guest->page)
        return -EIO;
    port = evtchn_bind_interdomain(guest->evtchn, guest->domid, remote);
    if (port < 0)
        return port;
    guest->port = (evtchn_port_t)port;
    guest->more = true;
    return 0;
}

static void release(struct guest *guest)
{
    if (guest->port)
        evtchn_unbind(guest->evtchn, guest->port);
    if (guest->page)
        hv_unmap(guest->page, 1);
    if (guest->log >= 0)
        close(guest->log);
    if (guest->slave >= 0)
        close(guest->slave);
    if (guest->master >= 0)
        close(guest->master);
    free(guest->log_name);
    free(guest);
}

struct guest *guest_new(struct hv *hv, int evtchn, domid_t domid, const char *name, xen_pfn_t mfn,
                        evtchn_port_t port, const char *log_folder, const char **tty)
{
    struct guest *guest = calloc(1, sizeof(*guest));
    int rc;

    if (!guest) {
        xl_fail(ENOMEM, "out of memory");
        return NULL;
    }
    guest->domid = domid;
    guest->evtchn = evtchn;
    guest->master = guest->slave = guest->log = -1;
    rc = open_terminal(guest, tty);
    rc = rc ?: choose_log(guest, log_folder, name);
    rc = rc ?: connect_ring(guest, hv, mfn, port);
    if (!rc)
        return guest;
    release(guest);
    return NULL;
}

void guest_free(struct guest *guest)
{
    guest->more = !guest->broken;
    if (guest->more)
        take_output(guest);
    drain_backlog(guest);
    release(guest);
}
