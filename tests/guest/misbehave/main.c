/* SPDX-License-Identifier: MIT */
/*
 * A guest that does not do what a guest should, in the way that `how=` on its command line names.
 * Whatever it does, the control domain must be able to go on and to end it.
 */
#include <pvguest/guest.h>

/* Never lets go of its vCPU, lets no event in, never looks at its console's input. */
static void spin(void)
{
    for (;;)
        pv_barrier();
}

/* Writes to its console as fast as the ring takes it. */
static void flood(void)
{
    for (unsigned long i = 0;; i++)
        pv_printf("line %lu of a flood that does not end\n", i);
}

static void crash(void)
{
    __asm__ volatile("ud2");
}

/* Its ring's indices promise more than a ring holds, and change all the time. */
static void lie(void)
{
    pv_pfn_t pfn = pv_mfn_to_pfn(pv_mfn(pv_start_info->console.domU.mfn));
    volatile uint32_t *words = pv_pfn_to_va(pfn);

    for (uint32_t i = 0;; i++) {
        /* The four indices are the last words before the page's unused end (xen/io/console.h). */
        for (unsigned int w = (1024 + 2048) / 4; w < (1024 + 2048) / 4 + 4; w++)
            words[w] = i * 2654435761u;
        pv_notify(pv_start_info->console.domU.evtchn);
    }
}

int guest_main(const struct start_info *si)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = { { "spin", spin }, { "flood", flood }, { "crash", crash }, { "lie", lie } };
    char how[16] = "";

    (void)si;
    pv_option("how", how, sizeof(how));
    pv_printf("misbehave: %s\n", how);
    for (size_t i = 0; i < PV_ARRAY_SIZE(ways); i++) {
        if (!strcmp(ways[i].name, how))
            ways[i].run();
    }
    return SHUTDOWN_poweroff;
}
