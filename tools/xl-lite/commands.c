/* SPDX-License-Identifier: MIT */
#include "commands.h"

const struct command commands[] = {
    { "create", "CONFIG [-c]", "make a guest from a file and start it; -c: and show its console",
      1, 2, cmd_create },
    { "info", "", "the machine and its free memory", 0, 0, cmd_info },
    { "debug-keys", "KEYS", "make the hypervisor print about itself; h: which keys there are",
      1, 1, cmd_debug_keys },
    { "list", "", "the domains there are", 0, 0, cmd_list },
    { "console", "DOMAIN", "talk to a guest on its console; ^] leaves it", 1, 1, cmd_console },
    { "shutdown", "DOMAIN", "ask a guest to end, wait for that, and remove it", 1, 1,
      cmd_shutdown },
    { "reboot", "DOMAIN", "the same, and make it again from its file", 1, 1, cmd_reboot },
    { "destroy", "DOMAIN", "end a guest at once", 1, 1, cmd_destroy },
};

const unsigned int nr_commands = sizeof(commands) / sizeof(commands[0]);
