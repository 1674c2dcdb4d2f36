/* SPDX-License-Identifier: MIT */
/*
 * Two-level event channels: shared_info has a pending and a mask bit for each port, a vCPU has a
 * selector bit for each word of 64 ports and one flag for "look".  The hypervisor sets pending,
 * then (if unmasked) selector, then flag; we take them back in the opposite order.
 *
 * A port's record is written while it is masked or fresh, by the vCPU that binds it, and read by
 * the upcall of its vCPU.  A word's pending bits may belong to several vCPUs: each takes its own.
 */
#include "internal.h"

/* count: events since the handler was set. vcpu: who takes them. */
struct port {
    pv_event_handler_t *handler;
    void *data;
    unsigned long count;
    uint8_t vcpu;
};

static struct port ports[PV_NR_PORTS];
static pv_trap_handler_t *upcall_return;

#define BITS_PER_WORD 64

static inline void set_bit(uint64_t *words, unsigned int bit)
{
    __asm__ volatile("lock btsq %1, %0" : "+m"(words[bit / BITS_PER_WORD])
                     : "r"((uint64_t)bit % BITS_PER_WORD) : "memory", "cc");
}

static inline void clear_bit(uint64_t *words, unsigned int bit)
{
    __asm__ volatile("lock btrq %1, %0" : "+m"(words[bit / BITS_PER_WORD])
                     : "r"((uint64_t)bit % BITS_PER_WORD) : "memory", "cc");
}

static inline bool test_bit(const uint64_t *words, unsigned int bit)
{
    return __atomic_load_n(&words[bit / BITS_PER_WORD], __ATOMIC_ACQUIRE) >>
           (bit % BITS_PER_WORD) & 1;
}

static uint64_t *pending_words(void)
{
    return (uint64_t *)pv_shared_info->evtchn_pending;
}

static uint64_t *mask_words(void)
{
    return (uint64_t *)pv_shared_info->evtchn_mask;
}

/* ---- Upcalls ---- */

/*
 * A bit is cleared before its handler runs: an event that comes meanwhile is a new one. Masked
 * ports keep theirs.
 */
static void deliver_word(unsigned int word, unsigned int vcpu)
{
    uint64_t bits = __atomic_load_n(&pending_words()[word], __ATOMIC_ACQUIRE) &
                    ~__atomic_load_n(&mask_words()[word], __ATOMIC_ACQUIRE);

    while (bits) {
        unsigned int port = word * BITS_PER_WORD + (unsigned int)__builtin_ctzl(bits);
        struct port *p = &ports[port];

        bits &= bits - 1;
        if (p->vcpu != vcpu)
            continue;
        clear_bit(pending_words(), port);
        p->count++;
        if (p->handler)
            p->handler(port, p->data);
    }
}

/*
 * From entry.S, with events masked. The flag is cleared before the selector is taken, that before
 * the bits: an event that comes in between sets the flag again, and the next upcall finds it.
 */
void pv_upcall_dispatch(struct pv_regs *regs)
{
    struct pv_vcpu *vcpu = pv_this_vcpu();
    pv_trap_handler_t *handler;
    uint64_t selector;

    __atomic_store_n(&vcpu->info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    selector = __atomic_exchange_n(&vcpu->info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    while (selector) {
        unsigned int word = (unsigned int)__builtin_ctzl(selector);

        selector &= selector - 1;
        deliver_word(word, vcpu->id);
    }
    handler = __atomic_load_n(&upcall_return, __ATOMIC_ACQUIRE);
    if (handler)
        handler(regs);
}

void pv_set_upcall_return(pv_trap_handler_t *handler)
{
    __atomic_store_n(&upcall_return, handler, __ATOMIC_RELEASE);
}

/* Only this vCPU: its own byte. The barriers keep the compiler's accesses on their side. */
void pv_events_disable(void)
{
    pv_this_vcpu()->info->evtchn_upcall_mask = 1;
    pv_barrier();
}

void pv_events_enable(void)
{
    struct vcpu_info *info = pv_this_vcpu()->info;

    pv_barrier();
    __atomic_store_n(&info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    /* Any return from the hypervisor delivers what came while the mask was on. */
    if (__atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_SEQ_CST))
        HYPERVISOR_xen_version(XENVER_version, NULL);
}

bool pv_events_enabled(void)
{
    return !pv_this_vcpu()->info->evtchn_upcall_mask;
}

bool pv_events_save(void)
{
    bool enabled = pv_events_enabled();

    pv_events_disable();
    return enabled;
}

void pv_events_restore(bool enabled)
{
    if (enabled)
        pv_events_enable();
}

/* Opens the event mask as well: the hypervisor does both in one step, so no event slips between. */
void pv_block(void)
{
    HYPERVISOR_sched_op(SCHEDOP_block, NULL);
}

int pv_poll(const evtchn_port_t *list, unsigned int nr, uint64_t deadline)
{
    struct sched_poll op = { .nr_ports = nr, .timeout = deadline };

    set_xen_guest_handle(op.ports, (evtchn_port_t *)list);
    return HYPERVISOR_sched_op(SCHEDOP_poll, &op);
}

/* ---- Ports ---- */

bool pv_port_pending(evtchn_port_t port)
{
    return test_bit(pending_words(), port);
}

bool pv_port_masked(evtchn_port_t port)
{
    return test_bit(mask_words(), port);
}

void pv_clear_pending(evtchn_port_t port)
{
    clear_bit(pending_words(), port);
}

/* Also of events without a handler: enough for a guest that polls. */
unsigned long pv_event_count(evtchn_port_t port)
{
    return __atomic_load_n(&ports[port].count, __ATOMIC_ACQUIRE);
}

void pv_mask(evtchn_port_t port)
{
    set_bit(mask_words(), port);
}

void pv_unmask(evtchn_port_t port)
{
    struct evtchn_unmask op = { .port = port };

    /* The hypervisor does it, since an event that is pending by now must set the selector. */
    HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &op);
}

/* Masked meanwhile; what has come before is delivered by the unmasking. */
void pv_set_event_handler(evtchn_port_t port, unsigned int vcpu, pv_event_handler_t *handler,
                          void *data)
{
    struct port *p = &ports[port];

    pv_mask(port);
    p->handler = handler;
    p->data = data;
    p->vcpu = vcpu;
    __atomic_store_n(&p->count, 0, __ATOMIC_RELEASE);
    pv_unmask(port);
}

/* The tail of every binding: rc is the hypercall's. */
static int bound(long rc, evtchn_port_t port, unsigned int vcpu, pv_event_handler_t *handler,
                 void *data)
{
    if (rc)
        return (int)rc;
    pv_set_event_handler(port, vcpu, handler, data);
    return (int)port;
}

int pv_bind_virq(uint32_t virq, unsigned int vcpu, pv_event_handler_t *handler, void *data)
{
    struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
    long rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, &op);

    return bound(rc, op.port, vcpu, handler, data);
}

int pv_bind_ipi(unsigned int vcpu, pv_event_handler_t *handler, void *data)
{
    struct evtchn_bind_ipi op = { .vcpu = vcpu };
    long rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, &op);

    return bound(rc, op.port, vcpu, handler, data);
}

/* Events of such a port, as of the two kinds below, come to vCPU 0. */
int pv_alloc_unbound(domid_t remote, pv_event_handler_t *handler, void *data)
{
    struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = remote };
    long rc = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &op);

    return bound(rc, op.port, 0, handler, data);
}

int pv_bind_interdomain(domid_t remote, evtchn_port_t remote_port, pv_event_handler_t *handler,
                        void *data)
{
    struct evtchn_bind_interdomain op = { .remote_dom = remote, .remote_port = remote_port };
    long rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &op);

    return bound(rc, op.local_port, 0, handler, data);
}

int pv_bind_pirq(uint32_t pirq, pv_event_handler_t *handler, void *data)
{
    struct evtchn_bind_pirq op = { .pirq = pirq };
    long rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq, &op);

    return bound(rc, op.port, 0, handler, data);
}

/*
 * The pending bit may have been left by the last event; the next owner of the number must not see
 * it.
 */
int pv_close(evtchn_port_t port)
{
    struct evtchn_close op = { .port = port };
    int rc = (int)HYPERVISOR_event_channel_op(EVTCHNOP_close, &op);

    if (!rc) {
        ports[port].handler = NULL;
        pv_clear_pending(port);
    }
    return rc;
}

int pv_notify(evtchn_port_t port)
{
    struct evtchn_send op = { .port = port };

    return (int)HYPERVISOR_event_channel_op(EVTCHNOP_send, &op);
}
