/* SPDX-License-Identifier: MIT */
/*
 * xl-lite COMMAND ARGUMENTS: makes, shows and ends guests.
 *
 * Exit status 0, or 1 after one line on standard error that says what was wrong.
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int usage(FILE *stream)
{
    fprintf(stream, "usage: xl-lite COMMAND\n");
    for (unsigned int i = 0; i < nr_commands; i++)
        fprintf(stream, "  %-10s %-13s %s\n", commands[i].name, commands[i].arguments,
                commands[i].purpose);
    return stream == stdout ? 0 : 1;
}

/* What was printed, too, must have got where it was to go. */
static int flush_output(void)
{
    return fflush(stdout) || ferror(stdout) ? xl_fail(EIO, "output: %s", strerror(errno)) : 0;
}

static int run(const struct command *command, int count, char **args)
{
    struct context context;
    int rc = hv_open(&context.hv);

    if (rc)
        return rc;
    rc = store_open(&context.store);
    if (!rc) {
        rc = command->run(&context, count, args);
        rc = rc ?: flush_output();
        store_close(&context.store);
    }
    hv_close(&context.hv);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr);
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return usage(stdout);
    for (unsigned int i = 0; i < nr_commands; i++) {
        const struct command *command = &commands[i];

        if (strcmp(command->name, argv[1]))
            continue;
        if (argc - 2 < command->min_args || argc - 2 > command->max_args) {
            fprintf(stderr, "usage: xl-lite %s %s\n", command->name, command->arguments);
            return 1;
        }
        if (!run(command, argc - 2, argv + 2))
            return 0;
        fprintf(stderr, "xl-lite: %s\n", xl_message());
        return 1;
    }
    fprintf(stderr, "xl-lite: %s: no such command (xl-lite help lists them)\n", argv[1]);
    return 1;
}
