/* SPDX-License-Identifier: MIT */
/*
 * nmi_op(cmd, arg): the older way to register vCPU 0's NMI handler; callback_op does it too.
 * Errors: -XEN_EINVAL an address that is not canonical, -XEN_ENOSYS, -XEN_EFAULT.
 */
#ifndef __XEN_PUBLIC_NMI_H__
#define __XEN_PUBLIC_NMI_H__

#include "xen.h"

/* Bits of arch_shared_info.nmi_reason, for the hardware domain. */
#define _XEN_NMIREASON_io_error 0
#define XEN_NMIREASON_io_error  (1UL << _XEN_NMIREASON_io_error)
#define _XEN_NMIREASON_pci_serr 1
#define XEN_NMIREASON_pci_serr  (1UL << _XEN_NMIREASON_pci_serr)
#define _XEN_NMIREASON_unknown  2
#define XEN_NMIREASON_unknown   (1UL << _XEN_NMIREASON_unknown)

#define XENNMI_register_callback   0 /* struct xennmi_callback */
#define XENNMI_unregister_callback 1 /* no argument */

#ifndef __ASSEMBLY__

struct xennmi_callback {
    unsigned long handler_address;
    unsigned long pad;
};
typedef struct xennmi_callback xennmi_callback_t;
DEFINE_XEN_GUEST_HANDLE(xennmi_callback_t);

#endif /* !__ASSEMBLY__ */

#endif
