/* SPDX-License-Identifier: MIT */
/*
 * The network protocol, front end in the guest, back end in the driver domain. Two rings: tx
 * carries packets from the guest, rx buffers to it and packets back in them.
 *
 * The two meet in xenstore, in device/vif/<n> and backend/vif/<domid>/<n>, with a "state" as in
 * blkif.h. The front end writes
 *     tx-ring-ref, rx-ring-ref, event-channel (or event-channel-tx and event-channel-rx),
 *     request-rx-copy = 1,
 *     feature-sg, feature-gso-tcpv4, feature-gso-tcpv6, feature-rx-notify, feature-no-csum-offload
 * (with several queues, each queue's first three under queue-<n>/, and multi-queue-num-queues), the
 * back end
 *     feature-rx-copy, feature-sg, feature-gso-..., feature-split-event-channels,
 *     multi-queue-max-queues,
 *     feature-multicast-control, feature-ctrl-ring
 *
 * A packet is one slot, or several chained by NETTXF_more_data, NETRXF_more_data. After the first
 * slot may come extra_info slots, announced by ..._extra_info and chained by
 * XEN_NETIF_EXTRA_FLAG_MORE.
 */
#ifndef __XEN_PUBLIC_IO_NETIF_H__
#define __XEN_PUBLIC_IO_NETIF_H__

#include "ring.h"
#include "../grant_table.h"

/* Every back end takes packets of this many slots. */
#define XEN_NETIF_NR_SLOTS_MIN 18

/* netif_tx_request.flags */
#define _NETTXF_csum_blank     (0) /* the checksum is to be filled in */
#define NETTXF_csum_blank      (1U << _NETTXF_csum_blank)
#define _NETTXF_data_validated (1) /* the checksum is known to be good, or was not needed */
#define NETTXF_data_validated  (1U << _NETTXF_data_validated)
#define _NETTXF_more_data      (2) /* the packet goes on in the next slot */
#define NETTXF_more_data       (1U << _NETTXF_more_data)
#define _NETTXF_extra_info     (3) /* an extra_info slot follows */
#define NETTXF_extra_info      (1U << _NETTXF_extra_info)

/* netif_rx_response.flags */
#define _NETRXF_data_validated (0)
#define NETRXF_data_validated  (1U << _NETRXF_data_validated)
#define _NETRXF_csum_blank     (1)
#define NETRXF_csum_blank      (1U << _NETRXF_csum_blank)
#define _NETRXF_more_data      (2)
#define NETRXF_more_data       (1U << _NETRXF_more_data)
#define _NETRXF_extra_info     (3)
#define NETRXF_extra_info      (1U << _NETRXF_extra_info)
#define _NETRXF_gso_prefix     (4) /* this slot holds the header of a large packet */
#define NETRXF_gso_prefix      (1U << _NETRXF_gso_prefix)

/* Bytes of a packet at most. */
#define XEN_NETIF_MAX_TX_SIZE 0xFFFF

/*
 * A packet, or part of one. In the first slot size is that of the whole packet, in the others that
 * of the part.
 */
struct netif_tx_request {
    grant_ref_t gref;
    uint16_t offset; /* bytes into the frame */
    uint16_t flags;  /* NETTXF_... */
    uint16_t id;     /* comes back in the response */
    uint16_t size;
};
typedef struct netif_tx_request netif_tx_request_t;

/* netif_extra_info.type */
#define XEN_NETIF_EXTRA_TYPE_NONE      (0)
#define XEN_NETIF_EXTRA_TYPE_GSO       (1)
#define XEN_NETIF_EXTRA_TYPE_MCAST_ADD (2)
#define XEN_NETIF_EXTRA_TYPE_MCAST_DEL (3)
#define XEN_NETIF_EXTRA_TYPE_HASH      (4)
#define XEN_NETIF_EXTRA_TYPE_MAX       (5)

/* netif_extra_info.flags */
#define _XEN_NETIF_EXTRA_FLAG_MORE (0) /* another one follows */
#define XEN_NETIF_EXTRA_FLAG_MORE  (1U << _XEN_NETIF_EXTRA_FLAG_MORE)

/* netif_extra_info.u.gso.type */
#define XEN_NETIF_GSO_TYPE_NONE  (0)
#define XEN_NETIF_GSO_TYPE_TCPV4 (1)
#define XEN_NETIF_GSO_TYPE_TCPV6 (2)

/* A slot that says more about a packet, as large as a tx request or an rx response. */
struct netif_extra_info {
    uint8_t type;
    uint8_t flags;
    union {
        struct {
            uint16_t size; /* payload bytes of each segment to cut the packet into */
            uint8_t type;  /* XEN_NETIF_GSO_TYPE_... */
            uint8_t pad;
            uint16_t features;
        } gso;
        struct {
            uint8_t addr[6]; /* multicast address to listen to, or not any more */
        } mcast;
        struct {
            uint8_t type;      /* bit number of XEN_NETIF_CTRL_HASH_TYPE_... */
            uint8_t algorithm; /* XEN_NETIF_CTRL_HASH_ALGORITHM_... */
            uint8_t value[4];
        } hash;
        uint16_t pad[3];
    } u;
};
typedef struct netif_extra_info netif_extra_info_t;

struct netif_tx_response {
    uint16_t id;
    int16_t status; /* NETIF_RSP_...; _NULL for the slot of an extra_info */
};
typedef struct netif_tx_response netif_tx_response_t;

/* A buffer of a whole frame. */
struct netif_rx_request {
    uint16_t id;
    uint16_t pad;
    grant_ref_t gref;
};
typedef struct netif_rx_request netif_rx_request_t;

struct netif_rx_response {
    uint16_t id;
    uint16_t offset; /* bytes into the frame */
    uint16_t flags;  /* NETRXF_... */
    int16_t status;  /* bytes, or a negative NETIF_RSP_... */
};
typedef struct netif_rx_response netif_rx_response_t;

#define NETIF_RSP_DROPPED -2
#define NETIF_RSP_ERROR   -1
#define NETIF_RSP_OKAY    0
#define NETIF_RSP_NULL    1

DEFINE_RING_TYPES(netif_tx, struct netif_tx_request, struct netif_tx_response);
DEFINE_RING_TYPES(netif_rx, struct netif_rx_request, struct netif_rx_response);

/*
 * The control ring (feature-ctrl-ring; the front end writes ctrl-ring-ref and event-channel-ctrl):
 * how the back end spreads packets over queues, and grants that it may keep mapped.
 */
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV4     0
#define XEN_NETIF_CTRL_HASH_TYPE_IPV4      (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV4)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP 1
#define XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP  (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV6     2
#define XEN_NETIF_CTRL_HASH_TYPE_IPV6      (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV6)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP 3
#define XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP  (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

#define XEN_NETIF_CTRL_HASH_ALGORITHM_NONE     0
#define XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ 1

struct xen_netif_ctrl_request {
    uint16_t id;
    uint16_t type;
#define XEN_NETIF_CTRL_TYPE_INVALID               0
#define XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS        1
#define XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS        2
#define XEN_NETIF_CTRL_TYPE_SET_HASH_KEY          3
#define XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE 4
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE 5
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING      6
#define XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM    7
#define XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE 8
#define XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING      9
#define XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING      10
    uint32_t data[3];
};

struct xen_netif_ctrl_response {
    uint16_t id;
    uint16_t type;
    uint32_t status;
#define XEN_NETIF_CTRL_STATUS_SUCCESS           0
#define XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED     1
#define XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER 2
#define XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW   3
    uint32_t data;
};

/* An entry of the lists of ADD_GREF_MAPPING and DEL_GREF_MAPPING. */
struct xen_netif_gref {
    grant_ref_t ref;
    uint16_t flags;
#define _XEN_NETIF_CTRLF_GREF_readonly 0
#define XEN_NETIF_CTRLF_GREF_readonly  (1U << _XEN_NETIF_CTRLF_GREF_readonly)
    uint16_t status; /* OUT: XEN_NETIF_CTRL_STATUS_... */
};

DEFINE_RING_TYPES(xen_netif_ctrl, struct xen_netif_ctrl_request, struct xen_netif_ctrl_response);

#endif
