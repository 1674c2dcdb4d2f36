/* SPDX-License-Identifier: MIT */
/*
 * Console output and input (pvguest/console.h).
 *
 * Text of one pv_printf goes out in one piece: for a ring `ring_lock` sees to that, for the first
 * domain the hypervisor does.  A ring's indices run freely and wrap; the peer's are read with
 * acquire, ours written with release after the bytes.
 */
#include "internal.h"
#include <xen/io/console.h>

static struct xencons_interface *ring; /* NULL in the first domain */
static struct pv_spinlock ring_lock = PV_SPINLOCK_INIT;
static pv_console_writer_t *writer;

static size_t ring_room(void)
{
    return sizeof(ring->out) -
           (ring->out_prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE));
}

/* Writes what there is room for; `ring_lock` is held. */
static size_t ring_put(const char *text, size_t len)
{
    uint32_t prod = ring->out_prod;
    size_t room = ring_room(), done = 0;

    while (done < len && done < room)
        ring->out[MASK_XENCONS_IDX(prod++, ring->out)] = text[done++];
    __atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
    pv_notify(pv_start_info->console.domU.evtchn);
    return done;
}

/*
 * Waits for a backend that is slow; one that is dead keeps us here, and the guest has no other
 * voice.
 */
static void ring_write(const char *text, size_t len)
{
    bool enabled = pv_events_save(); /* for event handlers print, too */

    pv_spin_lock(&ring_lock);
    while (len > 0) {
        size_t done = ring_put(text, len);

        text += done;
        len -= done;
        if (!done)
            HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    }
    pv_spin_unlock(&ring_lock);
    pv_events_restore(enabled);
}

/* One reader at a time: the guest sees to that. */
static size_t ring_read(char *buffer, size_t size)
{
    uint32_t cons = ring->in_cons;
    uint32_t prod = __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE);
    size_t done = 0;

    while (done < size && cons != prod)
        buffer[done++] = ring->in[MASK_XENCONS_IDX(cons++, ring->in)];
    __atomic_store_n(&ring->in_cons, cons, __ATOMIC_RELEASE);
    if (done)
        pv_notify(pv_start_info->console.domU.evtchn);
    return done;
}

size_t pv_console_room(void)
{
    return ring ? ring_room() : SIZE_MAX;
}

size_t pv_console_put(const char *text, size_t len)
{
    bool enabled;
    size_t done;

    if (!ring) {
        HYPERVISOR_console_io(CONSOLEIO_write, len, (char *)text);
        return len;
    }
    enabled = pv_events_save();
    pv_spin_lock(&ring_lock);
    done = ring_put(text, len);
    pv_spin_unlock(&ring_lock);
    pv_events_restore(enabled);
    return done;
}

void pv_console_redirect(pv_console_writer_t *new_writer)
{
    writer = new_writer;
}

/* A guest with a terminal of its own has the text go through that. */
void pv_console_write(const char *text, size_t len)
{
    if (writer)
        writer(text, len);
    else if (ring)
        ring_write(text, len);
    else
        HYPERVISOR_console_io(CONSOLEIO_write, len, (char *)text);
}

size_t pv_console_read(char *buffer, size_t size)
{
    long n;

    if (ring)
        return ring_read(buffer, size);
    n = HYPERVISOR_console_io(CONSOLEIO_read, size, buffer);
    return n > 0 ? (size_t)n : 0;
}

int pv_vprintf(const char *format, va_list args)
{
    char text[PV_PRINTF_MAX];
    int len = vsnprintf(text, sizeof(text), format, args);

    if (len > 0)
        pv_console_write(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
    return len;
}

int pv_printf(const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = pv_vprintf(format, args);
    va_end(args);
    return len;
}

/* Past whatever writer there is, which may be what is broken. */
_Noreturn void pv_panic(const char *format, ...)
{
    va_list args;

    writer = NULL;
    va_start(args, format);
    pv_vprintf(format, args);
    va_end(args);
    guest_exit(SHUTDOWN_crash);
}

/* The page is one of the builder's, so it has its home already. */
void pv_console_init(void)
{
    if (!pv_is_first_domain())
        ring = pv_pfn_to_va(pv_mfn_to_pfn(pv_mfn(pv_start_info->console.domU.mfn)));
}
