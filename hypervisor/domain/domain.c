/* SPDX-License-Identifier: MIT */
/*
 * Domains: their records, and finding them.
 *
 * A record is found by its id, through a table that is read without a lock. domain.h says who keeps
 * it. When its last reference goes it is retired twice: the first time in order to take it out of
 * the table, the second time to free it. Between the two nobody finds it, and its id may be given
 * anew: by then every CPU has forgotten what named the old one by its id alone (an event channel
 * that was closed).
 */
#include "domain/internal.h"
#include "event/event.h"
#include "grant/grant.h"
#include "lib/atomic.h"

#define BUCKETS 256u

/* The one that is built at boot: privileged, told of all others' ends, and never destroyed. */
struct domain *first_domain;

static spinlock_t list_lock = SPINLOCK_INIT(LOCK_DOMLIST);
static struct domain *by_id[BUCKETS];   /* chains; changed under the lock, read without */

/* ---- Finding ---- */

/*
 * Hot: each event to another domain. A chain may change under the walk: who is taken out keeps his
 * own link, so the walk goes on to what was behind him.
 */
struct domain *domain_by_id(u16 id)
{
    struct domain *d = load_acquire(&by_id[id % BUCKETS]);

    while (d && d->id != id)
        d = load_acquire(&d->next_by_id);
    return d;
}

/*
 * For who lists them: all buckets, since ids are not in order. Those that come or go meanwhile may
 * be missed.
 */
struct domain *domain_at_or_above(u32 id)
{
    struct domain *best = NULL;

    for (unsigned int i = 0; i < BUCKETS; i++) {
        struct domain *d = load_acquire(&by_id[i]);

        for (; d; d = load_acquire(&d->next_by_id))
            if (d->id >= id && (!best || d->id < best->id))
                best = d;
    }
    return best;
}

/* Under no lock, so it may miss one that comes, and meet one that goes. */
void domain_for_each(void (*fn)(struct domain *d))
{
    for (unsigned int i = 0; i < BUCKETS; i++)
        for (struct domain *d = load_acquire(&by_id[i]); d; d = load_acquire(&d->next_by_id))
            fn(d);
}

/*
 * All of the record is written before it can be found: the release here pairs with the acquires of
 * domain_by_id(). False: the id is taken, and then nothing has happened.
 */
static bool publish(struct domain *d)
{
    struct domain **head = &by_id[d->id % BUCKETS];
    bool is_free;

    spin_lock(&list_lock);
    is_free = !domain_by_id(d->id);
    if (is_free) {
        d->next_by_id = *head;
        store_release(head, d);
        if (!first_domain)
            first_domain = d;
    }
    spin_unlock(&list_lock);
    return is_free;
}

/* Its own link stays, for those who are just looking at it. */
static void unpublish(struct domain *d)
{
    struct domain **slot = &by_id[d->id % BUCKETS];

    spin_lock(&list_lock);
    while (*slot != d)
        slot = &(*slot)->next_by_id;
    store_release(slot, d->next_by_id);
    spin_unlock(&list_lock);
}

/* ---- Making ---- */

/* Events are masked until the guest is ready for them. */
static void shared_info_init(struct domain *d)
{
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    share_hv_page(d->shared_info, d);
    time_init_domain(d);
}

/* Nobody can find it, and it has no frames any more; also of one that was never whole. */
static void domain_free(struct domain *d)
{
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i])
            vcpu_free(d->vcpus[i]);
    grant_domain_free(d);
    event_domain_destroy(d);
    if (d->shared_info)
        free_hv_pages(d->shared_info, 0);
    guest_map_free(d);
    free_hv_pages(d, 0);
}

BUILD_ASSERT(sizeof(struct domain) <= PAGE_SIZE);

/* What a failure leaves, domain_free() takes: each part can tell whether it was made. */
static int make_parts(struct domain *d, const struct domain_config *c)
{
    d->shared_info = alloc_hv_low_page();
    if (!d->shared_info || event_domain_init(d, c->max_port))
        return -ENOMEM;
    shared_info_init(d);
    if (grant_domain_init(d, c->max_grant_frames, c->max_grant_maps))
        return -ENOMEM;
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        d->vcpus[i] = vcpu_create(d, i);
        if (!d->vcpus[i])
            return -ENOMEM;
    }
    return 0;
}

/*
 * Everything is made before the domain can be found, so a failure has nothing to take back from
 * others. The first reference is that of not having been destroyed; the first pause is the
 * toolstack's, which ends it when the domain is built.
 */
int domain_create(const struct domain_config *c, struct domain **out)
{
    struct domain *d = alloc_hv_pages(0);
    int rc;

    if (!d)
        return -ENOMEM;
    d->id = c->id;
    d->max_vcpus = c->max_vcpus;
    d->shutdown_reason = d->shutdown_code = -1;
    d->refs = d->pauses = 1;
    d->absent_mask = mm_absent_mask(false);
    spin_lock_init(&d->lock, LOCK_DOMAIN);
    watchdogs_init(d);
    rc = make_parts(d, c);
    if (rc == 0 && !publish(d))
        rc = -EEXIST;
    if (rc) {
        domain_free(d);
        return rc;
    }
    /* Again: the clock may have been set while nobody could find this domain. */
    time_init_domain(d);
    *out = d;
    return 0;
}

/* ---- References ---- */

static void free_retired(struct retired *r)
{
    domain_free(container_of(r, struct domain, retired));
}

/*
 * Every CPU has forgotten the pointers that it had found before. Those found until now are
 * forgotten when it is retired once more.
 */
static void unpublish_retired(struct retired *r)
{
    unpublish(container_of(r, struct domain, retired));
    retire(r, free_retired);
    raise_softirq(SOFTIRQ_DOM_EXC);
}

void domain_ref(struct domain *d)
{
    atomic_add(&d->refs, 1);
}

/* The last reference: retired and not freed, since it may be in use by who found it by its id. */
void domain_unref(struct domain *d)
{
    u32 left = atomic_sub(&d->refs, 1);

    BUG_ON(left == ~0u);
    if (!left)
        retire(&d->retired, unpublish_retired);
}

/* All frames together hold one reference, taken with the first and given back with the last. */
void domain_add_pages(struct domain *d, u64 frames)
{
    if (atomic_add(&d->tot_pages, frames) == frames)
        domain_ref(d);
}

void domain_sub_pages(struct domain *d, u64 frames)
{
    if (!atomic_sub(&d->tot_pages, frames))
        domain_unref(d);
}
