/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: a domain lets others use single frames of its memory.
 *
 * The granter fills an entry of its table; the entry's index is the grant reference it hands out.
 * The grantee maps or copies through the hypervisor. To offer a frame: write frame and domid, then
 * a write barrier, then flags. To take it back: wait until GTF_reading and GTF_writing are clear
 * and change flags to 0 by compare-and-exchange, so that a map in between is noticed.
 *
 * grant_table_op(cmd, uop, count): uop is an array of count structures of the command's type. The
 * call returns 0 when all were processed; how each fared is in its status field (GNTST_...). It
 * fails with -XEN_EFAULT, with -XEN_EINVAL for commands that take one structure only, and with
 * -XEN_ENOSYS for an unknown command.
 */
#ifndef __XEN_PUBLIC_GRANT_TABLE_H__
#define __XEN_PUBLIC_GRANT_TABLE_H__

#include "xen.h"

/* References that the toolstack fills before the domain runs. */
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

/* Kinds of grants, in the low two bits of flags. */
#define GTF_invalid         (0U << 0) /* nothing granted */
#define GTF_permit_access   (1U << 0) /* domid may map or copy the frame */
#define GTF_accept_transfer (2U << 0) /* domid may give us a frame */
#define GTF_transitive      (3U << 0) /* version 2: stands for another domain's grant */
#define GTF_type_mask       (3U << 0)

/* Flags of GTF_permit_access. */
#define _GTF_readonly (2)                    /* set by the granter */
#define GTF_readonly  (1U << _GTF_readonly)
#define _GTF_reading  (3)                    /* set by the hypervisor: mapped for reading */
#define GTF_reading   (1U << _GTF_reading)
#define _GTF_writing  (4)                    /* set by the hypervisor: mapped for writing */
#define GTF_writing   (1U << _GTF_writing)
#define _GTF_PWT      (5)                    /* caching attributes of mappings */
#define GTF_PWT       (1U << _GTF_PWT)
#define _GTF_PCD      (6)
#define GTF_PCD       (1U << _GTF_PCD)
#define _GTF_PAT      (7)
#define GTF_PAT       (1U << _GTF_PAT)
#define _GTF_sub_page (8)                    /* version 2: a part of the frame, copy only */
#define GTF_sub_page  (1U << _GTF_sub_page)

/*
 * Flags of GTF_accept_transfer, set by the hypervisor: a frame is on its way; frame holds the new
 * mfn.
 */
#define _GTF_transfer_committed (2)
#define GTF_transfer_committed  (1U << _GTF_transfer_committed)
#define _GTF_transfer_completed (3)
#define GTF_transfer_completed  (1U << _GTF_transfer_completed)

/* Commands */
#define GNTTABOP_map_grant_ref     0
#define GNTTABOP_unmap_grant_ref   1
#define GNTTABOP_setup_table       2
#define GNTTABOP_dump_table        3
#define GNTTABOP_transfer          4
#define GNTTABOP_copy              5
#define GNTTABOP_query_size        6
#define GNTTABOP_unmap_and_replace 7
#define GNTTABOP_set_version       8
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version       10
#define GNTTABOP_swap_grant_ref    11
#define GNTTABOP_cache_flush       12

/* gnttab_map_grant_ref.flags */
#define _GNTMAP_device_map      (0) /* for devices: OUT dev_bus_addr */
#define GNTMAP_device_map       (1 << _GNTMAP_device_map)
#define _GNTMAP_host_map        (1) /* for the processor: IN host_addr */
#define GNTMAP_host_map         (1 << _GNTMAP_host_map)
#define _GNTMAP_readonly        (2)
#define GNTMAP_readonly         (1 << _GNTMAP_readonly)
#define _GNTMAP_application_map (3) /* accessible to guest user mode */
#define GNTMAP_application_map  (1 << _GNTMAP_application_map)
#define _GNTMAP_contains_pte    (4) /* host_addr is the machine address of the L1 entry */
#define GNTMAP_contains_pte     (1 << _GNTMAP_contains_pte)
#define _GNTMAP_guest_avail0    (16) /* bits 16 and up go to the entry's available bits */
#define GNTMAP_guest_avail_mask ((uint32_t)~0 << _GNTMAP_guest_avail0)

/* gnttab_copy.flags: that side is a grant reference rather than one of the caller's frames. */
#define _GNTCOPY_source_gref (0)
#define GNTCOPY_source_gref  (1 << _GNTCOPY_source_gref)
#define _GNTCOPY_dest_gref   (1)
#define GNTCOPY_dest_gref    (1 << _GNTCOPY_dest_gref)

/* Status of one operation. */
#define GNTST_okay              (0)
#define GNTST_general_error     (-1)
#define GNTST_bad_domain        (-2)
#define GNTST_bad_gntref        (-3)
#define GNTST_bad_handle        (-4)
#define GNTST_bad_virt_addr     (-5)
#define GNTST_bad_dev_addr      (-6)
#define GNTST_no_device_space   (-7)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page          (-9)
#define GNTST_bad_copy_arg      (-10)
#define GNTST_address_too_big   (-11)
#define GNTST_eagain            (-12) /* not now, try again */
#define GNTST_no_space          (-13)

#ifndef __ASSEMBLY__

typedef uint32_t grant_ref_t;
typedef uint32_t grant_handle_t; /* names a mapping, private to the domain that made it */

#if __XEN_INTERFACE_VERSION__ < 0x0003020a
#define grant_entry_v1   grant_entry
#define grant_entry_v1_t grant_entry_t
#endif

/* An entry of a version 1 table, which every domain starts with. */
struct grant_entry_v1 {
    uint16_t flags; /* GTF_... */
    domid_t domid;  /* the grantee */
    uint32_t frame; /* mfn */
};
typedef struct grant_entry_v1 grant_entry_v1_t;

/*
 * An entry of a version 2 table; reading and writing are then in a separate array of
 * grant_status_t.
 */
struct grant_entry_header {
    uint16_t flags;
    domid_t domid;
};
typedef struct grant_entry_header grant_entry_header_t;

union grant_entry_v2 {
    grant_entry_header_t hdr;
    struct {
        grant_entry_header_t hdr;
        uint32_t pad0;
        uint64_t frame;
    } full_page;
    struct {
        grant_entry_header_t hdr;
        uint16_t page_off; /* bytes */
        uint16_t length;
        uint64_t frame;
    } sub_page;
    struct {
        grant_entry_header_t hdr;
        domid_t trans_domid; /* whose grant this one passes on */
        uint16_t pad0;
        grant_ref_t gref;
    } transitive;
    uint32_t __spacer[4];
};
typedef union grant_entry_v2 grant_entry_v2_t;

typedef uint16_t grant_status_t;

/*
 * Map a granted frame. A host mapping replaces a present L1 entry without complaint; undo it with
 * GNTTABOP_unmap_grant_ref, since only that releases the grant. A grant is mapped as often as
 * asked, each mapping with a handle of its own.
 */
struct gnttab_map_grant_ref {
    uint64_t host_addr;    /* IN, see GNTMAP_host_map and GNTMAP_contains_pte */
    uint32_t flags;        /* IN: GNTMAP_... */
    grant_ref_t ref;       /* IN */
    domid_t dom;           /* IN: the granter */
    int16_t status;        /* OUT: GNTST_... */
    grant_handle_t handle; /* OUT */
    uint64_t dev_bus_addr; /* OUT */
};
typedef struct gnttab_map_grant_ref gnttab_map_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_map_grant_ref_t);

/*
 * Undo a mapping. The addresses must be those it was made with; one that is 0 stays mapped, and so
 * does the handle.
 */
struct gnttab_unmap_grant_ref {
    uint64_t host_addr;
    uint64_t dev_bus_addr;
    grant_handle_t handle;
    int16_t status; /* OUT: okay, bad_handle, bad_virt_addr, ... */
};
typedef struct gnttab_unmap_grant_ref gnttab_unmap_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_unmap_grant_ref_t);

/*
 * The frames of a domain's table, which grows to nr_frames if it is smaller. One structure at a
 * time.
 */
struct gnttab_setup_table {
    domid_t dom;
    uint32_t nr_frames;
    int16_t status;                          /* OUT */
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list;  /* OUT: nr_frames mfns */
};
typedef struct gnttab_setup_table gnttab_setup_table_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_setup_table_t);

/* Print a domain's table to the hypervisor's console. One structure at a time. */
struct gnttab_dump_table {
    domid_t dom;
    int16_t status; /* OUT */
};
typedef struct gnttab_dump_table gnttab_dump_table_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_dump_table_t);

/* Give a frame away, into an entry that accepts it. */
struct gnttab_transfer {
    xen_pfn_t mfn;
    domid_t domid;
    grant_ref_t ref;
    int16_t status; /* OUT */
};
typedef struct gnttab_transfer gnttab_transfer_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_transfer_t);

/*
 * Copy bytes between two frames; neither side may reach over the end of its frame (bad_copy_arg).
 */
struct gnttab_copy {
    struct gnttab_copy_ptr {
        union {
            grant_ref_t ref;
            xen_pfn_t gmfn;
        } u;
        domid_t domid; /* the granter, or DOMID_SELF for a frame */
        uint16_t offset;
    } source, dest;
    uint16_t len;
    uint16_t flags; /* GNTCOPY_... */
    int16_t status; /* OUT */
};
typedef struct gnttab_copy gnttab_copy_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_copy_t);

/* Size of a domain's table, in frames. One structure at a time. */
struct gnttab_query_size {
    domid_t dom;
    uint32_t nr_frames;     /* OUT */
    uint32_t max_nr_frames; /* OUT */
    int16_t status;         /* OUT */
};
typedef struct gnttab_query_size gnttab_query_size_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_query_size_t);

/* Undo a host mapping and move the L1 entry of new_addr, which is cleared, in its place. */
struct gnttab_unmap_and_replace {
    uint64_t host_addr;
    uint64_t new_addr;
    grant_handle_t handle;
    int16_t status; /* OUT */
};
typedef struct gnttab_unmap_and_replace gnttab_unmap_and_replace_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_unmap_and_replace_t);

/*
 * Change the caller's table to version 1 or 2: nothing may be mapped. -XEN_EBUSY, -XEN_EINVAL,
 * -XEN_ENOSYS.
 */
struct gnttab_set_version {
    uint32_t version; /* IN; OUT: the version now */
};
typedef struct gnttab_set_version gnttab_set_version_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_set_version_t);

/* The frames of a version 2 table's status array. */
struct gnttab_get_status_frames {
    uint32_t nr_frames;
    domid_t dom;
    int16_t status;                         /* OUT */
    XEN_GUEST_HANDLE(uint64_t) frame_list;  /* OUT */
};
typedef struct gnttab_get_status_frames gnttab_get_status_frames_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_get_status_frames_t);

struct gnttab_get_version {
    domid_t dom;
    uint16_t pad;
    uint32_t version; /* OUT */
};
typedef struct gnttab_get_version gnttab_get_version_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_get_version_t);

/* Exchange two entries of the caller's table, neither of them in use (eagain). */
struct gnttab_swap_grant_ref {
    grant_ref_t ref_a;
    grant_ref_t ref_b;
    int16_t status; /* OUT */
};
typedef struct gnttab_swap_grant_ref gnttab_swap_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_swap_grant_ref_t);

/* Clean or invalidate caches over a part of a granted frame. */
struct gnttab_cache_flush {
    union {
        uint64_t dev_bus_addr;
        grant_ref_t ref; /* with GNTTAB_CACHE_SOURCE_GREF */
    } a;
    uint16_t offset;
    uint16_t length;
#define GNTTAB_CACHE_CLEAN       (1u << 0)
#define GNTTAB_CACHE_INVAL       (1u << 1)
#define GNTTAB_CACHE_SOURCE_GREF (1u << 31)
    uint32_t op;
};
typedef struct gnttab_cache_flush gnttab_cache_flush_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_cache_flush_t);

#endif /* !__ASSEMBLY__ */

#endif
