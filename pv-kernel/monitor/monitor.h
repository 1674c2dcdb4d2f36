/* SPDX-License-Identifier: MIT */
/* The monitor room's door: commands typed on the console. */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "arch/arch.h"

/* monitor.c: reads and runs commands, for ever. */
_Noreturn void monitor_run(const struct platform *platform);

/* commands.c */
struct command {
    const char *name, *help;
    void (*run)(const struct platform *platform);
};
extern const struct command commands[];
extern const unsigned int nr_commands;

#endif
