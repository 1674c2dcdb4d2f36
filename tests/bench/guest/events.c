/* SPDX-License-Identifier: MIT */
/* The timer, and events that a vCPU sends to itself. */
#include "bench.h"

#define SOON (5 * PV_NS_PER_MS)
#define FAR  (10 * PV_NS_PER_SEC)

extern const char upcall_entry[];
uint64_t bench_upcalls; /* counted by upcall_entry */

static uint64_t deadline, upcalls_seen;
static int port;
static struct evtchn_send notify;

/* ---- Timer ---- */

static void plan_soon(void)
{
    deadline = pv_system_time() + SOON;
}

static void plan_far(void)
{
    deadline = pv_system_time() + FAR;
}

static void start_timer_far(void)
{
    must_be_zero(pv_set_timer(pv_system_time() + FAR), "set_timer_op");
}

static void start_timer_soon(void)
{
    must_be_zero(pv_set_timer(pv_system_time() + SOON), "set_timer_op");
}

static void stop_timer(void)
{
    must_be_zero(pv_set_timer(0), "set_timer_op(0)");
}

static long run_set_timer(void)
{
    return HYPERVISOR_set_timer_op((int64_t)deadline);
}

static long run_stop_timer(void)
{
    return HYPERVISOR_set_timer_op(0);
}

/* ---- Events ---- */

static void bind_port(void)
{
    port = pv_bind_ipi(0, NULL, NULL);
    must_hold(port > 0 && port < 64, "a port among the first 64");
    notify.port = (evtchn_port_t)port;
}

static void close_port(void)
{
    pv_events_disable();
    must_be_zero(pv_close(notify.port), "EVTCHNOP_close");
    pv_this_vcpu()->info->evtchn_upcall_pending = 0;
    pv_this_vcpu()->info->evtchn_pending_sel = 0;
}

static void bind_masked_port(void)
{
    bind_port();
    pv_mask(notify.port);
}

static void clear_event(void)
{
    pv_clear_pending(notify.port);
    pv_this_vcpu()->info->evtchn_pending_sel = 0;
    pv_this_vcpu()->info->evtchn_upcall_pending = 0;
}

static void raise_event(void)
{
    must_be_zero(pv_notify(notify.port), "EVTCHNOP_send");
}

static long run_send(void)
{
    return HYPERVISOR_event_channel_op(EVTCHNOP_send, &notify);
}

static void check_pending(void)
{
    must_hold(pv_port_pending(notify.port), "the port pending");
}

static void bind_with_upcalls(void)
{
    bind_port();
    must_be_zero(pv_set_callback(CALLBACKTYPE_event, upcall_entry, 0), "the event callback");
    upcalls_seen = bench_upcalls;
    pv_events_enable();
}

static void check_upcall(void)
{
    must_hold(bench_upcalls == ++upcalls_seen && pv_events_enabled(), "one upcall");
}

static void close_with_upcalls(void)
{
    close_port();
    must_be_zero(pv_set_callback(CALLBACKTYPE_event, NULL, 0), "the event callback given back");
}

const struct operation event_operations[] = {
    { .name = "set_timer_op, far", .before = plan_far, .run = run_set_timer,
      .teardown = stop_timer },
    { .name = "set_timer_op, +5 ms", .before = plan_soon, .run = run_set_timer,
      .teardown = stop_timer },
    { .name = "set_timer_op, +5 ms, from stopped", .before = plan_soon, .run = run_set_timer,
      .after = stop_timer },
    { .name = "set_timer_op, stop", .run = run_stop_timer },
    { .name = "set_timer_op, stop, from far", .before = start_timer_far,
      .run = run_stop_timer },
    { .name = "set_timer_op, stop, from +5 ms", .before = start_timer_soon,
      .run = run_stop_timer },
    { .name = "event to self, port masked", .setup = bind_masked_port, .before = clear_event,
      .run = run_send, .after = check_pending, .teardown = close_port },
    { .name = "event to self, upcalls masked", .setup = bind_port, .before = clear_event,
      .run = run_send, .after = check_pending, .teardown = close_port },
    { .name = "event to self, already pending", .setup = bind_port, .before = raise_event,
      .run = run_send, .after = check_pending, .teardown = close_port },
    { .name = "event to self, upcall, iret", .setup = bind_with_upcalls, .run = run_send,
      .after = check_upcall, .teardown = close_with_upcalls },
    { .name = NULL },
};
