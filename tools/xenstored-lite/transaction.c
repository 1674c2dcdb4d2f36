/* SPDX-License-Identifier: MIT */
/*
 * Transactions (transaction.h). Conflicts are found by the generations of just the nodes that were
 * touched: a guest that writes its own nodes without end makes nobody else's transaction fail.
 */
#include "transaction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct transaction *transaction_start(const struct tree *tree, uint32_t id)
{
    struct transaction *transaction = calloc(1, sizeof(*transaction));

    if (!transaction)
        return NULL;
    transaction->id = id;
    transaction->last = &transaction->steps;
    if (!tree_snapshot(&transaction->base, tree)) {
        if (!tree_snapshot(&transaction->view, tree))
            return transaction;
        tree_free(&transaction->base);
    }
    free(transaction);
    return NULL;
}

static void free_step(struct step *step)
{
    free(step->path);
    free(step->data);
    free(step);
}

void transaction_free(struct transaction *transaction)
{
    while (transaction->steps) {
        struct step *step = transaction->steps;

        transaction->steps = step->next;
        free_step(step);
    }
    tree_free(&transaction->base);
    tree_free(&transaction->view);
    free(transaction);
}

int step_apply(struct tree *tree, uint16_t domid, const struct step *step)
{
    switch (step->type) {
    case STEP_LOOK:
        return 0;
    case STEP_WRITE:
        return tree_write(tree, domid, step->path, step->data, step->size);
    case STEP_MKDIR:
        return tree_mkdir(tree, domid, step->path);
    case STEP_REMOVE:
        return tree_remove(tree, domid, step->path);
    case STEP_PERMISSIONS:
        return tree_set_permissions(tree, domid, step->path,
                                    (const struct permission *)step->data,
                                    (unsigned int)step->size);
    }
    return -EINVAL;
}

static size_t data_bytes(const struct step *step)
{
    return step->type == STEP_PERMISSIONS ? step->size * sizeof(struct permission) : step->size;
}

int transaction_room(const struct transaction *transaction, const struct step *step)
{
    size_t bytes = strlen(step->path) + data_bytes(step);

    return transaction->nr_steps == TRANSACTION_MAX_STEPS ||
           bytes > TRANSACTION_MAX_BYTES - transaction->bytes ? -ENOSPC : 0;
}

int transaction_note(struct transaction *transaction, const struct step *step)
{
    size_t bytes = data_bytes(step);
    struct step *copy;
    int rc = transaction_room(transaction, step);

    if (rc)
        return rc;
    copy = calloc(1, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    copy->type = step->type;
    copy->path = strdup(step->path);
    copy->size = step->size;
    copy->data = malloc(bytes + 1);
    if (!copy->path || !copy->data) {
        free_step(copy);
        return -ENOMEM;
    }
    if (bytes)
        memcpy(copy->data, step->data, bytes);
    *transaction->last = copy;
    transaction->last = &copy->next;
    transaction->nr_steps++;
    transaction->bytes += strlen(step->path) + bytes;
    return 0;
}

int transaction_commit(struct transaction *transaction, struct tree *tree, uint16_t domid)
{
    struct tree result;
    int rc;

    for (const struct step *step = transaction->steps; step; step = step->next) {
        if (tree_generation(&transaction->base, step->path) != tree_generation(tree, step->path))
            return -EAGAIN;
    }
    /* Rights and limits are those of now: the steps are checked anew, on a copy to throw away. */
    rc = tree_snapshot(&result, tree);
    if (rc)
        return rc;
    for (const struct step *step = transaction->steps; step && !rc; step = step->next)
        rc = step_apply(&result, domid, step);
    if (rc) {
        tree_free(&result);
        return rc;
    }
    tree_free(tree);
    *tree = result;
    return 0;
}
