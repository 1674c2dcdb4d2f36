/* SPDX-License-Identifier: MIT */
/* The store, and what of the library its client needs besides (fake_store.h). */
#include "fake_store.h"

struct xenstore_domain_interface ring;
pv_event_handler_t *handler;
unsigned int notified;

void (*serve)(void);
struct request in;

/* ---- The library ---- */

const struct start_info *pv_start_info;

void pv_set_event_handler(evtchn_port_t port, unsigned int vcpu, pv_event_handler_t *h, void *data)
{
    assert_int_equal(port, PORT);
    assert_int_equal(vcpu, 0);
    assert_null(data);
    handler = h;
}

int pv_notify(evtchn_port_t port)
{
    assert_int_equal(port, PORT);
    notified++;
    return 0;
}

bool pv_events_save(void)
{
    return true;
}

void pv_events_restore(bool enabled)
{
    assert_true(enabled);
}

void pv_block(void)
{
    fail();
}

void pv_events_disable(void)
{
    fail();
}

pv_pfn_t pv_mfn_to_pfn(pv_mfn_t mfn)
{
    return pv_pfn(mfn.nr == 0x77 ? 7 : PV_INVALID_FRAME);
}

void *pv_pfn_to_va(pv_pfn_t pfn)
{
    assert_int_equal(pfn.nr, 7);
    return &ring;
}

/* ---- The store ---- */

static void wait(void)
{
    if (!serve)
        fail_msg("a wait for nothing");
    serve();
}

static void wake(void)
{
}

const struct pv_xenbus_hooks hooks = { wait, wake };

void start_at(uint32_t index)
{
    ring.req_cons = ring.req_prod = ring.rsp_cons = ring.rsp_prod = index;
    serve = NULL;
    notified = 0;
    pv_xenbus_init_ring(&ring, PORT, &hooks);
}

int start(void **state)
{
    (void)state;
    start_at(0);
    return 0;
}

void take(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        assert_int_not_equal(ring.req_cons, ring.req_prod);
        ((char *)to)[i] = ring.req[MASK_XENSTORE_IDX(ring.req_cons)];
        ring.req_cons++;
    }
}

void read_request(void)
{
    take(&in.header, sizeof(in.header));
    assert_true(in.header.len <= XENSTORE_PAYLOAD_MAX);
    take(in.payload, in.header.len);
    in.payload[in.header.len] = '\0';
}

void give(const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        assert_true(ring.rsp_prod - ring.rsp_cons < XENSTORE_RING_SIZE);
        ring.rsp[MASK_XENSTORE_IDX(ring.rsp_prod)] = ((const char *)from)[i];
        ring.rsp_prod++;
    }
    handler(PORT, NULL);
}

void give_header(uint32_t type, uint32_t id, uint32_t len)
{
    struct xsd_sockmsg header = { .type = type, .req_id = id, .len = len };

    give(&header, sizeof(header));
}

void give_message(uint32_t type, uint32_t id, const void *payload, size_t size)
{
    give_header(type, id, (uint32_t)size);
    give(payload, size);
}

/* Answers with what the case left here. */
static const void *reply;
static size_t reply_size;
static uint32_t reply_type;

static void answer_once(void)
{
    serve = NULL;
    read_request();
    give_message(reply_type ? reply_type : in.header.type, in.header.req_id, reply, reply_size);
}

void will_answer(uint32_t type, const void *payload, size_t size)
{
    serve = answer_once;
    reply_type = type;
    reply = payload;
    reply_size = size;
}
