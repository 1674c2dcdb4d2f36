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

static void ring_write(const char *text, size_t len)
{
    size_t done = 0;
    bool enabled = pv_events_save(); /* for event handlers print, too */

    pv_spin_lock(&ring_lock);
    while (done < len) {
        uint32_t prod = ring->out_prod;
        uint32_t cons = __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);
        size_t start = done;

        while (done < len && prod - cons < sizeof(ring->out))
            ring->out[MASK_XENCONS_IDX(prod++, ring->out)] = text[done++];
        __atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
        pv_notify(pv_start_info->console.domU.evtchn);
        if (done == start)
            HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    }
    pv_spin_unlock(&ring_lock);
    pv_events_restore(enabled);
}

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

void pv_console_write(const char *text, size_t len)
{
    if (ring)
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

_Noreturn void pv_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    pv_vprintf(format, args);
    va_end(args);
    guest_exit(SHUTDOWN_crash);
}

void pv_console_init(void)
{
    if (!pv_is_first_domain())
        ring = pv_pfn_to_va(pv_mfn_to_pfn(pv_mfn(pv_start_info->console.domU.mfn)));
}
