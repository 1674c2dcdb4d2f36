/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of Linux's /dev/xen files, as far as the tools use them. Layouts and numbers are
 * Linux's, so that the same programs run on any kernel that has these files.
 */
#ifndef TOOLS_LINUX_XEN_H
#define TOOLS_LINUX_XEN_H

#include <stdint.h>
#include <sys/ioctl.h>

#define DEV_PRIVCMD        "/dev/xen/privcmd"
#define DEV_HYPERCALL      "/dev/xen/hypercall"
#define DEV_EVTCHN         "/dev/xen/evtchn"
#define DEV_XENBUS_BACKEND "/dev/xen/xenbus_backend"

/* privcmd: the result is the hypercall's own. */
struct privcmd_hypercall {
    uint64_t op;
    uint64_t arg[5];
};
#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

/* Puts frames of a domain at addr, in a mapping of privcmd itself; err has a result per frame. */
struct privcmd_mmapbatch_v2 {
    unsigned int num;
    uint16_t dom;
    uint64_t addr;
    const uint64_t *arr;
    int *err;
};
#define IOCTL_PRIVCMD_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_mmapbatch_v2))

/* The same for frames that are the domain's, but not part of its memory. */
struct privcmd_mmap_resource {
    uint16_t dom;
    uint32_t type, id, idx;
    uint64_t num;
    uint64_t addr;
};
#define IOCTL_PRIVCMD_MMAP_RESOURCE _IOC(_IOC_NONE, 'P', 7, sizeof(struct privcmd_mmap_resource))

/* evtchn: reading gives ports that rang, writing lets them ring again. */
struct ioctl_evtchn_bind_virq {
    unsigned int virq;
};
struct ioctl_evtchn_bind_interdomain {
    unsigned int remote_domain, remote_port;
};
struct ioctl_evtchn_port {
    unsigned int port;
};
#define IOCTL_EVTCHN_BIND_VIRQ _IOC(_IOC_NONE, 'E', 0, sizeof(struct ioctl_evtchn_bind_virq))
#define IOCTL_EVTCHN_BIND_INTERDOMAIN \
    _IOC(_IOC_NONE, 'E', 1, sizeof(struct ioctl_evtchn_bind_interdomain))
#define IOCTL_EVTCHN_UNBIND _IOC(_IOC_NONE, 'E', 3, sizeof(struct ioctl_evtchn_port))
#define IOCTL_EVTCHN_NOTIFY _IOC(_IOC_NONE, 'E', 4, sizeof(struct ioctl_evtchn_port))

/* xenbus_backend: its page is the kernel's own xenstore ring; the result is that ring's port. */
#define IOCTL_XENBUS_BACKEND_EVTCHN _IOC(_IOC_NONE, 'B', 0, 0)

#endif
