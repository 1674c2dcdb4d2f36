/* SPDX-License-Identifier: MIT */
/*
 * Event channels: one-bit notifications between domains, from virtual and physical interrupts, and
 * between the vCPUs of a domain. A domain knows its channels by port numbers; port 0 is never
 * valid.
 *
 * event_channel_op(cmd, arg): arg points to the structure named after the command. How a pending
 * event reaches the guest: struct vcpu_info in xen.h.
 *
 * Errors that any command may give: -XEN_EINVAL a port that does not exist or is in the wrong
 * state, -XEN_ESRCH no such domain, -XEN_EPERM not allowed for it, -XEN_ENOENT no such vCPU,
 * -XEN_ENOSPC no free port, -XEN_ENOMEM, -XEN_EFAULT, -XEN_ENOSYS unknown command.
 */
#ifndef __XEN_PUBLIC_EVENT_CHANNEL_H__
#define __XEN_PUBLIC_EVENT_CHANNEL_H__

#include "xen.h"

#define EVTCHNOP_bind_interdomain 0
#define EVTCHNOP_bind_virq        1
#define EVTCHNOP_bind_pirq        2
#define EVTCHNOP_close            3
#define EVTCHNOP_send             4
#define EVTCHNOP_status           5
#define EVTCHNOP_alloc_unbound    6
#define EVTCHNOP_bind_ipi         7
#define EVTCHNOP_bind_vcpu        8
#define EVTCHNOP_unmask           9
#define EVTCHNOP_reset            10
#define EVTCHNOP_init_control     11
#define EVTCHNOP_expand_array     12
#define EVTCHNOP_set_priority     13
#ifdef __XEN__
#define EVTCHNOP_reset_cont       14    /* a reset that stopped, gone on with: for the hypervisor */
#endif

/*
 * Ports of the two-level bitmaps in shared_info, all that there are unless init_control was called.
 */
#define EVTCHN_2L_NR_CHANNELS (sizeof(xen_ulong_t) * sizeof(xen_ulong_t) * 64)

#ifndef __ASSEMBLY__

typedef uint32_t evtchn_port_t;
DEFINE_XEN_GUEST_HANDLE(evtchn_port_t);

/*
 * alloc_unbound: a new port in dom that remote_dom may bind to. Either may be DOMID_SELF; a dom
 * other than the caller needs privilege over it.
 */
struct evtchn_alloc_unbound {
    domid_t dom, remote_dom;
    evtchn_port_t port; /* OUT */
};
typedef struct evtchn_alloc_unbound evtchn_alloc_unbound_t;

/*
 * bind_interdomain: a new port of the caller, connected to remote_port, which must be unbound and
 * offered to the caller. It starts pending, so that a notification sent before is not lost.
 */
struct evtchn_bind_interdomain {
    domid_t remote_dom;
    evtchn_port_t remote_port;
    evtchn_port_t local_port; /* OUT */
};
typedef struct evtchn_bind_interdomain evtchn_bind_interdomain_t;

/*
 * bind_virq: a new port for a virtual interrupt (VIRQ_...) of a vCPU; global ones must name vCPU 0
 * (-XEN_EINVAL). Each can be bound once (-XEN_EEXIST). A per-vCPU one stays on its vCPU.
 */
struct evtchn_bind_virq {
    uint32_t virq;
    uint32_t vcpu;
    evtchn_port_t port; /* OUT */
};
typedef struct evtchn_bind_virq evtchn_bind_virq_t;

/*
 * bind_pirq: a new port for a physical interrupt that was mapped for the caller; -XEN_EEXIST if it
 * is bound.
 */
struct evtchn_bind_pirq {
    uint32_t pirq;
#define BIND_PIRQ__WILL_SHARE 1
    uint32_t flags;     /* BIND_PIRQ__WILL_SHARE: other domains may bind the line as well */
    evtchn_port_t port; /* OUT */
};
typedef struct evtchn_bind_pirq evtchn_bind_pirq_t;

/* bind_ipi: a new port that interrupts a vCPU of the caller whenever it is sent to. */
struct evtchn_bind_ipi {
    uint32_t vcpu;
    evtchn_port_t port; /* OUT */
};
typedef struct evtchn_bind_ipi evtchn_bind_ipi_t;

/*
 * close: frees the port; the other end of an interdomain channel becomes unbound, offered to the
 * caller's domain.
 */
struct evtchn_close {
    evtchn_port_t port;
};
typedef struct evtchn_close evtchn_close_t;

/*
 * send: interdomain and IPI ports; an unbound port takes it without effect, others give
 * -XEN_EINVAL.
 */
struct evtchn_send {
    evtchn_port_t port;
};
typedef struct evtchn_send evtchn_send_t;

/* status: what a port is. dom other than DOMID_SELF needs privilege over it. */
struct evtchn_status {
    domid_t dom;
    evtchn_port_t port;
#define EVTCHNSTAT_closed      0
#define EVTCHNSTAT_unbound     1
#define EVTCHNSTAT_interdomain 2
#define EVTCHNSTAT_pirq        3
#define EVTCHNSTAT_virq        4
#define EVTCHNSTAT_ipi         5
    uint32_t status; /* OUT: EVTCHNSTAT_... */
    uint32_t vcpu;   /* OUT: the vCPU that is notified */
    union {          /* OUT, by status */
        struct {
            domid_t dom; /* who may bind */
        } unbound;
        struct {
            domid_t dom;
            evtchn_port_t port;
        } interdomain;
        uint32_t pirq;
        uint32_t virq;
    } u;
};
typedef struct evtchn_status evtchn_status_t;

/*
 * bind_vcpu: which vCPU a port notifies; 0 at first. -XEN_EINVAL for IPIs and per-vCPU virtual
 * interrupts.
 */
struct evtchn_bind_vcpu {
    evtchn_port_t port;
    uint32_t vcpu;
};
typedef struct evtchn_bind_vcpu evtchn_bind_vcpu_t;

/* unmask: clears the mask bit, and notifies if the port is pending. */
struct evtchn_unmask {
    evtchn_port_t port;
};
typedef struct evtchn_unmask evtchn_unmask_t;

/* reset: closes all ports of dom. */
struct evtchn_reset {
    domid_t dom;
};
typedef struct evtchn_reset evtchn_reset_t;

/* init_control: switch to FIFO event channels, or set up one more vCPU for them. */
struct evtchn_init_control {
    uint64_t control_gfn; /* the vCPU's control block: frame, and 8-byte aligned offset in it */
    uint32_t offset;
    uint32_t vcpu;
    uint8_t link_bits; /* OUT */
    uint8_t _pad[7];
};
typedef struct evtchn_init_control evtchn_init_control_t;

/* expand_array: the next page of event words. */
struct evtchn_expand_array {
    uint64_t array_gfn;
};
typedef struct evtchn_expand_array evtchn_expand_array_t;

/* set_priority: of a port, FIFO channels only. */
struct evtchn_set_priority {
    evtchn_port_t port;
    uint32_t priority; /* EVTCHN_FIFO_PRIORITY_MAX, the most urgent, to _MIN */
};
typedef struct evtchn_set_priority evtchn_set_priority_t;

/* Command and argument in one, as event_channel_op_compat takes them. */
struct evtchn_op {
    uint32_t cmd;
    union {
        evtchn_alloc_unbound_t alloc_unbound;
        evtchn_bind_interdomain_t bind_interdomain;
        evtchn_bind_virq_t bind_virq;
        evtchn_bind_pirq_t bind_pirq;
        evtchn_bind_ipi_t bind_ipi;
        evtchn_close_t close;
        evtchn_send_t send;
        evtchn_status_t status;
        evtchn_bind_vcpu_t bind_vcpu;
        evtchn_unmask_t unmask;
    } u;
};
typedef struct evtchn_op evtchn_op_t;
DEFINE_XEN_GUEST_HANDLE(evtchn_op_t);

/* FIFO channels: an event word per port, linked into a queue per priority and vCPU. */
#define EVTCHN_FIFO_PRIORITY_MAX     0
#define EVTCHN_FIFO_PRIORITY_DEFAULT 7
#define EVTCHN_FIFO_PRIORITY_MIN     15
#define EVTCHN_FIFO_MAX_QUEUES       (EVTCHN_FIFO_PRIORITY_MIN + 1)

typedef uint32_t event_word_t;
#define EVTCHN_FIFO_PENDING     31 /* bits of an event word; the low ones: next port in the queue */
#define EVTCHN_FIFO_MASKED      30
#define EVTCHN_FIFO_LINKED      29
#define EVTCHN_FIFO_BUSY        28
#define EVTCHN_FIFO_LINK_BITS   17
#define EVTCHN_FIFO_LINK_MASK   ((1 << EVTCHN_FIFO_LINK_BITS) - 1)
#define EVTCHN_FIFO_NR_CHANNELS (1 << EVTCHN_FIFO_LINK_BITS)

struct evtchn_fifo_control_block {
    uint32_t ready; /* bit per priority whose queue has events */
    uint32_t _rsvd;
    uint32_t head[EVTCHN_FIFO_MAX_QUEUES]; /* first port of each queue, 0 if empty */
};
typedef struct evtchn_fifo_control_block evtchn_fifo_control_block_t;

#endif /* !__ASSEMBLY__ */

#endif
