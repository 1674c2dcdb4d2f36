/* SPDX-License-Identifier: MIT */
/*
 * Work that a CPU does before it leaves to a guest, or sleeps. Interrupt handlers and other CPUs
 * only set a bit; do_softirqs() does the work on the way out, when no lock is held.
 */
#include "domain/internal.h"
#include "event/event.h"
#include "lib/atomic.h"
#include "x86/platform.h"

static void console_input(void)
{
    if (first_domain)
        send_global_virq(first_domain, VIRQ_CONSOLE);
}

static void nothing(void)
{
}

static void (*const handlers[SOFTIRQ_COUNT])(void) = {
    [SOFTIRQ_TIMER]       = timer_run_expired,
    [SOFTIRQ_CONSOLE]     = console_input,
    [SOFTIRQ_EXIT]        = nothing,
    [SOFTIRQ_DOM_EXC]     = tell_dom_exc,
    [SOFTIRQ_PARK]        = park_softirq,
    [SOFTIRQ_RETIRE]      = retire_softirq,
    [SOFTIRQ_MACHINE_END] = machine_end,
    [SOFTIRQ_SCHEDULE]    = schedule,
};

void raise_softirq_on(unsigned int cpu, enum softirq nr)
{
    u32 bit = 1u << nr;

    /* Whoever found the bit clear kicks; the CPU looks at its bits after it has taken the kick. */
    if (cpu == this_cpu_id())
        raise_softirq(nr);
    else if (!(atomic_or(&stack_cpu_info(cpu)->softirqs, bit) & bit))
        smp_kick(cpu);
}

/*
 * In the order of the list, the lowest first, and begun anew after each: schedule() comes when
 * nothing else is left, since it may not return. New kinds of work may come at any time; each CPU
 * does only its own.
 */
void do_softirqs(void)
{
    u32 pending;

    while ((pending = READ_ONCE(cpu_info()->softirqs)) != 0) {
        unsigned int nr = (unsigned int)__builtin_ctz(pending);

        /*
         * Cleared before the work, which may not come back, and may be asked for again meanwhile.
         */
        atomic_and(&cpu_info()->softirqs, ~(1u << nr));
        handlers[nr]();
    }
}
