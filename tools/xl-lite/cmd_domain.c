/* SPDX-License-Identifier: MIT */
/* create and destroy. */
#include "commands.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* With a console it is connected before the guest's first instruction. */
static int start(struct context *context, domid_t domid, bool console)
{
    int tty = console ? console_open(&context->store, domid) : -1;
    int rc;

    if (console && tty < 0)
        return tty;
    rc = hv_domain_unpause(&context->hv, domid);
    return rc || !console ? rc : console_attach(tty);
}

static int create(struct context *context, const char *file, bool console)
{
    struct domain_config config;
    domid_t domid;
    int rc = domain_config_read(&config, file);

    rc = rc ?: domain_create(&context->hv, &context->store, &config, &domid);
    if (!rc) {
        rc = start(context, domid, console);
        if (rc)
            domain_destroy(&context->hv, &context->store, domid);
    }
    domain_config_free(&config);
    return rc;
}

int cmd_create(struct context *context, int count, char **args)
{
    const char *file = NULL;
    bool console = false;

    for (int i = 0; i < count; i++) {
        if (!strcmp(args[i], "-c") && !console)
            console = true;
        else if (!file && args[i][0] != '-')
            file = args[i];
        else
            return xl_fail(EINVAL, "create: %s: unknown option", args[i]);
    }
    return file ? create(context, file, console) : xl_fail(EINVAL, "create: no config file named");
}

int cmd_destroy(struct context *context, int count, char **args)
{
    domid_t domid;
    int rc = domain_find(&context->hv, &context->store, args[0], &domid);

    (void)count;
    return rc ?: domain_destroy(&context->hv, &context->store, domid);
}
