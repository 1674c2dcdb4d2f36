/* SPDX-License-Identifier: MIT */
/* FIFO events: how they come. */
#include "fifo.h"

static struct vcpu_info *info_of(unsigned int vcpu)
{
    return &pv_shared_info->vcpu_info[vcpu];
}

static long move_to(evtchn_port_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu move = { .port = port, .vcpu = vcpu };

    return HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, &move);
}

CASE(fifo_delivery, "an event sets its word's PENDING and LINKED, the queue's head, the ready bit "
     "and the upcall flag; the next one is linked behind it",
     "fifo.delivery:effect")
{
    int a, b;

    if (!fifo_enter())
        return;
    a = pv_bind_ipi(0, NULL, NULL);
    b = pv_bind_ipi(0, NULL, NULL);
    info_of(0)->evtchn_upcall_pending = 0;
    EXPECT_EQ(pv_notify(a), 0);
    EXPECT_EQ(fifo_words[a], FIFO_PENDING | FIFO_LINKED);
    EXPECT_EQ(fifo_control[0]->head[EVTCHN_FIFO_PRIORITY_DEFAULT], a);
    EXPECT_EQ(fifo_control[0]->ready, 1u << EVTCHN_FIFO_PRIORITY_DEFAULT);
    EXPECT_EQ(info_of(0)->evtchn_upcall_pending, 1);
    EXPECT_EQ(pv_shared_info->evtchn_pending[0], 0);
    EXPECT_EQ(pv_notify(a), 0);
    EXPECT_EQ(fifo_words[a], FIFO_PENDING | FIFO_LINKED);
    EXPECT_EQ(pv_notify(b), 0);
    EXPECT_EQ(fifo_words[a], FIFO_PENDING | FIFO_LINKED | (uint32_t)b);
    EXPECT_EQ(fifo_words[b], FIFO_PENDING | FIFO_LINKED);
    EXPECT_EQ(fifo_control[0]->head[EVTCHN_FIFO_PRIORITY_DEFAULT], a);
    fifo_leave();
}

CASE(fifo_order, "events come by priority, and those of one priority in the order of their sends",
     "fifo.delivery:order event_channel_op.set_priority:effect")
{
    static const uint8_t priorities[] = { 7, 0, 15, 7, 0, 3 };
    static const uint8_t order[] = { 1, 4, 5, 0, 3, 2 };
    evtchn_port_t ports[6], came[8];

    if (!fifo_enter())
        return;
    for (unsigned int i = 0; i < 6; i++) {
        ports[i] = pv_bind_ipi(0, NULL, NULL);
        EXPECT_EQ(fifo_priority(ports[i], priorities[i]), 0);
    }
    for (unsigned int i = 0; i < 6; i++)
        EXPECT_EQ(pv_notify(ports[i]), 0);
    EXPECT_EQ(fifo_control[0]->ready, 1 << 0 | 1 << 3 | 1 << 7 | 1 << 15);
    EXPECT_EQ(fifo_take(0, came, 8), 6);
    for (unsigned int i = 0; i < 6; i++)
        EXPECT_EQ(came[i], ports[order[i]]);
    EXPECT_EQ(fifo_take(0, came, 8), 0);
    fifo_leave();
}

CASE(fifo_masked, "a masked port only becomes pending; unmask queues it",
     "fifo.delivery:mask event_channel_op.unmask:fifo")
{
    evtchn_port_t port, came[2];

    if (!fifo_enter())
        return;
    port = pv_bind_ipi(0, NULL, NULL);
    __atomic_fetch_or(&fifo_words[port], FIFO_MASKED, __ATOMIC_SEQ_CST);
    info_of(0)->evtchn_upcall_pending = 0;
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_EQ(fifo_words[port], FIFO_PENDING | FIFO_MASKED);
    EXPECT_EQ(fifo_control[0]->ready, 0);
    EXPECT_EQ(info_of(0)->evtchn_upcall_pending, 0);
    pv_unmask(port);
    EXPECT_EQ(fifo_words[port], FIFO_PENDING | FIFO_LINKED);
    EXPECT_EQ(info_of(0)->evtchn_upcall_pending, 1);
    EXPECT_EQ(fifo_take(0, came, 2), 1);
    EXPECT_EQ(came[0], port);
    pv_unmask(port);
    EXPECT_EQ(fifo_words[port], 0);
    fifo_leave();
}

CASE(fifo_poll, "poll returns at once for a port whose word is pending, masked or not, and sleeps "
     "for one that is not",
     "sched_op.poll:fifo")
{
    evtchn_port_t port;
    uint64_t from;

    if (!fifo_enter())
        return;
    port = pv_bind_ipi(0, NULL, NULL);
    from = pv_system_time();
    info_of(0)->evtchn_upcall_pending = 0;
    EXPECT_EQ(pv_poll(&port, 1, from + 5 * PV_NS_PER_MS), 0);
    EXPECT_TRUE(pv_system_time() >= from + 5 * PV_NS_PER_MS);
    __atomic_fetch_or(&fifo_words[port], FIFO_MASKED, __ATOMIC_SEQ_CST);
    EXPECT_EQ(pv_notify(port), 0);
    from = pv_system_time();
    EXPECT_EQ(pv_poll(&port, 1, from + 20 * PV_NS_PER_SEC), 0);
    EXPECT_TRUE(pv_system_time() < from + 10 * PV_NS_PER_SEC);
    fifo_leave();
}

CASE(fifo_taken_over, "an event that is pending when the domain changes over comes by the new way, "
     "as soon as there is a page for its word",
     "event_channel_op.init_control:pending event_channel_op.expand_array:pending")
{
    evtchn_port_t before = pv_bind_ipi(0, NULL, NULL), after, came[4];

    EXPECT_EQ(pv_notify(before), 0);
    fifo_control[0] = pv_alloc_page();
    fifo_control[1] = pv_alloc_page();
    fifo_words = pv_alloc_page();
    EXPECT_EQ(fifo_init(fifo_control[0], 0, 0), 0);
    after = pv_bind_ipi(0, NULL, NULL);
    EXPECT_EQ(pv_notify(after), 0);
    EXPECT_EQ(fifo_control[0]->ready, 0);
    EXPECT_EQ(fifo_expand(fifo_words), 0);
    EXPECT_EQ(fifo_take(0, came, 4), 2);
    EXPECT_EQ(came[0], before);
    EXPECT_EQ(came[1], after);
    fifo_leave();
}

CASE(fifo_closed, "a port that is closed is not pending any more, and what is behind it in the "
     "queue comes",
     "event_channel_op.close:fifo")
{
    evtchn_port_t a, b, came[4];

    if (!fifo_enter())
        return;
    a = pv_bind_ipi(0, NULL, NULL);
    b = pv_bind_ipi(0, NULL, NULL);
    EXPECT_EQ(pv_notify(a), 0);
    EXPECT_EQ(pv_notify(b), 0);
    EXPECT_EQ(pv_close(a), 0);
    EXPECT_EQ(fifo_words[a] & FIFO_PENDING, 0);
    EXPECT_EQ(fifo_take(0, came, 4), 1);
    EXPECT_EQ(came[0], b);
    fifo_leave();
}

/* ---- Two vCPUs ---- */

static bool has_two(void)
{
    if (pv_nr_vcpus() >= 2)
        return true;
    conf_skip("the domain has one vCPU");
    return false;
}

CASE(fifo_no_block, "XSA-107: an event for a vCPU that has no control block harms nobody, and is "
     "queued when it is sent again after there is one",
     "fifo.delivery:no_block security.fifo_before_init:refused")
{
    evtchn_port_t port, came[2];

    if (!has_two() || !fifo_enter())
        return;
    port = pv_bind_ipi(1, NULL, NULL);
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_ON(fifo_words[port], 0, FIFO_PENDING, "Xen drops it, and says so in its log");
    EXPECT_EQ(fifo_init(fifo_control[1], 8, 1), 0);
    fifo_control[1] = (void *)((char *)fifo_control[1] + 8);
    EXPECT_EQ(pv_notify(port), 0);
    EXPECT_EQ(fifo_words[port], FIFO_PENDING | FIFO_LINKED);
    EXPECT_EQ(fifo_take(1, came, 2), 1);
    fifo_control[1] = (void *)((char *)fifo_control[1] - 8);
    fifo_leave();
}

CASE(fifo_moves, "a port that moves to another vCPU while it is linked is taken where it is, and "
     "comes there the next time",
     "event_channel_op.bind_vcpu:fifo")
{
    evtchn_port_t a, b, c, came[4];

    if (!has_two() || !fifo_enter())
        return;
    EXPECT_EQ(fifo_init(fifo_control[1], 0, 1), 0);
    a = pv_alloc_unbound(DOMID_SELF, NULL, NULL);
    b = pv_bind_interdomain(DOMID_SELF, a, NULL, NULL);
    c = pv_bind_ipi(0, NULL, NULL);
    EXPECT_EQ(fifo_take(0, came, 4), 1);
    EXPECT_EQ(came[0], b);
    EXPECT_EQ(pv_notify(a), 0);
    EXPECT_EQ(move_to(b, 1), 0);
    EXPECT_EQ(pv_notify(a), 0);
    EXPECT_EQ(fifo_take(1, came, 4), 0);
    EXPECT_EQ(fifo_take(0, came, 4), 1);
    EXPECT_EQ(pv_notify(a), 0);
    /* b was the last one of the first queue: c must not be put behind it. */
    EXPECT_EQ(pv_notify(c), 0);
    EXPECT_EQ(fifo_words[b], FIFO_PENDING | FIFO_LINKED);
    EXPECT_EQ(fifo_take(0, came, 4), 1);
    EXPECT_EQ(came[0], c);
    EXPECT_EQ(fifo_take(1, came, 4), 1);
    EXPECT_EQ(came[0], b);
    fifo_leave();
}

/* To each port: so many within a few seconds, and these at least. */
#define SENDS 3000u
#define FEWEST_SENDS 100u
#define SECONDS 10
#define SEND_PORTS 4u
#define BUSY_TURNS 100u
#define NAP        (PV_NS_PER_MS / 100)
/* When nothing has come for so long, something is lost. */
#define PATIENCE   (20 * PV_NS_PER_SEC)

static evtchn_port_t send_ports[SEND_PORTS];
static volatile unsigned int sends_seen[SEND_PORTS];

static volatile bool sends_end;
static volatile unsigned int sent;  /* in the end; 0 before that */

/*
 * Waits for the other vCPU, at first busily, so that both are at work at the same time; then
 * asleep: where one processor of the host runs both, the other one gets no further before that.
 */
static void wait_a_turn(unsigned int turn)
{
    if (turn < BUSY_TURNS)
        __builtin_ia32_pause();
    else
        pv_sleep_ns(NAP);
}

/* Sends to each port again when its last event has come. */
static int sender(void *arg)
{
    uint64_t enough = pv_system_time() + SECONDS * PV_NS_PER_SEC;
    unsigned int i;

    (void)arg;
    for (i = 0; i < FEWEST_SENDS || (i < SENDS && pv_system_time() < enough); i++)
        for (unsigned int p = 0; p < SEND_PORTS; p++) {
            for (unsigned int turn = 0; sends_seen[p] < i && !sends_end; turn++)
                wait_a_turn(turn);
            pv_notify(send_ports[p]);
        }
    sent = i;
    return 0;
}

static bool all_sends_seen(void)
{
    bool all = sent != 0;

    for (unsigned int p = 0; p < SEND_PORTS; p++)
        all &= sends_seen[p] == sent;
    return all;
}

static void count_sends(const evtchn_port_t *came, unsigned int n)
{
    while (n-- > 0)
        for (unsigned int p = 0; p < SEND_PORTS; p++)
            if (send_ports[p] == came[n])
                sends_seen[p]++;
}

CASE(fifo_other_vcpu, "no event of another vCPU's sends is lost, whatever its priority",
     "fifo.delivery:other_vcpu")
{
    uint64_t last = pv_system_time();
    evtchn_port_t came[8];

    if (!has_two() || !fifo_enter())
        return;
    memset((void *)sends_seen, 0, sizeof(sends_seen));
    sends_end = false;
    sent = 0;
    for (unsigned int p = 0; p < SEND_PORTS; p++) {
        send_ports[p] = pv_bind_ipi(0, NULL, NULL);
        EXPECT_EQ(fifo_priority(send_ports[p], p / 2), 0);
    }
    EXPECT_EQ(pv_start_vcpu(1, sender, NULL), 0);
    for (unsigned int turn = 0; !all_sends_seen() && pv_system_time() < last + PATIENCE; turn++) {
        unsigned int n = fifo_take(0, came, 8);

        if (n) {
            count_sends(came, n);
            last = pv_system_time();
            turn = 0;
        } else if (!info_of(0)->evtchn_upcall_pending) {
            wait_a_turn(turn);
        }
    }
    EXPECT_TRUE(all_sends_seen());
    sends_end = true;
    while (pv_vcpu_is_up(1))
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    for (unsigned int p = 0; p < SEND_PORTS; p++)
        EXPECT_EQ(sends_seen[p], sent);
    fifo_leave();
}

/* ---- A guest that keeps no rule ---- */

static volatile bool scribble;

static int scribbler(void *arg)
{
    uint32_t x = 1;

    (void)arg;
    while (scribble) {
        x = x * 1664525 + 1013904223;
        fifo_words[x >> 8 & 63] = x;
        fifo_words[x >> 16 & 63] = FIFO_LINKED | FIFO_BUSY | EVTCHN_FIFO_LINK_MASK;
        ((volatile uint32_t *)fifo_control[0])[(x >> 24) % 18] = x;
    }
    return 0;
}

CASE(fifo_hostile, "XSA-358, 359: words and control block that change at any time do harm to "
     "nobody but the guest's own events",
     "security.fifo_words:refused")
{
    evtchn_port_t ports[16];
    uint64_t enough;

    if (!has_two() || !fifo_enter())
        return;
    for (unsigned int i = 0; i < 16; i++) {
        ports[i] = pv_bind_ipi(0, NULL, NULL);
        EXPECT_EQ(fifo_priority(ports[i], i % 3), 0);
    }
    scribble = true;
    enough = pv_system_time() + SECONDS * PV_NS_PER_SEC;
    EXPECT_EQ(pv_start_vcpu(1, scribbler, NULL), 0);
    for (unsigned int i = 0; i < 20000 && (i < 200 || pv_system_time() < enough); i++) {
        struct evtchn_unmask unmask = { .port = ports[i * 7 % 16] };

        (void)pv_notify(ports[i % 16]);
        (void)HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &unmask);
    }
    scribble = false;
    while (pv_vcpu_is_up(1))
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    fifo_leave();
    EXPECT_TRUE(fifo_enter());
    ports[0] = pv_bind_ipi(0, NULL, NULL);
    EXPECT_EQ(pv_notify(ports[0]), 0);
    EXPECT_EQ(fifo_take(0, ports, 2), 1);
    fifo_leave();
}
