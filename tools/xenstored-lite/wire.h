/* SPDX-License-Identifier: MIT */
/* The protocol's bytes: messages out of a stream, texts out of a payload. Pure. */
#ifndef XENSTORED_WIRE_H
#define XENSTORED_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <xen/io/xs_wire.h>

/* A message that arrives in pieces. */
struct wire_message {
    struct xsd_sockmsg header;
    char payload[XENSTORE_PAYLOAD_MAX + 1]; /* a zero behind its end once it is complete */
    size_t have;                            /* bytes of header and payload */
};

/*
 * Takes bytes up to the message's end; *complete says whether that was reached. Returns how many it
 * took, or -EPROTO: the peer announced more than a message may hold, and nothing it sends after
 * that has a meaning.
 */
ssize_t wire_feed(struct wire_message *message, const char *data, size_t size, bool *complete);
void wire_reset(struct wire_message *message);

/*
 * The texts of a payload of `size` bytes that has a zero behind its end. Stores up to `room`,
 * returns how many there are; bytes after the last zero count as one more.
 */
unsigned int wire_texts(const char *payload, size_t size, const char **texts, unsigned int room);

const char *wire_error_name(int err);

/* A whole decimal number up to max, which is 9 or more. */
bool wire_number(const char *text, uint64_t max, uint64_t *number);

#endif
