/* SPDX-License-Identifier: MIT */
/* console: connects this terminal with the one that the console daemon made for a guest. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LEAVE  0x1d /* ^] */
#define BUFFER 4096

/* The terminal's name once the daemon has written it; the watch fires for each change. */
static char *wait_for_tty(struct store *store, domid_t domid)
{
    char path[64];
    int rc;

    snprintf(path, sizeof(path), "/local/domain/%u/console/tty", domid);
    if (store_watch(store, path, "console"))
        return NULL;
    for (;;) {
        struct store_event *event = store_next_event(store, true, &rc);
        char *tty;

        if (!event)
            return NULL;
        store_free_event(event);
        tty = store_read(store, path);
        if (tty && tty[0])
            return tty;
        free(tty);
        if (!tty) {
            xl_fail(ENOENT, "domain %u has no console", domid);
            return NULL;
        }
    }
}

int console_open(struct store *store, domid_t domid)
{
    char *tty = wait_for_tty(store, domid);
    int fd;

    if (!tty)
        return -ENOENT;
    fd = open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        fd = xl_fail(errno, "%s: %s", tty, strerror(errno));
    free(tty);
    return fd;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -errno;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Passes on what has come. False: nothing more will, or it is the end. */
static bool pass(int from, int to, bool leave_key)
{
    char buffer[BUFFER];
    ssize_t n = read(from, buffer, sizeof(buffer));
    char *leave;

    if (n <= 0)
        return n < 0 && errno == EINTR;
    leave = leave_key ? memchr(buffer, LEAVE, (size_t)n) : NULL;
    if (leave)
        n = leave - buffer;
    return !write_all(to, buffer, (size_t)n) && !leave;
}

/* Until the guest's terminal ends, or our input. */
static void connect_ends(int tty)
{
    struct pollfd fds[] = {
        { .fd = tty, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN },
    };

    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (fds[0].revents && !pass(tty, STDOUT_FILENO, false))
            return;
        if (fds[1].revents && !pass(STDIN_FILENO, tty, true))
            return;
    }
}

int console_attach(int tty)
{
    struct termios before, raw;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;

    if (terminal) {
        raw = before;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    connect_ends(tty);
    if (terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    close(tty);
    return 0;
}

int cmd_console(struct context *context, int count, char **args)
{
    domid_t domid;
    int tty, rc = domain_find(&context->hv, &context->store, args[0], &domid);

    (void)count;
    if (rc)
        return rc;
    tty = console_open(&context->store, domid);
    return tty < 0 ? tty : console_attach(tty);
}
