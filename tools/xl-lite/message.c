/* SPDX-License-Identifier: MIT */
/* The one line that says what failed. */
#include "libxllite.h"

#include <stdarg.h>
#include <stdio.h>

static char message[512];

int xl_fail(int err, const char *format, ...)
{
    va_list args;

    if (!message[0]) {
        va_start(args, format);
        vsnprintf(message, sizeof(message), format, args);
        va_end(args);
    }
    return -err;
}

const char *xl_message(void)
{
    return message;
}

void xl_clear_message(void)
{
    message[0] = '\0';
}
