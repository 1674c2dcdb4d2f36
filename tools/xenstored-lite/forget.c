/* SPDX-License-Identifier: MIT */
/*
 * What is left of a domain that died: nodes that it owns, and rights that others gave to it. The
 * next domain with its number must inherit neither, so both go.
 */
#include "tree.h"

#include <string.h>

#include <xen/io/xs_wire.h>

/* The first node that names the domain, and its path; `len` is how long that is so far. */
static const struct node *find(const struct node *node, uint16_t domid, char *path, size_t len)
{
    for (unsigned int i = 0; i < node->nr_permissions; i++) {
        if (node->permissions[i].domid == domid)
            return node;
    }
    for (unsigned int i = 0; i < node->nr_children; i++) {
        const struct node *child = node->children[i], *found;
        size_t name = strlen(child->name);

        path[len] = '/';
        memcpy(path + len + 1, child->name, name + 1);
        found = find(child, domid, path, len + 1 + name);
        if (found)
            return found;
    }
    return NULL;
}

static int drop_rights(struct tree *tree, const struct node *node, uint16_t domid,
                       const char *path)
{
    struct permission list[TREE_MAX_PERMISSIONS];
    unsigned int count = 0;

    for (unsigned int i = 0; i < node->nr_permissions; i++) {
        if (node->permissions[i].domid != domid)
            list[count++] = node->permissions[i];
    }
    return tree_set_permissions(tree, 0, path, list, count);
}

int tree_forget(struct tree *tree, uint16_t domid)
{
    char path[XENSTORE_ABS_PATH_MAX + 1] = "/";
    const struct node *node;
    int rc = 0;

    /* A change may move any node, so each look starts anew. */
    while (domid && !rc && (node = find(tree->root, domid, path, 0))) {
        if (node->permissions[0].domid == domid)
            rc = tree_remove(tree, 0, path);
        else
            rc = drop_rights(tree, node, domid, path);
    }
    return rc;
}
