/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/evtchn: event channels of a program. Each open file has ports of its own. One that
 * fires is masked and waits in the file's queue; reading takes it out, and writing its number back
 * lets it fire again, which a program may also do with one that it has not read yet. A port is in
 * the queue at most once, and none is lost.
 */
#include "proc/proc.h"
#include "mm/mm.h"
#include "xen/internal.h"

#define UNRESTRICTED DOMID_INVALID

/* The state of one open file. */
struct evtchn_file {
    struct list ports;
    struct list fired;              /* in the order in which they fired */
    struct wait_queue readers;
    domid_t restricted;             /* the only domain to bind with */
};

/*
 * A port of a file's. The hypervisor's mask follows `enabled`; that it is in the queue says that it
 * was not read yet. Neither follows from the other: a program may enable a port that it has not
 * read, which may fire again while it is in the queue.
 */
struct port {
    struct evtchn_file *owner;
    struct list link;               /* in owner->ports */
    struct list fired;              /* in owner->fired, or alone */
    evtchn_port_t nr;
    bool enabled;                   /* false: fired and not yet written back, so masked */
};

static void port_fires(evtchn_port_t nr, void *data)
{
    struct port *p = data;

    pv_mask(nr);
    p->enabled = false;
    if (list_empty(&p->fired))
        list_add_tail(&p->owner->fired, &p->fired);
    wake_up(&p->owner->readers);
    poll_wake();
}

static struct port *find_port(struct evtchn_file *e, uint32_t nr)
{
    struct list *pos;

    list_for_each(pos, &e->ports) {
        struct port *p = container_of(pos, struct port, link);

        if (p->nr == nr)
            return p;
    }
    return NULL;
}

/* ---- Binding ---- */

struct binding {
    int (*bind)(const struct binding *b, struct port *p);
    domid_t dom;
    uint32_t what;                  /* a VIRQ, or the other domain's port */
};

static int bind_virq(const struct binding *b, struct port *p)
{
    return pv_bind_virq(b->what, 0, port_fires, p);
}

static int bind_interdomain(const struct binding *b, struct port *p)
{
    return pv_bind_interdomain(b->dom, b->what, port_fires, p);
}

static int bind_unbound(const struct binding *b, struct port *p)
{
    return pv_alloc_unbound(b->dom, port_fires, p);
}

/* Makes the record first: the handler may be called as soon as the port is bound. */
static long bind_port(struct evtchn_file *e, const struct binding *b)
{
    struct port *p = kmalloc(sizeof(*p));
    int nr;

    if (!p)
        return -ENOMEM;
    p->owner = e;
    p->enabled = true;
    list_init(&p->fired);
    nr = b->bind(b, p);
    if (nr < 0) {
        kfree(p);
        return nr;
    }
    p->nr = (evtchn_port_t)nr;
    list_add_tail(&e->ports, &p->link);
    return nr;
}

static void unbind_port(struct port *p)
{
    /* The kernel is not interrupted, so nothing fires between these. */
    pv_close(p->nr);
    list_del(&p->link);
    list_del(&p->fired);
    kfree(p);
}

static bool allowed(const struct evtchn_file *e, uint32_t dom)
{
    return e->restricted == UNRESTRICTED || e->restricted == dom;
}

static long ioctl_bind_virq(struct evtchn_file *e, uint64_t arg)
{
    struct binding b = { .bind = bind_virq };

    if (e->restricted != UNRESTRICTED)
        return -EACCES;
    return copy_from_user(&b.what, arg, sizeof(b.what)) ? -EFAULT : bind_port(e, &b);
}

static long ioctl_bind_interdomain(struct evtchn_file *e, uint64_t arg)
{
    struct evtchn_ioctl_interdomain i;
    struct binding b = { .bind = bind_interdomain };

    if (copy_from_user(&i, arg, sizeof(i)))
        return -EFAULT;
    if (!allowed(e, i.remote_domain))
        return -EACCES;
    b.dom = (domid_t)i.remote_domain;
    b.what = i.remote_port;
    return bind_port(e, &b);
}

static long ioctl_bind_unbound(struct evtchn_file *e, uint64_t arg)
{
    struct binding b = { .bind = bind_unbound };
    uint32_t dom;

    if (copy_from_user(&dom, arg, sizeof(dom)))
        return -EFAULT;
    if (!allowed(e, dom))
        return -EACCES;
    b.dom = (domid_t)dom;
    return bind_port(e, &b);
}

/* ---- Ports that exist ---- */

static long named_port(struct evtchn_file *e, uint64_t arg, struct port **p)
{
    uint32_t nr;

    if (copy_from_user(&nr, arg, sizeof(nr)))
        return -EFAULT;
    if (nr >= PV_NR_PORTS)
        return -EINVAL;
    *p = find_port(e, nr);
    return *p ? 0 : -ENOTCONN;
}

static long ioctl_unbind(struct evtchn_file *e, uint64_t arg)
{
    struct port *p;
    long rc = named_port(e, arg, &p);

    if (!rc)
        unbind_port(p);
    return rc;
}

static long ioctl_notify(struct evtchn_file *e, uint64_t arg)
{
    struct port *p;
    long rc = named_port(e, arg, &p);

    /* As on Linux, a peer that has gone is no error. */
    if (!rc)
        pv_notify(p->nr);
    return rc;
}

/* Forgets what waits to be read; the ports stay silent until they are written back. */
static long ioctl_reset(struct evtchn_file *e, uint64_t arg)
{
    (void)arg;
    while (!list_empty(&e->fired))
        list_del(e->fired.next);
    return 0;
}

static long ioctl_restrict(struct evtchn_file *e, uint64_t arg)
{
    domid_t dom;

    if (e->restricted != UNRESTRICTED)
        return -EACCES;
    if (copy_from_user(&dom, arg, sizeof(dom)))
        return -EFAULT;
    if (!dom || dom >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    e->restricted = dom;
    return 0;
}

static const struct {
    unsigned long cmd;
    long (*run)(struct evtchn_file *e, uint64_t arg);
} commands[] = {
    { EVTCHN_BIND_VIRQ, ioctl_bind_virq },
    { EVTCHN_BIND_INTERDOMAIN, ioctl_bind_interdomain },
    { EVTCHN_BIND_UNBOUND_PORT, ioctl_bind_unbound },
    { EVTCHN_UNBIND, ioctl_unbind },
    { EVTCHN_NOTIFY, ioctl_notify },
    { EVTCHN_RESET, ioctl_reset },
    { EVTCHN_RESTRICT_DOMID, ioctl_restrict },
};

/* ---- The file ---- */

static long evtchn_ioctl(struct file *f, unsigned long cmd, uint64_t arg)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (commands[i].cmd == cmd)
            return commands[i].run(f->private, arg);
    }
    return -ENOTTY;
}

static long evtchn_read(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    struct evtchn_file *e = f->private;
    evtchn_port_t *ports = buf;
    size_t nr = 0;
    int rc;

    (void)pos;
    len /= sizeof(*ports);
    if (!len)
        return 0;
    if (f->flags & O_NONBLOCK && list_empty(&e->fired))
        return -EAGAIN;
    rc = wait_event(&e->readers, !list_empty(&e->fired), 0);
    if (rc)
        return rc;
    while (nr < len && !list_empty(&e->fired)) {
        struct port *p = container_of(e->fired.next, struct port, fired);

        list_del(&p->fired);
        ports[nr++] = p->nr;
    }
    return (long)(nr * sizeof(*ports));
}

/* Ports that are not this file's, or enabled already, are passed over. */
static long evtchn_write(struct file *f, const void *buf, size_t len, uint64_t *pos)
{
    const evtchn_port_t *ports = buf;

    (void)pos;
    len /= sizeof(*ports);
    for (size_t i = 0; i < len; i++) {
        struct port *p = find_port(f->private, ports[i]);

        if (p && !p->enabled) {
            p->enabled = true;
            pv_unmask(p->nr);
        }
    }
    return (long)(len * sizeof(*ports));
}

static unsigned int evtchn_poll(struct file *f)
{
    struct evtchn_file *e = f->private;

    return POLLOUT | (list_empty(&e->fired) ? 0 : POLLIN);
}

static int evtchn_open(struct file *f)
{
    struct evtchn_file *e = kmalloc(sizeof(*e));

    if (!e)
        return -ENOMEM;
    list_init(&e->ports);
    list_init(&e->fired);
    wait_queue_init(&e->readers);
    e->restricted = UNRESTRICTED;
    f->private = e;
    return 0;
}

static void evtchn_release(struct file *f)
{
    struct evtchn_file *e = f->private;

    while (!list_empty(&e->ports))
        unbind_port(container_of(e->ports.next, struct port, link));
    kfree(e);
}

const struct file_ops evtchn_ops = {
    .read = evtchn_read,
    .write = evtchn_write,
    .ioctl = evtchn_ioctl,
    .poll = evtchn_poll,
    .open = evtchn_open,
    .release = evtchn_release,
};
