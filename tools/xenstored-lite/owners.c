/* SPDX-License-Identifier: MIT */
#include "owners.h"

#include <errno.h>
#include <stdlib.h>

static struct owner_count *find(const struct tree *tree, uint16_t domid)
{
    for (unsigned int i = 0; i < tree->nr_owners; i++) {
        if (tree->owners[i].nodes && tree->owners[i].domid == domid)
            return &tree->owners[i];
    }
    return NULL;
}

/* A row of a guest that owns nothing any more is as good as an empty one. */
static struct owner_count *find_unused(const struct tree *tree)
{
    for (unsigned int i = 0; i < tree->nr_owners; i++) {
        if (!tree->owners[i].nodes)
            return &tree->owners[i];
    }
    return NULL;
}

unsigned int tree_owned(const struct tree *tree, uint16_t domid)
{
    const struct owner_count *owner = find(tree, domid);

    return owner ? owner->nodes : 0;
}

size_t tree_owned_bytes(const struct tree *tree, uint16_t domid)
{
    const struct owner_count *owner = find(tree, domid);

    return owner ? owner->bytes : 0;
}

int owners_expect(struct tree *tree, uint16_t domid)
{
    struct owner_count *owners;

    if (!domid || find(tree, domid) || find_unused(tree))
        return 0;
    owners = realloc(tree->owners, (tree->nr_owners + 1) * sizeof(*owners));
    if (!owners)
        return -ENOMEM;
    owners[tree->nr_owners++] = (struct owner_count){ .domid = domid };
    tree->owners = owners;
    return 0;
}

void owners_count(struct tree *tree, uint16_t domid, int nodes, long bytes)
{
    struct owner_count *owner = find(tree, domid);

    if (!domid)
        return;
    if (!owner) {
        owner = find_unused(tree);
        *owner = (struct owner_count){ .domid = domid };
    }
    owner->nodes += (unsigned int)nodes;
    owner->bytes += (size_t)bytes;
}
