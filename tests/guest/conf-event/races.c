/* SPDX-License-Identifier: MIT */
/* Commands that meet each other, on two vCPUs, and errors half way. */
#include "../lib/frame.h"
#include "fifo.h"

/* Rounds of a race: so many, or as there is time for; but some on either side. */
#define SECONDS 10
#define FEWEST  10

static volatile bool going;
static uint64_t enough;
static volatile unsigned int rounds;
static void *spare;

static long op(int cmd, void *arg)
{
    return HYPERVISOR_event_channel_op(cmd, arg);
}

static bool start_second(int (*fn)(void *arg), void *arg)
{
    if (pv_nr_vcpus() < 2) {
        conf_skip("the domain has one vCPU");
        return false;
    }
    going = true;
    rounds = 0;
    enough = pv_system_time() + SECONDS * PV_NS_PER_SEC;
    return EXPECT_EQ(pv_start_vcpu(1, fn, arg), 0);
}

/*
 * On a host that has one processor for both vCPUs each lock that they both want costs a turn of its
 * scheduler.
 */
static bool another_round(unsigned int done, unsigned int most)
{
    if (done <= FEWEST || rounds <= FEWEST)
        return true;
    return done < most && pv_system_time() < enough;
}

static void stop_second(void)
{
    going = false;
    while (pv_vcpu_is_up(1))
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    EXPECT_TRUE(rounds > FEWEST);
}

/* No port is in use, and nothing pending. */
static void reset_all(void)
{
    struct evtchn_reset reset = { .dom = DOMID_SELF };

    EXPECT_EQ(op(EVTCHNOP_reset, &reset), 0);
    memset(pv_shared_info->evtchn_pending, 0, sizeof(pv_shared_info->evtchn_pending));
    pv_this_vcpu()->info->evtchn_pending_sel = 0;
    pv_this_vcpu()->info->evtchn_upcall_pending = 0;
}

/* Errors are as good as success here: what counts is that nothing is left, or lost. */
static int expands(void *arg)
{
    (void)arg;
    while (going) {
        (void)fifo_init(spare, 0, 0);
        (void)fifo_expand(spare);
        rounds++;
    }
    return 0;
}

static long pin_l1(void *page, unsigned int cmd)
{
    struct mmuext_op pin = { .cmd = cmd, .arg1.mfn = pv_va_to_mfn(page).nr };

    return HYPERVISOR_mmuext_op(&pin, 1, NULL, DOMID_SELF);
}

CASE(race_expand_reset, "XSA-505: init_control and expand_array while another vCPU resets: no page "
     "stays held in the end",
     "security.fifo_expand_reset:refused")
{
    struct evtchn_reset reset = { .dom = DOMID_SELF };

    spare = pv_alloc_table();
    EXPECT_EQ(pv_update_va((uint64_t)spare, pv_pte(pv_va_to_mfn(spare), PV_PROT_RW), UVMF_INVLPG),
              0);
    if (!start_second(expands, NULL))
        return;
    for (unsigned int i = 0; another_round(i, 2000); i++)
        (void)op(EVTCHNOP_reset, &reset);
    stop_second();
    EXPECT_EQ(op(EVTCHNOP_reset, &reset), 0);
    memset(spare, 0, PV_PAGE_SIZE);
    EXPECT_EQ(pv_update_va((uint64_t)spare, pv_pte(pv_va_to_mfn(spare), PV_PROT_RO), UVMF_INVLPG),
              0);
    EXPECT_EQ(pin_l1(spare, MMUEXT_PIN_L1_TABLE), 0);
    EXPECT_EQ(pin_l1(spare, MMUEXT_UNPIN_TABLE), 0);
    EXPECT_EQ(pv_free_table(spare), 0);
}

/* Sends to, asks for and unmasks ports that come and go. */
static int meddles(void *arg)
{
    (void)arg;
    while (going) {
        for (evtchn_port_t port = 1; port < 24; port++) {
            struct evtchn_status st = { .dom = DOMID_SELF, .port = port };
            struct evtchn_unmask unmask = { .port = port };
            struct evtchn_bind_vcpu move = { .port = port, .vcpu = 0 };

            (void)pv_notify(port);
            (void)op(EVTCHNOP_status, &st);
            (void)op(EVTCHNOP_unmask, &unmask);
            (void)op(EVTCHNOP_bind_vcpu, &move);
        }
        rounds++;
    }
    return 0;
}

CASE(race_bind_send, "XSA-340, 343: ports are bound, joined, closed and reset while another vCPU "
     "sends to them: each is whole whenever it is looked at",
     "security.event_half_made:refused")
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };
    struct evtchn_reset reset = { .dom = DOMID_SELF };
    struct evtchn_close close;

    if (!start_second(meddles, NULL))
        return;
    for (unsigned int i = 0; another_round(i, 3000); i++) {
        struct evtchn_bind_ipi ipi = { .vcpu = 0 };

        if (!EXPECT_EQ(op(EVTCHNOP_alloc_unbound, &alloc), 0))
            break;
        bind.remote_port = alloc.port;
        if (!EXPECT_EQ(op(EVTCHNOP_bind_interdomain, &bind), 0) ||
            !EXPECT_EQ(op(EVTCHNOP_bind_ipi, &ipi), 0))
            break;
        close.port = i % 2 ? alloc.port : bind.local_port;
        EXPECT_EQ(op(EVTCHNOP_close, &close), 0);
        if (i % 4 == 0)
            EXPECT_EQ(op(EVTCHNOP_reset, &reset), 0);
    }
    stop_second();
    reset_all();
}

/* Comes to FIFO events and goes back, with ports in use, and with a table that comes and goes. */
static int never_still(void *arg)
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_reset reset = { .dom = DOMID_SELF };
    struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };

    while (going) {
        (void)fifo_init(spare, 0, pv_vcpu_id());
        (void)fifo_expand(spare);
        for (unsigned int i = 0; i < 4 && op(EVTCHNOP_alloc_unbound, &alloc) == 0; i++) {
            bind.remote_port = alloc.port;
            (void)op(EVTCHNOP_bind_interdomain, &bind);
            (void)fifo_priority((int)bind.local_port, i);
            (void)pv_notify((int)alloc.port);
        }
        (void)pin_l1(arg, MMUEXT_PIN_L1_TABLE);
        (void)pin_l1(arg, MMUEXT_UNPIN_TABLE);
        (void)op(EVTCHNOP_reset, &reset);
        rounds++;
    }
    return 0;
}

/* The harness reads what the audits print: on Pavane each must end with "ok". */
CASE(race_audit, "an audit of the whole machine, again and again while another vCPU never stands "
     "still, comes to its end and finds nothing wrong",
     "sysctl.debug_keys:other_vcpu")
{
    struct xen_sysctl keys = { .cmd = XEN_SYSCTL_debug_keys,
                               .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
    void *table = pv_alloc_table();

    spare = pv_alloc_page();
    if (!start_second(never_still, table))
        return;
    set_xen_guest_handle(keys.u.debug_keys.keys, "f");
    keys.u.debug_keys.nr_keys = 1;
    for (unsigned int i = 0; another_round(i, 20); i++)
        EXPECT_EQ(HYPERVISOR_sysctl(&keys), 0);
    stop_second();
    reset_all();
    EXPECT_EQ(pv_free_table(table), 0);
    pv_free_page(spare);
}

CASE(virq_bind_errors, "XSA-496: a bind_virq that fails leaves the port of the virtual interrupt "
     "as it was",
     "security.virq_bind_error:refused")
{
    struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER, .vcpu = 0 };
    int port = pv_bind_virq(VIRQ_TIMER, 0, NULL, NULL);
    uint64_t from;

    EXPECT_TRUE(port > 0);
    pv_mask(port);
    for (unsigned int i = 0; i < 3; i++)
        EXPECT_EQ(op(EVTCHNOP_bind_virq, &bind), -XEN_EEXIST);
    EXPECT_EQ(op(EVTCHNOP_bind_virq, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    from = pv_system_time();
    pv_set_timer(from + PV_NS_PER_MS);
    while (!pv_port_pending(port) && pv_system_time() < from + 20 * PV_NS_PER_SEC)
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    EXPECT_TRUE(pv_port_pending(port));
    EXPECT_EQ(pv_close(port), 0);
    EXPECT_EQ(op(EVTCHNOP_bind_virq, &bind), 0);
    EXPECT_EQ(bind.port, port);
    EXPECT_EQ(pv_close(bind.port), 0);
}

/* ---- A vCPU whose events are let in again by another one, all the time ---- */

#define STORM_PAGES 4096u       /* all the same one: what is pushed there is never looked at */
#define STORM_SLACK 256u        /* conf_entry looks beyond the frame */
#define FRAME_BYTES 64u         /* seven words, aligned */

/* The number of the call that is made, negative once its upcall has come; the last one seen. */
extern volatile long storm_call, storm_seen;
extern struct vcpu_info *storm_info;
extern const char storm_entry[];

/* Ends the storm, waits until the other vCPU has seen it, and goes on as any caught frame. */
__asm__(".pushsection .text\n"
        "storm_entry:\n"
        "    mov     storm_call(%rip), %rax\n"
        "    test    %rax, %rax\n"
        "    js      1f\n"
        "    neg     %rax\n"
        "    mov     %rax, storm_call(%rip)\n"
        "1:  pause\n"
        "    cmp     %rax, storm_seen(%rip)\n"
        "    jne     1b\n"
        "    mov     storm_info(%rip), %rax\n"
        "    movb    $1, 1(%rax)\n"
        "    jmp     conf_entry\n"
        ".popsection\n"
        ".pushsection .bss\n"
        ".balign 8\n"
        "storm_call: .skip 8\n"
        "storm_seen: .skip 8\n"
        "storm_info: .skip 8\n"
        ".popsection\n");

static int lets_in(void *arg)
{
    volatile struct vcpu_info *info = storm_info;

    (void)arg;
    while (going) {
        long call = storm_call;

        while (storm_call > 0) {
            info->evtchn_upcall_pending = 1;
            __asm__ volatile(".rept 256; movb $0, (%0); .endr"
                             : : "r"(&info->evtchn_upcall_mask) : "memory");
        }
        storm_seen = call;
        rounds++;
    }
    return 0;
}

/* Hypercalls on a stack that ends at `top`, until an upcall comes. */
static void call_on(void *top)
{
    storm_call = 1 - storm_call;        /* the last one's was turned */
    __asm__ volatile("mov %0, %%rsp; 1: mov %1, %%eax; xor %%edi, %%edi; syscall; jmp 1b"
                     : : "r"(top), "i"(__HYPERVISOR_xen_version) : "memory");
}

/* The stack of the callback's frames, many times the same page; where it begins, or 0. */
static uint64_t endless_stack(void *page)
{
    uint64_t va = pv_vmap_alloc(STORM_PAGES);

    for (unsigned int i = 0; va && i < STORM_PAGES; i++)
        if (!EXPECT_EQ(pv_map(va + i * PV_PAGE_SIZE, pv_va_to_mfn(page), PV_PROT_RW), 0))
            return 0;
    return va + STORM_PAGES * PV_PAGE_SIZE - STORM_SLACK;
}

CASE(race_upcall_mask, "another vCPU lets this one's events in again as soon as an upcall has "
     "masked them: a hypercall ends with one frame, not with as many as the stack takes",
     "upcall.mask:other_vcpu")
{
    /* On Xen most of these calls do, and take their time. */
    const unsigned int calls = conf_on_pavane() ? 10000 : 20;
    void *page = pv_alloc_page();
    uint64_t top = endless_stack(page);
    unsigned int ended = 0, more = 0;

    storm_info = pv_this_vcpu()->info;
    storm_call = 0;
    if (!top || !start_second(lets_in, NULL))
        return;
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_event, storm_entry, 0), 0);
    for (unsigned int i = 0; i < calls; i++) {
        ended += conf_catch(call_on, (void *)top);
        more += top - conf_frame.at > FRAME_BYTES;
    }
    stop_second();
    pv_events_disable();
    storm_info->evtchn_upcall_pending = 0;
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_event, NULL, 0), 0);
    EXPECT_EQ(ended, calls);
    /* An interrupt in the handler is a way out, too. */
    if (conf_on_pavane())
        EXPECT_TRUE(more <= 1);
    EXPECT_EQ(pv_unmap(top + STORM_SLACK - STORM_PAGES * PV_PAGE_SIZE, STORM_PAGES), 0);
    pv_free_page(page);
}
