/* SPDX-License-Identifier: MIT */
/*
 * Places in the hypervisor that may fault, and where to go on if they do.
 *
 * EXTABLE("from", "to"), inside an asm statement, says: a fault of the instruction at local label
 * `from` continues at `to`. The entry holds both as offsets from itself.
 */
#ifndef X86_EXTABLE_H
#define X86_EXTABLE_H

#define EXTABLE(from, to)                       \
    "\n.pushsection .extable, \"a\"\n"          \
    ".balign 4\n"                               \
    ".long " from " - .\n"                      \
    ".long " to " - .\n"                        \
    ".popsection\n"

#ifndef __ASSEMBLER__
#include "lib/types.h"

struct extable_entry {
    s32 from, to;       /* relative to the field itself */
};

/* Where to go on after a fault at @rip, among [@from, @end); 0: nowhere. Pure: host-tested. */
u64 extable_lookup(const struct extable_entry *from, const struct extable_entry *end, u64 rip);

#endif
#endif
