/* SPDX-License-Identifier: MIT */
/*
 * The domains that were introduced: a ring each, and news of their end.
 *
 * A domain that dies keeps the frame of its ring as long as it is mapped here, so the mapping goes
 * as soon as the hypervisor reports the death, whatever the toolstack does.
 */
#include "server.h"
#include "../xl-lite/linux_xen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The kernel's own ring: its page and port come from the kernel, no frame must be mapped. */
static int open_kernel_ring(struct server *server)
{
    int fd = open(DEV_XENBUS_BACKEND, O_RDWR | O_CLOEXEC);
    struct ring *ring;
    int remote, port;
    void *page;

    if (fd < 0)
        return 0; /* a kernel that has no use for the store */
    remote = ioctl(fd, IOCTL_XENBUS_BACKEND_EVTCHN, 0);
    page = mmap(NULL, XL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (remote <= 0 || page == MAP_FAILED)
        return xl_fail(EIO, DEV_XENBUS_BACKEND ": the kernel does not give its xenstore ring");
    port = evtchn_bind_interdomain(server->evtchn, 0, (evtchn_port_t)remote);
    if (port < 0) {
        hv_unmap(page, 1);
        return port;
    }
    ring = ring_new(page, 1, server->evtchn, (evtchn_port_t)port);
    if (ring && connection_new(server, 0, -1, ring))
        return 0;
    return xl_fail(ENOMEM, "out of memory");
}

int domains_open(struct server *server)
{
    int rc = hv_open(&server->hv);

    if (rc)
        return rc;
    server->evtchn = evtchn_open();
    if (server->evtchn < 0)
        return server->evtchn;
    rc = evtchn_bind_virq(server->evtchn, VIRQ_DOM_EXC);
    if (rc < 0)
        return rc;
    server->virq = (evtchn_port_t)rc;
    return open_kernel_ring(server);
}

struct domain *domains_find(struct server *server, domid_t domid)
{
    for (struct domain *domain = server->domains; domain; domain = domain->next) {
        if (domain->domid == domid)
            return domain;
    }
    return NULL;
}

static int connect_ring(struct server *server, struct domain *domain, xen_pfn_t mfn,
                        evtchn_port_t remote)
{
    void *page = hv_map(&server->hv, domain->domid, &mfn, 1);
    struct ring *ring;
    int port;

    if (!page)
        return -EINVAL;
    port = evtchn_bind_interdomain(server->evtchn, domain->domid, remote);
    if (port < 0) {
        hv_unmap(page, 1);
        return -EINVAL;
    }
    ring = ring_new(page, 1, server->evtchn, (evtchn_port_t)port);
    if (!ring) {
        evtchn_unbind(server->evtchn, (evtchn_port_t)port);
        hv_unmap(page, 1);
        return -ENOMEM;
    }
    domain->connection = connection_new(server, domain->domid, -1, ring);
    if (domain->connection)
        return 0;
    ring_free(ring);
    return -ENOMEM;
}

static void let_go(struct domain *domain)
{
    if (domain->connection)
        connection_end(domain->connection);
    domain->connection = NULL;
    domain->dying = true;
}

static void drop(struct server *server, struct domain *domain)
{
    struct domain **link = &server->domains;

    while (*link != domain)
        link = &(*link)->next;
    *link = domain->next;
    let_go(domain);
    free(domain);
}

int domains_introduce(struct server *server, domid_t domid, xen_pfn_t mfn, evtchn_port_t port)
{
    struct domain *domain;
    int rc;

    if (server->local)
        return -ENOSYS;
    domain = domains_find(server, domid);
    if (!domid || (domain && !domain->dying))
        return -EEXIST;
    if (domain)
        drop(server, domain); /* a new one has its number */
    domain = calloc(1, sizeof(*domain));
    if (!domain)
        return -ENOMEM;
    domain->domid = domid;
    rc = connect_ring(server, domain, mfn, port);
    xl_clear_message();
    if (rc) {
        free(domain);
        return rc;
    }
    domain->next = server->domains;
    server->domains = domain;
    watches_fire(server, "@introduceDomain", false);
    return 0;
}

int domains_release(struct server *server, domid_t domid)
{
    struct domain *domain = domains_find(server, domid);

    if (!domain)
        return -ENOENT;
    drop(server, domain);
    watches_fire(server, "@releaseDomain", false);
    return 0;
}

/*
 * A domain has died; what it owned and was allowed goes with it, and nobody is told of that, as
 * nobody asked for it. This is before its number is free for another one: the hypervisor reports
 * the death first, and reports are looked at before requests.
 */
static void bury(struct server *server, struct domain *domain)
{
    if (tree_forget(&server->tree, domain->domid))
        fprintf(stderr, "xenstored-lite: domain %u: no memory to forget its nodes\n",
                domain->domid);
    let_go(domain);
}

/* What is new about a domain? It is dropped when the hypervisor knows it no more. */
static bool look_at(struct server *server, struct domain *domain)
{
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(&server->hv, domain->domid, &info);
    bool news = false;

    if (rc == -ESRCH) {
        if (!domain->dying)
            bury(server, domain);
        drop(server, domain);
        return true;
    }
    if (!rc && info.flags & XEN_DOMINF_dying && !domain->dying) {
        bury(server, domain);
        news = true;
    }
    if (!rc && info.flags & XEN_DOMINF_shutdown && !domain->shut_down) {
        domain->shut_down = true;
        news = true;
    }
    return news;
}

/*
 * Some domain shut down, or died, or the last that held on to a dead one's memory let go: who waits
 * for that hears each of the three.
 */
static void look_for_ends(struct server *server)
{
    struct domain *domain = server->domains, *next;
    bool news = false;

    for (; domain; domain = next) {
        next = domain->next;
        news |= look_at(server, domain);
    }
    xl_clear_message();
    if (news)
        watches_fire(server, "@releaseDomain", false);
}

void domains_events(struct server *server)
{
    evtchn_port_t ports[EVTCHN_TAKE];
    unsigned int count = evtchn_take(server->evtchn, ports);

    for (unsigned int i = 0; i < count; i++) {
        if (ports[i] == server->virq)
            look_for_ends(server);
        for (struct connection *c = server->connections; c; c = c->next) {
            if (c->ring && ring_port(c->ring) == ports[i])
                c->more = true;
        }
        evtchn_unmask(server->evtchn, ports[i]);
    }
}
