/* SPDX-License-Identifier: MIT */
#include <pvguest/guest.h>

static volatile bool rang;

static void timer_handler(evtchn_port_t port, void *data)
{
    pv_printf("hello: %s rang on port %u\n", (const char *)data, port);
    rang = true;
}

int guest_main(const struct start_info *si)
{
    char token[32] = "none";

    pv_option("token", token, sizeof(token));
    pv_printf("hello: %lu pages of memory, token %s\n", si->nr_pages, token);

    if (pv_bind_virq(VIRQ_TIMER, 0, timer_handler, "the timer") < 0)
        return SHUTDOWN_crash;
    pv_set_timer(pv_system_time() + 20 * PV_NS_PER_MS);
    PV_WAIT_UNTIL(rang);

    return SHUTDOWN_reboot;
}
