/* SPDX-License-Identifier: MIT */
/*
 * callback_op(cmd, arg): where the hypervisor enters the guest kernel. Errors: -XEN_EINVAL an
 * address that is not canonical, or a type that can't be registered or unregistered; -XEN_ENOSYS
 * unknown command or type; -XEN_EFAULT.
 */
#ifndef __XEN_PUBLIC_CALLBACK_H__
#define __XEN_PUBLIC_CALLBACK_H__

#include "xen.h"

#define CALLBACKTYPE_event               0 /* an event is pending */
#define CALLBACKTYPE_failsafe            1 /* a segment or return frame could not be loaded */
#define CALLBACKTYPE_syscall             2 /* SYSCALL in 64-bit user code */
#define CALLBACKTYPE_sysenter_deprecated 3
#define CALLBACKTYPE_nmi                 4
#define CALLBACKTYPE_sysenter            5 /* SYSENTER in user code */
#define CALLBACKTYPE_syscall32           7 /* SYSCALL in 32-bit user code */

/* Mask events on entry. The event callback always does. */
#define _CALLBACKF_mask_events 0
#define CALLBACKF_mask_events  (1U << _CALLBACKF_mask_events)

#define CALLBACKOP_register   0 /* struct callback_register */
#define CALLBACKOP_unregister 1 /* struct callback_unregister; -XEN_EINVAL for indispensable ones */

#ifndef __ASSEMBLY__

struct callback_register {
    uint16_t type;  /* CALLBACKTYPE_... */
    uint16_t flags; /* CALLBACKF_... */
    xen_callback_t address;
};
typedef struct callback_register callback_register_t;
DEFINE_XEN_GUEST_HANDLE(callback_register_t);

struct callback_unregister {
    uint16_t type;
    uint16_t _unused;
};
typedef struct callback_unregister callback_unregister_t;
DEFINE_XEN_GUEST_HANDLE(callback_unregister_t);

#endif /* !__ASSEMBLY__ */

#endif
