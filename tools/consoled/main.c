/* SPDX-License-Identifier: MIT */
/*
 * consoled [--foreground] [--log FOLDER]: the console daemon.
 *
 * Learns of guests from the xenstore: each one that was introduced and has console/ring-ref and
 * console/port gets a terminal, whose name goes to console/tty, and a log. It goes into the
 * background once it knows the guests there are.
 */
#include "guest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_LOG "/var/log/xen/console"

struct options {
    bool foreground;
    const char *log;
};

struct daemon {
    struct hv hv;
    struct store store;
    int evtchn;
    const char *log;
    struct guest *guests;
};

static int parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){ .log = DEFAULT_LOG };
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--foreground"))
            options->foreground = true;
        else if (!strcmp(argv[i], "--log") && i + 1 < argc)
            options->log = argv[++i];
        else
            return xl_fail(EINVAL, "usage: consoled [--foreground] [--log FOLDER]");
    }
    return 0;
}

/* The folder and those above it. */
static void make_folders(const char *path)
{
    char folder[256];

    snprintf(folder, sizeof(folder), "%s", path);
    for (char *c = folder + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        mkdir(folder, 0755); /* the log's own open says if that did not do */
        *c = '/';
    }
    mkdir(folder, 0755);
}

/* Who is there. */

static struct guest *find_guest(const struct daemon *d, domid_t domid)
{
    for (struct guest *guest = d->guests; guest; guest = guest->next) {
        if (guest->domid == domid)
            return guest;
    }
    return NULL;
}

/* A node with a number in it. */
static bool read_number(struct daemon *d, domid_t domid, const char *node, uint64_t *number)
{
    char path[64], *text, *end_of_text;
    bool good;

    snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, node);
    text = store_read(&d->store, path);
    if (!text)
        return false;
    *number = strtoull(text, &end_of_text, 10);
    good = text[0] && !*end_of_text;
    free(text);
    return good;
}

static void add_guest(struct daemon *d, domid_t domid)
{
    uint64_t mfn, port;
    struct guest *guest;
    const char *tty;
    char *name;
    char path[64];

    if (!read_number(d, domid, "console/ring-ref", &mfn) ||
        !read_number(d, domid, "console/port", &port))
        return; /* no console, or not yet */
    name = domain_name(&d->store, domid);
    if (!name)
        return;
    guest = guest_new(&d->hv, d->evtchn, domid, name, mfn, (evtchn_port_t)port, d->log, &tty);
    free(name);
    if (!guest) {
        fprintf(stderr, "consoled: domain %u: %s\n", domid, xl_message());
        xl_clear_message();
        return;
    }
    guest->seen = true;
    guest->next = d->guests;
    d->guests = guest;
    snprintf(path, sizeof(path), "/local/domain/%u/console/tty", domid);
    if (store_write(&d->store, path, tty)) {
        fprintf(stderr, "consoled: %s\n", xl_message());
        xl_clear_message();
    }
}

static void drop_unseen(struct daemon *d)
{
    struct guest **link = &d->guests;

    while (*link) {
        struct guest *guest = *link;

        if (guest->seen) {
            link = &guest->next;
            continue;
        }
        *link = guest->next;
        guest_free(guest);
    }
}

/* The hypervisor says who lives; the dying are gone for us, so that their frames are let go. */
static int look_around(struct daemon *d)
{
    struct xen_domctl_getdomaininfo info;
    unsigned int next = 1;
    int n;

    for (struct guest *guest = d->guests; guest; guest = guest->next)
        guest->seen = false;
    while ((n = hv_domain_list(&d->hv, (domid_t)next, &info, 1)) == 1) {
        struct guest *guest = find_guest(d, info.domain);

        next = info.domain + 1u;
        if (info.flags & XEN_DOMINF_dying)
            continue;
        if (guest)
            guest->seen = true;
        else
            add_guest(d, info.domain);
    }
    if (n < 0)
        return n;
    drop_unseen(d);
    return 0;
}

static int take_news(struct daemon *d)
{
    struct store_event *event;
    bool news = false;
    int rc;

    while ((event = store_next_event(&d->store, false, &rc)) != NULL) {
        store_free_event(event);
        news = true;
    }
    return rc || !news ? rc : look_around(d);
}

/* The loop. */

static void take_events(struct daemon *d)
{
    evtchn_port_t ports[EVTCHN_TAKE];
    unsigned int count = evtchn_take(d->evtchn, ports);

    for (unsigned int i = 0; i < count; i++) {
        for (struct guest *guest = d->guests; guest; guest = guest->next) {
            if (guest->port == ports[i])
                guest->more = true;
        }
        evtchn_unmask(d->evtchn, ports[i]);
    }
}

/* The store, the event channels, and a terminal each; `more` makes the wait none. */
static struct pollfd *make_set(const struct daemon *d, nfds_t *count, int *timeout)
{
    struct pollfd *set;
    nfds_t n = 2;

    for (const struct guest *guest = d->guests; guest; guest = guest->next)
        n++;
    set = calloc(n, sizeof(*set));
    if (!set)
        return NULL;
    set[0] = (struct pollfd){ .fd = d->store.fd, .events = POLLIN };
    set[1] = (struct pollfd){ .fd = d->evtchn, .events = POLLIN };
    *count = 2;
    *timeout = -1;
    for (const struct guest *guest = d->guests; guest; guest = guest->next) {
        set[(*count)++] = (struct pollfd){
            .fd = guest->master, .events = guest_poll_events(guest),
        };
        if (guest->more && !guest->broken)
            *timeout = 0;
    }
    return set;
}

static int serve_round(struct daemon *d, const struct pollfd *set)
{
    const struct pollfd *entry = set + 2;

    if (set[1].revents)
        take_events(d);
    for (struct guest *guest = d->guests; guest; guest = guest->next)
        guest_serve(guest, entry++->revents);
    /* Last, since it changes the list that the set was made from. */
    return set[0].revents || d->store.events ? take_news(d) : 0;
}

static int serve(struct daemon *d)
{
    int rc = 0;

    while (!rc && !daemon_asked_to_end) {
        nfds_t count;
        int timeout;
        struct pollfd *set = make_set(d, &count, &timeout);

        if (!set)
            return xl_fail(ENOMEM, "out of memory");
        if (poll(set, count, timeout) >= 0)
            rc = serve_round(d, set);
        free(set);
    }
    return rc;
}

static int open_all(struct daemon *d)
{
    int rc = hv_open(&d->hv);

    rc = rc ?: store_open(&d->store);
    if (rc)
        return rc;
    d->evtchn = evtchn_open();
    if (d->evtchn < 0)
        return d->evtchn;
    rc = store_watch(&d->store, "@introduceDomain", "new");
    rc = rc ?: store_watch(&d->store, "@releaseDomain", "gone");
    return rc ?: look_around(d);
}

int main(int argc, char **argv)
{
    struct options options;
    struct daemon d = { 0 };
    int rc = parse(&options, argc, argv);

    if (!rc) {
        d.log = options.log;
        make_folders(d.log);
        daemon_end_when_asked();
        rc = open_all(&d);
    }
    if (!rc && !options.foreground)
        rc = daemon_to_background();
    rc = rc ?: serve(&d);
    if (rc)
        fprintf(stderr, "consoled: %s\n", xl_message());
    return rc ? 1 : 0;
}
