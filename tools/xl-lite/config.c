/* SPDX-License-Identifier: MIT */
/*
 * Configuration files, read by libconfig: name = value settings, texts in double quotes.
 *
 *     name     text, 1 to 63 letters, digits and _.+-, not a number alone
 *     kernel   text, a file; ramdisk likewise, optional
 *     memory   MiB; vcpus, 1 unless given
 *     cmdline  text for the kernel; without it root ("root=" goes before it) and extra
 *     type     "pv"; builder "generic" or "linux"
 *     disk     list of texts: "phy:FILE,xvda,w" (to xvdp; w or r)
 *     vif, pci, vfb   lists that must be empty
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts that make up the command line, kept until all settings are read. */
struct texts {
    const char *cmdline, *root, *extra;
};

struct reader {
    const char *file;
    struct domain_config *config;
    struct texts texts;
};

struct setting {
    const char *name;
    int (*take)(struct reader *r, const config_setting_t *setting);
};

static int refuse(const struct reader *r, const config_setting_t *setting, const char *reason)
{
    return xl_fail(EINVAL, "%s:%u: %s: %s", r->file, config_setting_source_line(setting),
                   config_setting_name(setting), reason);
}

static int get_text(const struct reader *r, const config_setting_t *setting, const char **text)
{
    *text = config_setting_get_string(setting);
    return *text ? 0 : refuse(r, setting, "must be a text in double quotes");
}

/* A number, or a text that is one, as older files have it. */
static int get_number(const struct reader *r, const config_setting_t *setting, uint64_t max,
                      uint64_t *number)
{
    const char *text = config_setting_get_string(setting);
    int type = config_setting_type(setting);
    long long value = -1;

    if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) {
        value = config_setting_get_int64(setting);
    } else if (text && isdigit((unsigned char)text[0])) {
        char *end;

        errno = 0;
        value = strtoll(text, &end, 10);
        if (*end || errno)
            value = -1;
    }
    if (value < 1 || (uint64_t)value > max)
        return xl_fail(EINVAL, "%s:%u: %s: must be a number from 1 to %lu", r->file,
                       config_setting_source_line(setting), config_setting_name(setting), max);
    *number = (uint64_t)value;
    return 0;
}

/* It becomes part of store paths and file names, and must not pass for a domain's number. */
static bool good_name(const char *name)
{
    size_t len = strlen(name);
    bool digits = true;

    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("_.+-", name[i]))
            return false;
        digits = digits && isdigit((unsigned char)name[i]);
    }
    return len && len < DOMAIN_NAME_MAX && !digits && name[0] != '.' && name[0] != '-';
}

static int take_name(struct reader *r, const config_setting_t *setting)
{
    const char *text;
    int rc = get_text(r, setting, &text);

    if (rc)
        return rc;
    if (!good_name(text))
        return refuse(r, setting, "must be up to 63 letters, digits and _.+-, and not a number");
    strcpy(r->config->name, text);
    return 0;
}

static int take_file(struct reader *r, const config_setting_t *setting, char **to)
{
    const char *text;
    int rc = get_text(r, setting, &text);

    if (rc)
        return rc;
    if (!text[0])
        return refuse(r, setting, "must name a file");
    *to = strdup(text);
    return *to ? 0 : xl_fail(ENOMEM, "out of memory");
}

static int take_kernel(struct reader *r, const config_setting_t *setting)
{
    return take_file(r, setting, &r->config->kernel);
}

static int take_ramdisk(struct reader *r, const config_setting_t *setting)
{
    return take_file(r, setting, &r->config->ramdisk);
}

static int take_memory(struct reader *r, const config_setting_t *setting)
{
    return get_number(r, setting, DOMAIN_MAX_MIB, &r->config->memory_mib);
}

static int take_vcpus(struct reader *r, const config_setting_t *setting)
{
    uint64_t vcpus;
    int rc = get_number(r, setting, DOMAIN_MAX_VCPUS, &vcpus);

    if (!rc)
        r->config->vcpus = (unsigned int)vcpus;
    return rc;
}

static int take_cmdline(struct reader *r, const config_setting_t *setting)
{
    return get_text(r, setting, &r->texts.cmdline);
}

static int take_root(struct reader *r, const config_setting_t *setting)
{
    return get_text(r, setting, &r->texts.root);
}

static int take_extra(struct reader *r, const config_setting_t *setting)
{
    return get_text(r, setting, &r->texts.extra);
}

static int take_type(struct reader *r, const config_setting_t *setting)
{
    const char *text;
    int rc = get_text(r, setting, &text);

    if (!rc && strcmp(text, "pv") && strcmp(text, "generic") && strcmp(text, "linux"))
        rc = refuse(r, setting, "only paravirtualized guests (\"pv\") are supported");
    return rc;
}

static int take_devices(struct reader *r, const config_setting_t *setting)
{
    if (!config_setting_is_aggregate(setting))
        return refuse(r, setting, "must be a list");
    return config_setting_length(setting) ? refuse(r, setting, "is not supported") : 0;
}

/* xvda to xvdp, whole disks; 0 for anything else. */
static unsigned int disk_number(const char *name)
{
    if (strncmp(name, "xvd", 3) || name[3] < 'a' || name[3] > 'p' || name[4])
        return 0;
    return 202u << 8 | (unsigned int)(name[3] - 'a') << 4;
}

/* The three parts of a disk's text, which is the caller's to spoil. */
static const char *parse_disk(struct domain_disk *disk, char *text)
{
    char *vdev = strchr(text, ','), *mode = vdev ? strchr(vdev + 1, ',') : NULL;

    if (!mode || strchr(mode + 1, ','))
        return "must be \"phy:FILE,xvda,w\" or with r";
    *vdev++ = *mode++ = '\0';
    if (strncmp(text, "phy:", 4) || text[4] != '/')
        return "must be phy: and the path of a block device";
    disk->vdev = disk_number(vdev);
    if (!disk->vdev)
        return "the guest's name of a disk must be one of xvda to xvdp";
    if (strcmp(mode, "w") && strcmp(mode, "r"))
        return "the mode of a disk must be w or r";
    strcpy(disk->vdev_name, vdev);
    disk->readonly = mode[0] == 'r';
    memmove(text, text + 4, strlen(text + 4) + 1);
    return NULL;
}

static int add_disk(struct reader *r, const config_setting_t *setting, const char *text)
{
    struct domain_config *config = r->config;
    struct domain_disk *disk = &config->disk[config->nr_disks];
    const char *fault;

    if (config->nr_disks == DOMAIN_MAX_DISKS)
        return refuse(r, setting, "too many disks");
    disk->path = strdup(text);
    if (!disk->path)
        return xl_fail(ENOMEM, "out of memory");
    config->nr_disks++;
    fault = parse_disk(disk, disk->path);
    for (unsigned int i = 0; !fault && &config->disk[i] != disk; i++) {
        if (config->disk[i].vdev == disk->vdev)
            fault = "two disks have the same name";
    }
    return fault ? refuse(r, setting, fault) : 0;
}

static int take_disks(struct reader *r, const config_setting_t *setting)
{
    int rc = 0;

    if (!config_setting_is_aggregate(setting))
        return refuse(r, setting, "must be a list");
    for (int i = 0; !rc && i < config_setting_length(setting); i++) {
        const char *text = config_setting_get_string_elem(setting, i);

        rc = text ? add_disk(r, setting, text) : refuse(r, setting, "must be a list of texts");
    }
    return rc;
}

static const struct setting settings[] = {
    { "name", take_name },       { "kernel", take_kernel },   { "ramdisk", take_ramdisk },
    { "memory", take_memory },   { "vcpus", take_vcpus },     { "cmdline", take_cmdline },
    { "root", take_root },       { "extra", take_extra },     { "type", take_type },
    { "builder", take_type },    { "disk", take_disks },    { "vif", take_devices },
    { "pci", take_devices },     { "vfb", take_devices },
};

static int take(struct reader *r, const config_setting_t *setting)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (!strcmp(settings[i].name, config_setting_name(setting)))
            return settings[i].take(r, setting);
    }
    fprintf(stderr, "%s:%u: %s has no effect\n", r->file, config_setting_source_line(setting),
            config_setting_name(setting));
    return 0;
}

static int join_cmdline(struct reader *r)
{
    const struct texts *t = &r->texts;
    char *to = r->config->cmdline;
    int size;

    if (t->cmdline)
        size = snprintf(to, DOMAIN_CMDLINE_MAX, "%s", t->cmdline);
    else
        size = snprintf(to, DOMAIN_CMDLINE_MAX, "%s%s%s%s", t->root ? "root=" : "",
                        t->root ? t->root : "", t->root && t->extra ? " " : "",
                        t->extra ? t->extra : "");
    return size < DOMAIN_CMDLINE_MAX ? 0 :
        xl_fail(E2BIG, "%s: the kernel's command line is longer than %d bytes", r->file,
                DOMAIN_CMDLINE_MAX - 1);
}

static int take_all(struct reader *r, config_t *parsed)
{
    const config_setting_t *root = config_root_setting(parsed);
    const char *missing;
    int rc = 0;

    for (int i = 0; !rc && i < config_setting_length(root); i++)
        rc = take(r, config_setting_get_elem(root, (unsigned int)i));
    if (rc)
        return rc;
    missing = !r->config->name[0] ? "name" : !r->config->kernel ? "kernel" :
              !r->config->memory_mib ? "memory" : NULL;
    return missing ? xl_fail(EINVAL, "%s: %s is missing", r->file, missing) : join_cmdline(r);
}

/* libconfig ends the program where a read fails, as a folder's does. */
static bool readable(FILE *stream)
{
    int c = fgetc(stream);

    if (c == EOF && ferror(stream))
        return false;
    return c == EOF || ungetc(c, stream) == c;
}

int domain_config_read(struct domain_config *config, const char *file)
{
    struct reader reader = { .file = file, .config = config };
    FILE *stream = fopen(file, "r");
    config_t parsed;
    int rc;

    memset(config, 0, sizeof(*config));
    config->vcpus = 1;
    if (!stream)
        return xl_fail(errno, "%s: %s", file, strerror(errno));
    config_init(&parsed);
    if (!readable(stream))
        rc = xl_fail(errno, "%s: %s", file, strerror(errno));
    else if (config_read(&parsed, stream) == CONFIG_TRUE)
        rc = take_all(&reader, &parsed);
    else
        rc = xl_fail(EINVAL, "%s:%d: %s", file, config_error_line(&parsed),
                     config_error_text(&parsed));
    config_destroy(&parsed);
    fclose(stream);
    return rc;
}

void domain_config_free(struct domain_config *config)
{
    free(config->file);
    free(config->kernel);
    free(config->ramdisk);
    for (unsigned int i = 0; i < config->nr_disks; i++)
        free(config->disk[i].path);
    config->file = config->kernel = config->ramdisk = NULL;
    config->nr_disks = 0;
}
