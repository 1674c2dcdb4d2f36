/* SPDX-License-Identifier: MIT */
/*
 * tree: the whole xenstore, a node a line: its path, "=", its value in quotes, and its permissions.
 * Nodes that appear or go meanwhile may be missing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xl-lite/libxllite.h"

static struct store store;

static void transfer(void *data, size_t size, ssize_t (*call)(int fd, void *data, size_t size))
{
    for (size_t done = 0; done < size;) {
        ssize_t n = call(store.fd, (char *)data + done, size - done);

        if (n <= 0) {
            printf("tree: the daemon has gone\n");
            exit(1);
        }
        done += (size_t)n;
    }
}

static ssize_t write_some(int fd, void *data, size_t size)
{
    return write(fd, data, size);
}

/* The answer with a zero behind it, allocated; NULL: there is no such node. */
static char *ask(uint32_t type, const char *path, size_t *size)
{
    struct xsd_sockmsg header = { .type = type, .len = (uint32_t)strlen(path) + 1 };
    char name[XENSTORE_ABS_PATH_MAX], *answer;

    snprintf(name, sizeof(name), "%s", path);
    transfer(&header, sizeof(header), write_some);
    transfer(name, header.len, write_some);
    transfer(&header, sizeof(header), read);
    answer = calloc(1, header.len + 1u);
    if (!answer || header.len > XENSTORE_PAYLOAD_MAX)
        exit(1);
    transfer(answer, header.len, read);
    *size = header.len;
    if (header.type != XS_ERROR)
        return answer;
    free(answer);
    return NULL;
}

static void show(const char *path)
{
    char child[XENSTORE_ABS_PATH_MAX];
    size_t size, count;
    char *value = ask(XS_READ, path, &size);
    char *permissions = ask(XS_GET_PERMS, path, &count);
    char *names = ask(XS_DIRECTORY, path, &size);

    if (value && permissions) {
        printf("%s = \"%s\"", path, value);
        for (size_t i = 0; i < count; i += strlen(permissions + i) + 1)
            printf(" %s", permissions + i);
        printf("\n");
    }
    for (size_t i = 0; names && i < size; i += strlen(names + i) + 1) {
        if (snprintf(child, sizeof(child), "%s/%s", path[1] ? path : "", names + i) <
            (int)sizeof(child))
            show(child);
    }
    free(value);
    free(permissions);
    free(names);
}

int main(void)
{
    if (store_open(&store)) {
        printf("tree: %s\n", xl_message());
        return 1;
    }
    show("/");
    return 0;
}
