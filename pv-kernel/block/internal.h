/* SPDX-License-Identifier: MIT */
/* What the files of block/ share beyond the room's door. */
#ifndef PVK_BLOCK_INTERNAL_H
#define PVK_BLOCK_INTERNAL_H

#include "block/block.h"

/* ---- block.c: what was written is on the disk; asleep meanwhile ---- */
int block_flush(struct block_device *bdev);

/* ---- node.c: the file in /dev ---- */
int block_node_add(struct block_device *bdev);
void block_node_remove(struct block_device *bdev);

#endif
