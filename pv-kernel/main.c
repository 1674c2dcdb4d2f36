/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel: a mini kernel for the paravirtualized interface, and the guest that the hypervisor
 * embeds.  It greets, and then serves a monitor on the console.
 *
 * Command line:
 *   token=TEXT    says "token TEXT" after the greeting
 *   exit=HOW      shuts down after the greeting: reboot, poweroff or crash; none (the default)
 *                 goes on to the monitor
 */
#include "arch/arch.h"
#include "monitor/monitor.h"
#include "monitor/input.h"

#define VERSION "0.1"

static void greet(const struct platform *p)
{
    char token[64];

    pv_printf("pv-kernel " VERSION ": %lu MiB of memory, %u virtual CPU%s\n",
              p->memory_kib / 1024, p->vcpus, p->vcpus == 1 ? "" : "s");
    pv_printf("on hypervisor %u.%u%s, CPUID signature \"%s\"\n", p->major, p->minor, p->extra,
              p->signature);
    if (pv_option("token", token, sizeof(token)))
        pv_printf("token %s\n", token);
}

/* Obeys exit=; returns if there is nothing to obey. */
static void exit_if_asked(void)
{
    static const struct {
        const char *name;
        unsigned int reason;
    } ends[] = {
        { "reboot", SHUTDOWN_reboot }, { "poweroff", SHUTDOWN_poweroff },
        { "crash", SHUTDOWN_crash },
    };
    char how[16];

    if (!pv_option("exit", how, sizeof(how)))
        return;
    for (size_t i = 0; i < PV_ARRAY_SIZE(ends); i++) {
        if (!strcmp(how, ends[i].name))
            guest_exit(ends[i].reason);
    }
    if (strcmp(how, "none"))
        pv_printf("exit=%s: not one of reboot, poweroff, crash, none\n", how);
}

int guest_main(const struct start_info *si)
{
    struct platform platform;
    int rc;

    (void)si;
    platform_identify(&platform);
    greet(&platform);
    exit_if_asked();
    rc = input_init();
    if (rc)
        pv_panic("pv-kernel: no console input (error %d)\n", rc);
    pv_printf("Ready. Type \"help\".\n");
    monitor_run(&platform);
}
