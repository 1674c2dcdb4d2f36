/* SPDX-License-Identifier: MIT */
/* The beginning and the end of the domains of a run (lifetime.c). */
#ifndef TESTS_MM_LIFETIME_H
#define TESTS_MM_LIFETIME_H

/* Each domain begins with a third of the memory. */
void populate_all(void);
/* Both domains are destroyed, as the control room does it; nothing may be left. */
void destroy_all(void);

#endif
