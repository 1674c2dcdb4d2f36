/* SPDX-License-Identifier: MIT */
/*
 * A domain made by hand, as a toolstack makes one: a handful of pages, its own tables, one vCPU and
 * one event channel. Included by child.S too.
 */
#ifndef CONF_CHILD_H
#define CONF_CHILD_H

/* Offsets in the shared page. */
#define SHARED_WORD   0
#define SHARED_ANSWER 8
#define SHARED_COUNT  16
#define SHARED_PORT   24
#define SHARED_REASON 28
#define SHARED_POLL   32    /* struct sched_poll */
#define SHARED_OPS    64    /* two struct mmuext_op */
#define SHARED_CALL   128   /* number and four arguments */
#define SHARED_FPU    1024  /* an FXSAVE image */

#define SHARED_INFO_PENDING 2048

#ifdef __ASSEMBLY__
#include <xen/xen.h>
#include <xen/sched.h>
#include <xen/event_channel.h>
#else
#include "../lib/case.h"

struct shared {
    uint64_t word, answer, count;
    evtchn_port_t port;
    uint32_t reason;
    struct sched_poll poll;
    uint64_t pad;
    struct mmuext_op ops[2];
    uint64_t pad2[2];
    uint64_t call[5];
};

/* The child's pages, by pfn; all mapped from CHILD_BASE on, tables read-only. */
enum {
    CHILD_CODE, CHILD_SHARED, CHILD_DATA, CHILD_L1, CHILD_L2, CHILD_L3, CHILD_L4,
    TREE_L1, TREE_L2, TREE_L3, TREE_L4,     /* for child_pins: not part of its own tables */
    CHILD_PAGES
};
#define CHILD_BASE 0xffffffff80000000UL
#define CHILD_INFO (CHILD_BASE + CHILD_PAGES * PV_PAGE_SIZE)    /* its shared_info */

struct child {
    domid_t id;
    pv_mfn_t mfn[CHILD_PAGES];
    volatile struct shared *shared;     /* its shared page, mapped here */
    evtchn_port_t port;                 /* our end of the channel */
    uint64_t va;                        /* where its pages are mapped while it is built */
};

extern const char child_code[], child_echo[], child_spin[], child_crash[], child_shutdown[];
extern const char child_pins[], child_call[], child_calls_on[];
extern const char child_fpu[];

/* How many frames of mappings a new domain may have; -1: the hypervisor's usual number. */
extern int32_t child_maptrack_frames;

/* domctl, with the version filled in; the command on a domain without arguments. */
long domctl(struct xen_domctl *op);
long domctl_simple(uint32_t cmd, domid_t id);
long domain_info(domid_t id, struct xen_domctl_getdomaininfo *info);
/* A domain without memory; its id, or the errno. */
struct xen_domctl create_op(void);
long create_domain(void);

/* Makes a child that is ready to be unpaused; false (and a failed check) if a step fails. */
bool child_build(struct child *c, const char *program);
/* Takes away what we map of it and our end of the channel. */
void child_let_go(struct child *c);
/* Destroys it, after letting go: 0, and it is no more. */
long child_destroy(struct child *c);

/* The event of the channel, and the word answered. */
bool child_echoes(struct child *c, uint64_t token);
/* Gives others the CPU until the condition holds; if it does not, in the end gives up. */
#define WAIT_FOR(cond) WAIT_SECONDS(cond, 60)
#define WAIT_SECONDS(cond, seconds)                                                        \
    ({                                                                                     \
        uint64_t end_ = pv_system_time() + (seconds) * PV_NS_PER_SEC;                      \
        while (!(cond) && pv_system_time() < end_)                                         \
            HYPERVISOR_sched_op(SCHEDOP_yield, NULL);                                      \
        (cond);                                                                            \
    })

/* Free frames of the machine, those that are still being cleaned among them. */
uint64_t machine_free_pages(void);
/* The same before a test: the hypervisor's own pools have grown, and nothing is still to come. */
uint64_t free_pages_at_rest(void);
/* All that was free then is free again. In Xen something may still have been to come then. */
bool free_pages_are_back(uint64_t before);
#endif
#endif
