/* SPDX-License-Identifier: MIT */
/*
 * Grant entries as a hostile granter may write them (hypervisor/grant/grant_entry.c): what is
 * claimed was granted, to this domain, for this use, and nothing but the marks is changed.
 */
#include "fuzz.h"
#include "grant/grant_entry.h"

enum { CLAIMED_READ, CLAIMED_WRITE, REFUSED };
FUZZ_GOALS(GOAL("claimed for reading"), GOAL("claimed for writing"), GOAL("refused"))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    grant_entry_v1_t entry, before;
    bool write = fuzz_take(&in, 1) & 1;
    uint16_t grantee = (uint16_t)fuzz_take(&in, 2);
    uint16_t marks = (uint16_t)(GTF_reading | (write ? GTF_writing : 0));

    entry.flags = (uint16_t)fuzz_take(&in, 2);
    entry.domid = fuzz_take(&in, 1) % 4 ? grantee : (uint16_t)fuzz_take(&in, 2);
    entry.frame = (uint32_t)fuzz_take(&in, 4);
    before = entry;
    if (grant_entry_claim(&entry, grantee, write) != GNTST_okay) {
        REACHED(REFUSED);
        FUZZ_CHECK(memcmp(&entry, &before, sizeof(entry)) == 0);
        return 0;
    }
    REACHED(write ? CLAIMED_WRITE : CLAIMED_READ);
    FUZZ_CHECK((before.flags & GTF_type_mask) == GTF_permit_access);
    FUZZ_CHECK(before.domid == grantee);
    FUZZ_CHECK(!write || !(before.flags & GTF_readonly));
    FUZZ_CHECK(entry.flags == (before.flags | marks));
    FUZZ_CHECK(entry.domid == before.domid && entry.frame == before.frame);
    grant_entry_release(&entry, marks);
    FUZZ_CHECK(entry.flags == (before.flags & ~marks));
    FUZZ_CHECK(entry.domid == before.domid && entry.frame == before.frame);
    return 0;
}
