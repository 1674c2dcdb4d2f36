/* SPDX-License-Identifier: MIT */
/*
 * How a domain ends by itself: it shuts down, or crashes.
 *
 * An end is a reason stored once in d->shutdown_reason. From then on none of its vCPUs is picked
 * (sched.c), and those that run are made to leave. What is left can be looked at until the
 * toolstack destroys it; the first domain is told by VIRQ_DOM_EXC, at once and again when a vCPU
 * that still ran has left its CPU. When it is the first domain's end, the machine ends as the
 * reason says, on the way out of whatever noticed it, where no lock is held.
 */
#include <stdarg.h>

#include "boot/boot.h"
#include "domain/domain.h"
#include "event/event.h"
#include "lib/atomic.h"
#include "lib/vsnprintf.h"

void tell_dom_exc(void)
{
    if (first_domain && !domain_stopped(first_domain))
        send_global_virq(first_domain, VIRQ_DOM_EXC);
}

/*
 * By compare-and-exchange, since several may end it at once: a crash on one CPU, a destroy on
 * another. The first reason stays; the rest see that it was set and do nothing.
 */
void domain_shutdown(struct domain *d, u8 reason)
{
    s32 running = -1, code = READ_ONCE(d->shutdown_code);

    if (!cas(&d->shutdown_reason, &running, code >= 0 ? code : reason))
        return;
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        raise_softirq_on(d->vcpus[i]->processor, SOFTIRQ_SCHEDULE);
    raise_softirq(d == first_domain ? SOFTIRQ_MACHINE_END : SOFTIRQ_DOM_EXC);
}

/*
 * The report is written before the end is made known: afterwards the toolstack may take the domain
 * apart. Two CPUs that crash it at once may both print; one reason counts.
 */
void domain_crash(struct domain *d, const char *fmt, ...)
{
    char why[160];
    va_list args;

    if (domain_stopped(d))
        return;
    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    if (current && current->domain == d) {
        pr_err("domain %u crashed on vCPU %u: %s", d->id, current->id, why);
        dump_guest(guest_regs());
    } else {
        pr_err("domain %u crashed: %s", d->id, why);
    }
    domain_shutdown(d, SHUTDOWN_crash);
}

/* How the machine ends with its first domain: what is printed, and what is done. */
struct ending {
    const char *what, *then;
    noreturn void (*end)(void);
};

static const struct ending power_off = { "has powered off", "powers off", machine_power_off };
static const struct ending reboot    = { "asks for a reboot", "reboots", machine_reboot };
static const struct ending unclear   = { "has ended in its own way", "reboots", machine_reboot };
static const struct ending crashed   = { "has crashed", "reboots", machine_reboot };
static const struct ending stay_here = { "has crashed", "halts", machine_halt };

static const struct ending *ending_for(s32 reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        return &power_off;
    case SHUTDOWN_crash:
    case SHUTDOWN_watchdog:
        return boot_options.noreboot ? &stay_here : &crashed;
    case SHUTDOWN_reboot:
        return &reboot;
    default:
        return &unclear;
    }
}

/* A softirq, so that no lock is held and the console can be written to the last line. */
void machine_end(void)
{
    const struct ending *e = ending_for(first_domain->shutdown_reason);

    pr_err("domain %u %s: the machine %s", first_domain->id, e->what, e->then);
    e->end();
}
