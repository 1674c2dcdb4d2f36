/* SPDX-License-Identifier: MIT */
/* The beginning and the end of the domains of a run. */
#include "lifetime.h"
#include "machine.h"

void populate_all(void)
{
    for (unsigned int d = 0; d < DOMAINS; d++) {
        for (unsigned int i = 0; i < FRAMES / 3; i++) {
            mfn_t m;

            if (alloc_domain_frames(&domains[d], 0, 0, &m))
                machine_fail("no memory for domain %u", d);
        }
    }
}

static void leave_root(void)
{
    tlb_load_root(mfn_to_maddr(hv_root()).v);
}

static void drop_roots(void)
{
    for (unsigned int d = 0; d < DOMAINS; d++) {
        for (unsigned int i = 0; i < VCPUS; i++) {
            struct test_vcpu *t = &vcpus[d][i];

            while (mm_finish_put(&t->v))
                cpu_info()->softirqs = 0;
            mm_drop_roots(&t->v);
            while (t->nr_gdt > 0)
                put_page_and_type(mfn_to_page(t->gdt[--t->nr_gdt]));
        }
    }
}

void destroy_all(void)
{
    for (unsigned int cpu = 0; cpu < CPUS; cpu++)
        machine_on(cpu, leave_root);
    drop_roots();
    /*
     * What that left unfinished is with the vCPU that runs here, as it would be with a
     * toolstack's.
     */
    leave_to_guest();
    /* The first one's tables may map the other's frames: so the other ends last. */
    for (unsigned int d = 0; d < DOMAINS; d++) {
        domains[d].dying = true;
        while (mm_domain_release(&domains[d]))
            cpu_info()->softirqs = 0;
        require(domains[d].tot_pages == 0, "domain %u is gone and has %lu frames", domains[d].id,
                (unsigned long)domains[d].tot_pages);
    }
    require(heap_free_frames() == heap_total_frames(), "%lu frames are free of %lu",
            (unsigned long)heap_free_frames(), (unsigned long)heap_total_frames());
}
