/* SPDX-License-Identifier: MIT */
/*
 * What a frame is used as: the safety of the whole system.
 *
 * The invariant: no frame is mapped writable by a guest while it is a page table or a descriptor
 * page; and every entry of a page-table frame names only frames that its domain may use in that
 * way, and holds a reference on each.
 *
 * Why it holds. A frame has one use at a time, and a count of the holders of that use. A
 * writable mapping is a holder of USE_WRITABLE; an entry that names a table, a loaded root, and
 * a pin are holders of USE_L1 to USE_L4; a loaded GDT or LDT page, of USE_SEGDESC. The use changes
 * only while nobody holds it. A table is validated when its count leaves zero: each entry is
 * checked and takes the reference and use of what it names, one level down; it is devalidated when
 * the count returns to zero: each gives them back. In between, entries change only through
 * pt_update.c, which takes before it drops. Stale TLB entries are mappings too: before a frame
 * takes up another use than its last, every CPU flushes that has not flushed since that last use
 * ended (tlb.c's stamps); this also covers paging-structure caches that still lead through it.
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
#include "mm/pt_entry.h"

/* Progress through a table, while BUSY. */
struct walk {
    struct page *pg;
    enum page_use use;
    unsigned int index;     /* entries below hold their references */
    bool child;             /* the entry at index holds a bare reference */
    u64 has;                /* the entries below that name another level-4 table, in the word */
    bool was_partial;       /* the frame holds a reference on itself */
};

static u64 *table_of(struct page *pg)
{
    return mfn_to_virt(page_to_mfn(pg));
}

/* Most entries of most tables are empty: the first present one from @i up; PTE_COUNT: none. */
static unsigned int present_from(const u64 *table, unsigned int i)
{
    while (i < PTE_COUNT && !(table[i] & PTE_P))
        i++;
    return i;
}

/* One more than the last present one below @end; 0: none. */
static unsigned int present_below(const u64 *table, unsigned int end)
{
    while (end > 0 && !(table[end - 1] & PTE_P))
        end--;
    return end;
}

/* ---- Upwards: take ---- */

/* @level, here and in take_entries(), is w->use's: a constant where it is 1. */
static always_inline int take_entry(struct walk *w, const struct domain *d, unsigned int level,
                                    u64 *slot)
{
    u64 pte = READ_ONCE(*slot);     /* judged, and what is judged is used */
    int rc;

    if (level > 1 && w->child) {
        /* An earlier try left the reference; only the use is missing. */
        rc = get_page_type(mfn_to_page(pte_mfn(pte)), (enum page_use)(w->use - 1));
        if (rc == 0)
            w->child = false;
        return rc;
    }
    if (!pte_flags_ok(level, pte, d))
        return -EINVAL;
    rc = pte_get(level, pte, d, d->id);
    if (level == 4 && rc == -EINVAL)
        rc = linear_get(w->pg, pte, &w->has);
    if (rc == 0 && pte_adjust(level, pte) != pte)
        *slot = pte_adjust(level, pte);
    return rc;
}

static always_inline int take_entries(struct walk *w, const struct domain *d, unsigned int level,
                                      u64 *table)
{
    w->index = present_from(table, w->index);
    while (w->index < PTE_COUNT) {
        if (!pte_is_hv_slot(level, w->index)) {
            int rc = take_entry(w, d, level, &table[w->index]);

            if (rc)
                return rc;
        }
        w->index = present_from(table, w->index + 1);
        if (level > 1 && w->index < PTE_COUNT && preempt_needed())
            return -ERESTART;
    }
    return 0;
}

/* The entries that are not present; the others are judged when they are taken. */
static bool absent_entries_ok(const struct walk *w, const struct domain *d, const u64 *table)
{
    if (likely(d->absent_mask == 0))
        return true;
    for (unsigned int i = 0; i < PTE_COUNT; i++)
        if (!(table[i] & PTE_P) && !pte_absent_ok(table[i], d) &&
            !pte_is_hv_slot(w->use - USE_L1 + 1, i))
            return false;
    return true;
}

static int take_table(struct walk *w, const struct domain *d)
{
    u64 *table = table_of(w->pg);
    int rc;

    if (!absent_entries_ok(w, d, table))
        return -EINVAL;
    /* A level-1 table has by far the most entries, and needs the least for each. */
    if (w->use == USE_L1)
        return take_entries(w, d, 1, table);
    rc = take_entries(w, d, w->use - USE_L1 + 1, table);
    if (rc == 0 && w->use == USE_L4)
        hv_install_slots(table);
    return rc;
}

static int take_descriptors(struct walk *w)
{
    u64 *desc = table_of(w->pg);

    for (unsigned int i = 0; i < PTE_COUNT; i++)
        if (!descriptor_ok(&desc[i]))
            return -EINVAL;
    w->index = 0;   /* descriptors hold nothing that a failure would have to drop */
    return 0;
}

/* ---- Downwards: drop ---- */

static int drop_child(struct walk *w)
{
    struct page *child = mfn_to_page(pte_mfn(table_of(w->pg)[w->index]));
    int rc = type_settle(child);

    if (rc)
        return rc;
    put_page(child);
    w->child = false;
    return 0;
}

static always_inline int drop_entry(struct walk *w, unsigned int level, u64 pte)
{
    if (level == 4 && pte_is_linear(w->pg, pte))
        return linear_put(w->pg, pte, &w->has);
    return pte_put(level, pte);
}

static always_inline int drop_entries(struct walk *w, unsigned int level, u64 *table)
{
    w->index = present_below(table, w->index);
    while (w->index > 0) {
        unsigned int i = w->index - 1;

        if (!pte_is_hv_slot(level, i) && drop_entry(w, level, table[i])) {
            w->index = i;
            w->child = true;
            return -ERESTART;
        }
        w->index = present_below(table, i);
        if (level > 1 && w->index > 0 && preempt_needed())
            return -ERESTART;
    }
    return 0;
}

static int drop_table(struct walk *w)
{
    if (w->child && drop_child(w))
        return -ERESTART;
    if (w->use == USE_L1)
        return drop_entries(w, 1, table_of(w->pg));
    return drop_entries(w, w->use - USE_L1 + 1, table_of(w->pg));
}

/* ---- The moves out of BUSY ---- */

static void end_partial(struct walk *w)
{
    u64 word = type_make(w->use) | TYPE_PARTIAL | w->has | w->index;

    if (w->child)
        word |= TYPE_CHILD;
    if (!w->was_partial)
        get_page_again(w->pg);
    store_release(&w->pg->type, word);
}

static void end_settled(struct walk *w, u64 word)
{
    store_release(&w->pg->type, word);
    if (w->was_partial)
        put_page(w->pg);
}

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

/* @linear: what else goes from the word, in the same step. */
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

enum page_use page_use(const struct page *pg)
{
    u64 word = READ_ONCE(pg->type);

    return word & TYPE_LIVE ? type_use(word) : USE_NONE;
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

bool mm_put_pending(const struct vcpu *v)
{
    return v->nr_unfinished != 0;
}

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
