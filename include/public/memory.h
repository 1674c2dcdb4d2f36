/* SPDX-License-Identifier: MIT */
/*
 * memory_op(cmd, arg): a domain's memory. cmd is XENMEM_...; bits 6 and up are the hypervisor's own
 * (where to go on after it interrupted itself) and are 0 in what a guest passes.
 *
 * Commands on lists of extents (populate, increase, decrease) return how many extents they did,
 * which may be fewer than asked. Others return 0 or a value. Errors: -XEN_ESRCH no such domain,
 * -XEN_EPERM not allowed for it, -XEN_EINVAL, -XEN_EFAULT, -XEN_ENOMEM, -XEN_ENOSYS unknown
 * command.
 *
 * An extent is 1 << extent_order frames, aligned to its size.
 */
#ifndef __XEN_PUBLIC_MEMORY_H__
#define __XEN_PUBLIC_MEMORY_H__

#include "xen.h"
#include "physdev.h"

#define XENMEM_increase_reservation  0  /* xen_memory_reservation: new frames; OUT mfns, if given */
#define XENMEM_decrease_reservation  1  /* the same: give back the frames whose mfns are listed */
#define XENMEM_maximum_ram_page      2  /* no argument; result: first mfn above all RAM */
#define XENMEM_current_reservation   3  /* xen_memory_domain; result: frames it has */
#define XENMEM_maximum_reservation   4  /* xen_memory_domain; result: frames it may have */
#define XENMEM_machphys_mfn_list     5  /* xen_machphys_mfn_list */
#define XENMEM_populate_physmap      6  /* xen_memory_reservation: frames for pfns; OUT mfns */
#define XENMEM_add_to_physmap        7  /* xen_add_to_physmap; translated guests only */
#define XENMEM_memory_map            9  /* xen_memory_map of the toolstack, or -XEN_ENOSYS */
#define XENMEM_machine_memory_map    10 /* xen_memory_map: the machine's, for the first domain */
#define XENMEM_exchange              11 /* xen_memory_exchange */
#define XENMEM_machphys_mapping      12 /* xen_machphys_mapping */
#define XENMEM_set_memory_map        13 /* xen_foreign_memory_map */
#define XENMEM_maximum_gpfn          14 /* xen_memory_domain; result: highest pfn in use */
#define XENMEM_remove_from_physmap   15 /* xen_remove_from_physmap; translated guests only */
#define XENMEM_set_pod_target        16 /* xen_pod_target; not for PV */
#define XENMEM_get_pod_target        17 /* xen_pod_target */
#define XENMEM_get_sharing_freed_pages 18 /* no argument; result: frames saved by sharing */
#define XENMEM_get_sharing_shared_pages 19 /* no argument; result: frames shared */
#define XENMEM_add_to_physmap_batch  23 /* xen_add_to_physmap_batch; translated guests only */
#define XENMEM_claim_pages           24 /* xen_memory_reservation: set nr_extents frames aside */
#define XENMEM_machphys_compat_mfn_list 25 /* xen_machphys_mfn_list of 32-bit guests */
#define XENMEM_get_vnumainfo         26 /* xen_vnuma_topology_info, or -XEN_EOPNOTSUPP */
#define XENMEM_reserved_device_memory_map 27 /* ranges that devices need mapped one to one */
#define XENMEM_acquire_resource      28 /* xen_mem_acquire_resource */

/* mem_flags: highest address bits, NUMA node, and how strict that is. */
#define XENMEMF_address_bits(x)     (x)
#define XENMEMF_get_address_bits(x) ((x) & 0xffu)
#define XENMEMF_node(x)             (((x) + 1) << 8)
#define XENMEMF_get_node(x)         ((((x) >> 8) - 1) & 0xffu)
#define XENMEMF_populate_on_demand  (1 << 16)
#define XENMEMF_exact_node_request  (1 << 17)
#define XENMEMF_exact_node(n)       (XENMEMF_node(n) | XENMEMF_exact_node_request)
#define XENMEMF_vnode               (1 << 18) /* the node is a virtual one */

#ifndef __ASSEMBLY__

struct xen_memory_reservation {
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start; /* pfns or mfns as the command says, one per extent */
    xen_ulong_t nr_extents;
    unsigned int extent_order;
    unsigned int mem_flags; /* XENMEMF_... */
    domid_t domid;
};
typedef struct xen_memory_reservation xen_memory_reservation_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_reservation_t);

/*
 * Swap frames for others of a different size or below some address. in lists mfns to give up, out
 * the pfns at which the new ones shall be known and receives their mfns. Both sides hold the same
 * number of frames (-XEN_EINVAL). nr_exchanged is 0 on entry and then counts the in extents done.
 * After success the whole of in is gone.
 */
struct xen_memory_exchange {
    struct xen_memory_reservation in;
    struct xen_memory_reservation out;
    xen_ulong_t nr_exchanged; /* IN 0, OUT */
};
typedef struct xen_memory_exchange xen_memory_exchange_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_exchange_t);

/* For queries about one domain; another than the caller's own takes privilege. */
struct xen_memory_domain {
    domid_t domid;
};

/* mfns of the frames of the machine-to-physical table, one per 2 MiB of it. */
struct xen_machphys_mfn_list {
    unsigned int max_extents;                 /* room in the list */
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start; /* OUT */
    unsigned int nr_extents;                  /* OUT */
};
typedef struct xen_machphys_mfn_list xen_machphys_mfn_list_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mfn_list_t);

/* OUT: where the machine-to-physical table is mapped, and the highest mfn in it. */
struct xen_machphys_mapping {
    xen_ulong_t v_start, v_end;
    xen_ulong_t max_mfn;
};
typedef struct xen_machphys_mapping xen_machphys_mapping_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mapping_t);

/* Where a frame comes from that a translated guest wants at one of its frame numbers. */
#define XENMAPSPACE_shared_info  0
#define XENMAPSPACE_grant_table  1
#define XENMAPSPACE_gmfn         2
#define XENMAPSPACE_gmfn_range   3
#define XENMAPSPACE_gmfn_foreign 4
#define XENMAPSPACE_dev_mmio     5

struct xen_add_to_physmap {
    domid_t domid;
    uint16_t size;      /* frames, gmfn_range only */
    unsigned int space; /* XENMAPSPACE_... */
#define XENMAPIDX_grant_table_status 0x80000000
    xen_ulong_t idx;    /* which frame of that space */
    xen_pfn_t gpfn;     /* where it shall appear */
};
typedef struct xen_add_to_physmap xen_add_to_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_t);

struct xen_add_to_physmap_batch {
    domid_t domid;
    uint16_t space;
    uint16_t size; /* entries of each list */
    union xen_add_to_physmap_batch_extra {
        domid_t foreign_domid; /* gmfn_foreign */
        uint16_t res0;
    } u;
    XEN_GUEST_HANDLE(xen_ulong_t) idxs;
    XEN_GUEST_HANDLE(xen_pfn_t) gpfns;
    XEN_GUEST_HANDLE(int) errs; /* OUT */
};
typedef struct xen_add_to_physmap_batch xen_add_to_physmap_batch_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_batch_t);

struct xen_remove_from_physmap {
    domid_t domid;
    xen_pfn_t gpfn;
};
typedef struct xen_remove_from_physmap xen_remove_from_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_remove_from_physmap_t);

/* Entries are as the BIOS gives them: 64-bit base, 64-bit size, 32-bit type, packed to 20 bytes. */
struct xen_memory_map {
    unsigned int nr_entries; /* IN: room, OUT: entries stored */
    XEN_GUEST_HANDLE(void) buffer;
};
typedef struct xen_memory_map xen_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_map_t);

/* The toolstack sets the map that the domain will read by XENMEM_memory_map. */
struct xen_foreign_memory_map {
    domid_t domid;
    struct xen_memory_map map;
};
typedef struct xen_foreign_memory_map xen_foreign_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_foreign_memory_map_t);

/* All in frames. */
struct xen_pod_target {
    uint64_t target_pages;    /* IN when setting */
    uint64_t tot_pages;       /* OUT, as the rest */
    uint64_t pod_cache_pages;
    uint64_t pod_entries;
    domid_t domid;
};
typedef struct xen_pod_target xen_pod_target_t;

/*
 * Frames that belong to a domain but not to its memory. With nr_frames 0 and no list: how many
 * there may be.
 */
struct xen_mem_acquire_resource {
    domid_t domid;
    uint16_t type;
#define XENMEM_resource_ioreq_server 0
#define XENMEM_resource_grant_table  1
#define XENMEM_resource_vmtrace_buf  2
    uint32_t id;
#define XENMEM_resource_grant_table_id_shared 0
#define XENMEM_resource_grant_table_id_status 1
    uint32_t nr_frames; /* IN: how many, OUT: see above */
    uint32_t pad;       /* 0 */
    uint64_t frame;     /* first one */
#define XENMEM_resource_ioreq_server_frame_bufioreq 0
#define XENMEM_resource_ioreq_server_frame_ioreq(n) (1 + (n))
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* OUT for a PV caller: mfns */
};
typedef struct xen_mem_acquire_resource xen_mem_acquire_resource_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_acquire_resource_t);

/* A stretch of a guest's memory, and its virtual NUMA node. */
struct xen_vmemrange {
    uint64_t start, end; /* guest-physical bytes */
    unsigned int flags;
    unsigned int nid;
};
typedef struct xen_vmemrange xen_vmemrange_t;
DEFINE_XEN_GUEST_HANDLE(xen_vmemrange_t);

/* Numbers are IN: room, OUT: what there is; -XEN_ENOBUFS if the room is too small. */
struct xen_vnuma_topology_info {
    domid_t domid;
    uint16_t pad;
    unsigned int nr_vnodes;
    unsigned int nr_vcpus;
    unsigned int nr_vmemranges;
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vdistance;
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vcpu_to_vnode;
    union {
        XEN_GUEST_HANDLE(xen_vmemrange_t) h;
        uint64_t pad;
    } vmemrange;
};
typedef struct xen_vnuma_topology_info xen_vnuma_topology_info_t;
DEFINE_XEN_GUEST_HANDLE(xen_vnuma_topology_info_t);

#endif /* !__ASSEMBLY__ */

#endif
