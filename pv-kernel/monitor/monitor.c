/* SPDX-License-Identifier: MIT */
/* The monitor's loop: a line, its command from the table, its output. */
#include "monitor/monitor.h"
#include "monitor/input.h"

static const struct command *find(const char *name)
{
    for (unsigned int i = 0; i < nr_commands; i++) {
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    }
    return NULL;
}

/* Cuts blanks off both ends. */
static char *trim(char *text)
{
    size_t len;

    while (*text == ' ')
        text++;
    len = strlen(text);
    while (len > 0 && text[len - 1] == ' ')
        text[--len] = '\0';
    return text;
}

_Noreturn void monitor_run(const struct platform *platform)
{
    char line[80];

    for (;;) {
        const struct command *command;
        char *name;

        input_read_line("> ", line, sizeof(line));
        name = trim(line);
        if (!*name)
            continue;
        command = find(name);
        if (command)
            command->run(platform);
        else
            pv_printf("No command \"%s\"; \"help\" lists those there are.\n", name);
    }
}
