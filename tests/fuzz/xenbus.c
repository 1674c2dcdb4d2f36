/* SPDX-License-Identifier: MIT */
/*
 * What a store, or who can write its ring, tells a guest's kernel (guest-abi/xenbus.c): answers
 * that are good, too long, for nobody or no answers at all, events among them, in pieces, with
 * indices that jump. Every call comes back, with what is within its limits; nothing is written
 * beside the ring and the buffers; a callback is only called for a watch that there is.
 */
#include "fuzz.h"

#include "internal.h"
#include <xen/io/xs_wire.h>

enum { VALUES, ERRORS, EVENTS, TRANSACTIONS, BROKEN, PIECES };
FUZZ_GOALS(GOAL("values"), GOAL("errors of the store's"), GOAL("watch events"),
           GOAL("transactions"), GOAL("a store given up"), GOAL("answers in pieces"))

#define PORT 3

static struct xenstore_domain_interface *ring;
static pv_event_handler_t *handler;
static struct fuzz_input *input;
static bool gone;                       /* the store will give no answer any more */
static unsigned int failures;           /* calls that ended with -XEN_EIO, in a row */

/* ---- The library ---- */

const struct start_info *pv_start_info;

void pv_set_event_handler(evtchn_port_t port, unsigned int vcpu, pv_event_handler_t *h, void *data)
{
    (void)vcpu;
    (void)data;
    FUZZ_CHECK(port == PORT);
    handler = h;
}

int pv_notify(evtchn_port_t port)
{
    FUZZ_CHECK(port == PORT);
    return 0;
}

bool pv_events_save(void)
{
    return true;
}

void pv_events_restore(bool enabled)
{
    FUZZ_CHECK(enabled);
}

void pv_block(void)
{
    abort();
}

void pv_events_disable(void)
{
}

pv_pfn_t pv_mfn_to_pfn(pv_mfn_t mfn)
{
    return pv_pfn(mfn.nr);
}

void *pv_pfn_to_va(pv_pfn_t pfn)
{
    (void)pfn;
    return ring;
}

/* ---- The store ---- */

static struct pv_xenbus_watch watch;
static bool watching;

static void changed(struct pv_xenbus_watch *w, const char *path)
{
    FUZZ_CHECK(w == &watch && watching);
    FUZZ_CHECK(strlen(path) <= XENSTORE_PAYLOAD_MAX);
    REACHED(EVENTS);
}

static void hear(void)
{
    handler(PORT, NULL);
}

static void give(const void *from, size_t size)
{
    const uint8_t *bytes = from;
    bool pieces = fuzz_take(input, 1) % 8 == 0;

    for (size_t i = 0; i < size; i++) {
        ring->rsp[MASK_XENSTORE_IDX(ring->rsp_prod)] = (char)bytes[i];
        ring->rsp_prod++;
        if (pieces || ring->rsp_prod - ring->rsp_cons == XENSTORE_RING_SIZE)
            hear();
    }
    if (pieces)
        REACHED(PIECES);
}

static void take(void *to, size_t size)
{
    for (size_t i = 0; i < size && ring->req_cons != ring->req_prod; i++) {
        ((char *)to)[i] = ring->req[MASK_XENSTORE_IDX(ring->req_cons)];
        ring->req_cons++;
    }
}

/* What an answer may hold: texts that mean something, and any bytes. */
static size_t some_payload(char *payload)
{
    static const char *const texts[] = {
        "OK", "4", "17", "ENOENT", "EAGAIN", "a/path", "4294967296", "EWHATEVER", "", "0",
    };
    uint64_t how = fuzz_take(input, 1);
    size_t size;

    if (how % 16 < sizeof(texts) / sizeof(texts[0])) {
        strcpy(payload, texts[how % 16]);
        return strlen(payload) + (how >> 7);
    }
    size = (size_t)fuzz_below(input, how & 0x80 ? XENSTORE_PAYLOAD_MAX + 1 : 40);
    for (size_t i = 0; i < size; i++)
        payload[i] = (char)fuzz_take(input, 1);
    return size;
}

static void give_message(uint32_t type, uint32_t id)
{
    char payload[XENSTORE_PAYLOAD_MAX + 1];
    struct xsd_sockmsg header = { .type = type, .req_id = id };

    header.len = (uint32_t)some_payload(payload);
    give(&header, sizeof(header));
    if (fuzz_take(input, 1) % 64 == 0)
        return;
    give(payload, header.len);
}

static void give_event(void)
{
    char payload[64];
    struct xsd_sockmsg header = { .type = XS_WATCH_EVENT };
    uint64_t how = fuzz_take(input, 1);
    int n = snprintf(payload, sizeof(payload), "device/%lu%c%lx", how, '\0',
                     (uint64_t)&watch + (how % 8 ? 0 : how));

    header.len = (uint32_t)n + (how & 1);
    give(&header, sizeof(header));
    give(payload, header.len);
}

/* The store ends for the client by an index that can't be, which is all that is sure to end it. */
static void end_of_store(void)
{
    ring->rsp_prod = ring->rsp_cons + XENSTORE_RING_SIZE + 1;
    ring->req_cons = ring->req_prod + 1;
    gone = true;
}

/* What happens while the client waits: mostly, it gets its answer. */
static void wait(void)
{
    struct xsd_sockmsg header = { 0 };
    char rest[XENSTORE_PAYLOAD_MAX];
    uint64_t what = fuzz_take(input, 1);

    if (input->size == 0 || gone) {
        end_of_store();
    } else if (what < 4) {
        ring->rsp_prod = (uint32_t)fuzz_take(input, 4);
    } else if (what < 40) {
        give_event();
    } else {
        take(&header, sizeof(header));
        take(rest, header.len < sizeof(rest) ? header.len : sizeof(rest));
        give_message(what % 8 == 0 ? XS_ERROR : what == 255 ? (uint32_t)fuzz_take(input, 1) :
                     header.type, what == 254 ? (uint32_t)fuzz_take(input, 1) : header.req_id);
    }
    hear();
}

static void wake(void)
{
}

static const struct pv_xenbus_hooks hooks = { wait, wake };

/* ---- The kernel ---- */

static void count(int rc)
{
    FUZZ_CHECK(rc >= -4095);
    /* What is broken stays so; an unknown error has the same number. */
    failures = rc == -XEN_EIO ? failures + 1 : 0;
    if (rc == -XEN_EIO && failures == 4)
        REACHED(BROKEN);
    else if (rc < 0)
        REACHED(ERRORS);
    else
        REACHED(VALUES);
}

static int change(pv_xenbus_tx_t tx, void *context)
{
    (void)context;
    FUZZ_CHECK(tx != PV_XENBUS_NIL);
    REACHED(TRANSACTIONS);
    return pv_xenbus_printf(tx, "a", "%u", tx);
}

static void read_texts(size_t size)
{
    char *value = malloc(size);
    int rc = pv_xenbus_read(PV_XENBUS_NIL, "path", value, size);

    FUZZ_CHECK(rc < (int)size && (rc < 0 || value[rc] == '\0'));
    count(rc);
    free(value);
    value = malloc(size);
    rc = pv_xenbus_directory(PV_XENBUS_NIL, "path", value, size);
    FUZZ_CHECK(rc < (int)size);
    /* As all users walk it. */
    for (int i = 0; i < rc; i += (int)strlen(value + i) + 1)
        FUZZ_CHECK(strlen(value + i) < size);
    count(rc);
    free(value);
}

static void step(void)
{
    uint64_t what = fuzz_take(input, 1), number;
    pv_xenbus_tx_t tx = 9;

    switch (what % 6) {
    case 0:
        read_texts(1 + what);
        break;
    case 1:
        count(pv_xenbus_read_number(PV_XENBUS_NIL, "path", &number));
        break;
    case 2:
        FUZZ_CHECK(pv_xenbus_state("device/vbd/1") <= PV_STATE_CLOSED);
        count(pv_xenbus_switch("device/vbd/1", PV_STATE_CONNECTED));
        break;
    case 3:
        count(pv_xenbus_transaction(change, NULL));
        break;
    case 4:
        count(pv_xenbus_begin(&tx));
        FUZZ_CHECK(tx != PV_XENBUS_NIL);
        break;
    default:
        watching = true;
        count(pv_xenbus_watch(&watch));
        count(pv_xenbus_rm(PV_XENBUS_NIL, "path"));
        pv_xenbus_unwatch(&watch);
        watching = false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    uint32_t index;

    input = &in;
    gone = false;
    failures = 0;
    ring = calloc(1, sizeof(*ring));
    FUZZ_CHECK(ring != NULL);
    /* Also where the indices wrap. */
    index = fuzz_take(&in, 1) % 2 ? 0 : (uint32_t)-100;
    ring->req_cons = ring->req_prod = ring->rsp_cons = ring->rsp_prod = index;
    watch = (struct pv_xenbus_watch){ .path = "device", .changed = changed };
    pv_xenbus_init_ring(ring, PORT, &hooks);
    while (in.size > 0 && !gone && failures < 4)
        step();
    free(ring);
    return 0;
}
