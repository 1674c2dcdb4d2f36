/* SPDX-License-Identifier: MIT */
/*
 * Raising an event sets PENDING in the port's word and, unless the word is MASKED or LINKED
 * already, puts the port at the end of the queue of its vCPU and priority: LINKED is set in its
 * word, and its number written into the low bits of the word of the port before it, or into the
 * queue's head in the vCPU's control block if there is none. For a new head the queue's bit is set
 * in the control block's ready word, and for a new ready bit the vCPU is told.
 *
 * The guest takes ports out at the front, each by clearing LINKED and the link in one step. So
 * whether the last port is still in its queue is seen in that port's word at the moment when the
 * link is written, by a compare-and-exchange that demands LINKED. Rules let the guest change a
 * linked word in few ways meanwhile; we set BUSY to keep it from unmasking over and over, and give
 * up after a few tries: then the port begins the queue anew, and a guest that broke the rules has
 * lost what it broke.
 *
 * Nothing that the guest writes is ever followed: links are only written, and the last port of a
 * queue is remembered here. A port can be the remembered last one of one queue only: what is put
 * into a queue was not LINKED, so it had left the queue that it was in before, and if it was the
 * last one there that queue is empty.
 *
 * A word whose page the guest has not given yet can't be raised: the port waits. Who raises sets
 * `waiting` and then looks for the page again; who adds a page looks for those that wait after
 * that. One of the two sees the other.
 */
#include "event/fifo_words.h"
#include "event/evtchn_bits.h"
#include "lib/atomic.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED  (1u << EVTCHN_FIFO_MASKED)
#define LINKED  (1u << EVTCHN_FIFO_LINKED)
#define BUSY    (1u << EVTCHN_FIFO_BUSY)

/* By the rules a linked and busy word changes at most four times under our hands. */
#define LINK_TRIES 8

/*
 * The port's word in the guest's page; NULL: it has not given that page yet. Sequentially
 * consistent: the look after `waiting` was set has to see a page that was added before.
 */
static event_word_t *word_of(const struct event_fifo *f, u32 port)
{
    u32 at = (u32)index_nospec(port, FIFO_PORTS);
    event_word_t *page = __atomic_load_n(&f->words[at / FIFO_WORDS_PER_PAGE], __ATOMIC_SEQ_CST);

    return page ? &page[at % FIFO_WORDS_PER_PAGE] : NULL;
}

/* Our own record; NULL: no port of that page was ever open. */
static struct fifo_port *port_of(const struct event_fifo *f, u32 port)
{
    u32 at = (u32)index_nospec(port, FIFO_PORTS);
    struct fifo_port *page = load_acquire(&f->ports[at / FIFO_WORDS_PER_PAGE]);

    return page ? &page[at % FIFO_WORDS_PER_PAGE] : NULL;
}

/*
 * Writes @next into the word of the last port, if that is still linked: false if not, or if the
 * guest keeps changing it. BUSY tells a guest by the rules to leave the word alone; at the end it
 * is off again.
 */
static bool set_link(event_word_t *last, u32 next)
{
    event_word_t old = READ_ONCE(*last);

    for (unsigned int i = 0; i < LINK_TRIES && (old & LINKED); i++) {
        if (cas(last, &old, (old & ~(BUSY | EVTCHN_FIFO_LINK_MASK)) | next))
            return true;
        (void)test_and_set_bit(last, EVTCHN_FIFO_BUSY);
        old = READ_ONCE(*last);
    }
    (void)atomic_and(last, ~BUSY);
    return false;
}

/*
 * Puts @port, if it is not linked, at the end of its queue: true if that made it the head. A guest
 * that sets LINKED itself has a port that is in no queue, and gets no events from it.
 *
 * The lock's holders wait for nothing, and those who wait for it serve no calls: so that a sender
 * is over when its CPU answers one (ports.c).
 */
static bool append(struct event_fifo *f, u32 port, unsigned int vcpu, unsigned int priority,
                   event_word_t *word)
{
    struct fifo_port *p = port_of(f, port);
    u32 *tail = &f->vcpus[vcpu].tail[priority], *before;
    bool first = false;

    spin_lock_no_calls(&f->lock);
    if (!test_and_set_bit(word, EVTCHN_FIFO_LINKED)) {
        before = &f->vcpus[p->in_vcpu].tail[p->in_priority];
        if (*before == port)
            *before = 0;
        first = !*tail || !set_link(word_of(f, *tail), port);
        if (first)
            store_release(&f->vcpus[vcpu].control->head[priority], port);
        *tail = port;
        p->in_vcpu = (u8)vcpu;
        p->in_priority = (u8)priority;
    }
    spin_unlock(&f->lock);
    return first;
}

/* RAISED_UPCALL, if the vCPU must be told. */
static unsigned int queue_port(struct event_fifo *f, struct vcpu_info *info, u32 port,
                               unsigned int vcpu, event_word_t *word)
{
    struct evtchn_fifo_control_block *control = load_acquire(&f->vcpus[vcpu].control);
    unsigned int priority = READ_ONCE(port_of(f, port)->priority);

    /* Without a control block it stays pending, and is queued when it is raised again. */
    if (!control || !append(f, port, vcpu, priority, word))
        return 0;
    if (test_and_set_bit(&control->ready, priority))
        return 0;
    return atomic_xchg(&info->evtchn_upcall_pending, 1) ? 0 : RAISED_UPCALL;
}

/*
 * The exchange on `waiting` decides who goes on: of this sender and of op_expand_array(), which
 * adds the page, one gets the 1.
 */
unsigned int fifo_raise(struct event_fifo *f, struct vcpu_info *info, u32 port, unsigned int vcpu)
{
    struct fifo_port *p = port_of(f, port);
    event_word_t *word = word_of(f, port);
    unsigned int raised;

    if (!p)
        return 0;
    if (!word) {
        raised = atomic_xchg(&p->waiting, 1) ? 0 : RAISED_PENDING;
        word = word_of(f, port);
        if (likely(!word) || !atomic_xchg(&p->waiting, 0))
            return raised;
    }
    raised = test_and_set_bit(word, EVTCHN_FIFO_PENDING) ? 0 : RAISED_PENDING;
    /* Who takes one of these away after this look, looks at PENDING then. */
    if (!(READ_ONCE(*word) & (MASKED | LINKED)))
        raised |= queue_port(f, info, port, vcpu, word);
    return raised;
}

unsigned int fifo_unmask(struct event_fifo *f, struct vcpu_info *info, u32 port, unsigned int vcpu)
{
    event_word_t *word = word_of(f, port);

    if (!word || !port_of(f, port))
        return 0;
    (void)atomic_and(word, ~MASKED);
    if ((READ_ONCE(*word) & (PENDING | LINKED)) != PENDING)
        return 0;
    return queue_port(f, info, port, vcpu, word);
}

void fifo_clear(struct event_fifo *f, u32 port)
{
    event_word_t *word = word_of(f, port);

    (void)fifo_stop_waiting(f, port);
    if (word)
        (void)atomic_and(word, ~PENDING);
}

bool fifo_pending(const struct event_fifo *f, u32 port)
{
    const event_word_t *word = word_of(f, port);
    const struct fifo_port *p = port_of(f, port);

    return word ? READ_ONCE(*word) & PENDING : p && READ_ONCE(p->waiting);
}

bool fifo_stop_waiting(struct event_fifo *f, u32 port)
{
    struct fifo_port *p = port_of(f, port);

    return p && atomic_xchg(&p->waiting, 0);
}
