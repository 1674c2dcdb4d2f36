/* SPDX-License-Identifier: MIT */
/* ext2 as a type that mount(2) knows. */
#ifndef PVK_EXT2_MOUNT_H
#define PVK_EXT2_MOUNT_H

void ext2_init(void);

#endif
