/* SPDX-License-Identifier: MIT */
/* System calls on sockets; messages carry bytes only, no files. */
#include "mm/mm.h"
#include "net/net.h"
#include "syscall/path.h"
#include "syscall/transfer.h"

#define SOL_SOCKET 1
#define CHUNK      PAGE_SIZE

static int get_socket(uint64_t fd, struct file **f)
{
    *f = fd_file((int)fd);
    if (!*f)
        return -EBADF;
    return is_socket(*f) ? 0 : -ENOTSOCK;
}

/* ---- Addresses ---- */

static int get_address(uint64_t user, uint64_t len, struct socket_address *address)
{
    if (len > sizeof(address->name))
        return -EINVAL;
    memset(address, 0, sizeof(*address));
    address->len = len;
    return copy_from_user(&address->name, user, len);
}

/* As much of it as the caller has room for, and how long it is. */
static int put_address(uint64_t user, uint64_t user_len, const struct socket_address *address)
{
    int32_t room, len = (int32_t)address->len;

    if (!user)
        return 0;
    if (copy_from_user(&room, user_len, sizeof(room)))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (copy_to_user(user, &address->name, (size_t)min(room, len)))
        return -EFAULT;
    return copy_to_user(user_len, &len, sizeof(len));
}

/* ---- Making and connecting ---- */

SYSCALL(sys_socket)
{
    struct file *file;
    int type = (int)b, rc = sock_create((int)a, type, (int)c, &file);

    return rc ? rc : fd_install(file, type & O_CLOEXEC);
}

SYSCALL(sys_socketpair)
{
    struct file *ends[2];
    int type = (int)b, rc = sock_pair((int)a, type, (int)c, ends);

    return rc ? rc : fd_install_both(ends, type & O_CLOEXEC, d);
}

SYSCALL(sys_bind)
{
    struct socket_address address;
    struct file *file;
    int rc = get_socket(a, &file);

    if (!rc)
        rc = get_address(b, c, &address);
    return rc ? rc : sock_bind(file, &address);
}

SYSCALL(sys_connect)
{
    struct socket_address address;
    struct file *file;
    int rc = get_socket(a, &file);

    if (!rc)
        rc = get_address(b, c, &address);
    return rc ? rc : sock_connect(file, &address);
}

SYSCALL(sys_listen)
{
    struct file *file;
    int rc = get_socket(a, &file);

    return rc ? rc : sock_listen(file, (int)b);
}

SYSCALL(sys_accept4)
{
    struct socket_address address;
    struct file *file, *taken;
    int flags = (int)d, rc = get_socket(a, &file);

    if (rc)
        return rc;
    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    rc = sock_accept(file, flags, &taken);
    if (rc)
        return rc;
    /* A peer that has gone meanwhile has no name; that is no reason not to accept. */
    if (sock_name(taken, true, &address))
        address = (struct socket_address){ { .family = AF_UNIX }, sizeof(uint16_t) };
    rc = put_address(b, c, &address);
    if (rc) {
        file_put(taken);
        return rc;
    }
    return fd_install(taken, flags & O_CLOEXEC);
}

SYSCALL(sys_accept)
{
    return sys_accept4(a, b, c, 0, 0, 0);
}

SYSCALL(sys_shutdown)
{
    struct file *file;
    int rc = get_socket(a, &file);

    return rc ? rc : sock_shutdown(file, (int)b);
}

static long get_name(uint64_t fd, bool peer, uint64_t user, uint64_t user_len)
{
    struct socket_address address;
    struct file *f;
    int rc = get_socket(fd, &f);

    if (!rc)
        rc = sock_name(f, peer, &address);
    return rc ? rc : put_address(user, user_len, &address);
}

SYSCALL(sys_getsockname)
{
    return get_name(a, false, b, c);
}

SYSCALL(sys_getpeername)
{
    return get_name(a, true, b, c);
}

/* ---- Options ---- */

SYSCALL(sys_getsockopt)
{
    char value[16];
    struct file *file;
    int32_t room;
    int rc = get_socket(a, &file);

    if (!rc)
        rc = copy_from_user(&room, e, sizeof(room));
    if (rc)
        return rc;
    if (room < 0)
        return -EINVAL;
    if (b != SOL_SOCKET)
        return -ENOPROTOOPT;
    rc = sock_get_option(file, (int)c, value, min((size_t)room, sizeof(value)));
    if (rc < 0)
        return rc;
    room = rc;
    if (copy_to_user(d, value, (size_t)rc) || copy_to_user(e, &room, sizeof(room)))
        return -EFAULT;
    return 0;
}

/*
 * What can be set (buffer sizes, time-outs, reuse) changes nothing for sockets inside one kernel.
 */
SYSCALL(sys_setsockopt)
{
    struct file *file;
    int rc = get_socket(a, &file);

    return rc ? rc : b == SOL_SOCKET ? 0 : -ENOPROTOOPT;
}

/* ---- Data ---- */

static long send_user(struct file *f, uint64_t user, size_t len, int flags)
{
    char *buf = kmalloc(CHUNK);
    size_t done = 0;
    long rc = buf ? 0 : -ENOMEM;

    while (!rc && done < len) {
        size_t n = min(len - done, (size_t)CHUNK);

        rc = copy_from_user(buf, user + done, n);
        if (!rc)
            rc = sock_send(f, buf, n, flags);
        if (rc <= 0)
            break;
        done += (size_t)rc;
        rc = (size_t)rc < n ? -EAGAIN : 0;
    }
    kfree(buf);
    return done ? (long)done : rc;
}

static long receive_user(struct file *f, uint64_t user, size_t len, int flags)
{
    char *buf = kmalloc(CHUNK);
    long rc = buf ? sock_receive(f, buf, min(len, (size_t)CHUNK), flags) : -ENOMEM;

    if (rc > 0 && copy_to_user(user, buf, (size_t)rc))
        rc = -EFAULT;
    kfree(buf);
    return rc;
}

/* An address is of no use on a connected socket, and others can't send. */
SYSCALL(sys_sendto)
{
    struct file *file;
    int rc = get_socket(a, &file);

    return rc ? rc : send_user(file, b, c, (int)d);
}

SYSCALL(sys_recvfrom)
{
    int32_t no_length = 0;
    struct file *file;
    long rc = get_socket(a, &file);

    if (rc)
        return rc;
    rc = receive_user(file, b, c, (int)d);
    if (rc >= 0 && e && copy_to_user(arg6, &no_length, sizeof(no_length)))
        return -EFAULT;
    return rc;
}

struct msghdr {
    uint64_t name;
    uint32_t name_len, pad;
    uint64_t iov, nr_iov, control, control_len;
    int32_t flags, pad2;
};

static int get_message(uint64_t user, struct msghdr *msg)
{
    if (copy_from_user(msg, user, sizeof(*msg)))
        return -EFAULT;
    return msg->nr_iov > IOV_MAX ? -EMSGSIZE : 0;
}

/* Goes through the buffers as long as each is filled or sent whole. */
static long each_buffer(struct file *f, const struct msghdr *msg, int flags,
                        long (*move)(struct file *, uint64_t, size_t, int))
{
    size_t done = 0;
    long rc = 0;

    for (uint64_t i = 0; i < msg->nr_iov; i++) {
        struct iovec v;

        rc = copy_from_user(&v, msg->iov + i * sizeof(v), sizeof(v));
        if (rc)
            break;
        if (!v.len)
            continue;
        rc = move(f, v.base, v.len, flags);
        if (rc <= 0)
            break;
        done += (size_t)rc;
        if ((uint64_t)rc < v.len)
            break;
        if (move == receive_user)
            flags |= MSG_DONTWAIT;  /* the first buffer waited; the others take what there is */
    }
    return done ? (long)done : rc;
}

SYSCALL(sys_sendmsg)
{
    struct msghdr msg;
    struct file *file;
    int rc = get_socket(a, &file);

    if (!rc)
        rc = get_message(b, &msg);
    if (!rc && msg.control_len)
        rc = -EOPNOTSUPP;           /* a file that is passed must not get lost in silence */
    return rc ? rc : each_buffer(file, &msg, (int)c, send_user);
}

SYSCALL(sys_recvmsg)
{
    struct msghdr msg;
    struct file *file;
    long rc = get_socket(a, &file);

    if (!rc)
        rc = get_message(b, &msg);
    if (rc)
        return rc;
    rc = each_buffer(file, &msg, (int)c, receive_user);
    msg.name_len = 0;
    msg.control_len = 0;
    msg.flags = 0;
    if (rc >= 0 && copy_to_user(b, &msg, sizeof(msg)))
        return -EFAULT;
    return rc;
}
