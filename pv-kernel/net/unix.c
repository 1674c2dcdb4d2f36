/* SPDX-License-Identifier: MIT */
/*
 * Unix-domain stream sockets.
 *
 * A socket is new, bound, listening or connected. connect() makes the accepting side at once and
 * hangs it on the listener until accept() takes it; the connecting side can send before that.
 * `peer` is mutual and not counted: who goes first cuts it, and what he sent stays to be read. The
 * name of a bound socket is an inode whose `private` leads to the socket until it is closed.
 */
#include "fs/stream.h"
#include "mm/mm.h"
#include "net/net.h"
#include "proc/proc.h"

#define SOCK_STREAM 1
#define MAX_BACKLOG 128u
#define FIONREAD    0x541b

enum state { NEW, LISTENING, CONNECTED };

struct credentials {                /* struct ucred */
    int32_t pid;
    uint32_t uid, gid;
};

struct sock {
    enum state state;
    struct sock *peer;
    struct stream received;
    bool was_connected;
    bool read_shut, write_shut;     /* this side receives, sends no more */
    struct socket_address name;     /* as it was bound */
    struct socket_address peer_name;
    struct inode *bound;            /* counted; its private is this socket */
    struct credentials creds, peer_creds;
    struct list pending;            /* a listener's: sockets that nobody accepted yet */
    struct list link;               /* in that list */
    unsigned int nr_pending, backlog;
    struct wait_queue wait;
};

static const struct file_ops sock_ops;

bool is_socket(const struct file *f)
{
    return f->ops == &sock_ops;
}

static struct sock *sock_of(const struct file *f)
{
    return f->private;
}

static void changed(struct sock *s)
{
    wake_up(&s->wait);
    poll_wake();
}

/* ---- Life and death ---- */

static struct sock *new_sock(void)
{
    struct sock *s = kmalloc(sizeof(*s));

    if (!s)
        return NULL;
    list_init(&s->pending);
    list_init(&s->link);
    wait_queue_init(&s->wait);
    s->creds.pid = current->pid;
    s->name.name.family = s->peer_name.name.family = AF_UNIX;
    s->name.len = s->peer_name.len = sizeof(uint16_t);
    return s;
}

static void disconnect(struct sock *s)
{
    struct sock *peer = s->peer;

    s->peer = NULL;
    if (!peer)
        return;
    peer->peer = NULL;
    changed(peer);
}

static void free_sock(struct sock *s)
{
    while (!list_empty(&s->pending)) {
        struct sock *waiting = container_of(s->pending.next, struct sock, link);

        list_del(&waiting->link);
        disconnect(waiting);
        stream_clear(&waiting->received);
        kfree(waiting);
    }
    disconnect(s);
    if (s->bound)
        s->bound->private = NULL;
    inode_put(s->bound);
    stream_clear(&s->received);
    kfree(s);
}

static void sock_release(struct file *f)
{
    struct sock *s = sock_of(f);

    /* Those who wait in connect() for room in the backlog look again. */
    changed(s);
    free_sock(s);
}

/* A file on the socket, which it takes over. */
static int make_file(struct sock *s, int flags, struct file **out)
{
    struct inode *inode = s ? inode_anonymous(S_IFSOCK | 0777) : NULL;

    *out = inode ? file_create(&sock_ops, inode, O_RDWR | (flags & O_NONBLOCK), s) : NULL;
    inode_put(inode);
    if (*out)
        return 0;
    if (s)
        free_sock(s);
    return inode ? -ENFILE : -ENOMEM;
}

static int check_kind(int family, int type, int protocol)
{
    if (family != AF_UNIX)
        return -EAFNOSUPPORT;
    if ((type & ~(O_NONBLOCK | O_CLOEXEC)) != SOCK_STREAM)
        return -ESOCKTNOSUPPORT;
    return protocol ? -EPROTONOSUPPORT : 0;
}

int sock_create(int family, int type, int protocol, struct file **out)
{
    int rc = check_kind(family, type, protocol);

    return rc ? rc : make_file(new_sock(), type, out);
}

static void connect_pair(struct sock *a, struct sock *b)
{
    a->peer = b;
    b->peer = a;
    a->state = b->state = CONNECTED;
    a->was_connected = b->was_connected = true;
    a->peer_creds = b->creds;
    b->peer_creds = a->creds;
    a->peer_name = b->name;
    b->peer_name = a->name;
}

int sock_pair(int family, int type, int protocol, struct file *ends[2])
{
    int rc = sock_create(family, type, protocol, &ends[0]);

    if (rc)
        return rc;
    rc = sock_create(family, type, protocol, &ends[1]);
    if (rc)
        file_put(ends[0]);
    else
        connect_pair(sock_of(ends[0]), sock_of(ends[1]));
    return rc;
}

/* ---- Names ---- */

/* The path of an address, ended by NUL. */
static int address_path(const struct socket_address *address, char path[UNIX_PATH_MAX + 1])
{
    size_t len = address->len;

    if (len < sizeof(uint16_t) || len > sizeof(struct sockaddr_un))
        return -EINVAL;
    if (address->name.family != AF_UNIX)
        return -EAFNOSUPPORT;
    len -= sizeof(uint16_t);
    memcpy(path, address->name.path, len);
    path[len] = '\0';
    /* Names outside the file system (they begin with NUL) are not offered. */
    return path[0] ? 0 : -EINVAL;
}

int sock_bind(struct file *f, const struct socket_address *address)
{
    struct sock *s = sock_of(f);
    char path[UNIX_PATH_MAX + 1];
    struct inode *inode;
    int rc = address_path(address, path);

    if (rc)
        return rc;
    if (s->bound)
        return -EINVAL;
    rc = fs_mknod(NULL, path, S_IFSOCK | (0777 & ~current->umask), 0);
    if (rc)
        return rc == -EEXIST ? -EADDRINUSE : rc;
    rc = path_lookup(path, false, &inode);
    if (rc)
        return rc;
    inode->private = s;
    s->bound = inode;
    s->name = *address;
    return 0;
}

int sock_name(struct file *f, bool peer, struct socket_address *address)
{
    struct sock *s = sock_of(f);

    if (peer && !s->peer)
        return -ENOTCONN;
    *address = peer ? s->peer_name : s->name;
    return 0;
}

/* ---- Connections ---- */

int sock_listen(struct file *f, int backlog)
{
    struct sock *s = sock_of(f);

    if (!s->bound || s->state == CONNECTED)
        return -EINVAL;
    s->state = LISTENING;
    s->creds.pid = current->pid;
    s->backlog = backlog < 1 ? 1 : min((unsigned int)backlog, MAX_BACKLOG);
    changed(s);
    return 0;
}

int sock_accept(struct file *f, int flags, struct file **out)
{
    struct sock *s = sock_of(f), *taken;
    int rc;

    if (s->state != LISTENING)
        return -EINVAL;
    if (list_empty(&s->pending) && f->flags & O_NONBLOCK)
        return -EAGAIN;
    rc = wait_event(&s->wait, !list_empty(&s->pending), 0);
    if (rc)
        return rc;
    taken = container_of(s->pending.next, struct sock, link);
    list_del(&taken->link);
    s->nr_pending--;
    changed(s);
    return make_file(taken, flags, out);
}

/* The listener behind a path. It is valid until the caller sleeps. */
static int find_listener(const char *path, struct sock **listener)
{
    struct inode *inode;
    int rc = path_lookup(path, true, &inode);

    if (rc)
        return rc;
    *listener = is_type(inode, S_IFSOCK) ? inode->private : NULL;
    inode_put(inode);
    return *listener && (*listener)->state == LISTENING ? 0 : -ECONNREFUSED;
}

/* Waits until the listener has room; it may have gone when this returns. */
static int wait_for_room(struct file *f, const char *path, struct sock **listener)
{
    int rc = find_listener(path, listener);

    while (!rc && (*listener)->nr_pending >= (*listener)->backlog) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        rc = wait_on(&poll_queue, 0);
        if (!rc)
            rc = find_listener(path, listener);
    }
    return rc;
}

int sock_connect(struct file *f, const struct socket_address *address)
{
    struct sock *s = sock_of(f), *listener, *other;
    char path[UNIX_PATH_MAX + 1];
    int rc = address_path(address, path);

    if (rc)
        return rc;
    if (s->state != NEW)
        return s->state == CONNECTED ? -EISCONN : -EINVAL;
    rc = wait_for_room(f, path, &listener);
    if (rc)
        return rc;
    other = new_sock();
    if (!other)
        return -ENOMEM;
    other->creds = listener->creds;
    other->name = listener->name;
    s->creds.pid = current->pid;
    connect_pair(s, other);
    list_add_tail(&listener->pending, &other->link);
    listener->nr_pending++;
    changed(listener);
    return 0;
}

int sock_shutdown(struct file *f, int how)
{
    struct sock *s = sock_of(f);

    if (how < 0 || how > 2)
        return -EINVAL;
    if (s->state != CONNECTED || !s->peer)
        return -ENOTCONN;
    if (how != 1)                   /* not SHUT_WR */
        s->read_shut = s->peer->write_shut = true;
    if (how != 0)                   /* not SHUT_RD */
        s->write_shut = s->peer->read_shut = true;
    changed(s);
    changed(s->peer);
    return 0;
}

/* ---- Data ---- */

static bool nonblocking(const struct file *f, int flags)
{
    return f->flags & O_NONBLOCK || flags & MSG_DONTWAIT;
}

static bool can_send(const struct sock *s)
{
    return s->peer && !s->write_shut;
}

static int wait_to_send(struct file *f, int flags)
{
    struct sock *s = sock_of(f);
    int rc = 0;

    while (!rc && can_send(s) && !stream_room(&s->peer->received))
        rc = nonblocking(f, flags) ? -EAGAIN : wait_on(&s->wait, 0);
    if (rc || can_send(s))
        return rc;
    if (!s->was_connected)
        return -ENOTCONN;
    if (!(flags & MSG_NOSIGNAL))
        send_signal(current, SIGPIPE);
    return -EPIPE;
}

long sock_send(struct file *f, const void *buf, size_t len, int flags)
{
    struct sock *s = sock_of(f);
    size_t done = 0;

    while (done < len) {
        int rc = wait_to_send(f, flags);
        size_t n;

        if (rc)
            return done ? (long)done : rc;
        n = stream_write(&s->peer->received, (const char *)buf + done,
                         min(len - done, stream_room(&s->peer->received)));
        if (!n)
            return done ? (long)done : -ENOBUFS;
        done += n;
        changed(s->peer);
    }
    return (long)done;
}

static bool at_end(const struct sock *s)
{
    return !s->peer || s->read_shut;
}

static int wait_to_receive(struct file *f, size_t want, int flags)
{
    struct sock *s = sock_of(f);
    int rc = 0;

    if (!s->was_connected)
        return -ENOTCONN;
    while (!rc && stream_used(&s->received) < want && !at_end(s))
        rc = nonblocking(f, flags) ? -EAGAIN : wait_on(&s->wait, 0);
    /* Something is better than an error. */
    return stream_used(&s->received) ? 0 : rc;
}

long sock_receive(struct file *f, void *buf, size_t len, int flags)
{
    struct sock *s = sock_of(f);
    size_t want = flags & MSG_WAITALL ? min(len, (size_t)PAGE_SIZE) : 1;
    long n;
    int rc = wait_to_receive(f, want, flags);

    if (rc)
        return rc;
    if (flags & MSG_PEEK)
        return (long)stream_peek(&s->received, buf, len);
    n = (long)stream_read(&s->received, buf, len);
    if (n && s->peer)
        changed(s->peer);
    return n;
}

static long sock_read(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    (void)pos;
    return len ? sock_receive(f, buf, len, 0) : 0;
}

static long sock_write(struct file *f, const void *buf, size_t len, uint64_t *pos)
{
    (void)pos;
    return sock_send(f, buf, len, 0);
}

static unsigned int sock_poll(struct file *f)
{
    struct sock *s = sock_of(f);

    if (s->state == LISTENING)
        return list_empty(&s->pending) ? 0 : POLLIN;
    if (!s->was_connected)
        return POLLOUT | POLLHUP;
    return (stream_used(&s->received) || at_end(s) ? POLLIN : 0) |
           (!can_send(s) || stream_room(&s->peer->received) ? POLLOUT : 0) |
           (!s->peer ? POLLHUP : 0);
}

static long sock_ioctl(struct file *f, unsigned long cmd, uint64_t arg)
{
    int32_t n = (int32_t)stream_used(&sock_of(f)->received);

    return cmd == FIONREAD ? copy_to_user(arg, &n, sizeof(n)) : -ENOTTY;
}

static const struct file_ops sock_ops = {
    .read = sock_read, .write = sock_write, .ioctl = sock_ioctl, .poll = sock_poll,
    .release = sock_release,
};

/* ---- Options ---- */

enum {
    SO_TYPE = 3, SO_ERROR = 4, SO_SNDBUF = 7, SO_RCVBUF = 8, SO_PEERCRED = 17, SO_ACCEPTCONN = 30,
    SO_PROTOCOL = 38, SO_DOMAIN = 39,
};

int sock_get_option(struct file *f, int name, void *value, size_t size)
{
    const struct sock *s = sock_of(f);
    const struct {
        int name, value;
    } numbers[] = {
        { SO_TYPE, SOCK_STREAM }, { SO_ERROR, 0 }, { SO_SNDBUF, STREAM_MAX },
        { SO_RCVBUF, STREAM_MAX }, { SO_ACCEPTCONN, s->state == LISTENING }, { SO_PROTOCOL, 0 },
        { SO_DOMAIN, AF_UNIX },
    };

    if (name == SO_PEERCRED) {
        size = min(size, sizeof(s->peer_creds));
        memcpy(value, &s->peer_creds, size);
        return (int)size;
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (numbers[i].name == name) {
            size = min(size, sizeof(int));
            memcpy(value, &numbers[i].value, size);
            return (int)size;
        }
    }
    return -ENOPROTOOPT;
}
