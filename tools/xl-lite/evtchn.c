/* SPDX-License-Identifier: MIT */
/* Event channels of a process, through /dev/xen/evtchn. */
#include "libxllite.h"
#include "linux_xen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int evtchn_open(void)
{
    int fd = open(DEV_EVTCHN, O_RDWR | O_CLOEXEC | O_NONBLOCK);

    return fd < 0 ? xl_fail(errno, DEV_EVTCHN ": %s", strerror(errno)) : fd;
}

int evtchn_bind_virq(int fd, unsigned int virq)
{
    struct ioctl_evtchn_bind_virq bind = { .virq = virq };
    int port = ioctl(fd, IOCTL_EVTCHN_BIND_VIRQ, &bind);

    return port < 0 ? xl_fail(errno, "virtual interrupt %u: %s", virq, strerror(errno)) : port;
}

int evtchn_bind_interdomain(int fd, domid_t domid, evtchn_port_t remote)
{
    struct ioctl_evtchn_bind_interdomain bind = { .remote_domain = domid, .remote_port = remote };
    int port = ioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);

    return port < 0 ? xl_fail(errno, "domain %u: event channel %u: %s", domid, remote,
                              strerror(errno)) : port;
}

/*
 * The three below fail only for a port that is not ours, or that its domain took with it when it
 * was destroyed; then there is nothing left to do.
 */
void evtchn_unbind(int fd, evtchn_port_t port)
{
    struct ioctl_evtchn_port arg = { .port = port };

    ioctl(fd, IOCTL_EVTCHN_UNBIND, &arg);
}

void evtchn_notify(int fd, evtchn_port_t port)
{
    struct ioctl_evtchn_port arg = { .port = port };

    ioctl(fd, IOCTL_EVTCHN_NOTIFY, &arg);
}

void evtchn_unmask(int fd, evtchn_port_t port)
{
    uint32_t value = port;
    ssize_t n = write(fd, &value, sizeof(value));

    (void)n;
}

unsigned int evtchn_take(int fd, evtchn_port_t ports[EVTCHN_TAKE])
{
    ssize_t n = read(fd, ports, EVTCHN_TAKE * sizeof(*ports));

    return n > 0 ? (unsigned int)((size_t)n / sizeof(*ports)) : 0;
}
