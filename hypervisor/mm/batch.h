/* SPDX-License-Identifier: MIT */
/*
 * What mmu_update and mmuext_op share: a list of requests, done one after the other until one fails
 * or there is other work, and a count of those done that the guest may ask for.
 *
 * A restarted call goes on with the rest of the list. That it is one stands in the count's top bit;
 * what was done before is in the guest's *pdone, and so only as true as the guest leaves it:
 * nothing but that count depends on it.
 */
#ifndef MM_BATCH_H
#define MM_BATCH_H

#include "domain/domain.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"

#define COUNT_RESTARTED 0x80000000u

/* Takes the mark off *count; what was done before: nothing, if *pdone can't be read. */
static inline unsigned int batch_begin(unsigned int *count, XEN_GUEST_HANDLE(uint) pdone)
{
    unsigned int before;
    bool restarted = *count & COUNT_RESTARTED;

    *count &= ~COUNT_RESTARTED;
    return restarted && !handle_is_null(pdone) && copy_from_guest(&before, pdone) ? before : 0;
}

/*
 * pt_update.c: tells the guest how many requests were done, @pdone being not null. A courtesy: by
 * the ABI, a pointer that can't be written to is no error of the call.
 */
void batch_note_done(XEN_GUEST_HANDLE(uint) pdone, unsigned int done);

#endif
