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

/*
 * The slots of a ring of one page (xen/io/blkif.h). A request keeps its record until its answer is
 * in the ring, so a frontend that keeps to the ring's size can't use them up; one that does not is
 * found by its index before a record is taken (take_requests()).
 */
#define BLKBACK_REQUESTS 32u

struct blkback;

/*
 * A request from the moment it is taken until it is answered. In between it is in one of three
 * places: in a batch whose grants are not mapped yet, with the disk, or among those that ended and
 * wait to be unmapped. bio.nr_segments says how many of the handles are mappings that we hold.
 */
struct blkback_request {
    struct blkback *owner;
    struct bio bio;
    uint64_t id;                        /* the frontend's */
    uint8_t operation;
    int16_t status;                     /* the answer, once there is one */
    grant_handle_t handle[BLKIF_MAX_SEGMENTS_PER_REQUEST];
    struct blkback_request *next;       /* among the free ones, or those that ended */
};

/*
 * A ring that is served. backends.c fills in the first five fields before it connects, and may
 * change them while nothing is connected; the rest is block.c's.
 *
 * connected, ending and under_way tell where a connection is in its life:
 *     not connected               nothing is mapped, nothing is bound
 *     connected                   requests are taken
 *     connected, ending           none is; those under way end at the disk
 *     the same, under_way is 0    blkback_disconnect() will undo the mapping
 */
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

/*
 * Maps the ring and starts to serve it: 0, or a negative errno and nothing is left. @ring and @port
 * are the frontend's word: a reference that it granted, and a port that it opened for us. Whatever
 * is in the ring by then counts as new.
 */
int blkback_connect(struct blkback *b, grant_ref_t ring, evtchn_port_t port);
/*
 * Takes requests, up to a limit; more says whether it should be called again. For a thread, which
 * has its turn among others: here the frontend's right to interrupt them begins anew.
 */
void blkback_serve(struct blkback *b);
/*
 * Stops taking requests, also from within an event handler; why is printed unless NULL. Only the
 * first call does anything. There are no more answers after it, not even to what is under way: the
 * frontend has lost its right to them, or is gone.
 */
void blkback_end(struct blkback *b, const char *why);
/*
 * Once nothing is under way: undoes the mapping, closes the port, and returns true; then the record
 * can be connected again, or freed. Until then false, and attention() will say when to ask again.
 */
bool blkback_disconnect(struct blkback *b);

#endif
