/* SPDX-License-Identifier: MIT */
/*
 * Rings of requests and responses in a page that two domains share.
 *
 * The front end produces requests and consumes responses, the back end the other way round; a
 * response takes the slot of a request. Indices run freely over 32 bits and are masked on use, so
 * "a - b" is always a number of entries.
 *
 *     rsp_cons  <=  rsp_prod  <=  req_cons  <=  req_prod  <=  rsp_cons + size
 *     (front)       (shared)      (back)        (shared)
 *
 * Each side has a private view (front_ring, back_ring) with the indices that are its own; it fills
 * entries, moves its private producer index and publishes that with a PUSH macro. To save
 * notifications the consumer writes into *_event the index whose production it wants to hear of.
 * So, producing: push, and notify if the macro says so. Consuming: take all there is, then
 * RING_FINAL_CHECK_FOR_..., and go on if that finds more; only then wait.
 *
 * The other domain may write into the page at any time. Take a private copy of an entry
 * (RING_COPY_...) before looking at it, and check its producer index with a ..._OVERFLOW macro.
 */
#ifndef __XEN_PUBLIC_IO_RING_H__
#define __XEN_PUBLIC_IO_RING_H__

#include "../xen-compat.h"

/* Barriers between processors. An includer with its own defines all three before. */
#ifndef xen_mb
#define xen_mb()  __asm__ volatile ("mfence" ::: "memory")
#define xen_rmb() __asm__ volatile ("" ::: "memory") /* x86 keeps loads in order, and stores */
#define xen_wmb() __asm__ volatile ("" ::: "memory")
#endif

typedef unsigned int RING_IDX;

/* One read of an index that the other side may change at any time. */
#define __XEN_RING_READ(_index) (*(const volatile RING_IDX *)&(_index))

/*
 * Entries in a ring of _sz bytes: as many as fit behind the header, rounded down to a power of two.
 * The first form is a constant and takes the ring's name, the second takes a pointer to the shared
 * ring.
 */
#define __XEN_RING_POW2(_n) (1U << (31 - __builtin_clz((unsigned int)(_n))))
#define __CONST_RING_SIZE(_s, _sz)                                              \
    __XEN_RING_POW2(((_sz) - __builtin_offsetof(struct _s##_sring, ring)) /     \
                    sizeof(((struct _s##_sring *)0)->ring[0]))
#define __RING_SIZE(_s, _sz)                                                    \
    __XEN_RING_POW2(((_sz) - (unsigned long)((char *)(_s)->ring - (char *)(_s))) / \
                    sizeof((_s)->ring[0]))

/* The types of a ring called __name: what is in the page, and each side's view. */
#define DEFINE_RING_TYPES(__name, __req_t, __rsp_t)                             \
    union __name##_sring_entry {                                                \
        __req_t req;                                                            \
        __rsp_t rsp;                                                            \
    };                                                                          \
    struct __name##_sring {                                                     \
        RING_IDX req_prod, req_event;                                           \
        RING_IDX rsp_prod, rsp_event;                                           \
        union {                                                                 \
            struct { uint8_t smartpoll_active; } netif;                         \
            struct { uint8_t msg; } tapif_user;                                 \
            uint8_t pvt_pad[4];                                                 \
        } pvt;                                                                  \
        uint8_t __pad[44];                                                      \
        union __name##_sring_entry ring[1]; /* in truth, as many as fit */      \
    };                                                                          \
    struct __name##_front_ring {                                                \
        RING_IDX req_prod_pvt;                                                  \
        RING_IDX rsp_cons;                                                      \
        unsigned int nr_ents;                                                   \
        struct __name##_sring *sring;                                           \
    };                                                                          \
    struct __name##_back_ring {                                                 \
        RING_IDX rsp_prod_pvt;                                                  \
        RING_IDX req_cons;                                                      \
        unsigned int nr_ents;                                                   \
        struct __name##_sring *sring;                                           \
    };                                                                          \
    typedef struct __name##_sring __name##_sring_t;                             \
    typedef struct __name##_front_ring __name##_front_ring_t;                   \
    typedef struct __name##_back_ring __name##_back_ring_t

/*
 * Setting up. The front end clears the shared header and makes its view; the back end makes its
 * view once it has mapped the page. ATTACH starts at an index other than 0, for a side that comes
 * back to a ring in use.
 */
#define SHARED_RING_INIT(_s)                                                    \
    do {                                                                        \
        (_s)->req_prod = (_s)->rsp_prod = 0;                                    \
        (_s)->req_event = (_s)->rsp_event = 1;                                  \
        __builtin_memset(&(_s)->pvt, 0, sizeof((_s)->pvt));                     \
        __builtin_memset((_s)->__pad, 0, sizeof((_s)->__pad));                  \
    } while (0)

#define FRONT_RING_ATTACH(_r, _s, _i, __size)                                   \
    do {                                                                        \
        (_r)->req_prod_pvt = (_i);                                              \
        (_r)->rsp_cons = (_i);                                                  \
        (_r)->nr_ents = __RING_SIZE(_s, __size);                                \
        (_r)->sring = (_s);                                                     \
    } while (0)

#define BACK_RING_ATTACH(_r, _s, _i, __size)                                    \
    do {                                                                        \
        (_r)->rsp_prod_pvt = (_i);                                              \
        (_r)->req_cons = (_i);                                                  \
        (_r)->nr_ents = __RING_SIZE(_s, __size);                                \
        (_r)->sring = (_s);                                                     \
    } while (0)

#define FRONT_RING_INIT(_r, _s, __size) FRONT_RING_ATTACH(_r, _s, 0, __size)
#define BACK_RING_INIT(_r, _s, __size)  BACK_RING_ATTACH(_r, _s, 0, __size)

#define XEN_FRONT_RING_INIT(r, s, size)                                         \
    do {                                                                        \
        SHARED_RING_INIT(s);                                                    \
        FRONT_RING_INIT(r, s, size);                                            \
    } while (0)

/* Of either view: number of entries. Of a front end: slots free for requests. */
#define RING_SIZE(_r)          ((_r)->nr_ents)
#define RING_FREE_REQUESTS(_r) (RING_SIZE(_r) - ((_r)->req_prod_pvt - (_r)->rsp_cons))
#define RING_FULL(_r)          (RING_FREE_REQUESTS(_r) == 0)

/*
 * Entries to consume. A back end never sees more requests than it has slots to answer, whatever the
 * other side wrote.
 */
#define XEN_RING_NR_UNCONSUMED_RESPONSES(_r) \
    (__XEN_RING_READ((_r)->sring->rsp_prod) - (_r)->rsp_cons)
#define XEN_RING_NR_UNCONSUMED_REQUESTS(_r)                                     \
    (__extension__({                                                            \
        RING_IDX xr_there_ = __XEN_RING_READ((_r)->sring->req_prod) - (_r)->req_cons; \
        RING_IDX xr_room_ = RING_SIZE(_r) - ((_r)->req_cons - (_r)->rsp_prod_pvt); \
        xr_there_ < xr_room_ ? xr_there_ : xr_room_;                            \
    }))
#define RING_HAS_UNCONSUMED_RESPONSES(_r) (!!XEN_RING_NR_UNCONSUMED_RESPONSES(_r))
#define RING_HAS_UNCONSUMED_REQUESTS(_r)  (!!XEN_RING_NR_UNCONSUMED_REQUESTS(_r))

/* The entry at an index. */
#define RING_GET_REQUEST(_r, _idx)  (&(_r)->sring->ring[(_idx) & (RING_SIZE(_r) - 1)].req)
#define RING_GET_RESPONSE(_r, _idx) (&(_r)->sring->ring[(_idx) & (RING_SIZE(_r) - 1)].rsp)

/* A copy of it; volatile, so that the compiler reads the page once. */
#define RING_COPY_(type, r, idx, dest)                                          \
    do {                                                                        \
        *(dest) = *(volatile __typeof__(dest))RING_GET_##type(r, idx);          \
    } while (0)
#define RING_COPY_REQUEST(r, idx, req)  RING_COPY_(REQUEST, r, idx, req)
#define RING_COPY_RESPONSE(r, idx, rsp) RING_COPY_(RESPONSE, r, idx, rsp)

/* An index that can't be: more requests unanswered than slots, or more responses than requests. */
#define RING_REQUEST_CONS_OVERFLOW(_r, _cons)  (((_cons) - (_r)->rsp_prod_pvt) >= RING_SIZE(_r))
#define RING_REQUEST_PROD_OVERFLOW(_r, _prod)  (((_prod) - (_r)->rsp_prod_pvt) > RING_SIZE(_r))
#define RING_RESPONSE_PROD_OVERFLOW(_r, _prod) (((_prod) - (_r)->rsp_cons) > RING_SIZE(_r))

/* Publish. The entries must be visible before the index that covers them. */
#define RING_PUSH_REQUESTS(_r)                                                  \
    do {                                                                        \
        xen_wmb();                                                              \
        (_r)->sring->req_prod = (_r)->req_prod_pvt;                             \
    } while (0)

#define RING_PUSH_RESPONSES(_r)                                                 \
    do {                                                                        \
        xen_wmb();                                                              \
        (_r)->sring->rsp_prod = (_r)->rsp_prod_pvt;                             \
    } while (0)

/*
 * Publish, and find out whether the consumer asked to be told: whether its event index lies among
 * the entries just published. The index must be visible before the event index is read, or both
 * sides could miss each other.
 */
#define RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(_r, _notify)                        \
    do {                                                                        \
        RING_IDX xr_old_ = (_r)->sring->req_prod;                               \
        RING_IDX xr_new_ = (_r)->req_prod_pvt;                                  \
        RING_PUSH_REQUESTS(_r);                                                 \
        xen_mb();                                                               \
        (_notify) = (RING_IDX)(xr_new_ - __XEN_RING_READ((_r)->sring->req_event)) < \
                    (RING_IDX)(xr_new_ - xr_old_);                              \
    } while (0)

#define RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(_r, _notify)                       \
    do {                                                                        \
        RING_IDX xr_old_ = (_r)->sring->rsp_prod;                               \
        RING_IDX xr_new_ = (_r)->rsp_prod_pvt;                                  \
        RING_PUSH_RESPONSES(_r);                                                \
        xen_mb();                                                               \
        (_notify) = (RING_IDX)(xr_new_ - __XEN_RING_READ((_r)->sring->rsp_event)) < \
                    (RING_IDX)(xr_new_ - xr_old_);                              \
    } while (0)

/* When nothing is left: ask to be told of the next entry, and look once more. */
#define RING_FINAL_CHECK_FOR_REQUESTS(_r, _work_to_do)                          \
    do {                                                                        \
        (_work_to_do) = RING_HAS_UNCONSUMED_REQUESTS(_r);                       \
        if (!(_work_to_do)) {                                                   \
            (_r)->sring->req_event = (_r)->req_cons + 1;                        \
            xen_mb();                                                           \
            (_work_to_do) = RING_HAS_UNCONSUMED_REQUESTS(_r);                   \
        }                                                                       \
    } while (0)

#define RING_FINAL_CHECK_FOR_RESPONSES(_r, _work_to_do)                         \
    do {                                                                        \
        (_work_to_do) = RING_HAS_UNCONSUMED_RESPONSES(_r);                      \
        if (!(_work_to_do)) {                                                   \
            (_r)->sring->rsp_event = (_r)->rsp_cons + 1;                        \
            xen_mb();                                                           \
            (_work_to_do) = RING_HAS_UNCONSUMED_RESPONSES(_r);                  \
        }                                                                       \
    } while (0)

#endif
