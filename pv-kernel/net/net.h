/* SPDX-License-Identifier: MIT */
/* The door of net/: sockets. Unix-domain stream sockets, named in the file system, and pairs. */
#ifndef PVK_NET_H
#define PVK_NET_H

#include "fs/fs.h"

long sock_socket(int family, int type, int protocol);
long sock_pair(int family, int type, int protocol, int fds[2]);
long sock_bind(int fd, const void *addr, size_t len);       /* a struct sockaddr, copied */
long sock_listen(int fd, int backlog);
long sock_accept(int fd, void *addr, size_t *len, int flags);
long sock_connect(int fd, const void *addr, size_t len);
long sock_shutdown(int fd, int how);
long sock_name(int fd, bool peer, void *addr, size_t *len);
long sock_option(int fd, int level, int name, void *value, size_t *len, bool set);

#endif
