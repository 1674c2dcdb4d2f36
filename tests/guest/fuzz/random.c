/* SPDX-License-Identifier: MIT */
/* Numbers and pointers that are right, nearly right, or wrong. */
#include "fuzz.h"

#define HYPERVISOR_AREA 0xffff830000000000UL
#define M2P             0xffff800000000000UL
#define NOT_CANONICAL   0x0000800000000000UL
#define NOTHING_THERE   0xffffe00000000000UL
#define PERCENT_BAD     6

uint64_t draw(struct run *r)
{
    uint64_t z = r->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t below(struct run *r, uint64_t n)
{
    return draw(r) % n;
}

bool percent(struct run *r, unsigned int p)
{
    return below(r, 100) < p;
}

uint64_t wild(struct run *r)
{
    static const uint64_t edges[] = {
        0, 1, 2, 7, 8, 63, 64, 511, 512, 4095, 4096, 0x7fffffff, 0x80000000, 0xffffffff,
        0x100000000, 0x7f000000000, 0xffffffffff, 0x10000000000, 0x000fffffffffffff,
        0x0010000000000000, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, ~0UL,
        M2P, HYPERVISOR_AREA, NOT_CANONICAL, 0xffff7fffffffffff, 0xffff880000000000,
    };

    switch (below(r, 4)) {
    case 0:
        return draw(r);
    case 1:
        return draw(r) >> below(r, 64);
    case 2:
        return PICK(r, edges) + below(r, 3) - 1;
    default:
        return PICK(r, edges);
    }
}

uint64_t small_or_wild(struct run *r, uint64_t n)
{
    return percent(r, 90) ? below(r, n) : wild(r);
}

uint64_t bad_address(struct run *r)
{
    static const uint64_t bases[] = {
        NOTHING_THERE, HYPERVISOR_AREA, NOT_CANONICAL, 0xffff87fffffffff8, 0x8, 0xfffffffffffffff8,
        0xffff7ffffffffff8,
    };

    return PICK(r, bases);
}

domid_t some_domain(struct run *r)
{
    static const domid_t odd[] = {
        DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, DOMID_IDLE, 0x7fef, 0x7ff5, 0x8000, 0xffff,
    };

    if (percent(r, 70))
        return DOMID_SELF;
    if (!first_domain && percent(r, 20))
        return 0;               /* that which has made us: it has let us have nothing of its own */
    return percent(r, 50) ? own_id : PICK(r, odd);
}

void *put_arg(struct run *r, const void *arg, size_t size)
{
    char *where = (char *)r->page;

    if (size > PV_PAGE_SIZE / 2)
        return NULL;
    memcpy(where, arg, size);
    if (!percent(r, PERCENT_BAD))
        return where;
    switch (below(r, 4)) {
    case 0:                     /* the end of it is not there */
        where = r->edge + 1 - below(r, size + 1);
        memcpy(where, arg, (size_t)(r->edge + 1 - where));
        return where;
    case 1:                     /* it can be read, and no answer written */
        return (void *)r->fixed;
    case 2:
        return NULL;
    default:
        return (void *)bad_address(r);
    }
}

bool get_arg(struct run *r, const void *where, void *arg, size_t size)
{
    if (where != r->page && (const char *)where + size != r->edge + 1)
        return false;
    memcpy(arg, where, size);
    return true;
}
