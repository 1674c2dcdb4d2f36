/* SPDX-License-Identifier: MIT */
/*
 * A guest for tests of the toolstack. Its command line's role= says what it does:
 *
 *   store    talks to the xenstore on its ring, and says each answer
 *   spin     never gives its processor back
 *   flood    prints for ever
 *   garbage  sets the indices of both its rings to nonsense
 *   deaf     asks the xenstore for ever, and never reads an answer
 *   crash    ends as crashed
 *
 * It says "role ROLE token TOKEN" first, the sum of its ramdisk if it has one, and "role ROLE done"
 * if there is an end.
 */
#include <pvguest/guest.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>

static struct xenstore_domain_interface *store;

static void notify_store(void)
{
    pv_notify(pv_start_info->store_evtchn);
}

static void send_bytes(const void *data, size_t size)
{
    const char *from = data;
    uint32_t prod = store->req_prod;

    for (size_t i = 0; i < size; i++) {
        while (prod - __atomic_load_n(&store->req_cons, __ATOMIC_ACQUIRE) == XENSTORE_RING_SIZE)
            HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
        store->req[MASK_XENSTORE_IDX(prod++)] = from[i];
        __atomic_store_n(&store->req_prod, prod, __ATOMIC_RELEASE);
        if (prod % XENSTORE_RING_SIZE == 0)
            notify_store();
    }
    notify_store();
}

static void receive_bytes(void *data, size_t size)
{
    char *to = data;
    uint32_t cons = store->rsp_cons;

    for (size_t i = 0; i < size; i++) {
        while (__atomic_load_n(&store->rsp_prod, __ATOMIC_ACQUIRE) == cons) {
            notify_store();
            HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
        }
        to[i] = store->rsp[MASK_XENSTORE_IDX(cons++)];
        __atomic_store_n(&store->rsp_cons, cons, __ATOMIC_RELEASE);
    }
    notify_store();
}

static void send_request(uint32_t type, const char *payload, size_t size)
{
    struct xsd_sockmsg header = { .type = type, .len = (uint32_t)size };

    send_bytes(&header, sizeof(header));
    send_bytes(payload, size);
}

/* Prints a message; zeros in it as '|', and of a long one only its size. */
static void show_answer(void)
{
    static char payload[XENSTORE_PAYLOAD_MAX + 1];
    struct xsd_sockmsg header;

    receive_bytes(&header, sizeof(header));
    if (header.len > XENSTORE_PAYLOAD_MAX)
        pv_panic("an answer of %u bytes\n", header.len);
    receive_bytes(payload, header.len);
    for (uint32_t i = 0; i < header.len; i++)
        payload[i] = payload[i] ? payload[i] : '|';
    payload[header.len] = '\0';
    if (header.len > 100)
        pv_printf("answer %u: %u bytes, last %c\n", header.type, header.len,
                  payload[header.len - 1]);
    else
        pv_printf("answer %u: %s\n", header.type, payload);
}

#define ASK(type, text)                               \
    do {                                              \
        send_request(XS_##type, text, sizeof(text));  \
        show_answer();                                \
    } while (0)

static int play_store(void)
{
    static char large[2000 + 7] = "data/l"; /* more than a ring holds */

    ASK(READ, "name");
    ASK(WRITE, "name\0other");
    ASK(READ, "/local/domain/0/name");
    ASK(WRITE, "data/x\0value");
    ASK(READ, "data/x");
    memset(large + 7, 'v', sizeof(large) - 7);
    send_request(XS_WRITE, large, sizeof(large));
    show_answer();
    ASK(READ, "data/l");
    ASK(WATCH, "data\0mark");
    show_answer();
    ASK(MKDIR, "data/deep/er");
    show_answer();
    return SHUTDOWN_poweroff;
}

static _Noreturn int play_spin(void)
{
    for (;;)
        __asm__ __volatile__("pause");
}

static _Noreturn int play_flood(void)
{
    for (;;)
        pv_printf("water water water water water water water water water water water\n");
}

static _Noreturn int play_garbage(void)
{
    pv_mfn_t mfn = pv_mfn(pv_start_info->console.domU.mfn);
    struct xencons_interface *console = pv_pfn_to_va(pv_mfn_to_pfn(mfn));

    store->req_prod = store->req_cons + 4096;
    store->rsp_cons = store->rsp_prod + 12345;
    notify_store();
    console->out_prod = console->out_cons - 1;
    console->in_cons = console->in_prod + 99;
    pv_notify(pv_start_info->console.domU.evtchn);
    for (;;)
        pv_block();
}

static _Noreturn int play_deaf(void)
{
    for (;;)
        send_request(XS_READ, "name", sizeof("name"));
}

static int play_crash(void)
{
    return SHUTDOWN_crash;
}

/* So that the test can tell whether all of it arrived. */
static void show_ramdisk(const struct start_info *si)
{
    const unsigned char *byte = (const unsigned char *)si->mod_start;
    uint32_t sum = 0;

    if (!si->mod_len || si->flags & SIF_MOD_START_PFN)
        return;
    for (unsigned long i = 0; i < si->mod_len; i++)
        sum = sum * 31 + byte[i];
    pv_printf("ramdisk %lu bytes, sum %08x\n", si->mod_len, sum);
}

int guest_main(const struct start_info *si)
{
    static const struct {
        const char *name;
        int (*play)(void);
    } roles[] = {
        { "store", play_store }, { "spin", play_spin }, { "flood", play_flood },
        { "garbage", play_garbage }, { "deaf", play_deaf }, { "crash", play_crash },
    };
    char role[16] = "none", token[64] = "none";
    int end;

    store = pv_pfn_to_va(pv_mfn_to_pfn(pv_mfn(si->store_mfn)));
    pv_option("role", role, sizeof(role));
    pv_option("token", token, sizeof(token));
    pv_printf("role %s token %s\n", role, token);
    show_ramdisk(si);
    for (size_t i = 0; i < PV_ARRAY_SIZE(roles); i++) {
        if (strcmp(roles[i].name, role))
            continue;
        end = roles[i].play();
        pv_printf("role %s done\n", role);
        return end;
    }
    return SHUTDOWN_crash;
}
