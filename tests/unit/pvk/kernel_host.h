/* SPDX-License-Identifier: MIT */
/*
 * What files and terminals need of the rest of pv-kernel, for a program on the building machine:
 * memory that can be counted and can run out, one task, and sleeps that a test fills with what
 * happens meanwhile.
 */
#ifndef KERNEL_HOST_H
#define KERNEL_HOST_H

#include "fs/fs.h"
#include "proc/proc.h"

extern long host_objects;           /* from kmalloc, not yet freed */
extern long host_pages;             /* likewise pages */
extern uint64_t host_page_limit;    /* pv_nr_pages() */
extern long host_fail_after;        /* kmalloc gives NULL after so many calls; -1: never */
extern int host_signal;             /* the last one sent */
/* Called by each sleep; its result is the sleep's. NULL: a sleep ends by a signal. */
extern int (*host_sleep)(struct wait_queue *q);

/* A file system like the kernel's, with /dev and /proc. */
void host_start(void);

#endif
