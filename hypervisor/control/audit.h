/* SPDX-License-Identifier: MIT */
/*
 * The audit: on a machine that stands still, everything that is counted is counted again from those
 * who hold it, and compared with what the records say. It changes nothing, and runs only when a
 * privileged domain asks for it (debug key f).
 *
 * Each room says who its holders are, and what else must agree in its own state.
 */
#ifndef CONTROL_AUDIT_H
#define CONTROL_AUDIT_H

#include "domain/domain.h"

/* audit.c: the whole of it, on the running CPU, with the control room's claim. */
void audit(void);
/* One inconsistency. All are counted; the first ones are printed. */
void audit_wrong(const char *fmt, ...) __printf(1, 2);

/* ---- mm/audit.c ---- */
/* Counts every frame's holders and compares; false: there is no memory to count in. */
bool audit_frames(u64 *frames);
/* Who holds a reference on @m, or a reference and a use, says so. */
void audit_ref(mfn_t m);
void audit_use(mfn_t m, enum page_use use);

/* ---- What the rooms hold for @d, and what of theirs must agree ---- */
void audit_descriptor_holders(const struct vcpu *v);    /* x86/guest_desc.c */
void audit_grant_holders(const struct domain *d);       /* grant/audit.c */
void audit_event_holders(const struct domain *d);       /* event/audit.c */
void audit_grants(void);                                /* of all domains together */
void audit_ports(const struct domain *d);               /* event/audit.c */
void audit_pirqs(void);                                 /* event/pirq.c */

#endif
