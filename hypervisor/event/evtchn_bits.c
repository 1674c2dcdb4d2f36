/* SPDX-License-Identifier: MIT */
/*
 * Raising an event climbs three steps: the port's pending bit, the selector bit of its word, the
 * upcall flag. Each step is an atomic test-and-set, and only who changes a step goes on to the
 * next: of several senders one tells the vCPU, and an event that nobody has looked at yet costs
 * one step.
 *
 * The guest comes down in the opposite order: it clears the flag, takes the selector, takes the
 * pending bits. So a step that we find set is one that the guest has still to come through, and
 * it will see what is below. A mask bit is read after the pending bit was set; the guest that
 * clears a mask looks at the pending bit after that. Each is a full barrier, so one of the two
 * sees it.
 *
 * The guest may scribble over all of it: nothing here depends on what it holds, but for the guest's
 * own events.
 */
#include "event/evtchn_bits.h"

static bool bit_is_set(const xen_ulong_t *word, unsigned int bit)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST) >> bit & 1;
}

/*
 * Only who changed the mask from set to clear looks: an event that comes at the same time finds it
 * clear, or left its pending bit before this look.
 */
unsigned int evtchn_bits_unmask(struct shared_info *shared, struct vcpu_info *info, u32 port)
{
    unsigned int word = port / EVTCHN_WORD_BITS, bit = port % EVTCHN_WORD_BITS;

    if (test_and_clear_bit_64(&shared->evtchn_mask[word], bit) &&
        bit_is_set(&shared->evtchn_pending[word], bit))
        return evtchn_bits_notify(info, word);
    return 0;
}

void evtchn_bits_clear(struct shared_info *shared, u32 port)
{
    (void)test_and_clear_bit_64(&shared->evtchn_pending[port / EVTCHN_WORD_BITS],
                                port % EVTCHN_WORD_BITS);
}

bool evtchn_bits_pending(const struct shared_info *shared, u32 port)
{
    return bit_is_set(&shared->evtchn_pending[port / EVTCHN_WORD_BITS], port % EVTCHN_WORD_BITS);
}

/*
 * The caller tells the vCPU, or is the vCPU. Selector first, as the guest looks at the flag first.
 */
void evtchn_bits_notify_all(struct vcpu_info *info)
{
    __atomic_store_n(&info->evtchn_pending_sel, ~0ul, __ATOMIC_SEQ_CST);
    __atomic_store_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
}
