/* SPDX-License-Identifier: MIT */
/*
 * The block device protocol, front end in the guest, back end in the driver domain.
 *
 * The two meet in xenstore. Each side has a directory, device/vbd/<id> and
 * backend/vbd/<domid>/<id>, with a "state" (1 initialising, 2 waiting for the other, 3 initialised,
 * 4 connected, 5 closing, 6 closed). The front end writes
 *     ring-ref (or ring-page-order, ring-ref0, ...), event-channel, protocol ("x86_64-abi")
 * and goes to 3. The back end maps the ring, writes
 *     sectors, sector-size, info (VDISK_...), feature-flush-cache, feature-barrier,
 *     feature-discard,
 *     feature-persistent, feature-max-indirect-segments, max-ring-page-order
 * and goes to 4; then so does the front end. Sectors in requests are of 512 bytes whatever
 * sector-size says.
 */
#ifndef __XEN_PUBLIC_IO_BLKIF_H__
#define __XEN_PUBLIC_IO_BLKIF_H__

#include "ring.h"
#include "../grant_table.h"

#ifndef blkif_vdev_t
#define blkif_vdev_t uint16_t
#endif
#define blkif_sector_t uint64_t

/* Operations. Those after WRITE only if the back end says that it can (BLKIF_RSP_EOPNOTSUPP). */
#define BLKIF_OP_READ            0
#define BLKIF_OP_WRITE           1
#define BLKIF_OP_WRITE_BARRIER   2 /* after all before it, before all after it */
#define BLKIF_OP_FLUSH_DISKCACHE 3 /* what was answered is on the disk when this is answered */
#define BLKIF_OP_RESERVED_1      4
#define BLKIF_OP_DISCARD         5 /* blkif_request_discard */
#define BLKIF_OP_INDIRECT        6 /* blkif_request_indirect */

#define BLKIF_MAX_SEGMENTS_PER_REQUEST       11
#define BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST 8

/* A part of a granted frame: sectors of 512 bytes, 0 to 7, both included. */
struct blkif_request_segment {
    grant_ref_t gref;
    uint8_t first_sect, last_sect;
};

struct blkif_request {
    uint8_t operation;            /* BLKIF_OP_... */
    uint8_t nr_segments;
    blkif_vdev_t handle;          /* of the device */
    uint64_t id;                  /* comes back in the response */
    blkif_sector_t sector_number; /* where on the disk */
    struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};
typedef struct blkif_request blkif_request_t;

/* The same slot for a discard. */
struct blkif_request_discard {
    uint8_t operation; /* BLKIF_OP_DISCARD */
    uint8_t flag;
#define BLKIF_DISCARD_SECURE (1 << 0) /* the data must not be recoverable */
    blkif_vdev_t handle;
    uint64_t id;
    blkif_sector_t sector_number;
    uint64_t nr_sectors;
};
typedef struct blkif_request_discard blkif_request_discard_t;

/*
 * The same slot for a long transfer: the segments, 512 to a frame, are in granted frames of their
 * own.
 */
struct blkif_request_indirect {
    uint8_t operation;   /* BLKIF_OP_INDIRECT */
    uint8_t indirect_op; /* BLKIF_OP_READ or BLKIF_OP_WRITE */
    uint16_t nr_segments;
    uint64_t id;
    blkif_sector_t sector_number;
    blkif_vdev_t handle;
    grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
};
typedef struct blkif_request_indirect blkif_request_indirect_t;

struct blkif_response {
    uint64_t id;       /* from the request */
    uint8_t operation; /* from the request */
    int16_t status;    /* BLKIF_RSP_... */
};
typedef struct blkif_response blkif_response_t;

#define BLKIF_RSP_EOPNOTSUPP -2
#define BLKIF_RSP_ERROR      -1
#define BLKIF_RSP_OKAY       0

DEFINE_RING_TYPES(blkif, struct blkif_request, struct blkif_response);

/* Bits of "info". */
#define VDISK_CDROM     0x1
#define VDISK_REMOVABLE 0x2
#define VDISK_READONLY  0x4

#endif
