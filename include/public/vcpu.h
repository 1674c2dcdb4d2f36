/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op(cmd, vcpuid, arg): one vCPU of the caller's domain. Errors: -XEN_ENOENT no such vCPU,
 * -XEN_ENOSYS unknown command, -XEN_EFAULT, and those named below.
 */
#ifndef __XEN_PUBLIC_VCPU_H__
#define __XEN_PUBLIC_VCPU_H__

#include "xen.h"

#define VCPUOP_initialise 0 /* struct vcpu_guest_context; -XEN_EEXIST if done before, -XEN_EINVAL */
#define VCPUOP_up         1 /* start it; -XEN_EINVAL if not initialised */
#define VCPUOP_down       2 /* stop it; the last one powers the domain off */
#define VCPUOP_is_up      3 /* 1 or 0 */
#define VCPUOP_get_runstate_info             4  /* struct vcpu_runstate_info, OUT */
#define VCPUOP_register_runstate_memory_area 5  /* struct vcpu_register_runstate_memory_area */
#define VCPUOP_set_periodic_timer            6  /* struct vcpu_set_periodic_timer */
#define VCPUOP_stop_periodic_timer           7  /* no argument */
#define VCPUOP_set_singleshot_timer          8  /* struct vcpu_set_singleshot_timer; on oneself */
#define VCPUOP_stop_singleshot_timer         9  /* no argument; on oneself */
#define VCPUOP_register_vcpu_info            10 /* struct vcpu_register_vcpu_info */
#define VCPUOP_send_nmi                      11 /* no argument */
#define VCPUOP_get_physid                    12 /* struct vcpu_get_physid; first domain, pinned */
#define VCPUOP_register_vcpu_time_memory_area 13 /* struct vcpu_register_time_memory_area */

/* What a vCPU is doing. */
#define RUNSTATE_running  0 /* on a processor */
#define RUNSTATE_runnable 1 /* waits for one */
#define RUNSTATE_blocked  2 /* waits for an event */
#define RUNSTATE_offline  3 /* down, or its domain paused */

/* For vcpu_set_singleshot_timer */
#define _VCPU_SSHOTTMR_future (0)
#define VCPU_SSHOTTMR_future  (1U << _VCPU_SSHOTTMR_future)

#ifndef __ASSEMBLY__

struct vcpu_runstate_info {
    int state;                 /* RUNSTATE_... */
    uint64_t state_entry_time; /* system time, ns */
/*
 * With the VM assist "runstate_update_flag": set in state_entry_time while the hypervisor writes
 * the area.
 */
#define XEN_RUNSTATE_UPDATE (xen_mk_ullong(1) << 63)
    uint64_t time[4];          /* ns spent in each state, up to state_entry_time */
};
typedef struct vcpu_runstate_info vcpu_runstate_info_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_runstate_info_t);

/* An area that the hypervisor keeps up to date; it must stay mapped. A null address ends that. */
struct vcpu_register_runstate_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_runstate_info_t) h;
        struct vcpu_runstate_info *v;
        uint64_t p;
    } addr;
};
typedef struct vcpu_register_runstate_memory_area vcpu_register_runstate_memory_area_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_runstate_memory_area_t);

/* VIRQ_TIMER every so often; -XEN_EINVAL below 1 ms. */
struct vcpu_set_periodic_timer {
    uint64_t period_ns;
};
typedef struct vcpu_set_periodic_timer vcpu_set_periodic_timer_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_set_periodic_timer_t);

/*
 * VIRQ_TIMER once. VCPU_SSHOTTMR_future: -XEN_ETIME if the time has passed, rather than an event at
 * once.
 */
struct vcpu_set_singleshot_timer {
    uint64_t timeout_abs_ns; /* system time */
    uint32_t flags;
};
typedef struct vcpu_set_singleshot_timer vcpu_set_singleshot_timer_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_set_singleshot_timer_t);

/*
 * Move the vCPU's vcpu_info out of the shared page, once (-XEN_EINVAL the second time, or if it
 * would not fit into the frame or is not aligned). The old contents come along, and events are
 * marked pending so that none is missed.
 */
struct vcpu_register_vcpu_info {
    uint64_t mfn;
    uint32_t offset; /* bytes into the frame */
    uint32_t rsvd;
};
typedef struct vcpu_register_vcpu_info vcpu_register_vcpu_info_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_vcpu_info_t);

struct vcpu_get_physid {
    uint64_t phys_id; /* OUT: ACPI id in the high half, APIC id in the low */
};
typedef struct vcpu_get_physid vcpu_get_physid_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_get_physid_t);
#define xen_vcpu_physid_to_x86_apicid(physid) ((uint32_t)(physid))
#define xen_vcpu_physid_to_x86_acpiid(physid) ((uint32_t)((physid) >> 32))

/* A second copy of the vCPU's time that guest user mode may read. */
DEFINE_XEN_GUEST_HANDLE(vcpu_time_info_t);
struct vcpu_register_time_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_time_info_t) h;
        struct vcpu_time_info *v;
        uint64_t p;
    } addr;
};
typedef struct vcpu_register_time_memory_area vcpu_register_time_memory_area_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_time_memory_area_t);

#endif /* !__ASSEMBLY__ */

#endif
