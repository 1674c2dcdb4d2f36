/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes, here and on other CPUs.
 *
 * No mapping is global and no PCID is used, so a load of CR3 drops everything. A clock counts
 * flushes: each CPU notes the clock at its own, and whoever ends a use of a frame notes it too (a
 * stamp). A CPU may hold a stale translation of that frame only if it began its last flush before
 * the stamp; tlb_flush_since() makes just those CPUs flush. CR3 loads that are not noted (a
 * guest's change between kernel and user root) only make us flush once more than needed. 48 bits
 * of clock last for years at a flush a microsecond.
 */
#include "lib/atomic.h"
#include "mm/internal.h"
#include "x86/x86.h"

u64 tlb_clock = 1;                  /* atomic. 0 as a stamp means "never": never reached */
static u64 cpu_flushed[MAX_CPUS];   /* each written by its own CPU */

void tlb_load_root(u64 cr3)
{
    /* The clock moves before the flush: a stamp taken in between counts as not covered. */
    u64 before = atomic_add(&tlb_clock, 1) - 1;

    write_cr3(cr3);
    WRITE_ONCE(cpu_flushed[this_cpu_id()], before);
}

void tlb_flush_local(void)
{
    tlb_load_root(read_cr3());
}

static void flush_here(void *unused)
{
    tlb_flush_local();
}

static void flush_page_here(void *va)
{
    invlpg((unsigned long)va);
}

/* This CPU alone is the usual case, of a domain that runs nowhere else, and takes no cross-call. */
void tlb_flush_cpus(u64 cpumask)
{
    if (cpumask == BIT(this_cpu_id()))
        tlb_flush_local();
    else if (cpumask != 0)
        smp_call(cpumask, flush_here, NULL);
}

void tlb_flush_page_cpus(u64 cpumask, unsigned long va)
{
    if (!guest_range_ok(va, 1))
        return;
    if (cpumask == BIT(this_cpu_id()))
        invlpg(va);
    else if (cpumask != 0)
        smp_call(cpumask, flush_page_here, (void *)va);
}

/*
 * A CPU that flushes between the look and the call flushes twice. One that comes online meanwhile
 * starts with an empty TLB, and the frame is in no table by then.
 */
void tlb_flush_since(u64 stamp)
{
    u64 stale = 0, online = cpu_online_mask();

    for (u64 left = online; left != 0; left &= left - 1) {
        unsigned int cpu = (unsigned int)__builtin_ctzll(left);

        if (READ_ONCE(cpu_flushed[cpu]) < stamp)
            stale |= BIT(cpu);
    }
    tlb_flush_cpus(stale);
}
