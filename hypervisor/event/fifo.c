/* SPDX-License-Identifier: MIT */
/*
 * FIFO events of a domain: coming to them, growing, going back, and delivery by them.
 *
 * The first init_control changes the domain over, in three steps: the new kind is made known; those
 * who deliver by the old one are waited for; what they have left pending is raised again by the
 * new kind. So nothing is lost and nothing waits.
 *
 * Back to two-level events goes a reset, once all ports are closed: from then on no port can be
 * opened and nothing is delivered, until the senders of before are waited for. Then the pages of
 * the guest are given back. So a sender may use what it finds in d->events.fifo until it next
 * waits for anything, and no longer.
 *
 * The guest's pages, control blocks and event words, are held as writable frames: they can't
 * become page tables, nor be anybody else's, until they are given back.
 */
#include "event/fifo_words.h"
#include "event/internal.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"

#define FIFO_ORDER 1
BUILD_ASSERT(sizeof(struct event_fifo) <= PAGE_SIZE << FIFO_ORDER);

/* ---- Delivery ---- */

static struct event_fifo *fifo_of(const struct domain *d)
{
    return load_acquire(&d->events.fifo);
}

static void fifo_op_raise(struct domain *d, u32 port, u8 vcpu)
{
    struct vcpu_info *info = READ_ONCE(d->vcpus[vcpu]->info);
    struct event_fifo *f = fifo_of(d);

    if (likely(f))
        port_notify(d, port, vcpu, fifo_raise(f, info, port, vcpu));
}

static void fifo_op_unmask(struct domain *d, u32 port, u8 vcpu)
{
    struct vcpu_info *info = READ_ONCE(d->vcpus[vcpu]->info);
    struct event_fifo *f = fifo_of(d);

    if (f)
        port_notify(d, port, vcpu, fifo_unmask(f, info, port, vcpu));
}

static bool fifo_op_pending(const struct domain *d, u32 port)
{
    const struct event_fifo *f = fifo_of(d);

    return f && fifo_pending(f, port);
}

static void fifo_op_clear(struct domain *d, u32 port)
{
    struct event_fifo *f = fifo_of(d);

    if (f)
        fifo_clear(f, port);
}

/* Our record of each port of @port's page. */
static int make_records(struct event_fifo *f, u32 port)
{
    struct fifo_port **slot = &f->ports[port / FIFO_WORDS_PER_PAGE], *page;

    if (*slot)
        return 0;
    page = alloc_hv_pages(0);
    if (!page)
        return -ENOMEM;
    for (unsigned int i = 0; i < FIFO_WORDS_PER_PAGE; i++)
        page[i].priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    store_release(slot, page);
    return 0;
}

/*
 * Under the lock of ports. Senders read it: an event goes to the queue that the port had then, or
 * has.
 */
static void set_port_priority(struct event_fifo *f, u32 port, u32 priority)
{
    WRITE_ONCE(f->ports[port / FIFO_WORDS_PER_PAGE][port % FIFO_WORDS_PER_PAGE].priority,
               (u8)priority);
}

static int fifo_op_make_room(struct domain *d, u32 port)
{
    int rc = make_records(d->events.fifo, port);

    if (rc == 0)
        set_port_priority(d->events.fifo, port, EVTCHN_FIFO_PRIORITY_DEFAULT);
    return rc;
}

const struct event_ops fifo_ops = {
    .raise = fifo_op_raise,
    .unmask = fifo_op_unmask,
    .pending = fifo_op_pending,
    .clear = fifo_op_clear,
    .make_room = fifo_op_make_room,
    .max_ports = FIFO_PORTS,
};

/* ---- Between the kinds: there are no ports ---- */

static void no_notice(struct domain *d, u32 port, u8 vcpu)
{
}

static bool never_pending(const struct domain *d, u32 port)
{
    return false;
}

static void nothing_to_clear(struct domain *d, u32 port)
{
}

static int no_room(struct domain *d, u32 port)
{
    return -ENOMEM;
}

static const struct event_ops no_ops = {
    .raise = no_notice,
    .unmask = no_notice,
    .pending = never_pending,
    .clear = nothing_to_clear,
    .make_room = no_room,
    .max_ports = 0,
};

/* ---- Coming and going ---- */

static void fifo_free(struct event_fifo *f)
{
    for (unsigned int i = 0; i < MAX_VCPUS; i++)
        if (f->vcpus[i].control)
            put_page_and_type(mfn_to_page(virt_to_mfn(f->vcpus[i].control)));
    for (unsigned int i = 0; i < FIFO_PAGES; i++) {
        if (f->words[i])
            put_page_and_type(mfn_to_page(virt_to_mfn(f->words[i])));
        if (f->ports[i])
            free_hv_pages(f->ports[i], 0);
    }
    free_hv_pages(f, FIFO_ORDER);
}

/* With records for all ports there may be; NULL: no memory. */
static struct event_fifo *fifo_create(const struct domain *d)
{
    struct event_fifo *f = alloc_hv_pages(FIFO_ORDER);

    if (!f)
        return NULL;
    spin_lock_init(&f->lock, LOCK_FIFO);
    for (u32 port = 0; port < LOW_PORTS; port += PORTS_PER_PAGE)
        if (d->events.pages[port / PORTS_PER_PAGE] && make_records(f, port)) {
            fifo_free(f);
            return NULL;
        }
    return f;
}

/* Once a vCPU: a control block that is given can't be taken back but by a reset. */
static int set_control(struct event_fifo *f, unsigned int vcpu, mfn_t m, u32 offset)
{
    if (f->vcpus[vcpu].control)
        return -EINVAL;
    store_release(&f->vcpus[vcpu].control,
                  (struct evtchn_fifo_control_block *)((char *)mfn_to_virt(m) + offset));
    return 0;
}

/* The first one changes the kind. The lock is held, and @m as well. *@changed says if it did. */
static int init_control(struct domain *d, unsigned int vcpu, mfn_t m, u32 offset, bool *changed)
{
    struct event_fifo *f = d->events.fifo;

    *changed = false;
    if (d->dying || d->events.ops == &no_ops)
        return -EBUSY;
    if (f)
        return set_control(f, vcpu, m, offset);
    f = fifo_create(d);
    if (!f)
        return -ENOMEM;
    (void)set_control(f, vcpu, m, offset);      /* the first one has its place */
    store_release(&d->events.fifo, f);
    store_release(&d->events.ops, &fifo_ops);
    d->events.end = d->events.limit;
    *changed = true;
    return 0;
}

/* What two-level senders left pending until now, or a moment ago. */
static void raise_again(struct domain *d)
{
    senders_wait();
    for (u32 port = 1; port < LOW_PORTS; port++) {
        union evtchn e = port_get(d, port);

        if (e.state == EVTCHNSTAT_closed || !evtchn_bits_pending(d->shared_info, port))
            continue;
        evtchn_bits_clear(d->shared_info, port);
        port_raise(d, port, e.vcpu);
    }
}

/*
 * Under the lock: no port is open, so none can be raised but by senders from before, and none can
 * be opened. *@f is what is to be freed when they are over; NULL with 0: it is two-level already.
 */
static int leave_begin(struct domain *d, struct event_fifo **f)
{
    *f = NULL;
    if (d->events.open)
        return -EAGAIN;
    if (!d->events.fifo)
        return 0;
    *f = d->events.fifo;
    store_release(&d->events.ops, &no_ops);
    store_release(&d->events.fifo, NULL);
    d->events.end = 0;
    return 0;
}

int fifo_leave(struct domain *d)
{
    struct event_fifo *f;
    int rc;

    spin_lock(&d->events.lock);
    rc = leave_begin(d, &f);
    spin_unlock(&d->events.lock);
    if (!f)
        return rc;
    senders_wait();
    spin_lock(&d->events.lock);
    store_release(&d->events.ops, &two_level_ops);
    d->events.end = min(d->events.limit, LOW_PORTS);
    d->events.lowest_free = 1;
    spin_unlock(&d->events.lock);
    fifo_free(f);
    return 0;
}

/* ---- The calls ---- */

/*
 * The frame is held before the lock is taken, since that may take long, and given back if it is not
 * wanted. Its reference and use are then the pointer's, until fifo_free().
 */
long op_init_control(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    struct evtchn_init_control init;
    bool changed;
    mfn_t m;
    int rc;

    if (!copy_arg_from_guest(&init, arg))
        return -EFAULT;
    if (!domain_vcpu(d, init.vcpu))
        return -ENOENT;
    if (init.offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || init.offset % 8)
        return -EINVAL;
    m = MFN(init.control_gfn);
    rc = get_page_and_type(m, d->id, USE_WRITABLE);
    if (rc)
        return rc == -ERESTART ? hypercall_restart(EVTCHNOP_init_control, (u64)arg.p) : rc;
    spin_lock(&d->events.lock);
    rc = init_control(d, (unsigned int)index_nospec(init.vcpu, MAX_VCPUS), m, init.offset,
                      &changed);
    spin_unlock(&d->events.lock);
    if (rc) {
        put_page_and_type(mfn_to_page(m));
        return rc;
    }
    if (changed)
        raise_again(d);
    init.link_bits = EVTCHN_FIFO_LINK_BITS;
    return copy_arg_to_guest(arg, &init) ? 0 : -EFAULT;
}

/* 0 if a page can be added. The lock is held, or the answer is a first look. */
static int can_expand(const struct domain *d)
{
    const struct event_fifo *f = fifo_of(d);

    if (!f)
        return -EOPNOTSUPP;
    return READ_ONCE(f->nr_pages) < FIFO_PAGES ? 0 : -ENOSPC;
}

/* Those that waited for page number @page. */
static void raise_waiting(struct domain *d, u32 page)
{
    u32 port = page * FIFO_WORDS_PER_PAGE, end = port + FIFO_WORDS_PER_PAGE;

    for (; port < end; port++) {
        struct event_fifo *f = fifo_of(d);

        if (!f)
            return;
        if (fifo_stop_waiting(f, port))
            port_raise(d, port, port_get(d, port).vcpu);
    }
}

/*
 * Looked at twice: without the lock, to spare a guest the work on a frame; and under it, where it
 * counts.
 */
long op_expand_array(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    struct evtchn_expand_array expand;
    u32 page = 0;
    mfn_t m;
    int rc;

    if (!copy_arg_from_guest(&expand, arg))
        return -EFAULT;
    rc = can_expand(d);
    if (rc)
        return rc;
    m = MFN(expand.array_gfn);
    rc = get_page_and_type(m, d->id, USE_WRITABLE);
    if (rc)
        return rc == -ERESTART ? hypercall_restart(EVTCHNOP_expand_array, (u64)arg.p) : rc;
    spin_lock(&d->events.lock);
    rc = can_expand(d);
    if (rc == 0) {
        page = d->events.fifo->nr_pages++;
        /* Before those that wait are looked for: fifo_words.c. */
        __atomic_store_n(&d->events.fifo->words[page], (event_word_t *)mfn_to_virt(m),
                         __ATOMIC_SEQ_CST);
    }
    spin_unlock(&d->events.lock);
    if (rc)
        put_page_and_type(mfn_to_page(m));
    else
        raise_waiting(d, page);
    return rc;
}

/* Events that are queued stay where they are; the next one goes to the new queue. */
static int set_priority(struct domain *d, u32 port, u32 priority)
{
    if (!event_port_valid(d, port))
        return -EINVAL;
    if (d->events.ops != &fifo_ops)
        return -ENOSYS;
    if (port_get(d, port).state == EVTCHNSTAT_closed)
        return -EACCES;
    if (priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -EINVAL;
    set_port_priority(d->events.fifo, (u32)index_nospec(port, FIFO_PORTS), priority);
    return 0;
}

long op_set_priority(struct domain *d, XEN_GUEST_HANDLE(void) arg)
{
    struct evtchn_set_priority set;
    int rc;

    if (!copy_arg_from_guest(&set, arg))
        return -EFAULT;
    spin_lock(&d->events.lock);
    rc = set_priority(d, set.port, set.priority);
    spin_unlock(&d->events.lock);
    return rc;
}
