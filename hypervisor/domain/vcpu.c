/* SPDX-License-Identifier: MIT */
/*
 * One vCPU's life: created down and empty, given a context, up, down, and up again.
 *
 * It is made with its domain and freed with it, so a vCPU that was found through its domain is
 * there as long as that is. What a context brings (tables, roots, the place of vcpu_info) goes
 * when the domain is destroyed, or when the toolstack gives it another.
 */
#include "domain/internal.h"
#include "event/event.h"
#include "event/evtchn_bits.h"
#include "lib/atomic.h"
#include "mm/mm.h"

BUILD_ASSERT(sizeof(struct vcpu) <= PAGE_SIZE << VCPU_ORDER);

/*
 * Its vcpu_info begins in the shared page, so v->info is never NULL and nobody has to ask. It is
 * placed on a CPU for good: a vCPU that never moves needs no state to be handed over.
 */
struct vcpu *vcpu_create(struct domain *d, unsigned int id)
{
    struct vcpu *v = alloc_hv_pages(VCPU_ORDER);

    if (!v)
        return NULL;
    v->domain = d;
    v->id = id;
    v->info = &d->shared_info->vcpu_info[id];
    v->kernel_root = v->user_root = INVALID_MFN;
    v->state = VCPU_DOWN;
    v->runstate.state = RUNSTATE_offline;
    v->runstate.state_entry_time = now_ns();
    list_init(&v->run_link);
    vcpu_timers_init(v);
    if (guest_cpu_init(v)) {
        free_hv_pages(v, VCPU_ORDER);
        return NULL;
    }
    v->processor = sched_place();
    return v;
}

void vcpu_free(struct vcpu *v)
{
    sched_unplace(v);
    guest_cpu_free(v);
    free_hv_pages(v, VCPU_ORDER);
}

/*
 * Senders read v->info and write there without a lock, but without waiting either. So when every
 * CPU has answered a call, none of them still has the old place.
 */
static void drop_info_page(struct vcpu *v)
{
    struct page *pg = v->info_page;

    if (!pg)
        return;
    v->info_page = NULL;
    __atomic_store_n(&v->info, &v->domain->shared_info->vcpu_info[v->id], __ATOMIC_SEQ_CST);
    senders_wait();
    put_page_and_type(pg);
}

/* All that a context holds of its domain's frames. The vCPU is as new, and can be given another. */
void vcpu_drop_context(struct vcpu *v)
{
    drop_info_page(v);
    guest_gdt_drop(v);
    mm_drop_roots(v);
    v->runstate_area = v->time_area = 0;
    v->initialised = false;
}

/*
 * Without `initialised` there would be no root to run on. It is never cleared while the domain can
 * make hypercalls, so it may be read ahead of the lock.
 */
int vcpu_up(struct vcpu *v)
{
    if (!READ_ONCE(v->initialised))
        return -EINVAL;
    spin_lock(&v->domain->lock);
    sched_start(v);
    spin_unlock(&v->domain->lock);
    return 0;
}

void vcpu_down(struct vcpu *v)
{
    struct domain *d = v->domain;
    bool last = true;

    /* vCPUs come up and go down under this lock, so of the last two one is the last. */
    spin_lock(&d->lock);
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        if (d->vcpus[i] != v && READ_ONCE(d->vcpus[i]->state) != VCPU_DOWN)
            last = false;
    if (!last)
        sched_stop(v);
    spin_unlock(&d->lock);
    if (last)
        domain_shutdown(d, SHUTDOWN_poweroff);
}

/*
 * The frame is held, and held writable, as long as the record is there: it can't become a page
 * table that the hypervisor then writes events into. A record that is not aligned could straddle
 * pages, or be written in halves (XSA-327).
 */
int vcpu_move_info(struct vcpu *v, mfn_t m, u32 offset)
{
    struct domain *d = v->domain;
    struct vcpu_info *info;
    int rc;

    if (offset > PAGE_SIZE - sizeof(*info) || offset % _Alignof(struct vcpu_info))
        return -ENXIO;
    rc = get_page_and_type(m, d->id, USE_WRITABLE);
    if (rc)
        return rc;
    rc = -EINVAL;
    info = (struct vcpu_info *)((char *)mfn_to_virt(m) + offset);
    spin_lock(&d->lock);
    if (!v->info_page && (v == current || v->state == VCPU_DOWN)) {
        *info = *v->info;
        v->info_page = mfn_to_page(m);
        /*
         * A sender that still uses the old place has set the port's pending bit before; all
         * selector bits in the new place make the guest look at every one.
         */
        __atomic_store_n(&v->info, info, __ATOMIC_SEQ_CST);
        evtchn_bits_notify_all(info);
        rc = 0;
    }
    spin_unlock(&d->lock);
    if (rc)
        put_page_and_type(mfn_to_page(m));
    return rc;
}
