/* SPDX-License-Identifier: MIT */
/*
 * Linux's ioctls of the files in /dev/xen: numbers and layouts, which are its ABI towards programs.
 * A number holds the size of what its argument points to, the letter of the file, and a count.
 */
#ifndef PVK_XEN_IOCTLS_H
#define PVK_XEN_IOCTLS_H

#include "kernel.h"

#define XEN_IOCTL(letter, nr, size) ((unsigned long)(size) << 16 | (letter) << 8 | (nr))

/* ---- privcmd ---- */
struct privcmd_hypercall {
    uint64_t op, arg[5];
};
struct privcmd_mmap_entry {
    uint64_t va, mfn, npages;
};
struct privcmd_mmap {
    int32_t num;
    domid_t dom;
    uint64_t entry;                 /* of privcmd_mmap_entry */
};
struct privcmd_mmapbatch {
    int32_t num;
    domid_t dom;
    uint64_t addr;
    uint64_t arr;                   /* of frame numbers; errors are marked in them */
};
struct privcmd_mmapbatch_v2 {
    uint32_t num;
    domid_t dom;
    uint64_t addr;
    uint64_t arr;                   /* of frame numbers */
    uint64_t err;                   /* of int: the errno of each */
};
struct privcmd_mmap_resource {
    domid_t dom;
    uint32_t type, id, idx;
    uint64_t num, addr;
};
#define PRIVCMD_HYPERCALL     XEN_IOCTL('P', 0, sizeof(struct privcmd_hypercall))
#define PRIVCMD_MMAP          XEN_IOCTL('P', 2, sizeof(struct privcmd_mmap))
#define PRIVCMD_MMAPBATCH     XEN_IOCTL('P', 3, sizeof(struct privcmd_mmapbatch))
#define PRIVCMD_MMAPBATCH_V2  XEN_IOCTL('P', 4, sizeof(struct privcmd_mmapbatch_v2))
#define PRIVCMD_MMAP_RESOURCE XEN_IOCTL('P', 7, sizeof(struct privcmd_mmap_resource))

/* What the first batch call sets in a frame number that could not be mapped. */
#define MMAPBATCH_MFN_ERROR   0xf0000000u
#define MMAPBATCH_PAGED_ERROR 0x80000000u

/* ---- evtchn ---- */
struct evtchn_ioctl_interdomain {
    uint32_t remote_domain, remote_port;
};
#define EVTCHN_BIND_VIRQ         XEN_IOCTL('E', 0, sizeof(uint32_t))
#define EVTCHN_BIND_INTERDOMAIN  XEN_IOCTL('E', 1, sizeof(struct evtchn_ioctl_interdomain))
#define EVTCHN_BIND_UNBOUND_PORT XEN_IOCTL('E', 2, sizeof(uint32_t))
#define EVTCHN_UNBIND            XEN_IOCTL('E', 3, sizeof(uint32_t))
#define EVTCHN_NOTIFY            XEN_IOCTL('E', 4, sizeof(uint32_t))
#define EVTCHN_RESET             XEN_IOCTL('E', 5, 0)
#define EVTCHN_RESTRICT_DOMID    XEN_IOCTL('E', 6, sizeof(domid_t))

/* ---- gntdev ---- */
struct gntdev_grant_ref {
    uint32_t domid, ref;
};
struct gntdev_map_grant_ref {
    uint32_t count, pad;
    uint64_t index;                 /* OUT: the offset to mmap */
    struct gntdev_grant_ref refs[1];
};
struct gntdev_unmap_grant_ref {
    uint64_t index;
    uint32_t count, pad;
};
struct gntdev_get_offset {
    uint64_t vaddr;
    uint64_t offset;                /* OUT */
    uint32_t count, pad;            /* OUT */
};
#define GNTDEV_MAP_GRANT_REF        XEN_IOCTL('G', 0, sizeof(struct gntdev_map_grant_ref))
#define GNTDEV_UNMAP_GRANT_REF      XEN_IOCTL('G', 1, sizeof(struct gntdev_unmap_grant_ref))
#define GNTDEV_GET_OFFSET_FOR_VADDR XEN_IOCTL('G', 2, sizeof(struct gntdev_get_offset))
#define GNTDEV_SET_MAX_GRANTS       XEN_IOCTL('G', 3, sizeof(uint32_t))

/* ---- xenbus_backend ---- */
#define XENBUS_BACKEND_EVTCHN XEN_IOCTL('B', 0, 0)

#endif
