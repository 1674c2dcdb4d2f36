/* SPDX-License-Identifier: MIT */
/* create, shutdown, reboot and destroy. */
#include "commands.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

static int make(struct context *context, const struct domain_config *config, bool console)
{
    domid_t domid;
    int rc = domain_create(&context->hv, &context->store, config, &domid);

    if (rc)
        return rc;
    rc = start(context, domid, console);
    if (rc)
        domain_destroy(&context->hv, &context->store, domid);
    return rc;
}

/* The path is kept for `reboot`, which may run in another folder. */
static int read_config(struct domain_config *config, const char *file)
{
    int rc = domain_config_read(config, file);

    if (rc)
        return rc;
    config->file = realpath(file, NULL);
    return config->file ? 0 : xl_fail(errno, "%s: %s", file, strerror(errno));
}

static int create(struct context *context, const char *file, bool console)
{
    struct domain_config config;
    int rc = read_config(&config, file);

    rc = rc ?: make(context, &config, console);
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
            return xl_fail(EINVAL, "create: %s: %s", args[i],
                           args[i][0] == '-' ? "unknown option" : "only one config file");
    }
    return file ? create(context, file, console) : xl_fail(EINVAL, "create: no config file named");
}

/* Once it has ended nothing is left of it. */
static int end(struct context *context, domid_t domid, const char *word)
{
    int rc = domain_ask(&context->hv, &context->store, domid, word);

    return rc ?: domain_destroy(&context->hv, &context->store, domid);
}

int cmd_shutdown(struct context *context, int count, char **args)
{
    domid_t domid;
    int rc = domain_find(&context->hv, &context->store, args[0], &domid);

    (void)count;
    return rc ?: end(context, domid, "poweroff");
}

/* Reads the file while the guest still runs: what is wrong with it is no reason to end that. */
static int reboot(struct context *context, domid_t domid, const char *file)
{
    char *name = domain_name(&context->store, domid);
    struct domain_config config;
    int rc = read_config(&config, file);

    if (!rc && (!name || strcmp(name, config.name)))
        rc = xl_fail(EINVAL, "%s: it describes %s now, not domain %u", file, config.name, domid);
    rc = rc ?: end(context, domid, "reboot");
    rc = rc ?: make(context, &config, false);
    domain_config_free(&config);
    free(name);
    return rc;
}

int cmd_reboot(struct context *context, int count, char **args)
{
    char *file = NULL;
    domid_t domid;
    int rc = domain_find(&context->hv, &context->store, args[0], &domid);

    (void)count;
    if (!rc && domid == 0)
        rc = xl_fail(EINVAL, "domain 0 is this one; `reboot` starts it again");
    if (rc)
        return rc;
    file = domain_config_file(&context->store, domid);
    rc = file ? reboot(context, domid, file) : -ENOENT;
    free(file);
    return rc;
}

int cmd_destroy(struct context *context, int count, char **args)
{
    domid_t domid;
    int rc = domain_find(&context->hv, &context->store, args[0], &domid);

    (void)count;
    return rc ?: domain_destroy(&context->hv, &context->store, domid);
}
