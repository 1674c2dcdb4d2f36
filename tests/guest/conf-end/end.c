/* SPDX-License-Identifier: MIT */
/*
 * What only the domain itself suffers for. Each case, run alone in a boot of its own, ends the
 * domain: its verdict is that the hypervisor says so and nothing else (tests/harness/ends.py). A
 * case that comes back has failed.
 */
#include <xen/platform.h>

#include "../lib/case.h"
#include "../lib/frame.h"

CONF_GUEST("conf-end");

#define STILL_HERE() EXPECT_TRUE(!"the domain should have ended")

static void fault_on_stack(uint64_t rsp)
{
    __asm__ volatile("mov %0, %%rsp; ud2" : : "r"(rsp) : "memory");
    STILL_HERE();
}

CASE(end_bad_stack, "an exception on a stack that is not mapped ends the domain",
     "end.bad_stack:crash")
{
    fault_on_stack(CONF_EMPTY_VA + 4096);
}

CASE(end_hypervisor_stack, "an exception on a stack in the hypervisor's range ends the domain",
     "end.bad_stack:crash")
{
    fault_on_stack(CONF_HYPERVISOR_VA + 4096);
}

CASE(end_m2p_stack, "so does one on a stack in the machine-to-physical table",
     "end.bad_stack:crash")
{
    fault_on_stack(HYPERVISOR_VIRT_START + 4096);
}

CASE(end_edge_stack, "and one whose frame would reach into the hypervisor's range from above",
     "end.bad_stack:crash")
{
    fault_on_stack(HYPERVISOR_VIRT_END + 16);
}

/* Where the hypervisor's own map of all memory has a page of ours. */
static uint64_t in_direct_map(const void *page)
{
    return CONF_HYPERVISOR_VA + (pv_va_to_mfn(page).nr << PV_PAGE_SHIFT);
}

CASE(end_direct_map_stack, "and one on a stack in the hypervisor's map of all memory, which it "
     "could itself write to", "end.bad_stack:crash")
{
    fault_on_stack(in_direct_map(pv_alloc_page()) + 2048);
}

CASE(end_not_canonical_stack, "and one on a stack that is not canonical", "end.bad_stack:crash")
{
    fault_on_stack(CONF_BAD_VA + 4096);
}

CASE(end_read_only_stack, "and one on a stack that the guest may only read", "end.bad_stack:crash")
{
    fault_on_stack(pv_start_info->pt_base + 4096);
}

static void recurse(void)
{
    __asm__ volatile("1: push %%rax; jmp 1b" ::: "memory");
}

CASE(end_stack_overflow, "a stack that overflows into an unmapped page ends the domain",
     "end.stack_overflow:crash")
{
    uint64_t va = pv_vmap_alloc(3);

    EXPECT_EQ(pv_map(va + PV_PAGE_SIZE, pv_va_to_mfn(pv_alloc_page()), PV_PROT_RW), 0);
    __asm__ volatile("mov %0, %%rsp; jmp *%1"
                     : : "r"(va + 2 * PV_PAGE_SIZE), "r"(recurse) : "memory");
    STILL_HERE();
}

static void iret_at(uint64_t rsp)
{
    __asm__ volatile("mov %0, %%rsp; mov %1, %%eax; syscall"
                     : : "r"(rsp), "i"(__HYPERVISOR_iret) : "rax", "memory");
    STILL_HERE();
}

CASE(end_iret_unmapped, "iret with a frame that is not mapped ends the domain",
     "end.iret_bad_frame:crash")
{
    iret_at(CONF_EMPTY_VA);
}

CASE(end_iret_hypervisor, "so does one with a frame in the hypervisor's range",
     "end.iret_bad_frame:crash")
{
    iret_at(CONF_HYPERVISOR_VA);
}

static void came_back(void)
{
    STILL_HERE();
    guest_exit(SHUTDOWN_reboot);
}

CASE(end_iret_direct_map, "and one with a frame that the hypervisor could read",
     "end.iret_bad_frame:crash")
{
    struct iret_context *frame = pv_alloc_page();

    *frame = (struct iret_context){
        .rip = (uint64_t)came_back, .cs = FLAT_KERNEL_CS & ~3, .rflags = 2,
        .rsp = (uint64_t)pv_alloc_page() + 4088, .ss = FLAT_KERNEL_SS,
    };
    iret_at(in_direct_map(frame));
}

CASE(end_no_handler, "an exception without a handler ends the domain", "end.no_handler:crash")
{
    EXPECT_EQ(HYPERVISOR_set_trap_table(NULL), 0);
    __asm__ volatile("ud2");
    STILL_HERE();
}

CASE(end_no_user_root, "a return to user mode without a user root ends the domain",
     "end.no_user_root:crash")
{
    conf_enter_user(PV_USER_BASE, PV_RFLAGS_IF);
    STILL_HERE();
}

CASE(end_shutdown, "shutdown with the reason crash ends the domain", "sched_op.shutdown:effect")
{
    guest_exit(SHUTDOWN_crash);
}

CASE(end_last_down, "the last vCPU that goes down ends the domain, as a power-off",
     "vcpu_op.down:last")
{
    HYPERVISOR_vcpu_op(VCPUOP_down, 0, NULL);
    STILL_HERE();
}

CASE(end_watchdog, "a watchdog that is not set again in time ends the domain",
     "sched_op.watchdog:expiry")
{
    struct sched_watchdog watchdog = { .timeout = 1 };
    uint64_t deadline = pv_system_time() + 60 * PV_NS_PER_SEC;

    EXPECT_EQ(HYPERVISOR_sched_op(SCHEDOP_watchdog, &watchdog), 1);
    while (pv_system_time() < deadline)
        HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    STILL_HERE();
}

CASE(end_acpi, "enter_acpi_sleep with state 5 powers the machine off",
     "platform_op.enter_acpi_sleep:effect")
{
    struct xen_platform_op op = {
        .cmd = XENPF_enter_acpi_sleep, .interface_version = XENPF_INTERFACE_VERSION,
        .u.enter_acpi_sleep = { .val_a = 1 << 13, .sleep_state = 5 },
    };

    EXPECT_EQ(HYPERVISOR_platform_op(&op), 0);
    STILL_HERE();
}
