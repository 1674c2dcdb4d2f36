/* SPDX-License-Identifier: MIT */
/*
 * The tree of nodes. Pure.
 *
 * Nodes are shared between trees: a snapshot is one more reference to the root, and a change copies
 * the nodes on its path that others refer to, too. So transactions cost what they change, and
 * taking one back is dropping a reference.
 *
 * Every change of a node (its value, permissions, or the set of its children) gives it a generation
 * number that no other change had.
 *
 * Functions that change a tree return 0 or a negative errno; a failed one may have created a part
 * of the missing path, but never lost anything.
 */
#ifndef XENSTORED_TREE_H
#define XENSTORED_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIGHT_READ  1u
#define RIGHT_WRITE 2u

/* What one domain may do; of the first in a node's list, domid is the owner, who may do all. */
struct permission {
    uint16_t domid;
    uint8_t rights;
};

/*
 * refs counts the trees and parents that hold it. With more than one it is read-only: own() makes a
 * copy first. name is a single name, not a path; value has a zero behind its size bytes.
 */
struct node {
    unsigned int refs;
    uint64_t generation;
    char *name;
    char *value;
    size_t size;
    struct permission *permissions; /* [0]: the owner, and the rights of domains not listed */
    unsigned int nr_permissions;
    struct node **children;         /* by name */
    unsigned int nr_children;
};

/* Kept with each tree, so that a transaction meets the limits that its own changes lead to. */
struct owner_count {
    uint16_t domid;
    unsigned int nodes;
    size_t bytes;               /* of their names and values */
};

struct tree {
    struct node *root;
    struct owner_count *owners; /* guests that own nodes */
    unsigned int nr_owners;
};

/* Limits on a guest; domain 0 has none but the protocol's. */
#define TREE_GUEST_NODES       1000
#define TREE_GUEST_VALUE       2048         /* bytes of one */
#define TREE_GUEST_BYTES       (256 * 1024) /* of the names and values of all that it owns */
#define TREE_MAX_PERMISSIONS   16

/* A tree with a root that belongs to domain 0 and nobody else may see. */
int tree_init(struct tree *tree);
/* Costs one reference and the counts, whatever the tree's size; tree_free() takes it back. */
int tree_snapshot(struct tree *copy, const struct tree *tree);
void tree_free(struct tree *tree);

/* An absolute path that the protocol allows. */
bool tree_path_valid(const char *path);
/* NULL: there is no such node. Valid until the tree is changed or freed. */
const struct node *tree_find(const struct tree *tree, const char *path);
/* 0 if there is no such node. */
uint64_t tree_generation(const struct tree *tree, const char *path);
/* What a domain may do to a node; if there is none, to the nearest above it. */
unsigned int tree_rights(const struct tree *tree, const char *path, uint16_t domid);
unsigned int tree_owned(const struct tree *tree, uint16_t domid);
size_t tree_owned_bytes(const struct tree *tree, uint16_t domid);

/* In the name of a domain: rights and limits are checked. Missing nodes above are created. */
int tree_write(struct tree *tree, uint16_t domid, const char *path, const char *value,
               size_t size);
int tree_mkdir(struct tree *tree, uint16_t domid, const char *path);
/* With all below it. A missing node is success if there is one above it. */
int tree_remove(struct tree *tree, uint16_t domid, const char *path);
int tree_set_permissions(struct tree *tree, uint16_t domid, const char *path,
                         const struct permission *list, unsigned int count);

/* forget.c: removes what a dead domain owns, and its rights everywhere else. */
int tree_forget(struct tree *tree, uint16_t domid);

#endif
