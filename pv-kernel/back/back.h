/* SPDX-License-Identifier: MIT */
/*
 * The backend of disks: backends.c follows the xenstore (who is to be served, in which state),
 * block.c serves a connected ring.
 *
 * The other domain may write anything into the ring and into its nodes, at any time, and may die.
 * A connection that breaks a rule ends, with one line that says why: from then on nothing is taken
 * from the ring, what is under way at the disk ends, and then every mapping is undone.
 */
#ifndef PVK_BACK_H
#define PVK_BACK_H

#include "block/block.h"
#include <pvguest/gnttab.h>
#include <xen/io/blkif.h>

#define BLKBACK_REQUESTS 32u

struct blkback;

struct blkback_request {
    struct blkback *owner;
    struct bio bio;
    uint64_t id;                        /* the frontend's */
    uint8_t operation;
    int16_t status;                     /* the answer, once there is one */
    grant_handle_t handle[BLKIF_MAX_SEGMENTS_PER_REQUEST];
    struct blkback_request *next;       /* among the free ones, or those that ended */
};

/* A ring that is served. */
struct blkback {
    domid_t domid;
    unsigned int vdev;
    bool readonly;
    struct block_device *bdev;
    /* Called, also by event handlers, when more or ending were set, or under_way became 0. */
    void (*attention)(struct blkback *b);

    bool connected;                     /* the ring is mapped */
    bool ending;                        /* nothing is taken from it any more */
    bool more;                          /* it may hold more: blkback_serve */
    unsigned int events;                /* served where they arrived since blkback_serve */
    bool held;                          /* the port is masked until then */
    struct blkif_back_ring ring;
    RING_IDX answered;                  /* responses up to here are published */
    struct pv_grant_page page;
    evtchn_port_t port;
    unsigned int under_way;             /* requests that are taken and not yet answered */
    struct blkback_request request[BLKBACK_REQUESTS];
    struct blkback_request *free;
    struct blkback_request *ended, **last_ended;    /* in order; finish is deferred */
    struct block_work finish;
};

/* Maps the ring and starts to serve it: 0, or a negative errno and nothing is left. */
int blkback_connect(struct blkback *b, grant_ref_t ring, evtchn_port_t port);
/*
 * Takes requests, up to a limit; more says whether it should be called again. For a thread, which
 * has its turn among others: here the frontend's right to interrupt them begins anew.
 */
void blkback_serve(struct blkback *b);
/* Stops taking requests; why is printed unless NULL. */
void blkback_end(struct blkback *b, const char *why);
/* Once nothing is under way: undoes the mapping, and returns true. */
bool blkback_disconnect(struct blkback *b);

#endif
