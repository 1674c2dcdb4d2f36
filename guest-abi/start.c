/* SPDX-License-Identifier: MIT */
/*
 * From start.S to guest_main: the per-vCPU block, shared_info, entries, memory, console.  None of
 * these steps can fail on a hypervisor that keeps the ABI; where one does, there is no console to
 * say so yet, and the domain crashes.
 */
#include "internal.h"

const struct start_info *pv_start_info;
struct shared_info *pv_shared_info;

/* The address that shared_info gets; the page behind it is given up. */
static char shared_info_page[PV_PAGE_SIZE] __attribute__((aligned(4096)));

_Noreturn void guest_exit(unsigned int reason)
{
    struct sched_shutdown op = { .reason = reason };

    HYPERVISOR_sched_op(SCHEDOP_shutdown, &op);
    /* Only an unknown reason comes back. */
    op.reason = SHUTDOWN_crash;
    for (;;)
        HYPERVISOR_sched_op(SCHEDOP_shutdown, &op);
}

/*
 * It is the hypervisor's frame, so it has no home: the page that lies there in the image makes
 * room.
 */
static bool map_shared_info(void)
{
    uint64_t pte = pv_start_info->shared_info | PV_PTE_P | PV_PTE_RW | PV_PTE_A | PV_PTE_D;

    if (pv_update_va((uint64_t)shared_info_page, pte, UVMF_INVLPG))
        return false;
    pv_shared_info = (struct shared_info *)shared_info_page;
    return true;
}

/*
 * From start.S. In this order: what %gs needs, what events need, memory, a voice, and then traps.
 */
_Noreturn void pv_start(const struct start_info *si)
{
    struct pv_vcpu *vcpu = pv_vcpu_by_id(0);

    pv_start_info = si;
    if (HYPERVISOR_set_segment_base(SEGBASE_GS_KERNEL, (uint64_t)vcpu) || !map_shared_info())
        guest_exit(SHUTDOWN_crash);
    vcpu->info = &pv_shared_info->vcpu_info[0];
    pv_pages_init();
    pv_console_init();
    pv_time_init();
    if (pv_traps_init())
        pv_panic("pvguest: the hypervisor refused the trap table or a callback\n");
    guest_exit(guest_main(si));
}

/* Words are separated by blanks; the first of that name counts. Cut to what there is room for. */
bool pv_option(const char *name, char *value, size_t size)
{
    const char *word = (const char *)pv_start_info->cmd_line;
    size_t len = strlen(name);

    while (*word) {
        const char *end = word;

        while (*end && *end != ' ')
            end++;
        if (!strncmp(word, name, len) && (word + len == end || word[len] == '=')) {
            const char *text = word + len + (word + len != end);
            size_t n = (size_t)(end - text) < size - 1 ? (size_t)(end - text) : size - 1;

            memcpy(value, text, n);
            value[n] = '\0';
            return true;
        }
        word = *end ? end + 1 : end;
    }
    return false;
}
