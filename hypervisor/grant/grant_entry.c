/* SPDX-License-Identifier: MIT */
/* The flags of a grant entry: see grant_entry.h. */
#include "grant/grant_entry.h"
#include "lib/atomic.h"

/* A granter that goes on changing its entry under our hands could keep us here for ever. */
#define MAX_TRIES 8

/* Flags and grantee as one word: the entry begins with them. */
typedef u32 __attribute__((may_alias)) entry_word;

BUILD_ASSERT(offsetof(grant_entry_v1_t, flags) == 0);
BUILD_ASSERT(offsetof(grant_entry_v1_t, domid) == sizeof(u16));

/*
 * The whole right in one comparison: the type, the grantee, and that it may be written. An entry
 * that changes between tries is judged anew.
 */
int grant_entry_claim(grant_entry_v1_t *e, u16 grantee, bool write)
{
    const u32 mask = GTF_type_mask | (write ? GTF_readonly : 0) | 0xffff0000u;
    const u32 wanted = GTF_permit_access | (u32)grantee << 16;
    const u32 marks = GTF_reading | (write ? GTF_writing : 0);
    entry_word *word = (entry_word *)e;
    u32 old = READ_ONCE(*word);

    for (unsigned int i = 0; i < MAX_TRIES; i++) {
        if ((old & mask) != wanted)
            break;
        if (cas(word, &old, old | marks))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

/* Other bits may be the granter's by now, and are left as they are. */
void grant_entry_release(grant_entry_v1_t *e, u16 marks)
{
    (void)atomic_and(&e->flags, (u16)~marks);
}
