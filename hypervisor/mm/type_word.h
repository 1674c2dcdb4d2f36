/* SPDX-License-Identifier: MIT */
/*
 * Word two of a frame in use, and its shortest moves, inline.
 *
 * The states and all legal moves are drawn in page_type.c. Those here are the ones of one step that
 * a guest's work on its page tables consists of: one more holder of a use that has holders, one
 * of several holders less, and the first and last writable mapping of a frame that was nothing
 * else before. Each tries its move once, by the same compare-and-exchange, and leaves all other
 * states, and a word that changes meanwhile, to the functions of page_type.c.
 */
#ifndef MM_TYPE_WORD_H
#define MM_TYPE_WORD_H

#include "mm/mm.h"

/*
 *   [63:60] enum page_use; [59:55] flags; [47:0] by state: the count of uses (LIVE, 32 bits), the
 *   index of the first entry that holds nothing (PARTIAL), or the TLB stamp of the last use (idle).
 *   LIVE and PARTIAL, of level-4 tables only: [41:32] entries of this table that name another
 *   level-4 table, [53:42] such entries of others that name this one (pt_linear.c).
 *
 * _ONE is a field's unit; the name alone is its mask.
 */
#define TYPE_SHIFT      60
#define TYPE_LIVE       (1ull << 59)
#define TYPE_BUSY       (1ull << 58)
#define TYPE_PARTIAL    (1ull << 57)
#define TYPE_CHILD      (1ull << 56)    /* PARTIAL: entry `index` holds a bare reference */
#define TYPE_PINNED     (1ull << 55)    /* one of the uses is the guest's pin */
#define TYPE_PAYLOAD    ((1ull << 48) - 1)
#define TYPE_INDEX      0xffffull       /* PARTIAL */
#define TYPE_HAS_ONE    (1ull << 32)
#define TYPE_HAS        (0x3ffull << 32)
#define TYPE_USED_ONE   (1ull << 42)
#define TYPE_USED       (0xfffull << 42)

static inline u64 type_make(enum page_use use)
{
    return (u64)use << TYPE_SHIFT;
}

static inline enum page_use type_use(u64 type)
{
    return (enum page_use)(type >> TYPE_SHIFT);
}

static inline enum page_use type_live_use(u64 type)
{
    return type & TYPE_LIVE ? type_use(type) : USE_NONE;
}

static inline bool is_table_use(enum page_use use)
{
    return use >= USE_L1 && use <= USE_L4;
}

/* A word that says LIVE(@use, n), and can be LIVE(@use, n + 1). */
static inline bool type_can_share(u64 word, enum page_use use)
{
    /* The refusal at PAGE_REFS_LIMIT leaves no way for the count to wrap. */
    return (word & TYPE_LIVE) && type_use(word) == use && (u32)word < PAGE_REFS_LIMIT;
}

/* A use of @pg only if it has been validated as @use already; never validates. */
static inline bool get_live_type(struct page *pg, enum page_use use)
{
    u64 word = READ_ONCE(pg->type);

    do {
        if (!type_can_share(word, use))
            return false;
    } while (!cas(&pg->type, &word, word + 1));
    return true;
}

/*
 * get_page_type(@pg, USE_WRITABLE). What was idle as writable needs neither a validation nor a
 * flush, so no other CPU has to be kept off meanwhile: not BUSY, but LIVE at once.
 */
static inline int __must_check get_writable(struct page *pg)
{
    u64 word = READ_ONCE(pg->type), next = type_make(USE_WRITABLE) | TYPE_LIVE | 1;

    if (type_can_share(word, USE_WRITABLE))
        next = word + 1;
    else if ((word & ~TYPE_PAYLOAD) != type_make(USE_WRITABLE))
        return get_page_type(pg, USE_WRITABLE);
    return likely(cas(&pg->type, &word, next)) ? 0 : get_page_type(pg, USE_WRITABLE);
}

/* put_page_type(@pg), which is in use. */
static inline void put_live_type(struct page *pg)
{
    u64 word = READ_ONCE(pg->type);

    if (unlikely(!(word & TYPE_LIVE) || (u32)word <= 1 || !cas(&pg->type, &word, word - 1)))
        put_page_type(pg);
}

/* put_page_type(@pg), which is writable. */
static inline void put_writable(struct page *pg)
{
    u64 word = READ_ONCE(pg->type);

    if (word != (type_make(USE_WRITABLE) | TYPE_LIVE | 1) ||
        !cas(&pg->type, &word, type_make(USE_WRITABLE) | TYPE_BUSY)) {
        put_live_type(pg);
        return;
    }
    /* The stamp is taken while the frame is ours, see put_type_slice(). */
    store_release(&pg->type, type_make(USE_WRITABLE) | tlb_stamp());
}

#endif
