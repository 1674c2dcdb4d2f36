/* SPDX-License-Identifier: MIT */
/*
 * The door of xen/: the device files through which Linux programs reach the hypervisor, with
 * Linux's ioctl numbers and layouts: /dev/xen/privcmd (hypercalls, foreign mappings), hypercall
 * (resident buffers), evtchn, gntdev, xenbus_backend, xenbus; /proc/xen/capabilities.
 */
#ifndef PVK_XENDEV_H
#define PVK_XENDEV_H

#include "kernel.h"

/* Makes them: privcmd and what needs it only where start_info says privileged. */
void xen_devices_init(void);

#endif
