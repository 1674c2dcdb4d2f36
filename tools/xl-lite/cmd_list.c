/* SPDX-License-Identifier: MIT */
/* list: a line per domain, as other toolstacks print it. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>

#include <xen/sched.h>

#define ROOM 32 /* domains asked for at a time */

/* r running, b blocked, p paused, s shut down, c crashed, d dying; "-" for what it is not. */
static void state_letters(const struct xen_domctl_getdomaininfo *info, char letters[7])
{
    unsigned int reason = info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    bool shutdown = info->flags & XEN_DOMINF_shutdown;
    bool crashed = shutdown && reason == SHUTDOWN_crash;

    letters[0] = info->flags & XEN_DOMINF_running ? 'r' : '-';
    letters[1] = info->flags & XEN_DOMINF_blocked ? 'b' : '-';
    letters[2] = info->flags & XEN_DOMINF_paused ? 'p' : '-';
    letters[3] = shutdown && !crashed ? 's' : '-';
    letters[4] = crashed ? 'c' : '-';
    letters[5] = info->flags & XEN_DOMINF_dying ? 'd' : '-';
    letters[6] = '\0';
}

static void print(struct store *store, const struct xen_domctl_getdomaininfo *info)
{
    char *name = domain_name(store, info->domain);
    char state[7];

    state_letters(info, state);
    printf("%-40s %5u %5lu %5u     %6s  %7.1f\n", name ? name : "(unnamed)", info->domain,
           (info->tot_pages + info->outstanding_pages) >> (20 - XL_PAGE_SHIFT),
           info->nr_online_vcpus, state, (double)info->cpu_time / 1e9);
    free(name);
}

int cmd_list(struct context *context, int count, char **args)
{
    struct xen_domctl_getdomaininfo list[ROOM];
    unsigned int first = 0;
    int n;

    (void)count;
    (void)args;
    printf("%-40s %5s %5s %5s %10s  %7s\n", "Name", "ID", "Mem", "VCPUs", "State", "Time(s)");
    do {
        n = hv_domain_list(&context->hv, (domid_t)first, list, ROOM);
        if (n < 0)
            return n;
        for (int i = 0; i < n; i++)
            print(&context->store, &list[i]);
        if (n)
            first = list[n - 1].domain + 1u;
    } while (n == ROOM);
    return 0;
}
