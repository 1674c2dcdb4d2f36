/* SPDX-License-Identifier: MIT */
/*
 * The two memory maps that guests may ask for: their own, which the toolstack wrote for them
 * (XENMEM_set_memory_map, XENMEM_memory_map), and the machine's, for the first domain. Both in the
 * form of the BIOS's E820 call (memory.h).
 */
#include "boot/boot.h"
#include "control/policy.h"
#include "domain/domain.h"
#include "hypercall/guest_access.h"
#include "lib/string.h"
#include "mm/internal.h"

#define MAX_ENTRIES 128         /* of a guest's map, as the ABI has it */

struct e820_entry {
    u64 addr, size;
    u32 type;
} __packed;

/* A domain's map: a page of its own, there from the first set_memory_map on. Guarded by d->lock. */
struct guest_map {
    u32 nr;
    struct e820_entry entries[MAX_ENTRIES];
};

BUILD_ASSERT(sizeof(struct guest_map) <= PAGE_SIZE);

/* Of a domain that nobody can find any more, or that was never whole. */
void guest_map_free(struct domain *d)
{
    if (d->memory_map != NULL)
        free_hv_pages(d->memory_map, 0);
}

/*
 * The new map is whole before it is seen, and readers copy out of it under the lock: so an old one
 * can be freed at once. The checks are in the ABI's order, which callers can tell apart.
 */
MEMORY_OP(set_memory_map)
{
    struct xen_foreign_memory_map f;
    struct guest_map *new, *old;
    struct domain *d;
    int rc;

    if (!copy_arg_from_guest(&f, arg))
        return -EFAULT;
    if (f.map.nr_entries > MAX_ENTRIES)
        return -EINVAL;
    if (!policy_may_control())
        return -EPERM;
    rc = policy_domain(f.domid, &d);
    if (rc)
        return rc;
    new = alloc_hv_pages(0);
    if (new == NULL)
        return -ENOMEM;
    new->nr = f.map.nr_entries;
    if (!copy_from_guest_raw(new->entries, handle_addr(f.map.buffer),
                             new->nr * sizeof(struct e820_entry))) {
        free_hv_pages(new, 0);
        return -EFAULT;
    }
    spin_lock(&d->lock);
    old = d->memory_map;
    d->memory_map = new;
    spin_unlock(&d->lock);
    if (old != NULL)
        free_hv_pages(old, 0);
    return 0;
}

/*
 * What the map holds, as far as @map has room for, into the guest's buffer; then map->nr_entries
 * says how many that was. -ENOSYS: the toolstack has given none. d->lock is held, so the copy must
 * not wait: it can't, a page that is not there is an error.
 */
static long give_map(const struct guest_map *m, struct xen_memory_map *map)
{
    if (m == NULL || m->nr == 0)
        return -ENOSYS;
    map->nr_entries = min(map->nr_entries, m->nr);
    return copy_to_guest_raw(handle_addr(map->buffer), m->entries,
                             map->nr_entries * sizeof(struct e820_entry)) ? 0 : -EFAULT;
}

MEMORY_OP(memory_map)
{
    struct domain *d = current->domain;
    struct xen_memory_map map;
    long rc;

    if (!copy_arg_from_guest(&map, arg))
        return -EFAULT;
    spin_lock(&d->lock);
    rc = give_map(d->memory_map, &map);
    spin_unlock(&d->lock);
    if (rc)
        return rc;
    return copy_arg_to_guest(arg, &map) ? 0 : -EFAULT;
}

MEMORY_OP(machine_memory_map)
{
    struct xen_memory_map map;
    unsigned int n;

    if (!policy_may_control())
        return -EPERM;
    if (!copy_arg_from_guest(&map, arg))
        return -EFAULT;
    n = bootinfo.nr_mem;
    if (map.nr_entries < n && !handle_is_null(map.buffer))
        return -EINVAL;
    /* Without a place for the entries, it is asked how many there are. */
    for (unsigned int i = 0; i < n && !handle_is_null(map.buffer); i++) {
        const struct mem_range *r = &bootinfo.mem[i];
        struct e820_entry e = { .addr = r->base, .size = r->len, .type = r->type };

        if (!copy_to_guest_raw(handle_addr(map.buffer) + i * sizeof(e), &e, sizeof(e)))
            return -EFAULT;
    }
    map.nr_entries = n;
    return copy_arg_to_guest(arg, &map) ? 0 : -EFAULT;
}
