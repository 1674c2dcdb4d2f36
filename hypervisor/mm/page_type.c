/* SPDX-License-Identifier: MIT */
/*
 * What a frame is used as: the safety of the whole system.
 *
 * The invariant: no frame is mapped writable by a guest while it is a page table or a descriptor
 * page; and every entry of a page-table frame names only frames that its domain may use in that
 * way, and holds a reference on each.
 *
 * Why it holds. A frame has one use at a time, and a count of the holders of that use. A writable
 * mapping is a holder of USE_WRITABLE; an entry that names a table, a loaded root, and a pin are
 * holders of USE_L1 to USE_L4; a loaded GDT or LDT page, of USE_SEGDESC. The use changes only
 * while nobody holds it. A table is validated when its count leaves zero: each entry is checked
 * and takes the reference and use of what it names, one level down; it is devalidated when the
 * count returns to zero: each gives them back. In between, entries change only through
 * pt_update.c, which takes before it drops, and are cleared by pt_grant.c, which only drops.
 * Stale TLB entries are mappings too: before a frame takes up another use than its last, every
 * CPU flushes that has not flushed since that last use ended (tlb.c's stamps); this also covers
 * paging-structure caches that still lead through it.
 *
 * An entry of a level-4 table that names a level-4 table is pt_linear.c's business.
 *
 * The states of a frame's type word, and all legal moves:
 *
 *      idle ----get: writable, as its last use-> LIVE(writable, 1)
 *      idle ----get: any other use-------> BUSY
 *      BUSY ----all entries taken--------------> LIVE(use, 1)
 *      BUSY ----out of time--------------------> PARTIAL(use, index)
 *      BUSY ----all entries dropped------------> idle, stamped
 *      LIVE(n) -get: the same use--------------> LIVE(n + 1)      refused at the counter's end
 *      LIVE(n) -put----------------------------> LIVE(n - 1)
 *      LIVE(1) -put----------------------> BUSY, and entries are dropped, if there are any
 *      PARTIAL -get: the same use--------> BUSY, and goes on upwards
 *      PARTIAL -get: another use, settle-> BUSY, and goes on downwards
 *
 * The moves without BUSY, and LIVE(writable, 1) to idle, also stand inline in type_word.h: the same
 * compare-and-exchange of the same words, tried once.
 *
 * BUSY belongs to one CPU. Who wants the same use waits for it: that is a table of a lower level
 * than those it holds BUSY itself, or a use whose BUSY lasts for no more than a flush or a stamp,
 * so there is no circle. Who wants another use is refused at once: it may itself hold a frame BUSY
 * (a table that maps itself, or two CPUs whose tables map each other), and the frame is in use
 * until what is done to it has returned to its guest.
 * PARTIAL(index) means the same whichever way it was going: entries below `index` hold references
 * and uses, those above nothing, and with CHILD the entry at `index` a bare reference. So whoever
 * comes next can finish it upwards or downwards. A PARTIAL frame holds one reference on itself,
 * or it could be freed half-dropped.
 */
#include "domain/domain.h"
#include "lib/atomic.h"
#include "mm/validate.h"

/* ---- The moves out of BUSY ---- */

/*
 * BUSY to PARTIAL. The reference on itself is taken before the word says PARTIAL: from that store
 * on anyone may settle the frame and drop it.
 */
static void end_partial(struct walk *w)
{
    u64 word = type_make(w->use) | TYPE_PARTIAL | w->has | w->index;

    if (w->child)
        word |= TYPE_CHILD;
    if (!w->was_partial)
        get_page_again(w->pg);
    store_release(&w->pg->type, word);
}

/*
 * BUSY to idle or LIVE, which @word says. The frame's own reference, if it had one, is not needed
 * any more: the caller has another.
 */
static void end_settled(struct walk *w, u64 word)
{
    store_release(&w->pg->type, word);
    if (w->was_partial)
        put_page(w->pg);
}

/* Drops what w says that the frame holds: 0 and it is idle, or -ERESTART and it is PARTIAL. */
static int run_drop(struct walk *w)
{
    int rc = is_table_use(w->use) ? drop_table(w) : 0;

    if (rc) {
        end_partial(w);
        return rc;
    }
    BUG_ON(w->has != 0);
    end_settled(w, type_make(w->use) | tlb_stamp());
    return 0;
}

/*
 * Leaves the rest of a put to the running vCPU's way out; see mm_finish_put(). One operation leaves
 * at most the three upper tables of a tree that failed, and an old entry's. With nobody to
 * finish it, a frame stays PARTIAL: safe, and settled by whoever wants it.
 */
void leave_unfinished(struct page *pg)
{
    struct vcpu *v = current;

    if (v == NULL || v->nr_unfinished == MAX_UNFINISHED)
        return;
    get_page_again(pg);
    v->unfinished[v->nr_unfinished++] = pg;
    raise_softirq(SOFTIRQ_EXIT);
}

/*
 * Validates what is left: 0 and LIVE with one use, the caller's; -ERESTART and PARTIAL; or another
 * error and all that was taken is dropped again, at once or by leave_unfinished().
 */
static int run_take(struct walk *w)
{
    struct domain *d = domain_by_id(page_owner(w->pg));     /* a frame's owner has a record */
    int rc;

    /* What a dying domain's tables held is taken from it: it gets no new ones. */
    if (READ_ONCE(d->dying))
        rc = -EINVAL;
    else
        rc = is_table_use(w->use) ? take_table(w, d) : take_descriptors(w);
    if (rc == 0) {
        end_settled(w, type_make(w->use) | TYPE_LIVE | w->has | 1);
    } else if (rc == -ERESTART) {
        end_partial(w);
    } else if (run_drop(w)) {
        leave_unfinished(w->pg);
    }
    return rc;
}

/* Where an interrupted walk stopped, or the beginning: @word is what stood there before BUSY. */
static struct walk walk_from(struct page *pg, u64 word, enum page_use use)
{
    bool partial = word & TYPE_PARTIAL;

    return (struct walk){
        .pg = pg,
        .use = use,
        .index = partial ? (unsigned int)(word & TYPE_INDEX) : 0,
        .child = word & TYPE_CHILD,
        .has = partial ? word & TYPE_HAS : 0,
        .was_partial = partial,
    };
}

/* ---- The door's functions ---- */

/*
 * Claims an idle or PARTIAL frame for a validation as @use: its type word was @word. The flush
 * comes after BUSY is visible and before any entry is read: nothing can write the frame then.
 */
static int claim_and_take(struct page *pg, u64 word, enum page_use use)
{
    struct walk w = walk_from(pg, word, use);

    if (!(word & TYPE_PARTIAL) && type_use(word) != USE_NONE && type_use(word) != use)
        tlb_flush_since(word & TYPE_PAYLOAD);
    return run_take(&w);
}

/* A writable use needs no validation, but the flush just the same. */
static void claim_writable(struct page *pg, u64 word)
{
    if (type_use(word) != USE_NONE && type_use(word) != USE_WRITABLE)
        tlb_flush_since(word & TYPE_PAYLOAD);
    store_release(&pg->type, type_make(USE_WRITABLE) | TYPE_LIVE | 1);
}

/*
 * One turn of the loop for each state of the drawing above: each either moves by
 * compare-and-exchange or waits, and a word that changed meanwhile is looked at anew. What another
 * CPU has BUSY as another use is refused and not waited for; the head says why.
 */
int get_page_type(struct page *pg, enum page_use use)
{
    for (;;) {
        u64 word = READ_ONCE(pg->type);

        if (word & TYPE_LIVE) {
            if (!type_can_share(word, use))
                return -EINVAL;
            if (cas(&pg->type, &word, word + 1))
                return 0;
        } else if (word & TYPE_BUSY) {
            if (type_use(word) != use)
                return -EINVAL;
            cpu_wait();
        } else if ((word & TYPE_PARTIAL) && type_use(word) != use) {
            int rc = type_settle(pg);

            if (rc)
                return rc;
        } else if (cas(&pg->type, &word, type_make(use) | TYPE_BUSY)) {
            if (use != USE_WRITABLE)
                return claim_and_take(pg, word, use);
            claim_writable(pg, word);
            return 0;
        }
    }
}

/*
 * 0, or -ERESTART with the frame PARTIAL and the use gone all the same. @linear: what else goes
 * from the word, in the same step.
 */
static inline int put_slice(struct page *pg, u64 linear)
{
    u64 word = READ_ONCE(pg->type);

    for (;;) {
        enum page_use use = type_use(word);

        BUG_ON(!(word & TYPE_LIVE) || (u32)word == 0);
        if ((u32)word > 1) {
            if (cas(&pg->type, &word, word - linear - 1))
                return 0;
        } else if (cas(&pg->type, &word, type_make(use) | TYPE_BUSY)) {
            /*
             * The stamp is taken while the frame is ours: one read before could be older than a
             * use, and a flush, of another CPU in between.
             */
            struct walk w = {
                .pg = pg, .use = use, .index = PTE_COUNT, .has = word & TYPE_HAS,
            };

            BUG_ON((word & TYPE_USED) != linear);
            if (use != USE_WRITABLE)
                return run_drop(&w);
            store_release(&pg->type, type_make(use) | tlb_stamp());
            return 0;
        }
    }
}

int put_type_slice(struct page *pg)
{
    return put_slice(pg, 0);
}

int put_linear_slice(struct page *pg)
{
    return put_slice(pg, TYPE_USED_ONE);
}

void put_page_type(struct page *pg)
{
    if (put_type_slice(pg))
        leave_unfinished(pg);
}

int type_settle(struct page *pg)
{
    u64 word = READ_ONCE(pg->type);

    /* No longer PARTIAL: whoever took it up, or has it BUSY, answers for it now. */
    while (word & TYPE_PARTIAL)
        if (cas(&pg->type, &word, type_make(type_use(word)) | TYPE_BUSY)) {
            struct walk w = walk_from(pg, word, type_use(word));

            return run_drop(&w);
        }
    return 0;
}

/*
 * The pin's bit and its use are two steps, so the order matters. To pin: a use first, then the bit,
 * which one of two can set. To unpin: the bit, then the use that it stood for.
 */
bool type_set_pin(struct page *pg)
{
    return !(atomic_or(&pg->type, TYPE_PINNED) & TYPE_PINNED);
}

bool type_clear_pin(struct page *pg)
{
    u64 word = READ_ONCE(pg->type);

    do {
        if (!(word & TYPE_PINNED))
            return false;
    } while (!cas(&pg->type, &word, word & ~TYPE_PINNED));
    return true;
}

/* A moment's answer, unless the caller holds a use: then it stays true as long as he does. */
enum page_use page_use(const struct page *pg)
{
    return type_live_use(READ_ONCE(pg->type));
}

bool page_is_pinned(const struct page *pg)
{
    return READ_ONCE(pg->type) & TYPE_PINNED;
}

int get_page_and_type(mfn_t m, u16 owner, enum page_use use)
{
    struct page *pg = mfn_to_page(m);
    int rc;

    if (!get_page(m, owner))
        return -EINVAL;
    if (get_live_type(pg, use))
        return 0;
    rc = get_page_type(pg, use);
    if (rc)
        put_page(pg);
    return rc;
}

void put_page_and_type(struct page *pg)
{
    put_live_type(pg);
    put_page(pg);
}

/*
 * A frame that another CPU has settled meanwhile needs nothing more: type_settle() sees to both. It
 * runs outside any call, so what the vCPU asked for has returned, but it can't run on before its
 * debt is paid: a guest can't pile up unfinished work.
 */
bool mm_finish_put(struct vcpu *v)
{
    while (v->nr_unfinished > 0) {
        struct page *pg = v->unfinished[v->nr_unfinished - 1];

        if (type_settle(pg))
            return true;
        v->nr_unfinished--;
        put_page(pg);
    }
    return false;
}
