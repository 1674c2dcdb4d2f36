/* SPDX-License-Identifier: MIT */
/*
 * The xenstore protocol: messages of a header and len bytes of payload, over the page that
 * start_info.store_mfn names or over the daemon's socket. A reply carries the request's type,
 * req_id and tx_id, or the type XS_ERROR and the name of an error. Texts in a payload are
 * zero-terminated unless they end it.
 */
#ifndef _XS_WIRE_H
#define _XS_WIRE_H

#include "../xen-compat.h"

enum xsd_sockmsg_type {
    XS_CONTROL,           /* command and arguments, for the control domain */
#define XS_DEBUG XS_CONTROL
    XS_DIRECTORY,         /* path; reply: names */
    XS_READ,              /* path; reply: value */
    XS_GET_PERMS,         /* path; reply: permissions, the first is the owner's */
    XS_WATCH,             /* path, token; fires once at once */
    XS_UNWATCH,           /* path, token */
    XS_TRANSACTION_START, /* empty; reply: its number in decimal */
    XS_TRANSACTION_END,   /* "T" or "F"; EAGAIN: conflict, do it again */
    XS_INTRODUCE,         /* domid, mfn, port: a new domain */
    XS_RELEASE,           /* domid */
    XS_GET_DOMAIN_PATH,   /* domid; reply: path */
    XS_WRITE,             /* path, value */
    XS_MKDIR,             /* path */
    XS_RM,                /* path */
    XS_SET_PERMS,         /* path, permissions */
    XS_WATCH_EVENT,       /* from the daemon: path, token */
    XS_ERROR,             /* from the daemon: name of an error */
    XS_IS_DOMAIN_INTRODUCED, /* domid; reply: "T" or "F" */
    XS_RESUME,            /* domid */
    XS_SET_TARGET,        /* domid, domid: the first acts for the second */
    XS_RESET_WATCHES = XS_SET_TARGET + 2, /* empty; drops watches and transactions */
    XS_DIRECTORY_PART,    /* path, offset; reply: generation count, names */

    XS_TYPE_COUNT,

    XS_INVALID = 0xffff
};

#define XS_WRITE_NONE        "NONE"
#define XS_WRITE_CREATE      "CREATE"
#define XS_WRITE_CREATE_EXCL "CREATE|EXCL"

/* Error numbers and their names, for includers that have errno.h's. */
struct xsd_errors {
    int errnum;
    const char *errstring;
};
#ifdef EINVAL
#define XSD_ERROR(x) { x, #x }
static const struct xsd_errors xsd_errors[] __attribute__((unused)) = {
    XSD_ERROR(EINVAL),
    XSD_ERROR(EACCES),
    XSD_ERROR(EEXIST),
    XSD_ERROR(EISDIR),
    XSD_ERROR(ENOENT),
    XSD_ERROR(ENOMEM),
    XSD_ERROR(ENOSPC),
    XSD_ERROR(EIO),
    XSD_ERROR(ENOTEMPTY),
    XSD_ERROR(ENOSYS),
    XSD_ERROR(EROFS),
    XSD_ERROR(EBUSY),
    XSD_ERROR(EAGAIN),
    XSD_ERROR(EISCONN),
    XSD_ERROR(E2BIG),
    XSD_ERROR(EPERM),
};
#endif

struct xsd_sockmsg {
    uint32_t type;   /* XS_... */
    uint32_t req_id; /* chosen by the client */
    uint32_t tx_id;  /* transaction, 0: none */
    uint32_t len;    /* bytes that follow, at most XENSTORE_PAYLOAD_MAX */
};

/* The two texts of a watch event. */
enum xs_watch_type {
    XS_WATCH_PATH = 0,
    XS_WATCH_TOKEN
};

/*
 * The page. Its indices and the order of reading, writing and notifying are as in the console page.
 */
#define XENSTORE_RING_SIZE 1024
typedef uint32_t XENSTORE_RING_IDX;
#define MASK_XENSTORE_IDX(idx) ((idx) & (XENSTORE_RING_SIZE - 1))
struct xenstore_domain_interface {
    char req[XENSTORE_RING_SIZE]; /* to the daemon */
    char rsp[XENSTORE_RING_SIZE]; /* replies and watch events */
    XENSTORE_RING_IDX req_cons, req_prod;
    XENSTORE_RING_IDX rsp_cons, rsp_prod;
    uint32_t server_features; /* XENSTORE_SERVER_FEATURE_... */
    uint32_t connection;      /* XENSTORE_CONNECTED, or XENSTORE_RECONNECT written by the guest */
    uint32_t error;           /* XENSTORE_ERROR_... */
};

/* Sizes in bytes. */
#define XENSTORE_PAYLOAD_MAX  4096
#define XENSTORE_ABS_PATH_MAX 3072
#define XENSTORE_REL_PATH_MAX 2048

#define XENSTORE_SERVER_FEATURE_RECONNECTION 1 /* connection is heeded */
#define XENSTORE_SERVER_FEATURE_ERROR        2 /* error is filled in */

#define XENSTORE_CONNECTED 0
#define XENSTORE_RECONNECT 1 /* forget all that is in flight and start over */

#define XENSTORE_ERROR_NONE    0
#define XENSTORE_ERROR_COMM    1
#define XENSTORE_ERROR_RINGIDX 2
#define XENSTORE_ERROR_PROTO   3

#endif
