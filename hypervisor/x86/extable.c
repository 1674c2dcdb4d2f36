/* SPDX-License-Identifier: MIT */
/* The search for a fixup. The table has a few dozen entries and is read only on faults: linear. */
#include "x86/extable.h"

u64 extable_lookup(const struct extable_entry *from, const struct extable_entry *end, u64 rip)
{
    for (const struct extable_entry *e = from; e < end; e++)
        if ((u64)&e->from + (u64)(s64)e->from == rip)
            return (u64)&e->to + (u64)(s64)e->to;
    return 0;
}
