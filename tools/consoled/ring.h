/* SPDX-License-Identifier: MIT */
/*
 * The daemon's side of a console page. Pure; the page is the guest's, too, so indices are read once
 * and checked.
 */
#ifndef CONSOLED_RING_H
#define CONSOLED_RING_H

#include <stddef.h>
#include <sys/types.h>

#include <xen/io/console.h>

/* The guest's output. Bytes moved, 0 if there are none, -EPROTO: its indices make no sense. */
ssize_t console_ring_read(struct xencons_interface *page, char *to, size_t size);
/* Room for the guest's input, or -EPROTO. */
ssize_t console_ring_room(const struct xencons_interface *page);
/* Input for the guest; `size` is at most what console_ring_room() said. */
void console_ring_write(struct xencons_interface *page, const char *from, size_t size);

#endif
