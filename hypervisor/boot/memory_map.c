/* SPDX-License-Identifier: MIT */
/*
 * From what a loader says about memory to a map: sorted, without overlaps. Pure, host-tested.
 *
 * Where entries disagree, the one that lets us do less wins: memory is used as RAM only if nothing
 * says otherwise.
 */
#include "boot/multiboot.h"

static u64 range_end(const struct mem_range *r)
{
    return r->base + r->len;
}

/* Ranges that wrap are cut at the top; unknown types are reserved. */
static struct mem_range sane(const struct mem_range *r)
{
    struct mem_range s = *r;

    if (s.len > ~s.base)
        s.len = ~s.base;
    if (s.type < MEM_RAM || s.type > MEM_UNUSABLE)
        s.type = MEM_RESERVED;
    return s;
}

/* How little a type lets us do. */
static unsigned int strictness(u32 type)
{
    static const u8 order[] = {
        [MEM_RAM] = 1, [MEM_ACPI] = 2, [MEM_NVS] = 3, [MEM_RESERVED] = 4, [MEM_UNUSABLE] = 5,
    };

    return order[type];
}

/*
 * What @at is, and up to where that stays so: the strictest of the ranges around @at, until the
 * next one begins or ends. Type 0: nothing is there.
 */
static u32 type_at(const struct mem_range *in, unsigned int nr, u64 at, u64 *until)
{
    u32 type = 0;

    *until = ~0ull;
    for (unsigned int i = 0; i < nr; i++) {
        struct mem_range r = sane(&in[i]);

        if (!r.len || range_end(&r) <= at)
            continue;
        if (r.base > at) {
            *until = min(*until, r.base);
            continue;
        }
        *until = min(*until, range_end(&r));
        if (!type || strictness(r.type) > strictness(type))
            type = r.type;
    }
    return type;
}

/*
 * Goes from one place where something begins or ends to the next, so no sorting is needed; maps are
 * short. What is described by nothing is left out.
 */
int memory_map_normalise(const struct mem_range *in, unsigned int nr, struct mem_range *out,
                         unsigned int max)
{
    unsigned int count = 0;
    u64 at = 0, until;

    for (; at != ~0ull; at = until) {
        u32 type = type_at(in, nr, at, &until);
        struct mem_range *last = count ? &out[count - 1] : NULL;

        if (!type)
            continue;
        if (last && last->type == type && range_end(last) == at) {
            last->len += until - at;
            continue;
        }
        if (count == max)
            return -ENOSPC;
        out[count++] = (struct mem_range){ .base = at, .len = until - at, .type = type };
    }
    return (int)count;
}
