/* SPDX-License-Identifier: MIT */
#include <errno.h> /* ahead of xs_wire.h, whose table of errors depends on it */

#include "wire.h"

#include <string.h>

/* Up to `target` bytes of the message, counted with its header. */
static size_t fill(struct wire_message *m, char *to, size_t offset, size_t target,
                   const char *data, size_t size)
{
    size_t n = target - m->have < size ? target - m->have : size;

    memcpy(to + (m->have - offset), data, n);
    m->have += n;
    return n;
}

ssize_t wire_feed(struct wire_message *m, const char *data, size_t size, bool *complete)
{
    size_t used = 0, whole;

    *complete = false;
    if (m->have < sizeof(m->header)) {
        used = fill(m, (char *)&m->header, 0, sizeof(m->header), data, size);
        if (m->have < sizeof(m->header))
            return (ssize_t)used;
    }
    if (m->header.len > XENSTORE_PAYLOAD_MAX)
        return -EPROTO;
    whole = sizeof(m->header) + m->header.len;
    used += fill(m, m->payload, sizeof(m->header), whole, data + used, size - used);
    if (m->have == whole) {
        m->payload[m->header.len] = '\0';
        *complete = true;
    }
    return (ssize_t)used;
}

void wire_reset(struct wire_message *m)
{
    m->have = 0;
}

unsigned int wire_texts(const char *payload, size_t size, const char **texts, unsigned int room)
{
    unsigned int count = 0;
    size_t at = 0;

    while (at < size) {
        if (count < room)
            texts[count] = payload + at;
        count++;
        at += strlen(payload + at) + 1;
    }
    return count;
}

const char *wire_error_name(int err)
{
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++) {
        if (xsd_errors[i].errnum == err)
            return xsd_errors[i].errstring;
    }
    return "EINVAL";
}

bool wire_number(const char *text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > (max - (uint64_t)(*text - '0')) / 10)
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *number = value;
    return value <= max;
}
