/* SPDX-License-Identifier: MIT */
/* What the daemons share. */
#include "libxllite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t daemon_asked_to_end;

static void end(int signal)
{
    (void)signal;
    daemon_asked_to_end = 1;
}

void daemon_end_when_asked(void)
{
    struct sigaction action = { .sa_handler = end };

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

int daemon_to_background(void)
{
    int null = open("/dev/null", O_RDWR);
    pid_t child = null < 0 ? -1 : fork();

    if (child < 0)
        return xl_fail(errno, "cannot go into the background: %s", strerror(errno));
    if (child > 0)
        _exit(0);
    setsid();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    close(null);
    return 0;
}
