/* SPDX-License-Identifier: MIT */
/*
 * The tree of nodes (tree.h). A node that others refer to is never changed: reach() makes a way of
 * nodes that are this tree's alone, and only those are written. Children are sorted by name.
 *
 * Functions call themselves as deep as a path has names; XENSTORE_ABS_PATH_MAX bounds that to half
 * as many as it has bytes, which a thread's stack holds.
 */
#include "tree.h"
#include "owners.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xs_wire.h>

static uint64_t last_generation;

/* Nodes. */

static void put_node(struct node *node)
{
    if (!node || --node->refs)
        return;
    for (unsigned int i = 0; i < node->nr_children; i++)
        put_node(node->children[i]);
    free(node->children);
    free(node->permissions);
    free(node->value);
    free(node->name);
    free(node);
}

/* A copy of `size` bytes with a zero behind them. */
static char *copy_bytes(const char *from, size_t size)
{
    char *to = malloc(size + 1);

    if (to) {
        memcpy(to, from, size);
        to[size] = '\0';
    }
    return to;
}

static struct permission *copy_permissions(const struct permission *from, unsigned int count)
{
    struct permission *to = malloc(count * sizeof(*to));

    if (to)
        memcpy(to, from, count * sizeof(*to));
    return to;
}

static struct node *new_node(const char *name, size_t name_size,
                             const struct permission *permissions, unsigned int nr_permissions)
{
    struct node *node = calloc(1, sizeof(*node));

    if (!node)
        return NULL;
    node->refs = 1;
    node->generation = ++last_generation;
    node->name = copy_bytes(name, name_size);
    node->value = copy_bytes("", 0);
    node->permissions = copy_permissions(permissions, nr_permissions);
    node->nr_permissions = nr_permissions;
    if (node->name && node->value && node->permissions)
        return node;
    put_node(node);
    return NULL;
}

/* Makes *slot a node that nobody else refers to, so that it can be changed. */
static int own(struct node **slot)
{
    struct node *old = *slot, *node;

    if (old->refs == 1)
        return 0;
    node = new_node(old->name, strlen(old->name), old->permissions, old->nr_permissions);
    if (!node)
        return -ENOMEM;
    free(node->value);
    node->value = copy_bytes(old->value, old->size);
    node->size = old->size;
    node->generation = old->generation;
    node->children = old->nr_children ? malloc(old->nr_children * sizeof(*node->children)) : NULL;
    if (!node->value || (old->nr_children && !node->children)) {
        put_node(node);
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < old->nr_children; i++) {
        node->children[i] = old->children[i];
        node->children[i]->refs++;
    }
    node->nr_children = old->nr_children;
    old->refs--;
    *slot = node;
    return 0;
}

/* Where the child of that name is, or belongs. */
static unsigned int child_index(const struct node *node, const char *name, size_t size,
                                bool *found)
{
    unsigned int low = 0, high = node->nr_children;

    while (low < high) {
        unsigned int middle = (low + high) / 2;
        const char *its_name = node->children[middle]->name;
        int order = strncmp(its_name, name, size);

        if (!order && !its_name[size]) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static int add_child(struct node *parent, unsigned int index, struct node *child)
{
    struct node **children = realloc(parent->children,
                                     (parent->nr_children + 1) * sizeof(*children));

    if (!children)
        return -ENOMEM;
    memmove(children + index + 1, children + index,
            (parent->nr_children - index) * sizeof(*children));
    children[index] = child;
    parent->children = children;
    parent->nr_children++;
    parent->generation = ++last_generation;
    return 0;
}

static unsigned int rights_of(const struct node *node, uint16_t domid)
{
    if (domid == 0 || node->permissions[0].domid == domid)
        return RIGHT_READ | RIGHT_WRITE;
    for (unsigned int i = 1; i < node->nr_permissions; i++) {
        if (node->permissions[i].domid == domid)
            return node->permissions[i].rights;
    }
    return node->permissions[0].rights;
}

/* Owners. */

/* What a node costs its owner beside being one. */
static long node_bytes(const struct node *node)
{
    return (long)(strlen(node->name) + node->size);
}

static void uncount_all(struct tree *tree, const struct node *node)
{
    owners_count(tree, node->permissions[0].domid, -1, -node_bytes(node));
    for (unsigned int i = 0; i < node->nr_children; i++)
        uncount_all(tree, node->children[i]);
}

/* Whole trees. */

int tree_init(struct tree *tree)
{
    static const struct permission nobody = { 0, 0 };

    memset(tree, 0, sizeof(*tree));
    tree->root = new_node("", 0, &nobody, 1);
    return tree->root ? 0 : -ENOMEM;
}

int tree_snapshot(struct tree *copy, const struct tree *tree)
{
    size_t size = tree->nr_owners * sizeof(*tree->owners);

    *copy = *tree;
    copy->owners = NULL;
    if (size) {
        copy->owners = malloc(size);
        if (!copy->owners)
            return -ENOMEM;
        memcpy(copy->owners, tree->owners, size);
    }
    copy->root->refs++;
    return 0;
}

void tree_free(struct tree *tree)
{
    put_node(tree->root);
    free(tree->owners);
    memset(tree, 0, sizeof(*tree));
}

/* Paths. */

bool tree_path_valid(const char *path)
{
    size_t len = strlen(path);

    if (path[0] != '/' || len > XENSTORE_ABS_PATH_MAX || (len > 1 && path[len - 1] == '/'))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)path[i]) && !strchr("-/_@", path[i]))
            return false;
        if (path[i] == '/' && path[i + 1] == '/')
            return false;
    }
    return true;
}

/* The next name of a path, behind slashes; its size is 0 at the end. */
static const char *next_name(const char *path, size_t *size)
{
    while (*path == '/')
        path++;
    *size = strcspn(path, "/");
    return path;
}

/* The deepest node on the path that exists; *rest is what is missing of the path. */
static const struct node *deepest(const struct tree *tree, const char *path, const char **rest)
{
    const struct node *node = tree->root;
    size_t size;

    for (path = next_name(path, &size); size; path = next_name(path + size, &size)) {
        bool found;
        unsigned int index = child_index(node, path, size, &found);

        if (!found)
            break;
        node = node->children[index];
    }
    *rest = path;
    return node;
}

const struct node *tree_find(const struct tree *tree, const char *path)
{
    const char *rest;
    const struct node *node = deepest(tree, path, &rest);

    return *rest ? NULL : node;
}

uint64_t tree_generation(const struct tree *tree, const char *path)
{
    const struct node *node = tree_find(tree, path);

    return node ? node->generation : 0;
}

unsigned int tree_rights(const struct tree *tree, const char *path, uint16_t domid)
{
    const char *rest;

    return rights_of(deepest(tree, path, &rest), domid);
}

/* Changes. */

/* A new child of *slot, which is owned; its owner is the domain that makes it, if a guest does. */
static int create_child(struct tree *tree, struct node *parent, uint16_t domid, const char *name,
                        size_t size, unsigned int index)
{
    struct node *child = new_node(name, size, parent->permissions, parent->nr_permissions);
    int rc;

    if (!child)
        return -ENOMEM;
    if (domid)
        child->permissions[0].domid = domid;
    rc = owners_expect(tree, child->permissions[0].domid);
    if (!rc)
        rc = add_child(parent, index, child);
    if (rc)
        put_node(child);
    else
        owners_count(tree, child->permissions[0].domid, 1, node_bytes(child));
    return rc;
}

/* The node at a path, made if need be, as one that can be changed. */
static int reach(struct tree *tree, uint16_t domid, const char *path, struct node **reached)
{
    struct node **slot = &tree->root;
    size_t size;

    for (path = next_name(path, &size);; path = next_name(path + size, &size)) {
        unsigned int index;
        bool found;
        int rc = own(slot);

        if (rc)
            return rc;
        if (!size)
            break;
        index = child_index(*slot, path, size, &found);
        if (!found)
            rc = create_child(tree, *slot, domid, path, size, index);
        if (rc)
            return rc;
        slot = &(*slot)->children[index];
    }
    *reached = *slot;
    return 0;
}

static unsigned int count_names(const char *path)
{
    unsigned int names = 0;
    size_t size;

    for (path = next_name(path, &size); size; path = next_name(path + size, &size))
        names++;
    return names;
}

/*
 * May the domain write a value of that size here, and has the node's owner room for it, and for the
 * nodes that are missing? Whoever writes: else a guest could fill up what another one owns.
 */
static int may_write(const struct tree *tree, uint16_t domid, const char *path, size_t size)
{
    const char *rest;
    const struct node *node = deepest(tree, path, &rest);
    uint16_t owner = *rest ? domid : node->permissions[0].domid;
    size_t growth = *rest ? strlen(rest) + size : size > node->size ? size - node->size : 0;

    if (!(rights_of(node, domid) & RIGHT_WRITE))
        return -EACCES;
    if (!domid)
        return 0;
    if (size > TREE_GUEST_VALUE || tree_owned(tree, domid) + count_names(rest) > TREE_GUEST_NODES)
        return -ENOSPC;
    if (owner && growth && tree_owned_bytes(tree, owner) + growth > TREE_GUEST_BYTES)
        return -ENOSPC;
    return 0;
}

int tree_write(struct tree *tree, uint16_t domid, const char *path, const char *value, size_t size)
{
    struct node *node;
    char *copy;
    int rc = may_write(tree, domid, path, size);

    if (rc)
        return rc;
    copy = copy_bytes(value, size);
    if (!copy)
        return -ENOMEM;
    rc = reach(tree, domid, path, &node);
    if (rc) {
        free(copy);
        return rc;
    }
    owners_count(tree, node->permissions[0].domid, 0, (long)size - (long)node->size);
    free(node->value);
    node->value = copy;
    node->size = size;
    node->generation = ++last_generation;
    return 0;
}

int tree_mkdir(struct tree *tree, uint16_t domid, const char *path)
{
    struct node *node;
    int rc = may_write(tree, domid, path, 0);

    return rc ? rc : reach(tree, domid, path, &node);
}

/* The path without its last name. */
static char *parent_path(const char *path)
{
    const char *last = strrchr(path, '/');

    return copy_bytes(path, last == path ? 1 : (size_t)(last - path));
}

static int remove_child(struct tree *tree, uint16_t domid, const char *parent, const char *name)
{
    struct node *node;
    unsigned int index;
    bool found;
    int rc = reach(tree, domid, parent, &node);

    if (rc)
        return rc;
    index = child_index(node, name, strlen(name), &found);
    uncount_all(tree, node->children[index]);
    put_node(node->children[index]);
    node->nr_children--;
    memmove(node->children + index, node->children + index + 1,
            (node->nr_children - index) * sizeof(*node->children));
    node->generation = ++last_generation;
    return 0;
}

int tree_remove(struct tree *tree, uint16_t domid, const char *path)
{
    const struct node *node = tree_find(tree, path);
    char *parent;
    int rc;

    if (node == tree->root)
        return -EINVAL;
    parent = parent_path(path);
    if (!parent)
        return -ENOMEM;
    if (!node)
        rc = tree_find(tree, parent) ? 0 : -ENOENT;
    else if (!(rights_of(node, domid) & RIGHT_WRITE))
        rc = -EACCES;
    else
        rc = remove_child(tree, domid, parent, strrchr(path, '/') + 1);
    free(parent);
    return rc;
}

/*
 * A guest may change the list of what it owns, and can't give a node away: that would be a way to
 * fill up what another one may have.
 */
int tree_set_permissions(struct tree *tree, uint16_t domid, const char *path,
                         const struct permission *list, unsigned int nr)
{
    const struct node *old = tree_find(tree, path);
    struct permission *copy;
    struct node *node;
    int rc;

    if (!old)
        return -ENOENT;
    if (domid && (old->permissions[0].domid != domid || list[0].domid != domid))
        return -EACCES;
    rc = owners_expect(tree, list[0].domid);
    if (!rc)
        rc = reach(tree, domid, path, &node);
    if (rc)
        return rc;
    copy = copy_permissions(list, nr);
    if (!copy)
        return -ENOMEM;
    owners_count(tree, node->permissions[0].domid, -1, -node_bytes(node));
    owners_count(tree, copy[0].domid, 1, node_bytes(node));
    free(node->permissions);
    node->permissions = copy;
    node->nr_permissions = nr;
    node->generation = ++last_generation;
    return 0;
}
