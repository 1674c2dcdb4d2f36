/* SPDX-License-Identifier: MIT */
/* What the daemons share. */
#include "libxllite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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
