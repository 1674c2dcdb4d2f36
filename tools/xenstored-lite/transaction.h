/* SPDX-License-Identifier: MIT */
/*
 * Transactions. Pure.
 *
 * A transaction works on a snapshot of its own, and keeps a list of the paths it looked at or
 * changed, and of its changes. It can be committed if none of those nodes changed meanwhile: then
 * its changes are made again to the tree of now, all or none.
 */
#ifndef XENSTORED_TRANSACTION_H
#define XENSTORED_TRANSACTION_H

#include "tree.h"

/* What one may keep: paths that it touched, and the bytes of those and of what it wrote there. */
#define TRANSACTION_MAX_STEPS 512
#define TRANSACTION_MAX_BYTES (256 * 1024)

enum step_type {
    STEP_LOOK,
    STEP_WRITE,
    STEP_MKDIR,
    STEP_REMOVE,
    STEP_PERMISSIONS,
};

/* One access: looks come into the list only to be compared. */
struct step {
    struct step *next;
    enum step_type type;
    char *path;
    char *data;  /* the value, or the list of permissions */
    size_t size; /* bytes, or permissions */
};

struct transaction {
    struct transaction *next;
    uint32_t id;
    struct tree base; /* as it was at the start */
    struct tree view; /* with its changes */
    struct step *steps, **last;
    unsigned int nr_steps;
    size_t bytes;
};

struct transaction *transaction_start(const struct tree *tree, uint32_t id);
void transaction_free(struct transaction *transaction);

/* Makes a change in a tree; `step` needs type, path, data and size only. */
int step_apply(struct tree *tree, uint16_t domid, const struct step *step);
/* Is there room to remember it? -ENOSPC: then it must not be made to the view either. */
int transaction_room(const struct transaction *transaction, const struct step *step);
/* Remembers an access, after it was made to the view. */
int transaction_note(struct transaction *transaction, const struct step *step);
/* 0, or -EAGAIN or another negative errno and the tree is as it was. */
int transaction_commit(struct transaction *transaction, struct tree *tree, uint16_t domid);

#endif
