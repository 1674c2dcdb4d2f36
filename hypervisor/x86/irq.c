/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: from a vector to who handles it. They come in only from a guest, in irq_window()
 * and in the idle loop, and on a CPU's own stack; a handler notes work (a softirq, a pending
 * event) and returns, with interrupts off throughout. No lock is held where they come in, so it
 * may take those that raising an event takes.
 */
#include "domain/domain.h"
#include "lib/printk.h"
#include "x86/platform.h"

#define FIRST_VECTOR 0x20               /* below are exceptions: traps.c */

/*
 * Set up before anything can raise the vector. One that is given back may still come once more, if
 * it was on its way: then nobody handles it.
 */
static struct handler {
    void (*fn)(void *arg);
    void *arg;
} handlers[256];

static u32 irq_unknown, apic_error_count;

/* ---- the interrupts of the local APIC ---- */

static void on_timer(void *arg __maybe_unused)
{
    apic_timer_fired();
    raise_softirq(SOFTIRQ_TIMER);
}

/* Whoever sent it set a softirq bit or an event: it was enough to come in. */
static void on_event_check(void *arg __maybe_unused)
{
}

static void on_call(void *arg __maybe_unused)
{
    smp_serve_calls();
}

static void on_error(void *arg __maybe_unused)
{
    u32 errors = apic_take_errors();

    if (apic_error_count++ < 10)
        pr_warn("CPU %u: local APIC error 0x%x", this_cpu_id(), errors);
}

/* ---- dispatch ---- */

/* Told a few times only: a device that nobody drives could fill the console. */
static void unknown_interrupt(u8 vector)
{
    if (irq_unknown++ < 10)
        pr_warn("CPU %u: nobody handles interrupt vector 0x%x", this_cpu_id(), vector);
    /* A spurious one of the old controllers never was in the APIC. */
    if (apic_in_service(vector))
        apic_eoi();
}

/*
 * Hot. The end of interrupt comes after the handler, so the same line can't come again before the
 * handler has masked it, where that is its way (event/pirq.c). On the way back the caller looks at
 * softirqs.
 */
void irq_dispatch(struct cpu_regs *regs)
{
    u8 vector = (u8)regs->entry_vector;
    const struct handler *h = &handlers[vector];
    void (*fn)(void *arg) = READ_ONCE(h->fn);   /* another CPU may give the vector back just now */

    if (unlikely(!fn)) {
        if (vector != VECTOR_SPURIOUS)
            unknown_interrupt(vector);
        return;
    }
    fn(h->arg);
    apic_eoi();
}

void irq_set_handler(u8 vector, void (*handler)(void *), void *arg)
{
    handlers[vector].arg = arg;
    WRITE_ONCE(handlers[vector].fn, handler);
}

/* The first that is free. Who gives one back has seen to it that its device raises it no more. */
int irq_vector_get(void (*handler)(void *), void *arg)
{
    for (unsigned int v = VECTOR_DEVICE_FIRST; v <= VECTOR_DEVICE_LAST; v++) {
        if (handlers[v].fn)
            continue;
        irq_set_handler((u8)v, handler, arg);
        return (int)v;
    }
    return -ENOSPC;
}

void irq_vector_put(u8 vector)
{
    WRITE_ONCE(handlers[vector].fn, NULL);
}

int irq_claim_masked(unsigned int gsi, void (*handler)(void *), void *arg)
{
    int vector = irq_vector_get(handler, arg), rc;

    if (vector < 0)
        return vector;
    rc = ioapic_route(gsi, (u8)vector);
    if (rc) {
        irq_vector_put((u8)vector);
        return rc;
    }
    return vector;
}

void irq_unclaim(unsigned int gsi, u8 vector)
{
    ioapic_unroute(gsi);
    irq_vector_put(vector);
}

int irq_claim(unsigned int gsi, void (*handler)(void *), void *arg)
{
    int rc = irq_claim_masked(gsi, handler, arg);

    if (rc < 0)
        return rc;
    ioapic_mask(gsi, false);
    return 0;
}

/* ---- set-up ---- */

#define PIC1_COMMAND 0x20
#define PIC1_DATA    0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA    0xa1

/*
 * The two 8259s: moved away from the exceptions' vectors first, since even a masked one can still
 * raise its spurious interrupt; then every line is masked.
 */
static void pic_disable(void)
{
    outb(PIC1_COMMAND, 0x11);           /* initialise: cascaded, ICW4 follows */
    outb(PIC2_COMMAND, 0x11);
    outb(PIC1_DATA, FIRST_VECTOR);
    outb(PIC2_DATA, FIRST_VECTOR + 8);
    outb(PIC1_DATA, 4);                 /* the second one is on line 2 */
    outb(PIC2_DATA, 2);
    outb(PIC1_DATA, 1);                 /* 8086 mode */
    outb(PIC2_DATA, 1);
    outb(PIC1_DATA, 0xff);
    outb(PIC2_DATA, 0xff);
}

void irq_init(void)
{
    pic_disable();
    ioapic_init();
    irq_set_handler(VECTOR_TIMER, on_timer, NULL);
    irq_set_handler(VECTOR_EVENT_CHECK, on_event_check, NULL);
    irq_set_handler(VECTOR_CALL, on_call, NULL);
    irq_set_handler(VECTOR_ERROR, on_error, NULL);
}
