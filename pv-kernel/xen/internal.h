/* SPDX-License-Identifier: MIT */
/* The files of /dev/xen, one source each. */
#ifndef PVK_XEN_INTERNAL_H
#define PVK_XEN_INTERNAL_H

#include "fs/fs.h"
#include "xen/ioctls.h"

extern const struct file_ops privcmd_ops, hypercall_ops;    /* privcmd.c, hypercall.c */
extern const struct file_ops evtchn_ops;                    /* evtchn.c */
extern const struct file_ops gntdev_ops;                    /* gntdev.c */
extern const struct file_ops xenbus_backend_ops;            /* xenbus_backend.c */

#endif
