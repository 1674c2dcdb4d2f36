/* SPDX-License-Identifier: MIT */
/*
 * Grants, of version 1 (xen/grant_table.h).  Giving: a grant reference lets one other domain map or
 * copy one of our frames until it is taken back.  Taking: mapping and copying what others granted.
 *
 * pv_gnttab_init comes first; the rest may then be called anywhere, also from event handlers,
 * except for pv_grant_map_page and pv_grant_unmap_page.
 */
#ifndef PVGUEST_GNTTAB_H
#define PVGUEST_GNTTAB_H

#include <pvguest/types.h>
#include <xen/grant_table.h>

/* Sets up our table; a second call does nothing.  0 or a negative errno. */
int pv_gnttab_init(void);

/* ---- Giving ---- */

/* A new reference to the frame for a domain, or -XEN_ENOSPC. */
int pv_grant(domid_t domid, pv_mfn_t mfn, bool readonly);
/*
 * Takes the reference back: 0, or -XEN_EBUSY while the other domain has it mapped; then the grant
 * stays as it is, and the frame must not be used for anything else.
 */
int pv_grant_end(grant_ref_t ref);
/* How many references are given out. */
unsigned int pv_nr_grants(void);

/* ---- Taking ---- */

/* A granted page in our address space, readable and writable. */
struct pv_grant_page {
    void *va;
    grant_handle_t handle;
};
/* 0, -XEN_ENOMEM, or -XEN_EINVAL for a reference that may not be mapped so. */
int pv_grant_map_page(struct pv_grant_page *page, domid_t domid, grant_ref_t ref);
/* 0 or -XEN_EINVAL. */
int pv_grant_unmap_page(struct pv_grant_page *page);

/*
 * GNTTABOP_map_grant_ref, _unmap_grant_ref and _copy: how each fared is in its status (GNTST_*).
 * A failure of the whole call becomes GNTST_general_error of each.
 */
void pv_grant_map(struct gnttab_map_grant_ref *ops, unsigned int nr);
void pv_grant_unmap(struct gnttab_unmap_grant_ref *ops, unsigned int nr);
void pv_grant_copy(struct gnttab_copy *ops, unsigned int nr);

#endif
