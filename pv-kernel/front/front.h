/* SPDX-License-Identifier: MIT */
/*
 * The door of front/: what a guest has from the control domain. Called once, at boot, when tasks
 * can be made; both sleep until the store has answered.
 */
#ifndef PVK_FRONT_H
#define PVK_FRONT_H

/* block.c: the disks that it was given; returns when they are there, or after a limit. */
void frontends_init(void);
/* control.c: obeys requests to end from now on; 0 or a negative errno. */
int control_init(void);

#endif
