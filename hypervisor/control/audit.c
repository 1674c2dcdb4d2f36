/* SPDX-License-Identifier: MIT */
/* The audit as a whole (audit.h): the machine stands still, each room looks at itself. */
#include <stdarg.h>
#include "control/audit.h"
#include "lib/vsnprintf.h"

#define SHOWN 20

static unsigned int wrong;      /* found by the audit that runs; there is one at a time */

/* The first SHOWN are enough to begin with; the count tells of the rest. */
void audit_wrong(const char *fmt, ...)
{
    char text[160];
    va_list args;

    if (wrong++ >= SHOWN)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    pr_err("audit: %s", text);
}

/* Whoever keeps a domain's record (domain.h) is counted as well. */
static void audit_domain(const struct domain *d)
{
    u32 keepers = (u32)!d->dead + (u32)(d->tot_pages != 0) + d->audited.shared;

    if (d->audited.frames != d->tot_pages)
        audit_wrong("domain %u has %lu frames, and says %lu", d->id, d->audited.frames,
                    d->tot_pages);
    if (d->refs != keepers)
        audit_wrong("the record of domain %u has %u keepers, and says %u", d->id, keepers,
                    d->refs);
    audit_ports(d);
}

/* Frames first, since that needs memory, which a machine that stands still may not have. */
void audit(void)
{
    unsigned int domains = 0;
    u64 frames = 0;

    wrong = 0;
    park_others();
    if (!audit_frames(&frames)) {
        unpark_others();
        pr_err("audit: FAILED: no memory to count in");
        return;
    }
    audit_grants();
    for (const struct domain *d = domain_at_or_above(0); d; d = domain_at_or_above(d->id + 1u)) {
        audit_domain(d);
        domains++;
    }
    audit_pirqs();
    unpark_others();
    if (wrong)
        pr_err("audit: FAILED: %u inconsistencies", wrong);
    else
        pr_info("audit: %lu frames, %u domains: ok", frames, domains);
}
