/* SPDX-License-Identifier: MIT */
/* xl-lite's commands: the table, and what each gets. */
#ifndef XL_LITE_COMMANDS_H
#define XL_LITE_COMMANDS_H

#include "libxllite.h"

/* What a command works with; open before it runs. */
struct context {
    struct hv hv;
    struct store store;
};

struct command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *purpose;
    int min_args, max_args;
    /* args[0] is the first word after the command's name. 0 or a negative errno. */
    int (*run)(struct context *context, int count, char **args);
};

/* commands.c */
extern const struct command commands[];
extern const unsigned int nr_commands;

/* cmd_domain.c */
int cmd_create(struct context *context, int count, char **args);
int cmd_shutdown(struct context *context, int count, char **args);
int cmd_reboot(struct context *context, int count, char **args);
int cmd_destroy(struct context *context, int count, char **args);

/* cmd_info.c */
int cmd_info(struct context *context, int count, char **args);
int cmd_debug_keys(struct context *context, int count, char **args);

/* cmd_list.c */
int cmd_list(struct context *context, int count, char **args);

/* cmd_console.c */
int cmd_console(struct context *context, int count, char **args);
/* Waits for the console of a domain, which may not run yet; returns its terminal's file. */
int console_open(struct store *store, domid_t domid);
/* Connects standard input and output with it until it ends or ^] is typed; closes it. */
int console_attach(int tty);

#endif
