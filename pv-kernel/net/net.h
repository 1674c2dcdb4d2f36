/* SPDX-License-Identifier: MIT */
/*
 * The door of net/: sockets. Unix-domain stream sockets, named in the file system, and pairs; both
 * ends are in this kernel, so what one sends lies in the other's queue at once.
 */
#ifndef PVK_NET_H
#define PVK_NET_H

#include "fs/fs.h"

#define AF_UNIX 1
#define UNIX_PATH_MAX 108

struct sockaddr_un {
    uint16_t family;
    char path[UNIX_PATH_MAX];
};

/*
 * As accept(2), getsockname(2) and others take it: filled up to *len, which becomes the whole
 * length.
 */
struct socket_address {
    struct sockaddr_un name;
    size_t len;
};

#define MSG_PEEK     0x02
#define MSG_DONTWAIT 0x40
#define MSG_WAITALL  0x100
#define MSG_NOSIGNAL 0x4000

/*
 * What each returns is a file, 0 or a length, or a negative errno. Sockets are files of sock_ops.
 */
bool is_socket(const struct file *f);
int sock_create(int family, int type, int protocol, struct file **out);
int sock_pair(int family, int type, int protocol, struct file *ends[2]);
int sock_bind(struct file *f, const struct socket_address *address);
int sock_listen(struct file *f, int backlog);
int sock_accept(struct file *f, int flags, struct file **out);
int sock_connect(struct file *f, const struct socket_address *address);
int sock_shutdown(struct file *f, int how);
int sock_name(struct file *f, bool peer, struct socket_address *address);
/* SOL_SOCKET only: the length of what was put in @value. */
int sock_get_option(struct file *f, int name, void *value, size_t size);
long sock_send(struct file *f, const void *buf, size_t len, int flags);
long sock_receive(struct file *f, void *buf, size_t len, int flags);

#endif
