/* SPDX-License-Identifier: MIT */
/*
 * The words of two-level events that hypervisor and guest share: pending and mask bits of the
 * domain, selector and upcall flag of a vCPU. Pure: also built for the host and tested there.
 */
#ifndef EVENT_EVTCHN_BITS_H
#define EVENT_EVTCHN_BITS_H

#include "lib/atomic.h"
#include <xen/xen.h>

#define RAISED_PENDING  1u      /* the port was not pending before */
#define RAISED_UPCALL   2u      /* the vCPU had no upcall pending before: it must be told */

#define EVTCHN_WORD_BITS 64u

/* The upper two steps (evtchn_bits.c): the selector bit of word @word, the upcall flag. */
static inline unsigned int evtchn_bits_notify(struct vcpu_info *info, unsigned int word)
{
    if (test_and_set_bit_64(&info->evtchn_pending_sel, word))
        return 0;
    if (__atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
        return 0;
    return RAISED_UPCALL;
}

/* Inline, as this is most of what a send is. */
static inline unsigned int evtchn_bits_raise(struct shared_info *shared, struct vcpu_info *info,
                                             u32 port)
{
    unsigned int word = port / EVTCHN_WORD_BITS, bit = port % EVTCHN_WORD_BITS;

    if (test_and_set_bit_64(&shared->evtchn_pending[word], bit))
        return 0;
    if (__atomic_load_n(&shared->evtchn_mask[word], __ATOMIC_SEQ_CST) >> bit & 1)
        return RAISED_PENDING;
    return RAISED_PENDING | evtchn_bits_notify(info, word);
}

/* Clears the mask bit; an event that was held back by it is notified. RAISED_UPCALL or 0. */
unsigned int evtchn_bits_unmask(struct shared_info *shared, struct vcpu_info *info, u32 port);
void evtchn_bits_clear(struct shared_info *shared, u32 port);
bool evtchn_bits_pending(const struct shared_info *shared, u32 port);
/* After vcpu_info has moved: whatever was notified at the old place is looked for again. */
void evtchn_bits_notify_all(struct vcpu_info *info);

#endif
