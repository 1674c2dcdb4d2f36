/* SPDX-License-Identifier: MIT */
/*
 * Asks a guest's kernel to end: the word goes into the node control/shutdown of the guest's part of
 * the store, and the kernel takes it by writing "" there. What it then does takes its time.
 */
#include "libxllite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

#define TAKE_MS (20 * 1000)     /* that the kernel has to take the word */
#define END_MS  (300 * 1000)    /* that it has to end after that */

struct request {
    struct hv *hv;
    struct store *store;
    domid_t domid;
    const char *word;
    char path[64];
    bool withdrawn;
};

/* The reason for which the domain shut down; -1: it has not. */
static int end_of(const struct request *r, int *reason)
{
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(r->hv, r->domid, &info);

    if (rc)
        return rc == -ESRCH ? xl_fail(ESRCH, "domain %u has vanished", r->domid) : rc;
    *reason = info.flags & XEN_DOMINF_shutdown ?
        (int)(info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask) : -1;
    return 0;
}

static int write_word(struct store *store, void *context)
{
    const struct request *r = context;
    char *old = store_read(store, r->path);

    if (!old)
        return xl_fail(errno, "xenstore: %s: %s", r->path, strerror(errno));
    free(old);
    return store_write(store, r->path, r->word);
}

static bool taken(struct store *store, const struct request *r)
{
    char *word = store_read(store, r->path);
    bool empty = word && !word[0];

    free(word);
    return empty;
}

/* In a transaction, so that the guest either has the word or will never see it. */
static int withdraw(struct store *store, void *context)
{
    struct request *r = context;

    r->withdrawn = !taken(store, r);
    return r->withdrawn ? store_write(store, r->path, "") : 0;
}

/* Until the guest took the word, or has shut down without. */
static int await_taking(struct request *r, int *reason)
{
    uint64_t deadline = now_ms() + TAKE_MS;
    int rc;

    do {
        rc = end_of(r, reason);
        if (rc || *reason >= 0 || taken(r->store, r))
            return rc;
        rc = store_await(r->store, deadline);
    } while (!rc);
    if (rc != -ETIMEDOUT)
        return rc;
    rc = store_transact(r->store, withdraw, r);
    return rc || !r->withdrawn ? rc :
        xl_fail(ETIMEDOUT, "domain %u does not take requests; `xl-lite destroy %u` ends it",
                r->domid, r->domid);
}

static int await_end(const struct request *r, int *reason)
{
    uint64_t deadline = now_ms() + END_MS;
    int rc;

    do {
        rc = end_of(r, reason);
        if (rc || *reason >= 0)
            return rc;
        rc = store_await(r->store, deadline);
    } while (!rc);
    return rc == -ETIMEDOUT ?
        xl_fail(ETIMEDOUT, "domain %u took the request, but has not ended in %d s", r->domid,
                END_MS / 1000) : rc;
}

int domain_ask(struct hv *hv, struct store *store, domid_t domid, const char *word)
{
    struct request r = { .hv = hv, .store = store, .domid = domid, .word = word };
    int reason, rc;

    if (domid == 0)
        return xl_fail(EINVAL, "domain 0 is this one; `poweroff` ends it");
    snprintf(r.path, sizeof(r.path), "/local/domain/%u/control/shutdown", domid);
    rc = end_of(&r, &reason);
    if (!rc && reason < 0) {
        rc = store_watch(store, "@releaseDomain", "ask");
        rc = rc ?: store_watch(store, r.path, "ask");
        rc = rc ?: store_transact(store, write_word, &r);
        rc = rc ?: await_taking(&r, &reason);
        rc = rc ?: await_end(&r, &reason);
    }
    if (!rc && reason == SHUTDOWN_crash)
        rc = xl_fail(EIO, "domain %u has crashed; `xl-lite destroy %u` removes it", domid, domid);
    return rc;
}
