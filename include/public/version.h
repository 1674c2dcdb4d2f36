/* SPDX-License-Identifier: MIT */
/*
 * xen_version(cmd, arg): what hypervisor this is. All but the first and the last three fill the
 * type that goes with the command. Errors: -XEN_ENOSYS unknown command, -XEN_EFAULT. Texts that a
 * guest may not see read "<denied>".
 */
#ifndef __XEN_PUBLIC_VERSION_H__
#define __XEN_PUBLIC_VERSION_H__

#include "xen.h"
#include "features.h"

#define XENVER_version             0  /* no argument; result: major << 16 | minor */
#define XENVER_extraversion        1  /* xen_extraversion_t */
#define XENVER_compile_info        2  /* xen_compile_info_t */
#define XENVER_capabilities        3  /* xen_capabilities_info_t */
#define XENVER_changeset           4  /* xen_changeset_info_t */
#define XENVER_platform_parameters 5  /* xen_platform_parameters_t */
#define XENVER_get_features        6  /* xen_feature_info_t */
#define XENVER_pagesize            7  /* no argument; result: bytes */
#define XENVER_guest_handle        8  /* xen_domain_handle_t */
#define XENVER_commandline         9  /* xen_commandline_t */
#define XENVER_build_id            10 /* xen_build_id_t; NULL: the length is the result */

#ifndef __ASSEMBLY__

/* The texts are zero-terminated. */
typedef char xen_extraversion_t[16]; /* what follows "major.minor" */
#define XEN_EXTRAVERSION_LEN (sizeof(xen_extraversion_t))

struct xen_compile_info {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};
typedef struct xen_compile_info xen_compile_info_t;

typedef char xen_capabilities_info_t[1024]; /* guest kinds, "xen-3.0-x86_64 ", blank after each */
#define XEN_CAPABILITIES_INFO_LEN (sizeof(xen_capabilities_info_t))

typedef char xen_changeset_info_t[64];
#define XEN_CHANGESET_INFO_LEN (sizeof(xen_changeset_info_t))

struct xen_platform_parameters {
    xen_ulong_t virt_start; /* start of the hypervisor's address range */
};
typedef struct xen_platform_parameters xen_platform_parameters_t;

/* -XEN_EINVAL if submap_idx is not below XENFEAT_NR_SUBMAPS. */
struct xen_feature_info {
    unsigned int submap_idx; /* IN: which word */
    uint32_t submap;         /* OUT: bit per XENFEAT_... */
};
typedef struct xen_feature_info xen_feature_info_t;

typedef char xen_commandline_t[1024]; /* the hypervisor's own */

/* -XEN_ENODATA: there is none; -XEN_ENOBUFS: len too small; -XEN_EINVAL: len is 0. */
struct xen_build_id {
    uint32_t len; /* IN: bytes of room in buf */
    unsigned char buf[XEN_FLEX_ARRAY_DIM];
};
typedef struct xen_build_id xen_build_id_t;

#endif /* !__ASSEMBLY__ */

#endif
