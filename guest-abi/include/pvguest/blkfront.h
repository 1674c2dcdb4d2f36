/* SPDX-License-Identifier: MIT */
/*
 * A disk that another domain serves (xen/io/blkif.h): the frontend, for any guest kernel.
 *
 * The kernel watches the backend's directory, and after each change calls pv_blkfront_update in
 * ordinary context, which walks the two sides through their states.  While the disk is connected,
 * requests may be submitted, in ordinary context or in event handlers, and are sent, any number of
 * them at once, by pv_blkfront_push.  Each ends by its done() callback, from an event handler, from
 * pv_blkfront_update or from pv_blkfront_close.  What done() itself submits needs no push: it is
 * sent when all answers that came with this one have been taken.
 *
 * The frames of a request are granted while it is under way.  A backend that answers and yet keeps
 * one of them mapped breaks the protocol: the connection ends, and the request does not before the
 * backend lets go, which pv_blkfront_update looks for also once the disk is closed.
 */
#ifndef PVGUEST_BLKFRONT_H
#define PVGUEST_BLKFRONT_H

#include <pvguest/gnttab.h>
#include <pvguest/types.h>
#include <pvguest/xenbus.h>
#include <xen/io/blkif.h>

#define PV_BLK_REQUESTS  32u            /* under way at a time */
#define PV_BLK_SEGMENTS  BLKIF_MAX_SEGMENTS_PER_REQUEST
#define PV_BLK_PATH      80

/* A part of a frame: sectors of 512 bytes, 0 to 7, both included. */
struct pv_blk_segment {
    pv_mfn_t mfn;
    uint8_t first, last;
};

/* The caller's until submitted, and again from done() on. */
struct pv_blk_request {
    uint8_t op;                         /* BLKIF_OP_READ, _WRITE or _FLUSH_DISKCACHE */
    uint8_t nr_segments;
    uint64_t sector;                    /* in units of 512 bytes */
    struct pv_blk_segment segment[PV_BLK_SEGMENTS];
    void (*done)(struct pv_blk_request *request, int error);    /* 0 or negative errno */
    void *private;
};

struct pv_blkfront {
    /* What the disk is, once the state is PV_STATE_CONNECTED. */
    enum pv_xenbus_state state;         /* ours */
    uint64_t sectors;                   /* of 512 bytes */
    bool readonly, has_flush;
    unsigned int vdev;                  /* as Linux numbers it: 51712 is xvda */

    char dir[PV_BLK_PATH], backend[PV_BLK_PATH];
    domid_t backend_id;
    /* Called by an event handler when pv_blkfront_update must be called without a change. */
    void (*failed)(struct pv_blkfront *front);
    void *private;

    /* The library's. */
    struct blkif_front_ring ring;
    RING_IDX pushed;                    /* requests up to here are the backend's to take */
    grant_ref_t ring_ref;
    evtchn_port_t port;
    bool told;                          /* the backend, that we close */
    unsigned int nr_free;
    uint8_t free[PV_BLK_REQUESTS];
    struct {
        struct pv_blk_request *request; /* NULL: the slot is free */
        grant_ref_t ref[PV_BLK_SEGMENTS];   /* 0: taken back */
    } slot[PV_BLK_REQUESTS];
};

/* Reads who serves the disk of directory device/vbd/N; then set `failed`.  0 or negative errno. */
int pv_blkfront_init(struct pv_blkfront *front, const char *dir);
/* Acts on the backend's state; returns ours.  PV_STATE_CLOSED is the end. */
enum pv_xenbus_state pv_blkfront_update(struct pv_blkfront *front);
/*
 * Takes a request for the next push: 0, and done() will come; -XEN_EBUSY: not before another one
 * ends; -XEN_EIO: the disk is not connected; -XEN_EINVAL, -XEN_EROFS, -XEN_ENOSPC.
 */
int pv_blkfront_submit(struct pv_blkfront *front, struct pv_blk_request *request);
/* Sends what was submitted, with one notification at most. */
void pv_blkfront_push(struct pv_blkfront *front);
/*
 * Ends the connection; what is under way ends with -XEN_EIO, but for requests of which the backend
 * keeps frames: those are the library's until a later pv_blkfront_update.
 */
void pv_blkfront_close(struct pv_blkfront *front);

#endif
