/* SPDX-License-Identifier: MIT */
/*
 * Domains: the list of them, and how one ends.
 *
 * An end is a reason stored once in d->shutdown_reason. From then on none of its vCPUs is picked
 * (sched.c), and those that run are made to leave. When it is the first domain's, the machine ends
 * as the reason says, on the way out of whatever noticed it, where no lock is held.
 */
#include <stdarg.h>

#include "boot/boot.h"
#include "domain/domain.h"
#include "event/event.h"
#include "lib/atomic.h"
#include "lib/vsnprintf.h"

struct domain *first_domain;

static spinlock_t list_lock = SPINLOCK_INIT(LOCK_DOMLIST);
static struct list domains = LIST_INIT(domains);

/* Events are masked until the guest is ready for them. */
static void shared_info_init(struct domain *d)
{
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    share_hv_page(d->shared_info, d);
    time_init_domain(d);
}

static void domain_free(struct domain *d)
{
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            vcpu_free(d->vcpus[i]);
    event_domain_destroy(d);
    if (d->shared_info)
        free_hv_pages(d->shared_info, 0);
    free_hv_pages(d, 0);
}

BUILD_ASSERT(sizeof(struct domain) <= PAGE_SIZE);

struct domain *domain_create(u16 id, unsigned int max_vcpus)
{
    struct domain *d = alloc_hv_pages(0);

    if (!d)
        return NULL;
    d->id = id;
    d->max_vcpus = min(max_vcpus, (unsigned int)MAX_VCPUS);
    d->shutdown_reason = d->shutdown_code = -1;
    spin_lock_init(&d->lock, LOCK_DOMAIN);
    d->shared_info = alloc_hv_pages(0);
    if (!d->shared_info || event_domain_init(d))
        goto fail;
    shared_info_init(d);
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        d->vcpus[i] = vcpu_create(d, i);
        if (!d->vcpus[i])
            goto fail;
    }
    spin_lock(&list_lock);
    list_add_before(&domains, &d->link);
    if (!first_domain)
        first_domain = d;
    spin_unlock(&list_lock);
    return d;

fail:
    domain_free(d);
    return NULL;
}

struct domain *domain_by_id(u16 id)
{
    struct domain *found = NULL;
    struct list *pos;

    spin_lock(&list_lock);
    list_for_each(pos, &domains) {
        struct domain *d = list_entry(pos, struct domain, link);

        if (d->id == id)
            found = d;
    }
    spin_unlock(&list_lock);
    return found;
}

void domain_shutdown(struct domain *d, u8 reason)
{
    s32 running = -1, code = READ_ONCE(d->shutdown_code);

    if (!cas(&d->shutdown_reason, &running, code >= 0 ? code : reason))
        return;
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        raise_softirq_on(d->vcpus[i]->processor, SOFTIRQ_SCHEDULE);
    if (d == first_domain)
        raise_softirq(SOFTIRQ_MACHINE_END);
}

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

void machine_end(void)
{
    const struct ending *e = ending_for(first_domain->shutdown_reason);

    pr_err("domain %u %s: the machine %s", first_domain->id, e->what, e->then);
    e->end();
}
