/* SPDX-License-Identifier: MIT */
/*
 * How many messages may pass: a burst, then one each interval; what does not pass is counted.
 * Pure. The caller's lock guards the struct.
 */
#ifndef LIB_RATE_LIMIT_H
#define LIB_RATE_LIMIT_H

#include "lib/types.h"

struct rate_limit {
    u64 interval;           /* ns for one message to become free */
    u32 burst;
    u32 left;               /* messages that may pass at once */
    u32 dropped;            /* since the last one that passed */
    u64 since;              /* up to when intervals have been turned into `left` */
};

#define RATE_LIMIT_INIT(b, i) { .interval = (i), .burst = (b), .left = (b) }

/*
 * Intervals since the last look are turned into messages, up to the burst; what is left of an
 * interval stays in `since`.
 */
static inline bool rate_limit_pass(struct rate_limit *r, u64 now)
{
    u64 earned = now > r->since ? (now - r->since) / r->interval : 0;

    if (earned >= r->burst - r->left) {
        r->left = r->burst;
        r->since = max(now, r->since);
    } else {
        r->left += (u32)earned;
        r->since += earned * r->interval;
    }
    if (!r->left) {
        if (r->dropped != UINT32_MAX)
            r->dropped++;
        return false;
    }
    r->left--;
    return true;
}

#endif
