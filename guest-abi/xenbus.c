/* SPDX-License-Identifier: MIT */
/*
 * A client of the xenstore (pvguest/xenbus.h).
 *
 * Everything here is touched with events disabled, on one vCPU.  What arrives is taken in by the
 * ring's event handler, message by message: a watch event goes to its callback, anything else is
 * the answer to `call`, the one request under way.
 */
#include "internal.h"

/* A request that waits for its answer; on its caller's stack. */
struct call {
    uint32_t type, id;
    char *answer;               /* cut to size */
    size_t size;
    int result;                 /* length of the answer, or negative errno */
    bool done;
};

/* A piece of a request's payload. */
struct part {
    const void *data;
    size_t size;
};

static struct {
    struct xenstore_domain_interface *ring;
    evtchn_port_t port;
    struct pv_xenbus_hooks hooks;
    bool broken;                /* the store does not keep the protocol: nothing is sent any more */
    struct call *call;
    uint32_t last_id;
    struct pv_xenbus_watch *watches;

    /* The message that is arriving. */
    struct xsd_sockmsg header;
    char payload[XENSTORE_PAYLOAD_MAX + 1];
    size_t got;                 /* of both */
} bus;

/* ---- Waiting ---- */

/* Blocking opens the event mask; the wait ends with events disabled again. */
static void default_wait(void)
{
    pv_block();
    pv_events_disable();
}

static void default_wake(void)
{
}

/* ---- What arrives ---- */

/* The store answers by names (xen/errno.h); one that we don't know is an I/O error. */
static int error_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {
#define XEN_ERRNO(name, value) { #name, value },
#include <xen/errno.h>
    };

    for (size_t i = 0; i < PV_ARRAY_SIZE(errors); i++) {
        if (!strcmp(name, errors[i].name))
            return errors[i].number;
    }
    return XEN_EIO;
}

/*
 * The payload is a path and a token, each with its NUL. The token is the watch's address as we
 * wrote it, looked for in the list: a store that makes one up finds nothing.
 */
static void watch_event(void)
{
    const char *path = bus.payload, *token = path + strlen(path) + 1;
    struct pv_xenbus_watch *w;
    char text[20];

    if (token > bus.payload + bus.header.len)
        return;
    for (w = bus.watches; w; w = w->next) {
        snprintf(text, sizeof(text), "%lx", (uint64_t)w);
        if (!strcmp(text, token))
            break;
    }
    if (w)
        w->changed(w, path);
}

/*
 * An answer that nobody waits for, or of another kind, breaks the protocol: nothing after it can be
 * trusted.
 */
static void answer(void)
{
    struct call *c = bus.call;

    if (!c || bus.header.req_id != c->id ||
        (bus.header.type != c->type && bus.header.type != XS_ERROR)) {
        bus.broken = true;
        return;
    }
    if (bus.header.type == XS_ERROR) {
        c->result = -error_number(bus.payload);
    } else {
        size_t len = bus.header.len < c->size ? bus.header.len : c->size;

        if (len)
            memcpy(c->answer, bus.payload, len);
        c->result = (int)bus.header.len;
    }
    c->done = true;
    bus.call = NULL;
}

/* Where the next bytes of the message go, and how many are missing; 0: it is complete. */
static size_t missing(char **to)
{
    if (bus.got < sizeof(bus.header)) {
        *to = (char *)&bus.header + bus.got;
        return sizeof(bus.header) - bus.got;
    }
    *to = bus.payload + (bus.got - sizeof(bus.header));
    return sizeof(bus.header) + bus.header.len - bus.got;
}

/* Takes up to `want` bytes out of the ring; returns how many. */
static size_t take(char *to, size_t want)
{
    struct xenstore_domain_interface *ring = bus.ring;
    uint32_t cons = ring->rsp_cons;
    uint32_t have = __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE) - cons;

    if (have > XENSTORE_RING_SIZE) {
        bus.broken = true;
        return 0;
    }
    if (have > want)
        have = (uint32_t)want;
    for (uint32_t i = 0; i < have; i++)
        to[i] = ring->rsp[MASK_XENSTORE_IDX(cons + i)];
    if (have)
        __atomic_store_n(&ring->rsp_cons, cons + have, __ATOMIC_SEQ_CST);
    return have;
}

/*
 * Goes on with the message, which arrives in any pieces; returns whether anything came. A length
 * beyond the protocol's is refused before it is used.
 */
static bool receive(void)
{
    char *to;
    size_t want = missing(&to);
    size_t n = take(to, want);

    bus.got += n;
    if (bus.got >= sizeof(bus.header) && bus.header.len > XENSTORE_PAYLOAD_MAX)
        bus.broken = true;
    if (bus.broken || bus.got < sizeof(bus.header) || missing(&to))
        return n && !bus.broken;
    bus.payload[bus.header.len] = '\0';
    bus.got = 0;
    if (bus.header.type == XS_WATCH_EVENT)
        watch_event();
    else
        answer();
    return true;
}

/* One notification for all that was taken: the store may wait for room. */
static void ring_event(evtchn_port_t port, void *data)
{
    bool any = false;

    (void)data;
    while (!bus.broken && receive())
        any = true;
    if (any)
        pv_notify(port);
    bus.hooks.wake();
}

/* ---- What is sent ---- */

/* Puts in what there is room for; returns how many bytes. */
static size_t put(const char *from, size_t size)
{
    struct xenstore_domain_interface *ring = bus.ring;
    uint32_t prod = ring->req_prod;
    uint32_t used = prod - __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE);
    uint32_t room = XENSTORE_RING_SIZE - used;

    if (used > XENSTORE_RING_SIZE) {
        bus.broken = true;
        return 0;
    }
    if (room > size)
        room = (uint32_t)size;
    for (uint32_t i = 0; i < room; i++)
        ring->req[MASK_XENSTORE_IDX(prod + i)] = from[i];
    if (room) {
        __atomic_store_n(&ring->req_prod, prod + room, __ATOMIC_SEQ_CST);
        pv_notify(bus.port);
    }
    return room;
}

/* Waits for room as often as it must; answers may arrive meanwhile. */
static void send(const char *from, size_t size)
{
    while (size && !bus.broken) {
        size_t n = put(from, size);

        from += n;
        size -= n;
        if (!n && !bus.broken)
            bus.hooks.wait();
    }
}

/*
 * With events disabled. One call at a time has `bus.call`; the others wait for it to be free. A
 * store that breaks the protocol ends all of them.
 */
static int make_call(struct call *c, uint32_t tx, const struct part *parts, unsigned int nr)
{
    struct xsd_sockmsg header = { .type = c->type, .tx_id = tx };
    size_t len = 0;

    if (!bus.ring)
        return -XEN_ENODEV;
    for (unsigned int i = 0; i < nr; i++)
        len += parts[i].size;
    if (len > XENSTORE_PAYLOAD_MAX)
        return -XEN_E2BIG;
    header.len = (uint32_t)len;
    while (bus.call && !bus.broken)
        bus.hooks.wait();
    bus.call = c;
    c->id = header.req_id = ++bus.last_id;
    send((const char *)&header, sizeof(header));
    for (unsigned int i = 0; i < nr; i++)
        send(parts[i].data, parts[i].size);
    while (!c->done && !bus.broken)
        bus.hooks.wait();
    if (c->done)
        return c->result;
    bus.call = NULL;
    return -XEN_EIO;
}

/* A request of up to two parts; its answer goes to `out`, cut to size. */
static int request(uint32_t type, uint32_t tx, const struct part *parts, unsigned int nr, char *out,
                   size_t size)
{
    struct call c = { .type = type, .answer = out, .size = size };
    bool enabled = pv_events_save();
    int rc = make_call(&c, tx, parts, nr);

    pv_events_restore(enabled);
    return rc;
}

/* With its NUL, which the protocol wants behind paths and tokens. */
static struct part text(const char *string)
{
    return (struct part){ string, strlen(string) + 1 };
}

/* A request whose answer says only that it was done. */
static int command(uint32_t type, uint32_t tx, const struct part *parts, unsigned int nr)
{
    int rc = request(type, tx, parts, nr, NULL, 0);

    return rc < 0 ? rc : 0;
}

/* ---- The requests ---- */

int pv_xenbus_read(pv_xenbus_tx_t tx, const char *path, char *value, size_t size)
{
    struct part part = text(path);
    int rc = request(XS_READ, tx, &part, 1, value, size - 1);

    if (rc >= (int)size)
        return -XEN_E2BIG;
    if (rc >= 0)
        value[rc] = '\0';
    return rc;
}

/* Decimal digits and nothing else. */
static int parse_number(const char *text, uint64_t *number)
{
    uint64_t n = 0;

    if (!*text)
        return -XEN_EINVAL;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || n > (UINT64_MAX - 9) / 10)
            return -XEN_EINVAL;
        n = n * 10 + (uint64_t)(*c - '0');
    }
    *number = n;
    return 0;
}

int pv_xenbus_read_number(pv_xenbus_tx_t tx, const char *path, uint64_t *number)
{
    char value[24];
    int rc = pv_xenbus_read(tx, path, value, sizeof(value));

    return rc < 0 ? rc : parse_number(value, number);
}

int pv_xenbus_directory(pv_xenbus_tx_t tx, const char *path, char *names, size_t size)
{
    struct part part = text(path);
    int rc = request(XS_DIRECTORY, tx, &part, 1, names, size - 1);

    if (rc >= (int)size)
        return -XEN_E2BIG;
    /* Each name has its zero; this is for a store that forgot the last one's. */
    if (rc >= 0)
        names[rc] = '\0';
    return rc;
}

int pv_xenbus_write(pv_xenbus_tx_t tx, const char *path, const char *value)
{
    struct part parts[] = { text(path), { value, strlen(value) } };

    return command(XS_WRITE, tx, parts, 2);
}

int pv_xenbus_printf(pv_xenbus_tx_t tx, const char *path, const char *format, ...)
{
    char value[128];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    return len >= (int)sizeof(value) ? -XEN_E2BIG : pv_xenbus_write(tx, path, value);
}

int pv_xenbus_rm(pv_xenbus_tx_t tx, const char *path)
{
    struct part part = text(path);

    return command(XS_RM, tx, &part, 1);
}

int pv_xenbus_begin(pv_xenbus_tx_t *tx)
{
    struct part part = text("");
    char number[16];
    uint64_t id;
    int rc = request(XS_TRANSACTION_START, PV_XENBUS_NIL, &part, 1, number, sizeof(number) - 1);

    if (rc < 0)
        return rc;
    number[rc < (int)sizeof(number) ? rc : (int)sizeof(number) - 1] = '\0';
    /* An id that is none would make ordinary changes of those in the transaction. */
    if (rc >= (int)sizeof(number) || parse_number(number, &id) || id == PV_XENBUS_NIL ||
        id > UINT32_MAX)
        return -XEN_EIO;
    *tx = (pv_xenbus_tx_t)id;
    return 0;
}

int pv_xenbus_end(pv_xenbus_tx_t tx, bool commit)
{
    struct part part = text(commit ? "T" : "F");

    return command(XS_TRANSACTION_END, tx, &part, 1);
}

int pv_xenbus_transaction(int (*change)(pv_xenbus_tx_t tx, void *context), void *context)
{
    pv_xenbus_tx_t tx;
    int rc;

    do {
        rc = pv_xenbus_begin(&tx);
        if (rc)
            return rc;
        rc = change(tx, context);
        if (rc) {
            pv_xenbus_end(tx, false);
            return rc;
        }
        rc = pv_xenbus_end(tx, true);
    } while (rc == -XEN_EAGAIN);
    return rc;
}

/* ---- Watches ---- */

/* Also one that is not in the list. */
static void forget(struct pv_xenbus_watch *watch)
{
    bool enabled = pv_events_save();
    struct pv_xenbus_watch **link = &bus.watches;

    while (*link && *link != watch)
        link = &(*link)->next;
    if (*link)
        *link = watch->next;
    pv_events_restore(enabled);
}

static int watch_command(uint32_t type, const struct pv_xenbus_watch *watch)
{
    char token[20];
    struct part parts[2] = { text(watch->path) };

    snprintf(token, sizeof(token), "%lx", (uint64_t)watch);
    parts[1] = text(token);
    return command(type, PV_XENBUS_NIL, parts, 2);
}

/* In the list before the store knows it: the first event may come with the answer. */
int pv_xenbus_watch(struct pv_xenbus_watch *watch)
{
    bool enabled = pv_events_save();
    int rc;

    watch->next = bus.watches;
    bus.watches = watch;
    pv_events_restore(enabled);
    rc = watch_command(XS_WATCH, watch);
    if (rc)
        forget(watch);
    return rc;
}

int pv_xenbus_unwatch(struct pv_xenbus_watch *watch)
{
    int rc = watch_command(XS_UNWATCH, watch);

    forget(watch);
    return rc;
}

/* ---- Start ---- */

void pv_xenbus_init_ring(struct xenstore_domain_interface *ring, evtchn_port_t port,
                         const struct pv_xenbus_hooks *hooks)
{
    static const struct pv_xenbus_hooks defaults = { default_wait, default_wake };

    bus.hooks = hooks ? *hooks : defaults;
    bus.port = port;
    bus.ring = ring;
    bus.broken = false;
    bus.got = 0;
    pv_set_event_handler(port, 0, ring_event, NULL);
}

int pv_xenbus_init(const struct pv_xenbus_hooks *hooks)
{
    pv_pfn_t pfn;

    if (!pv_start_info->store_evtchn)
        return -XEN_ENODEV;
    pfn = pv_mfn_to_pfn(pv_mfn(pv_start_info->store_mfn));
    if (pfn.nr == PV_INVALID_FRAME)
        return -XEN_EINVAL;
    pv_xenbus_init_ring(pv_pfn_to_va(pfn), pv_start_info->store_evtchn, hooks);
    return 0;
}
