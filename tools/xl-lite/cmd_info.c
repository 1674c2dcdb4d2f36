/* SPDX-License-Identifier: MIT */
/* What is about the machine as a whole, not about a domain. */
#include "commands.h"

#include <stdio.h>

/* In the form that other toolstacks print it. Memory in MiB, and in pages. */
int cmd_info(struct context *context, int count, char **args)
{
    struct xen_sysctl_physinfo info;
    int rc = hv_physinfo(&context->hv, &info);

    (void)count;
    (void)args;
    if (rc)
        return rc;
    printf("%-22s : %u\n", "nr_cpus", info.nr_cpus);
    printf("%-22s : %u\n", "cpu_mhz", info.cpu_khz / 1000);
    printf("%-22s : %lu\n", "total_memory", info.total_pages >> (20 - XL_PAGE_SHIFT));
    printf("%-22s : %lu\n", "free_memory", info.free_pages >> (20 - XL_PAGE_SHIFT));
    printf("%-22s : %lu\n", "free_pages", info.free_pages);
    return 0;
}

/* What the keys make the hypervisor print goes to its own console. */
int cmd_debug_keys(struct context *context, int count, char **args)
{
    (void)count;
    return hv_debug_keys(&context->hv, args[0]);
}
