/* SPDX-License-Identifier: MIT */
/*
 * What each guest owns of a tree: nodes, and the bytes of their names and values. Pure. The limits
 * on both (tree.h) bound what a guest can make the daemon keep, in the tree and in the copies that
 * transactions make of it.
 *
 * Domain 0 owns without limit, and is not counted.
 */
#ifndef XENSTORED_OWNERS_H
#define XENSTORED_OWNERS_H

#include "tree.h"

/* Makes room for a domain in the counts, so that owners_count() can't fail. */
int owners_expect(struct tree *tree, uint16_t domid);
/* A domain that was expected, or owns a node already, has so much more, or less. */
void owners_count(struct tree *tree, uint16_t domid, int nodes, long bytes);

#endif
