/* SPDX-License-Identifier: MIT */
/* The guest's half of FIFO events; see fifo.h. */
#include "fifo.h"

struct evtchn_fifo_control_block *fifo_control[FIFO_VCPUS];
event_word_t *fifo_words;

/* The port to take next from each queue, 0: the control block says. */
static uint32_t heads[FIFO_VCPUS][EVTCHN_FIFO_MAX_QUEUES];

long fifo_init(void *page, uint32_t offset, uint32_t vcpu)
{
    struct evtchn_init_control init = {
        .control_gfn = pv_va_to_mfn(page).nr, .offset = offset, .vcpu = vcpu,
    };
    long rc = HYPERVISOR_event_channel_op(EVTCHNOP_init_control, &init);

    return rc ? rc : init.link_bits == EVTCHN_FIFO_LINK_BITS ? 0 : -XEN_ENODATA;
}

long fifo_expand(void *page)
{
    struct evtchn_expand_array expand = { .array_gfn = pv_va_to_mfn(page).nr };

    return HYPERVISOR_event_channel_op(EVTCHNOP_expand_array, &expand);
}

long fifo_priority(evtchn_port_t port, uint32_t priority)
{
    struct evtchn_set_priority set = { .port = port, .priority = priority };

    return HYPERVISOR_event_channel_op(EVTCHNOP_set_priority, &set);
}

/* What closed ports have left there would be taken over to their next users. */
static void forget_pending(void)
{
    for (unsigned int i = 0; i < FIFO_VCPUS; i++) {
        pv_shared_info->vcpu_info[i].evtchn_upcall_pending = 0;
        pv_shared_info->vcpu_info[i].evtchn_pending_sel = 0;
    }
    memset(pv_shared_info->evtchn_pending, 0, sizeof(pv_shared_info->evtchn_pending));
}

bool fifo_enter(void)
{
    evtchn_port_t stale[64];

    forget_pending();
    memset(heads, 0, sizeof(heads));
    for (unsigned int i = 0; i < FIFO_VCPUS; i++)
        fifo_control[i] = pv_alloc_page();
    fifo_words = pv_alloc_page();
    if (!EXPECT_EQ(fifo_init(fifo_control[0], 0, 0), 0) ||
        !EXPECT_EQ(fifo_expand(fifo_words), 0))
        return false;
    /* Xen raises ports again that have waited for a page when the domain changed over before. */
    (void)fifo_take(0, stale, PV_ARRAY_SIZE(stale));
    return true;
}

void fifo_leave(void)
{
    struct evtchn_reset reset = { .dom = DOMID_SELF };

    EXPECT_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_reset, &reset), 0);
    forget_pending();
    for (unsigned int i = 0; i < FIFO_VCPUS; i++)
        pv_free_page(fifo_control[i]);
    pv_free_page(fifo_words);
}

static uint32_t take(unsigned int vcpu, unsigned int queue, uint32_t *ready)
{
    uint32_t port = heads[vcpu][queue], old;

    if (!port)
        port = __atomic_load_n(&fifo_control[vcpu]->head[queue], __ATOMIC_SEQ_CST);
    if (port && port < FIFO_WORDS) {
        old = __atomic_fetch_and(&fifo_words[port], ~(FIFO_LINKED | EVTCHN_FIFO_LINK_MASK),
                                 __ATOMIC_SEQ_CST);
        heads[vcpu][queue] = old & EVTCHN_FIFO_LINK_MASK;
    }
    if (!heads[vcpu][queue])
        *ready &= ~(1u << queue);
    return port;
}

unsigned int fifo_take(unsigned int vcpu, evtchn_port_t *ports, unsigned int room)
{
    struct evtchn_fifo_control_block *control = fifo_control[vcpu];
    unsigned int n = 0;
    uint32_t ready;

    __atomic_store_n(&pv_shared_info->vcpu_info[vcpu].evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    ready = __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);
    while (ready && n < room) {
        uint32_t port = take(vcpu, (unsigned int)__builtin_ctz(ready), &ready);

        if (port && port < FIFO_WORDS &&
            !(__atomic_load_n(&fifo_words[port], __ATOMIC_SEQ_CST) & FIFO_MASKED) &&
            (__atomic_fetch_and(&fifo_words[port], ~FIFO_PENDING, __ATOMIC_SEQ_CST) &
             FIFO_PENDING))
            ports[n++] = port;
        ready |= __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);
    }
    return n;
}
